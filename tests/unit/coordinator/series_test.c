/* Measurements over time at falling resolution, and what statistics make of them. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "coordinator/graph.h"
#include "coordinator/series.h"
#include "coordinator/trend.h"
#include "tests/unit/coordinator/world.h"

#define MINUTE SECONDS(60)
#define HOUR SECONDS(3600)

static struct core *core;

static int set_up(void **state)
{
        (void)state;
        return core_new(&(struct core_options){ .coordinator = 1 }, &core);
}

static int tear_down(void **state)
{
        (void)state;
        core_free(&core);
        return 0;
}

static uint64_t state_;
static double uniform(void)
{
        state_ = state_ * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        return (double)(state_ >> 11) / (double)(UINT64_C(1) << 53);
}

static void each_window_comes_from_a_level_that_spans_it(void **state)
{
        static const int64_t lengths[] = { 15 * MINUTE, 2 * HOUR, 12 * HOUR, 96 * HOUR };
        struct series s;
        double v[SERIES_POINTS_MAX];
        int64_t at;
        size_t n;

        (void)state;
        series_begin(&s, false);
        for (at = T0; at < T0 + 200 * HOUR; at += SECONDS(10))
                series_add(core, &s, at, (double)((at - T0) / MINUTE));
        for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
                double minutes = (double)(lengths[i] / MINUTE);

                assert_true(series_window(&s, at, lengths[i], v, 12, &n) == 1);
                assert_int_equal(n, 12);
                /* a line: each point is the value at its middle */
                for (size_t k = 0; k < n; k++)
                        assert_float_equal(v[k], 200 * 60 - minutes * (11.5 - (double)k) / 12, minutes / 12 + 11);
        }
        assert_float_equal(series_last(&s, at, MINUTE), 200 * 60, 1);
        series_free(core, &s);
}

static void counters_add_up_and_gauges_do_not(void **state)
{
        struct series gauge, counter;
        double v[SERIES_POINTS_MAX], sum = 0;
        size_t n;

        (void)state;
        series_begin(&gauge, false);
        series_begin(&counter, true);
        for (int64_t at = T0; at < T0 + 3 * HOUR; at += SECONDS(10)) {
                series_add(core, &gauge, at, 7);
                series_add(core, &counter, at, 2);
        }
        assert_true(series_window(&counter, T0 + 3 * HOUR, HOUR, v, 6, &n) == 1);
        for (size_t i = 0; i < n; i++)
                sum += v[i];
        assert_float_equal(sum, 2 * 360, 0.01);
        assert_true(series_window(&gauge, T0 + 3 * HOUR, HOUR, v, 6, &n) == 1);
        assert_float_equal(v[0], 7, 1e-6);
        series_free(core, &gauge);
        series_free(core, &counter);
}

/* Gaps, clocks that jump, and what is no number. */
static void what_was_not_measured_is_a_gap(void **state)
{
        struct series s;
        double v[SERIES_POINTS_MAX];
        size_t n;

        (void)state;
        series_begin(&s, false);
        assert_true(series_window(&s, T0, HOUR, v, 60, &n) == 0);
        assert_true(isnan(series_last(&s, T0, HOUR)));
        for (int64_t at = T0; at < T0 + HOUR; at += SECONDS(10)) {
                int64_t minute = (at - T0) / MINUTE;

                series_add(core, &s, at, minute >= 20 && minute < 30 ? NAN : minute == 40 ? INFINITY : 1);
        }
        series_add(core, &s, T0 + 5 * MINUTE, 1e9); /* a clock that was set back */
        series_add(core, &s, -1, 1e9);
        assert_float_equal(series_window(&s, T0 + HOUR, HOUR, v, 60, &n), 49.0 / 60, 0.02);
        for (size_t i = 0; i < n; i++)
                assert_true(isnan(v[i]) || v[i] == 1);
        /* what lies before the first measurement is none either */
        assert_true(series_window(&s, T0 + HOUR, 2 * HOUR, v, 60, &n) < 0.5);
        /* a silence of weeks */
        series_add(core, &s, T0 + 1000 * HOUR, 3);
        assert_true(series_window(&s, T0 + 1000 * HOUR, 2 * HOUR, v, 60, &n) < 0.05);
        assert_float_equal(series_last(&s, T0 + 1000 * HOUR, MINUTE), 3, 0);
        series_free(core, &s);
}

static void a_rise_is_told_from_noise(void **state)
{
        struct trend t;
        double v[24];
        int wrong = 0;

        (void)state;
        state_ = 7;
        for (int round = 0; round < 2000; round++) {
                for (size_t i = 0; i < ARRAY_SIZE(v); i++)
                        v[i] = floor(4 * uniform());
                assert_true(trend_fit(v, ARRAY_SIZE(v), &t));
                wrong += t.confidence > 0.99;
        }
        assert_in_range(wrong, 2, 40); /* one in a hundred */
        for (size_t i = 0; i < ARRAY_SIZE(v); i++)
                v[i] = (double)i / 6 + 2 * uniform();
        v[3] = NAN;
        assert_true(trend_fit(v, ARRAY_SIZE(v), &t));
        assert_true(t.confidence > 0.999);
        assert_int_equal(t.points, 23);
        assert_float_equal(t.slope, 1.0 / 6, 0.05);
        for (size_t i = 0; i < ARRAY_SIZE(v); i++)
                v[i] = 5;
        assert_true(trend_fit(v, ARRAY_SIZE(v), &t));
        assert_float_equal(t.confidence, 0.5, 1e-9);
        for (size_t i = 12; i < ARRAY_SIZE(v); i++)
                v[i] = NAN;
        assert_false(trend_fit(v, ARRAY_SIZE(v), &t));
}

