/* Whom to wake, how often, and when to be silent; by hand and by chance. SEED is the first of SEEDS worlds. */
#include "coordinator/pages.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SECONDS(n) ((n)*NSEC_PER_SEC)
#define T0 SECONDS(INT64_C(1777600800))

static const struct pages_policy policy = { .after = SECONDS(60), .repeat = SECONDS(600) };
static struct pages pages;
static int64_t now;

static int set_up(void **state)
{
        (void)state;
        pages.count = pages.left_out = 0;
        now = T0;
        return 0;
}

static struct need need(const char *id, bool urgent)
{
        struct need n = { .urgent = urgent, .text = "it is so", .incident = "i7" };

        snprintf(n.id, sizeof(n.id), "%s", id);
        return n;
}

/* What is told, a second at a time for so long, while `n` is needed, or nothing. */
static int told(const struct need *n, int64_t seconds, enum page_event *ret_last)
{
        struct page page;
        int count = 0;

        for (int64_t i = 0; i < seconds; i++) {
                enum page_event event;

                pages_see(&pages, n, n ? 1 : 0, now);
                while ((event = pages_next(&pages, &policy, now, &page)) != PAGE_NONE) {
                        count++;
                        if (ret_last)
                                *ret_last = event;
                }
                now += NSEC_PER_SEC;
        }
        return count;
}

static void test_repeats_until_seen(void **state)
{
        struct need n = need("i7", false);
        enum page_event last;

        (void)state;
        assert_int_equal(told(&n, 60, NULL), 0);
        assert_int_equal(told(&n, 1, &last), 1);
        assert_int_equal(last, PAGE_RAISED);
        assert_int_equal(told(&n, 599, NULL), 0);
        assert_int_equal(told(&n, 1200, NULL), 2);
        assert_int_equal(pages_acknowledge(&pages, "i8", "ann", "", now), 0);
        assert_int_equal(pages_acknowledge(&pages, "i7", "ann", "on it", now), 1);
        assert_string_equal(pages.items[0].acknowledged_by, "ann");
        assert_int_equal(pages_acknowledge(&pages, "i7", "bob", "me too", now), 1);
        assert_string_equal(pages.items[0].acknowledged_by, "ann");
        assert_int_equal(told(&n, 86400, NULL), 0);
        /* Once it is over that is told, and the next time it is another one. */
        assert_int_equal(told(NULL, 120, &last), 1);
        assert_int_equal(last, PAGE_ENDED);
        assert_int_equal(told(&n, 61, NULL), 1);
}

static void test_urgent_at_once(void **state)
{
        struct need n = need("a3", true);

        (void)state;
        assert_int_equal(told(&n, 1, NULL), 1);
        assert_int_equal(pages_acknowledge(&pages, "i7", "ann", "", now), 1);
        assert_int_equal(told(&n, 3600, NULL), 0);
}

/* Nothing is named by nothing, least of all all that is of no incident. */
static void test_no_id(void **state)
{
        struct need n = need("audit-log", false);

        (void)state;
        n.incident[0] = '\0';
        assert_int_equal(told(&n, 61, NULL), 1);
        assert_int_equal(pages_acknowledge(&pages, "", "ann", "", now), 0);
        assert_int_equal(pages.items[0].acknowledged_at, 0);
        assert_int_equal(pages_acknowledge(&pages, "audit-log", "ann", "", now), 1);
}

static void test_what_mends_itself(void **state)
{
        struct need n = need("audit-log", false);

        (void)state;
        for (int i = 0; i < 100; i++) {
                assert_int_equal(told(&n, 59, NULL), 0);
                assert_int_equal(told(NULL, 1, NULL), 0);
        }
        assert_int_equal(pages.count, 0);
}

static void test_flapping(void **state)
{
        struct need n = need("i7", false);
        int count = told(&n, 61, NULL);

        (void)state;
        assert_int_equal(count, 1);
        for (int i = 0; i < 17; i++)
                count += told(NULL, 30, NULL) + told(&n, 5, NULL);
        assert_int_equal(count, 1);
        assert_int_equal(told(&n, 60, NULL), 1);
        assert_int_equal(pages_acknowledge(&pages, "i7", "ann", "", now), 1);
        for (int i = 0; i < 100; i++)
                assert_int_equal(told(NULL, 30, NULL) + told(&n, 5, NULL), 0);
}

