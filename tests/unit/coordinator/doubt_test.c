/* When an answer must say that it is incomplete though nothing in it looks wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/coordinator/world.h"

static struct core *core;
static struct agent a;

static int setup(void **state)
{
        (void)state;
        return core_new(&(struct core_options){ .coordinator = 42, .memory_max = 100000, .keys_per_second = 1 }, &core);
}

static int teardown(void **state)
{
        (void)state;
        core_free(&core);
        return 0;
}

static bool complete(int64_t now, const char *server)
{
        const struct view_edge *e;
        struct view *v = NULL;
        bool r;

        assert_int_equal(core_view(core, now, &(struct view_query){ .parts = VIEW_GRAPH }, &v), 0);
        e = server ? view_find(v, "web", server) : NULL;
        assert_true(!server || e);
        r = e ? e->complete : v->complete;
        view_free(&v);
        return r;
}

static void who_is_refused_may_be_a_stranger(void **state)
{
        (void)state;
        agent_start(&a, "alpha", 1, T0);
        opened(agent_client(&a, "web", "192.0.2.7", 443), 10, 0);
        assert_int_equal(agent_send(&a, core, T0), 0);
        assert_true(complete(T0, NULL));
        agent_start(&a, "beta", 2, T0 + SECONDS(5));
        while (a.s.edges_count < 64)
                opened(agent_client(&a, "shop", "192.0.2.8", 443), 1, 0);
        assert_int_equal(agent_send(&a, core, T0 + SECONDS(5)), -ENOMEM);
        assert_false(complete(T0 + SECONDS(6), NULL));
        assert_false(complete(T0 + SECONDS(6), "192.0.2.7"));
        agent_start(&a, "alpha", 1, T0);
        opened(agent_client(&a, "web", "192.0.2.7", 443), 10, 0);
        a.s.sequence = 1;
        assert_int_equal(agent_send(&a, core, T0 + SECONDS(70)), 0);
        assert_true(complete(T0 + SECONDS(70), NULL));
}

/* Its summaries say "yesterday", or "tomorrow". */
static int send_by_clock(int64_t now, int64_t skew)
{
        a.s.sequence++;
        a.s.at = now + skew;
        a.s.full = true;
        return core_summary(core, now, a.host, &a.s, &a.ack);
}

static void a_loss_by_another_clock_is_a_loss(void **state)
{
        static const int64_t skews[] = { SECONDS(0), SECONDS(7200), SECONDS(-7200) };

        for (size_t i = 0; i < ARRAY_SIZE(skews); i++) {
                struct view *v;

                teardown(state);
                assert_int_equal(setup(state), 0);
                agent_start(&a, "alpha", 1, T0 + skews[i]);
                opened(agent_client(&a, "web", "192.0.2.7", 443), 10, 0);
                assert_int_equal(send_by_clock(T0, skews[i]), 0);
                assert_true(complete(T0, "192.0.2.7"));
                a.s.lost = 1;
                assert_int_equal(send_by_clock(T0 + SECONDS(10), skews[i]), 0);
                assert_false(complete(T0 + SECONDS(11), "192.0.2.7"));
                assert_int_equal(core_view(core, T0 + SECONDS(11), &(struct view_query){ .parts = VIEW_GRAPH }, &v), 0);
                assert_int_equal(v->edges[0].first_seen / NSEC_PER_SEC, T0 / NSEC_PER_SEC);
                view_free(&v);
        }
}

/* What the agent says that it leaves out is what it was told, whatever the coordinator believes. */
static void an_agent_that_kept_a_threshold_is_told_again(void **state)
{
        struct wire_commands commands;

        (void)state;
        agent_start(&a, "alpha", 1, T0);
        opened(agent_client(&a, "web", "192.0.2.7", 443), 1, 0);
        a.s.key_threshold = UINT32_MAX >> 3;
        assert_int_equal(agent_send(&a, core, T0), 0);
        core_tick(core, T0 + SECONDS(11));
        assert_int_equal(core_poll(core, T0 + SECONDS(11), "alpha", 1, 0, &commands), 0);
        assert_int_equal(commands.count, 1);
        assert_int_equal(commands.commands[0].threshold, UINT32_MAX);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(who_is_refused_may_be_a_stranger, setup, teardown),
                cmocka_unit_test_setup_teardown(a_loss_by_another_clock_is_a_loss, setup, teardown),
                cmocka_unit_test_setup_teardown(an_agent_that_kept_a_threshold_is_told_again, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
