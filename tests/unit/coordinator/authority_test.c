/* Authority by the numbers of its defaults. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "coordinator/authority.h"

#include <string.h>

#define HOUR (3600 * NSEC_PER_SEC)

static struct policy policy;
static struct authority a;
static int64_t now;
static uint64_t cause;
static struct unit_key key;

static int set_up(void **state)
{
        (void)state;
        policy_defaults(&policy);
        now = 1000 * HOUR;
        cause = 0;
        key = (struct unit_key){ .signature = "leak", .action = "service.rollback", .environment = "production" };
        return 0;
}

static int tear_down(void **state)
{
        (void)state;
        authority_free(&a);
        return 0;
}

static void succeed(int times)
{
        for (int i = 0; i < times; i++) {
                now += 2 * HOUR;
                assert_int_equal(authority_succeed(&a, &policy, &key, ++cause, now), 0);
        }
}

static void fail_once(void)
{
        now += 2 * HOUR;
        assert_int_equal(authority_fail(&a, &policy, &key, now), 0);
}

static enum rung rung(void)
{
        return authority_rung(&policy, authority_find(&a, &key), CLASS_REVERSIBLE, now);
}

static uint32_t missing(void)
{
        return authority_missing(&policy, authority_find(&a, &key), now);
}

static void test_climbs(void **state)
{
        (void)state;
        assert_int_equal(rung(), RUNG_PROPOSE);
        assert_int_equal(missing(), 17);
        succeed(16);
        assert_int_equal(rung(), RUNG_PROPOSE);
        assert_int_equal(missing(), 1);
        /* At the rate so far: one in two hours. */
        assert_true(authority_expected(&policy, authority_find(&a, &key), now) > HOUR);
        succeed(1);
        assert_int_equal(rung(), RUNG_ALONE_SMALL);
        assert_int_equal(missing(), 48);
        succeed(47);
        assert_int_equal(rung(), RUNG_ALONE_SMALL);
        succeed(1);
        assert_int_equal(rung(), RUNG_ALONE);
        assert_int_equal(missing(), 0);
}

static void test_failure_costs_and_demotes(void **state)
{
        (void)state;
        succeed(17 + 30);
        assert_int_equal(missing(), 18);
        fail_once();
        assert_int_equal(rung(), RUNG_PROPOSE);
        /* The way back is longer: alpha is a tenth. */
        assert_true(missing() > 17);
        while (rung() == RUNG_PROPOSE)
                succeed(1);
        /* 30 were there, a failure costs 24. */
        assert_int_equal(missing(), 18 + 24);
        while (rung() != RUNG_ALONE)
                succeed(1);
        fail_once();
        assert_int_equal(rung(), RUNG_ALONE_SMALL);
}

static void test_falls_to_shadow(void **state)
{
        uint32_t first;

        (void)state;
        fail_once();
        assert_int_equal(rung(), RUNG_PROPOSE);
        fail_once();
        assert_int_equal(rung(), RUNG_SHADOW);
        while (rung() == RUNG_SHADOW)
                succeed(1);
        first = missing();
        assert_true(first > 17);
}

static void test_one_cause_counts_once(void **state)
{
        (void)state;
        for (int i = 0; i < 100; i++)
                assert_int_equal(authority_succeed(&a, &policy, &key, 7, now + i), 0);
        assert_int_equal(authority_find(&a, &key)->successes, 1);
        /* After an hour it is another incident; failures count always. */
        assert_int_equal(authority_succeed(&a, &policy, &key, 7, now + HOUR), 0);
        assert_int_equal(authority_find(&a, &key)->successes, 2);
        assert_int_equal(authority_fail(&a, &policy, &key, now + HOUR), 0);
        assert_int_equal(authority_fail(&a, &policy, &key, now + HOUR), 0);
        assert_int_equal(authority_find(&a, &key)->failures, 2);
}

static void test_trust_is_of_one_unit(void **state)
{
        struct unit_key other;

        (void)state;
        succeed(17);
        other = key;
        strcpy(other.environment, "staging");
        assert_null(authority_find(&a, &other));
        other = key;
        other.version[3] = 1;
        assert_null(authority_find(&a, &other));
        other = key;
        strcpy(other.action, "cgroup.limit");
        assert_null(authority_find(&a, &other));
        /* And never of what cannot be undone. */
        assert_int_equal(authority_rung(&policy, authority_find(&a, &key), CLASS_ONE_WAY, now), RUNG_PROPOSE);
}

static void test_decays(void **state)
{
        (void)state;
        succeed(17 + 48);
        assert_int_equal(rung(), RUNG_ALONE);
        now += policy.decays_after - 1;
        assert_int_equal(rung(), RUNG_ALONE);
        now += 1;
        assert_int_equal(rung(), RUNG_ALONE_SMALL);
        now += policy.decays_after;
        assert_int_equal(rung(), RUNG_PROPOSE);
        now += 10 * policy.decays_after;
        assert_int_equal(rung(), RUNG_PROPOSE);
        /* What it was is gone for good. */
        succeed(1);
        assert_int_equal(rung(), RUNG_PROPOSE);
}

static void test_mandates(void **state)
{
        struct mandate m = { .set = true, .rung = RUNG_ALONE, .by = "ann", .why = "trial" };

        (void)state;
        m.until = now + HOUR;
        assert_int_equal(authority_mandate(&a, &key, false, &m), 0);
        assert_int_equal(rung(), RUNG_ALONE);
        assert_int_equal(authority_rung(&policy, authority_find(&a, &key), CLASS_ONE_WAY, now), RUNG_PROPOSE);
        /* A cap has the last word. */
        m.rung = RUNG_SHADOW;
        m.until = now + HOUR / 2;
        assert_int_equal(authority_mandate(&a, &key, true, &m), 0);
        assert_int_equal(rung(), RUNG_SHADOW);
        now += HOUR / 2;
        assert_int_equal(rung(), RUNG_ALONE);
        now += HOUR / 2;
        assert_int_equal(rung(), RUNG_PROPOSE);
        /* A failure ends a grant. */
        m.rung = RUNG_ALONE;
        m.until = now + 100 * HOUR;
        assert_int_equal(authority_mandate(&a, &key, false, &m), 0);
        fail_once();
        assert_int_equal(rung(), RUNG_PROPOSE);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
        const struct CMUnitTest tests[] = {
                TEST(test_climbs),
                TEST(test_failure_costs_and_demotes),
                TEST(test_falls_to_shadow),
                TEST(test_one_cause_counts_once),
                TEST(test_trust_is_of_one_unit),
                TEST(test_decays),
                TEST(test_mandates),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
