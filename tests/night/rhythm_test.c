/* Traffic comes as often, and when, as the plan says. */
#include "tests/night/rhythm.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct rhythm day = { .base = 40, .swing = 0.9, .peak = 14, .second = 0.2, .shift = 10, .noise = 0.2, .memory = 900 };

static void mean_and_peak(void **state)
{
        double sum = 0, most = 0, at = 0, least = INFINITY;

        (void)state;
        for (double t = 0; t < DAY; t += 60) {
                double rate = rhythm_expected(&day, t);

                sum += rate * 60;
                if (rate > most) {
                        most = rate;
                        at = t / HOUR;
                }
                least = fmin(least, rate);
        }
        assert_true(fabs(sum / DAY / 40 - 1) < 0.01);
        assert_true(at > 10 && at < 16);
        assert_true(most / least > 4 && most / least < 12);
}

static void weekend(void **state)
{
        struct rhythm r = day;

        (void)state;
        r.weekend = 0.5;
        assert_true(fabs(rhythm_expected(&r, 5 * DAY + 7 * HOUR) / rhythm_expected(&r, 2 * DAY + 7 * HOUR) - 0.5) < 1e-9);
        assert_true(fabs(rhythm_expected(&r, 8 * DAY) / rhythm_expected(&r, DAY) - 1) < 1e-9);
}

/* The logarithm of rate over expectation: its deviation, and its correlation after one memory. */
static void noise(void **state)
{
        double sum = 0, squares = 0, lagged = 0, old[90] = { 0 }, rates = 0, expected = 0;
        struct traffic t;
        int n = 0;

        (void)state;
        traffic_begin(&t, &day, NULL, 2, 0);
        for (double now = 10; now < 60 * DAY; now += 10) {
                double x;

                traffic_move(&t, now);
                rates += t.rate;
                expected += rhythm_expected(&day, now) + (n < 0);
                x = log(t.rate / rhythm_expected(&day, now)) + 0.02;
                sum += x;
                squares += x * x;
                lagged += x * old[n % 90];
                old[n++ % 90] = x;
        }
        assert_true(fabs(sum / n) < 0.02);
        assert_true(fabs(sqrt(squares / n) / 0.2 - 1) < 0.06);
        assert_true(fabs(lagged / squares - exp(-1)) < 0.06);
        assert_true(fabs(rates / expected - 1) < 0.02);
}

static void visits(void **state)
{
        const struct visit v = { .rate = 30, .from = 23 * HOUR, .to = 27 * HOUR, .ramp = 600 };
        struct visit since = v;

        (void)state;
        assert_true(visit_expected(&v, 22.9 * HOUR) == 0);
        assert_true(visit_expected(&v, 3.1 * HOUR) == 0);
        assert_true(visit_expected(&v, 1 * HOUR) > 25);
        assert_true(visit_expected(&v, 4 * DAY + 1 * HOUR) > 25);
        since.since = 2 * DAY;
        assert_true(visit_expected(&since, 1 * HOUR) == 0);
        assert_true(visit_expected(&since, 2 * DAY + 1 * HOUR) > 25);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(mean_and_peak),
                cmocka_unit_test(weekend),
                cmocka_unit_test(noise),
                cmocka_unit_test(visits),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
