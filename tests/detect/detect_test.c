/* What the detectors make of a fixed part of the even seeds. The bounds leave room for what a change elsewhere
 * moves by chance; `make detect` says how it stands over all of them. */
#include "tests/detect/judged.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct signature_set *signatures;

static int set_up(void **state)
{
        (void)state;
        return judged_signatures(&signatures);
}

static int tear_down(void **state)
{
        (void)state;
        signatures_free(&signatures);
        return 0;
}

static struct judged_sum judge_all(const char *kind, uint64_t first, uint64_t step, int count)
{
        struct judged_options options = { 0 };
        struct judged_sum sum = { 0 };

        for (int i = 0; i < count; i++) {
                struct judged j;

                assert_int_equal(judged_night(kind, first + step * (uint64_t)i, signatures, &options, &j), 0);
                judged_add(&sum, &j);
        }
        print_message("# ");
        judged_print(kind, &sum);
        return sum;
}

/* Deployed 17:40, leaking from 02:41, exhausted at about 05:00: named before 03:10. */
static void the_payment_night_is_named_in_time(void **state)
{
        struct judged_options options = { 0 };

        (void)state;
        for (uint64_t seed = 2; seed <= 8; seed += 2) {
                struct judged j;

                assert_int_equal(judged_night("payment", seed, signatures, &options, &j), 0);
                assert_true(j.found && j.in_time && j.covered);
                assert_true(j.seen[0].right && j.seen[0].opened < j.onset + 29 * 60 * NSEC_PER_SEC);
                assert_int_equal(j.wrong, 0);
                assert_true(j.statements_right > 0.8);
        }
}

static void its_kin_are_found_and_forecast(void **state)
{
        struct judged_sum s = judge_all("variant", 2, 2, 40);

        (void)state;
        assert_true(s.found >= 38);
        assert_true(s.in_time >= 32);
        assert_true(s.covered >= 30);
        assert_true(s.statements_right / s.found > 0.7);
        assert_true(s.wrong <= 1);
}

static void other_leaks_are_found_as_what_they_are(void **state)
{
        struct judged_sum s = judge_all("leak", 2, 2, 20);

        (void)state;
        assert_true(s.found >= 19);
        assert_true(s.in_time >= 17);
        assert_true(s.covered >= 10); /* of 15: nobody tells the limit of memory */
        assert_true(s.wrong <= 1);
}

/* Three days of each kind. */
static void healthy_days_are_quiet(void **state)
{
        struct judged_sum s = judge_all("healthy", 2, 2, 60);

        (void)state;
        assert_int_equal(s.wrong, 0);
}

/* The half that is kept is refused. */
static void the_other_half_is_kept(void **state)
{
        struct judged_options options = { 0 };
        struct judged j;

        (void)state;
        if (night_seed_check(1) == 0)
                skip();
        assert_int_equal(judged_night("variant", 1, signatures, &options, &j), -EPERM);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_payment_night_is_named_in_time),
                cmocka_unit_test(its_kin_are_found_and_forecast),
                cmocka_unit_test(other_leaks_are_found_as_what_they_are),
                cmocka_unit_test(healthy_days_are_quiet),
                cmocka_unit_test(the_other_half_is_kept),
        };

        return cmocka_run_group_tests(tests, set_up, tear_down);
}
