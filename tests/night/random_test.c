/* The laws that the nights are drawn from have the moments that they should. */
#include "tests/night/random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define DRAWS 200000

struct moments {
        double n, sum, squares;
};

static void add(struct moments *m, double x)
{
        m->n++;
        m->sum += x;
        m->squares += x * x;
}

/* Mean within five standard errors, variance within 4 %. */
static void assert_moments(const struct moments *m, double mean, double variance)
{
        double is = m->sum / m->n, spread = m->squares / m->n - is * is;

        if (fabs(is - mean) > 5 * sqrt(variance / m->n) + 1e-9 || fabs(spread - variance) > 0.04 * variance + 1e-9)
                fail_msg("mean %g instead of %g, variance %g instead of %g", is, mean, spread, variance);
}

static void poisson(void **state)
{
        static const double means[] = { 0.01, 0.7, 5, 11.9, 12.1, 40, 900 };
        struct random r;

        (void)state;
        random_seed(&r, 2, 1);
        for (size_t i = 0; i < ARRAY_SIZE(means); i++) {
                struct moments m = { 0 };

                for (int k = 0; k < DRAWS; k++)
                        add(&m, random_poisson(&r, means[i]));
                assert_moments(&m, means[i], means[i]);
        }
}

static void binomial(void **state)
{
        static const struct {
                uint32_t n;
                double p;
        } cases[] = { { 1, 0.3 }, { 20, 0.05 }, { 20, 0.9 }, { 300, 0.2 }, { 5000, 0.001 }, { 5000, 0.4 } };
        struct random r;

        (void)state;
        random_seed(&r, 4, 1);
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct moments m = { 0 };

                for (int k = 0; k < DRAWS; k++)
                        add(&m, random_binomial(&r, cases[i].n, cases[i].p));
                assert_moments(&m, cases[i].n * cases[i].p, cases[i].n * cases[i].p * (1 - cases[i].p));
        }
        assert_int_equal(random_binomial(&r, 7, 1), 7);
        assert_int_equal(random_binomial(&r, 7, 0), 0);
}

static void normal(void **state)
{
        struct moments m = { 0 }, fourth = { 0 };
        struct random r;
        int beyond = 0;

        (void)state;
        random_seed(&r, 6, 1);
        for (int k = 0; k < 5 * DRAWS; k++) {
                double z = random_normal(&r);

                add(&m, z);
                add(&fourth, z * z * z * z);
                beyond += fabs(z) > 3;
        }
        assert_moments(&m, 0, 1);
        assert_true(fabs(fourth.sum / fourth.n - 3) < 0.1);
        assert_true(abs(beyond - (int)(5 * DRAWS * 0.0026998)) < 300);
}

static void durations(void **state)
{
        const struct duration d = { 0.006, 0.9 };
        struct histogram few = { 0 }, many = { 0 };
        struct moments m = { 0 };
        struct random r;

        (void)state;
        random_seed(&r, 8, 1);
        for (int k = 0; k < DRAWS; k++) {
                add(&m, duration_draw(&r, &d));
                duration_record(&r, &d, 1, &few);
        }
        duration_record(&r, &d, DRAWS, &many);
        assert_true(fabs(m.sum / m.n / duration_mean(&d) - 1) < 0.02);
        assert_int_equal(histogram_total(&few), DRAWS);
        assert_int_equal(histogram_total(&many), DRAWS);
        for (double q = 0.1; q < 1; q += 0.2)
                assert_true(fabs(histogram_quantile(&few, q) / histogram_quantile(&many, q) - 1) < 0.03);
        assert_true(fabs(histogram_quantile(&few, 0.5) / 6000 - 1) < 0.1);
}

static void streams(void **state)
{
        struct random a, b, c;

        (void)state;
        random_seed(&a, 2, 1);
        random_seed(&b, 2, 1);
        random_seed(&c, 2, 2);
        assert_true(random_bits(&a) == random_bits(&b));
        assert_false(random_bits(&a) == random_bits(&c));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(poisson),   cmocka_unit_test(binomial), cmocka_unit_test(normal),
                cmocka_unit_test(durations), cmocka_unit_test(streams),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