static void a_step_is_found(void **state)
{
        double v[40], before = 0, after = 0;

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(v); i++)
                v[i] = i < 17 ? 3 + uniform() : 10 + uniform();
        v[5] = 90;
        assert_in_range(trend_step(v, ARRAY_SIZE(v), 2, &before, &after), 14, 18);
        assert_float_equal(before, 3.5, 0.6);
        assert_float_equal(after, 10.5, 0.6);
        assert_int_equal(trend_step(v, 5, 2, &before, &after), -1);
        assert_float_equal(trend_share_above(v, ARRAY_SIZE(v), 9), 24.0 / 40, 1e-9);
        assert_float_equal(trend_share_below(v, ARRAY_SIZE(v), 9), 16.0 / 40, 1e-9);
}

static int by_value(const void *a, const void *b)
{
        double x = *(const double *)a, y = *(const double *)b;

        return (x > y) - (x < y);
}

/* Against a sort, with many equal values among them. */
static void medians_are_right(void **state)
{
        double v[60], sorted[60];

        (void)state;
        state_ = 11;
        for (int round = 0; round < 20000; round++) {
                size_t n = 1 + (size_t)(60 * uniform());
                double kinds = 1 + floor(70 * uniform());

                for (size_t i = 0; i < n; i++)
                        v[i] = sorted[i] = floor(kinds * uniform());
                qsort(sorted, n, sizeof(*sorted), by_value);
                assert_float_equal(trend_median(v, n), (n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2), 1e-12);
        }
}

/* As many cells as there was time for, whatever gaps there are, and each of them right. */
static void memory_is_taken_as_time_goes_on(void **state)
{
        static double truth[40000];
        struct series s;
        uint64_t bytes = 0;
        int64_t end = 0;

        (void)state;
        state_ = 5;
        series_begin(&s, false);
        for (int i = 0; i < 40000; i++)
                truth[i] = NAN;
        for (int i = 0; i < 40000; i++) {
                if (uniform() < 0.01)
                        i += (int)(uniform() * 300);
                if (i >= 40000)
                        break;
                truth[i] = (float)uniform();
                end = T0 + SECONDS(10) * i;
                series_add(core, &s, end, truth[i]);
                assert_true(core->series_used >= bytes);
                bytes = core->series_used;
                /* At most twice what there is of each level. */
                assert_true(bytes <= sizeof(float) * (size_t)(2 * MIN(i + 8, 96) + 2 * MIN(i / 6 + 8, 152) +
                                                              2 * MIN(i / 60 + 8, 152) + 2 * MIN(i / 360 + 8, 344)));
                for (int k = MAX(i - 94, 0); i % 7 == 0 && k <= i; k++) {
                        struct series_cell cell[1];
                        size_t n = series_cells(&s, T0 + SECONDS(10) * k, T0 + SECONDS(10) * (k + 1), cell, 1);

                        assert_int_equal(n, !isnan(truth[k]));
                        if (n)
                                assert_true(cell[0].width == SECONDS(10) && cell[0].value == truth[k]);
                }
        }
        series_free(core, &s);
        assert_int_equal(core->series_used, 0);
}

/* Of what has found no room nothing is told, and nothing wrong. */
static void all_series_have_a_quarter_of_the_budget(void **state)
{
        static struct series all[64];
        const uint64_t budget = 64 << 10;
        size_t told = 0;

        (void)state;
        core_free(&core);
        assert_int_equal(core_new(&(struct core_options){ .coordinator = 1, .memory_max = budget }, &core), 0);
        for (size_t i = 0; i < ARRAY_SIZE(all); i++)
                series_begin(&all[i], false);
        for (int64_t at = T0; at < T0 + 20 * HOUR; at += SECONDS(10))
                for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
                        series_add(core, &all[i], at, (double)i);
                        assert_true(core->series_used <= budget / 4);
                }
        for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
                struct series_cell cells[SERIES_CELLS_MAX];
                size_t n = series_cells(&all[i], 0, T0 + 21 * HOUR, cells, ARRAY_SIZE(cells));

                assert_true(n > 0); /* the newest */
                for (size_t k = 0; k < n; k++)
                        assert_true(cells[k].value == (double)i);
                told += n;
        }
        assert_true(told > budget / 4 / sizeof(float) / 2);
        for (size_t i = 0; i < ARRAY_SIZE(all); i++)
                series_free(core, &all[i]);
        assert_int_equal(core->series_used, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        const struct CMUnitTest tests[] = {
                TEST(each_window_comes_from_a_level_that_spans_it),
                TEST(counters_add_up_and_gauges_do_not),
                TEST(what_was_not_measured_is_a_gap),
                TEST(a_rise_is_told_from_noise),
                TEST(a_step_is_found),
                TEST(medians_are_right),
                TEST(memory_is_taken_as_time_goes_on),
                TEST(all_series_have_a_quarter_of_the_budget),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
