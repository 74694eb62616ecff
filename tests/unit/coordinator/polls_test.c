#include "coordinator/polls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void hold(struct polls *polls, uint64_t connection, uint64_t token, int64_t until)
{
        struct poll_held held = { .connection = connection, .token = token, .until = until, .host = "web1" };

        assert_int_equal(polls_hold(polls, &held), 0);
}

struct visitor {
        struct polls *polls;
        uint64_t seen[16];
        size_t count;
        int64_t until;
        uint64_t drops; /* this connection, while one is answered */
};

static bool answer(void *data, const struct poll_held *poll)
{
        struct visitor *v = data;

        v->seen[v->count++] = poll->token;
        if (v->drops)
                polls_drop(v->polls, v->drops);
        return poll->until <= v->until;
}

static void test_order_and_end(void **state)
{
        struct visitor v = { .until = 20 };
        struct polls *polls;

        (void)state;
        assert_int_equal(polls_new(&polls), 0);
        assert_int_equal(polls_next(polls), -1);
        hold(polls, 1, 11, 10);
        hold(polls, 4097, 12, 20); /* the same bucket */
        hold(polls, 1, 13, 30);
        assert_int_equal(polls_next(polls), 10);
        polls_visit(polls, answer, &v);
        assert_int_equal(v.count, 3);
        assert_int_equal(v.seen[0], 11);
        assert_int_equal(v.seen[2], 13);
        assert_int_equal(polls_count(polls), 1);
        assert_int_equal(polls_next(polls), 30);
        polls_free(&polls);
        assert_null(polls);
}

/* One that is sent again and again under the same request id leaves a poll behind each time. */
static void test_one_connection_holds_a_bounded_number(void **state)
{
        struct poll_held held = { .connection = 7, .token = 1, .until = 10, .host = "web1" };
        struct polls *polls;
        int r = 0;

        (void)state;
        assert_int_equal(polls_new(&polls), 0);
        for (int i = 0; i < 1000 && r == 0; i++)
                r = polls_hold(polls, &held);
        assert_int_equal(r, -EBUSY);
        assert_int_equal(polls_count(polls), 64);
        hold(polls, 7 + 4096, 2, 10); /* of another one in the same bucket */
        assert_int_equal(polls_count(polls), 65);
        polls_drop(polls, 7);
        assert_int_equal(polls_count(polls), 1);
        polls_free(&polls);
}

static void test_gone(void **state)
{
        struct visitor v = { .until = 0 };
        struct polls *polls;

        (void)state;
        assert_int_equal(polls_new(&polls), 0);
        for (uint64_t i = 1; i <= 4; i++)
                hold(polls, i % 2 ? 1 : 4097, i, (int64_t)i);
        polls_drop(polls, 1);
        polls_drop(polls, 8193);
        polls_visit(polls, answer, &v);
        assert_int_equal(v.count, 2);
        assert_int_equal(v.seen[0], 2);
        assert_int_equal(v.seen[1], 4);
        polls_free(&polls);
}

/* An answer that finds its connection broken drops polls of it, also the next in line. */
static void test_gone_during_a_visit(void **state)
{
        struct visitor v = { .until = 0, .drops = 7 };
        struct polls *polls;

        (void)state;
        assert_int_equal(polls_new(&polls), 0);
        v.polls = polls;
        hold(polls, 7, 1, 1);
        hold(polls, 7, 2, 2);
        hold(polls, 8, 3, 3);
        hold(polls, 7, 4, 4);
        polls_visit(polls, answer, &v);
        assert_int_equal(v.count, 2);
        assert_int_equal(v.seen[1], 3);
        assert_int_equal(polls_count(polls), 1);
        polls_free(&polls);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_order_and_end),
                cmocka_unit_test(test_gone),
                cmocka_unit_test(test_one_connection_holds_a_bounded_number),
                cmocka_unit_test(test_gone_during_a_visit),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
