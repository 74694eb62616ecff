/* What came and never went back, and when it will be too much. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "coordinator/accumulate.h"
#include "coordinator/forecast.h"
#include "tests/unit/coordinator/world.h"

#define EVERY SECONDS(10)
#define MINUTE SECONDS(60)
#define HOUR SECONDS(3600)

static struct core *core;
static struct series series;
static int64_t now;

static int set_up(void **state)
{
        (void)state;
        series_begin(&series, false);
        now = T0;
        return core_new(&(struct core_options){ .coordinator = 1 }, &core);
}

static int tear_down(void **state)
{
        (void)state;
        series_free(core, &series);
        core_free(&core);
        return 0;
}

static void hold(double value, int64_t length)
{
        for (int64_t end = now + length; now < end; now += EVERY)
                series_add(core, &series, now, value);
}

static struct accumulated look(int64_t within)
{
        struct accumulated a;

        assert_true(accumulated(&series, T0, now - EVERY, within, EVERY, &a));
        return a;
}

static void a_leak_climbs_step_by_step(void **state)
{
        struct accumulated a;

        (void)state;
        hold(0, 3 * HOUR);
        for (int i = 1; i <= 5; i++)
                hold(i, 10 * MINUTE);
        a = look(3 * MINUTE);
        assert_true(a.base == 0 && a.rise == 5 && a.first_rise == 1);
        assert_int_equal(a.times_count, 5);
        assert_in_range(a.first - T0, 3 * HOUR - MINUTE, 3 * HOUR + MINUTE);
}

/* Most of an hour is kept in cells of a minute, of which there are fewer. */
static void an_hour_is_seen_as_well_as_a_minute(void **state)
{
        struct accumulated a;

        (void)state;
        hold(0, 2 * HOUR);
        hold(1, HOUR);
        hold(2, 2 * HOUR);
        a = look(HOUR);
        assert_true(a.base == 0 && a.rise == 2);
        hold(NAN, 40 * MINUTE);
        hold(2, 10 * MINUTE);
        assert_false(accumulated(&series, T0, now - EVERY, HOUR, EVERY, &a)); /* a third of it */
}

static void what_comes_and_goes_is_none(void **state)
{
        struct accumulated a;

        (void)state;
        for (int i = 0; i < 40; i++) {
                hold(12, 7 * MINUTE);
                hold(1, MINUTE);
        }
        hold(12, 5 * MINUTE);
        a = look(10 * MINUTE);
        assert_true(a.rise == 0);
}

static void what_did_not_stay_yet_does_not_count(void **state)
{
        (void)state;
        hold(0, HOUR);
        hold(3, 2 * MINUTE);
        assert_true(look(3 * MINUTE).rise == 0);
        hold(3, 2 * MINUTE);
        assert_true(look(3 * MINUTE).rise == 3);
        assert_int_equal(look(3 * MINUTE).times_count, 1);
}

static void a_gap_is_no_evidence(void **state)
{
        struct accumulated a;

        (void)state;
        hold(0, HOUR);
        hold(1, 10 * MINUTE);
        for (int i = 0; i < 60; i++)
                series_add(core, &series, now + i, i % 2 ? NAN : INFINITY);
        now += 20 * MINUTE;
        assert_false(accumulated(&series, T0, now, 3 * MINUTE, EVERY, &a));
        hold(9, 20 * SECONDS(1));
        assert_false(accumulated(&series, T0, now, 3 * MINUTE, EVERY, &a));
        hold(1, 5 * MINUTE);
        assert_true(look(3 * MINUTE).rise == 1);
}

/* A number that is none leaves the others of its time as they are. */
static void nan_hides_nothing(void **state)
{
        (void)state;
        hold(0, HOUR);
        for (int64_t end = now + 10 * MINUTE; now < end; now += EVERY) {
                series_add(core, &series, now, 2);
                series_add(core, &series, now + 1, NAN);
                series_add(core, &series, now + 2, -INFINITY);
        }
        assert_true(look(3 * MINUTE).rise == 2);
}

static void a_clock_that_jumps_makes_nothing_rise(void **state)
{
        (void)state;
        hold(2, HOUR);
        for (int i = 0; i < 100; i++)
                series_add(core, &series, now - 30 * MINUTE + i * EVERY, 0);
        hold(2, 5 * MINUTE);
        assert_true(look(3 * MINUTE).rise == 0);
}

static struct forecast_count ten_in_an_hour(void)
{
        return (struct forecast_count){
                .events = 10, .seen = 3600e9, .span = 3600e9, .least = 40, .most = 40, .processes = 1, .together = 1
        };
}

static void a_forecast_is_an_interval_around_what_is_likely(void **state)
{
        struct forecast_count c = ten_in_an_hour(), few = c;
        struct forecast f, g;

        (void)state;
        assert_true(forecast_count(&c, T0, &f));
        assert_true(T0 < f.earliest && f.earliest < f.likely && f.likely < f.latest);
        assert_in_range(f.likely - T0, 3 * HOUR, 5 * HOUR);
        few.events = 1;
        few.seen /= 10;
        few.span /= 10;
        assert_true(forecast_count(&few, T0, &g));
        assert_true((double)(g.latest - T0) / (double)(g.earliest - T0) > (double)(f.latest - T0) / (double)(f.earliest - T0));
        few.events = 0; /* hours, or days */
        few.seen = few.span = 0;
        assert_true(forecast_count(&few, T0, &g));
        assert_true(g.earliest - T0 < HOUR && g.latest - T0 > 48 * HOUR);
        few.events = 1;
        assert_false(forecast_count(&few, T0, &g));
        few.events = -1;
        assert_false(forecast_count(&few, T0, &g));
        few.events = NAN;
        assert_false(forecast_count(&few, T0, &g));
}

static void the_night_is_slower_than_the_day(void **state)
{
        struct forecast_count c = ten_in_an_hour();
        struct forecast day, night;

        (void)state;
        c.rhythm_known = true;
        for (int i = 0; i < FORECAST_AHEAD; i++)
                c.ahead[i] = 1;
        assert_true(forecast_count(&c, T0, &day));
        for (int i = 0; i < 60; i++)
                c.ahead[i] = 0.1; /* the next ten hours */
        assert_true(forecast_count(&c, T0, &night));
        assert_true(night.likely > day.likely + 5 * HOUR);
        for (int i = 0; i < FORECAST_AHEAD; i++)
                c.ahead[i] = 0;
        assert_true(forecast_count(&c, T0, &night));
        assert_true(night.likely == day.likely);
}

static void what_is_shared_is_used_up_together(void **state)
{
        struct forecast_count c = ten_in_an_hour();
        struct forecast alone, together;

        (void)state;
        c.seen *= 4;
        assert_true(forecast_count(&c, T0, &alone));
        c.together = 4;
        assert_true(forecast_count(&c, T0, &together));
        assert_true(together.likely < alone.likely - 5 * HOUR);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        const struct CMUnitTest tests[] = {
                TEST(a_leak_climbs_step_by_step),
                TEST(an_hour_is_seen_as_well_as_a_minute),
                TEST(what_comes_and_goes_is_none),
                TEST(what_did_not_stay_yet_does_not_count),
                TEST(a_gap_is_no_evidence),
                TEST(nan_hides_nothing),
                TEST(a_clock_that_jumps_makes_nothing_rise),
                TEST(a_forecast_is_an_interval_around_what_is_likely),
                TEST(the_night_is_slower_than_the_day),
                TEST(what_is_shared_is_used_up_together),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