static void test_clock_goes_back(void **state)
{
        struct need n = need("i7", false);

        (void)state;
        assert_int_equal(told(&n, 61, NULL), 1);
        now -= SECONDS(86400);
        assert_int_equal(told(&n, 1, NULL), 1);
        assert_int_equal(told(&n, 601, NULL), 1);
        set_up(NULL);
        assert_int_equal(told(&n, 1, NULL), 0);
        now -= SECONDS(86400);
        assert_int_equal(told(&n, 1, NULL), 1);
}

static void test_bounded(void **state)
{
        static struct need needs[PAGES_MAX + 9];
        char id[24];

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(needs); i++) {
                snprintf(id, sizeof(id), "a%zu", i);
                needs[i] = need(id, true);
        }
        pages_see(&pages, needs, ARRAY_SIZE(needs), now);
        assert_int_equal(pages.count, PAGES_MAX);
        assert_int_equal(pages.left_out, 9);
}

static uint64_t draw(uint64_t *seed, uint64_t below)
{
        *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        return (*seed >> 33) % below;
}

/* Two needs come and go, and are acknowledged at times. What is held after each second: nobody hears of what has not lasted;
 * nobody hears twice within `repeat` of what did not end in between; nobody hears of what was acknowledged; and what lasts
 * is told in time. */
static void world(uint64_t seed)
{
        struct {
                bool there, seen;
                int64_t since, told, silent_until, absent_since;
        } m[2] = { { .absent_since = T0 - SECONDS(9999) }, { .absent_since = T0 - SECONDS(9999) } };
        uint64_t first = seed;

        set_up(NULL);
        for (int step = 0; step < 4000; step++) {
                struct need needs[2];
                struct page page;
                enum page_event event;
                size_t count = 0;

                now += NSEC_PER_SEC;
                for (int k = 0; k < 2; k++) {
                        if (draw(&seed, 97) == 0) {
                                m[k].there = !m[k].there;
                                if (!m[k].there)
                                        m[k].absent_since = now;
                                else if (!m[k].told || now - m[k].absent_since > SECONDS(60)) {
                                        m[k].since = now;
                                        m[k].told = 0;
                                        m[k].seen = false;
                                }
                        }
                        if (m[k].there)
                                needs[count++] = need(k ? "i1" : "i0", false);
                }
                pages_see(&pages, needs, count, now);
                if (draw(&seed, 503) == 0) {
                        int k = (int)draw(&seed, 2);

                        if (pages_acknowledge(&pages, k ? "i1" : "i0", "ann", "", now))
                                m[k].seen = true;
                }
                while ((event = pages_next(&pages, &policy, now, &page)) != PAGE_NONE) {
                        int k = page.need.id[1] - '0';
                        const char *wrong = NULL;

                        if (event == PAGE_ENDED) {
                                wrong = m[k].there ? "ended while it is there" : !m[k].told ? "ended untold" : NULL;
                        } else {
                                wrong = !m[k].there                                    ? "told of what is gone"
                                        : m[k].seen                                    ? "told of what was seen"
                                        : now - m[k].since < policy.after              ? "told too early"
                                        : m[k].told && now - m[k].told < policy.repeat ? "told too often"
                                                                                       : NULL;
                                m[k].told = now;
                        }
                        if (wrong)
                                fail_msg("seed %llu, step %d: %s", (unsigned long long)first, step, wrong);
                }
                for (int k = 0; k < 2; k++)
                        if (m[k].there && !m[k].seen && now - m[k].since >= policy.after &&
                            (!m[k].told || now - m[k].told > policy.repeat))
                                fail_msg("seed %llu, step %d: silent", (unsigned long long)first, step);
        }
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
                cmocka_unit_test_setup(test_repeats_until_seen, set_up),
                cmocka_unit_test_setup(test_urgent_at_once, set_up),
                cmocka_unit_test_setup(test_no_id, set_up),
                cmocka_unit_test_setup(test_what_mends_itself, set_up),
                cmocka_unit_test_setup(test_flapping, set_up),
                cmocka_unit_test_setup(test_clock_goes_back, set_up),
                cmocka_unit_test_setup(test_bounded, set_up),
                cmocka_unit_test(test_worlds),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
