/* Which ticket is due: each move is written in the end, none twice, none too often; by hand and by chance. SEED is the first
 * of SEEDS worlds. */
#include "coordinator/tickets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SECONDS(n) ((n)*NSEC_PER_SEC)

static struct tickets *tickets;
static struct ticket_fact fact = { .incident = 7, .opened_at = 1000, .open = true, .revision = 5 };

static int set_up(void **state)
{
        (void)state;
        fact.open = true;
        fact.revision = 5;
        return tickets_new(&tickets);
}

static int tear_down(void **state)
{
        (void)state;
        tickets_free(&tickets);
        return 0;
}

static void test_moves(void **state)
{
        (void)state;
        /* Nothing is said of what was not looked for on the disk. */
        assert_null(tickets_next(tickets, &fact, 1, SECONDS(10)));
        assert_false(tickets_knows(tickets, &fact));
        tickets_found(tickets, &fact, 0);
        assert_ptr_equal(tickets_next(tickets, &fact, 1, SECONDS(10)), &fact);
        assert_false(tickets_has(tickets, &fact));
        tickets_written(tickets, &fact, SECONDS(10));
        assert_true(tickets_has(tickets, &fact));
        assert_null(tickets_next(tickets, &fact, 1, SECONDS(1000)));
        fact.revision = 6;
        assert_non_null(tickets_next(tickets, &fact, 1, SECONDS(1000)));
        tickets_written(tickets, &fact, SECONDS(1000));
        fact.revision = 7;
        assert_null(tickets_next(tickets, &fact, 1, SECONDS(1005) - 1));
        assert_non_null(tickets_next(tickets, &fact, 1, SECONDS(1005)));
        assert_true(tickets_failed(tickets, &fact, -ENOSPC, SECONDS(1005)));
        assert_null(tickets_next(tickets, &fact, 1, SECONDS(1015) - 1));
        assert_non_null(tickets_next(tickets, &fact, 1, SECONDS(1015)));
}

/* One that cannot be made, always the first, keeps no other from being written; a full disk is left alone. */
static void test_others_get_past(void **state)
{
        struct ticket_fact facts[] = { fact, fact };

        (void)state;
        facts[1].incident++;
        for (size_t i = 0; i < ARRAY_SIZE(facts); i++)
                tickets_found(tickets, &facts[i], 0);
        assert_ptr_equal(tickets_next(tickets, facts, 2, SECONDS(10)), &facts[0]);
        assert_true(tickets_failed(tickets, &facts[0], -EIO, SECONDS(10)));
        assert_ptr_equal(tickets_next(tickets, facts, 2, SECONDS(10)), &facts[1]);
        tickets_written(tickets, &facts[1], SECONDS(10));
        assert_null(tickets_next(tickets, facts, 2, SECONDS(15) - 1));
        assert_ptr_equal(tickets_next(tickets, facts, 2, SECONDS(15)), &facts[0]);
        /* That was said. */
        assert_false(tickets_failed(tickets, &facts[0], -EIO, SECONDS(15)));
        tickets_written(tickets, &facts[0], SECONDS(20));
        facts[0].revision++;
        facts[1].revision++;
        assert_ptr_equal(tickets_next(tickets, facts, 2, SECONDS(30)), &facts[1]);
        assert_true(tickets_failed(tickets, &facts[1], -ENOSPC, SECONDS(30)));
        assert_null(tickets_next(tickets, facts, 2, SECONDS(40) - 1));
        assert_ptr_equal(tickets_next(tickets, facts, 2, SECONDS(40)), &facts[0]);
        assert_true(tickets_failed(tickets, &facts[0], -EIO, SECONDS(40)));
}

static void test_what_lies_there(void **state)
{
        (void)state;
        tickets_found(tickets, &fact, 5);
        assert_null(tickets_next(tickets, &fact, 1, SECONDS(10)));
        assert_true(tickets_noted(tickets, &fact));
        /* Over by now, and so is its ticket to be. */
        fact.open = false;
        fact.revision = 6;
        assert_non_null(tickets_next(tickets, &fact, 1, SECONDS(10)));
        assert_false(tickets_noted(tickets, &fact));
        /* A number that came again is another incident. */
        fact.opened_at++;
        assert_false(tickets_knows(tickets, &fact));
        fact.opened_at--;
        /* Over, and never had one. */
        tickets_forget(tickets);
        tickets_found(tickets, &fact, 0);
        assert_null(tickets_next(tickets, &fact, 1, SECONDS(10)));
}

static uint64_t draw(uint64_t *seed, uint64_t below)
{
        *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        return (*seed >> 33) % below;
}

#define MANY 9

static void world(uint64_t seed)
{
        struct ticket_fact facts[MANY];
        uint64_t disk[MANY] = { 0 }, first = seed;
        int64_t written_at[MANY] = { 0 }, now = SECONDS(1), failed_at = -SECONDS(100);
        size_t cursed = draw(&seed, 2 * MANY); /* it can never be written; or there is none such */

        assert_int_equal(tickets_new(&tickets), 0);
        for (size_t i = 0; i < MANY; i++)
                facts[i] = (struct ticket_fact){ .incident = i + 1, .opened_at = 77, .open = true, .revision = 1 };
        for (int step = 0; step < 900; step++) {
                bool quiet = step >= 800;
                const struct ticket_fact *f;

                now += NSEC_PER_SEC;
                if (!quiet && draw(&seed, 3) == 0)
                        facts[draw(&seed, MANY)].revision++;
                if (!quiet && draw(&seed, 100) == 0) {
                        tickets_free(&tickets);
                        assert_int_equal(tickets_new(&tickets), 0);
                        failed_at = -SECONDS(100);
                        memset(written_at, 0, sizeof(written_at));
                }
                for (size_t i = 0; i < MANY; i++)
                        if (!tickets_knows(tickets, &facts[i]))
                                tickets_found(tickets, &facts[i], disk[i]);
                for (int n = 0; n < 2 && (f = tickets_next(tickets, facts, MANY, now)); n++) {
                        size_t i = (size_t)(f - facts);

                        if (disk[i] == f->revision || now - failed_at < SECONDS(10) ||
                            (written_at[i] && now - written_at[i] < SECONDS(5)))
                                fail_msg("seed %llu, step %d: i%zu is written without need, or too soon", (unsigned long long)first,
                                         step, i + 1);
                        if (i == cursed || (!quiet && draw(&seed, 10) == 0)) {
                                bool full = i != cursed && draw(&seed, 2);

                                (void)tickets_failed(tickets, f, full ? -ENOSPC : -EIO, now);
                                failed_at = full ? now : failed_at;
                                break;
                        }
                        disk[i] = f->revision;
                        tickets_written(tickets, f, written_at[i] = now);
                }
        }
        for (size_t i = 0; i < MANY; i++)
                if (i != cursed && disk[i] != facts[i].revision)
                        fail_msg("seed %llu: the last move of i%zu was not written", (unsigned long long)first, i + 1);
        tickets_free(&tickets);
}

static void test_worlds(void **state)
{
        uint64_t first = getenv("SEED") ? strtoull(getenv("SEED"), NULL, 10) : 1;
        uint64_t seeds = getenv("SEEDS") ? strtoull(getenv("SEEDS"), NULL, 10) : getenv("FAST") ? 20 : 300;

        (void)state;
        for (uint64_t i = 0; i < seeds; i++)
                world(first + i);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_moves, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_others_get_past, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_what_lies_there, set_up, tear_down),
                cmocka_unit_test(test_worlds),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
