/* The work of a tick, cut anywhere, gives the same graph and the same history as in one piece. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "coordinator/render.h"
#include "tests/unit/coordinator/world.h"

#include <stdio.h>

#define EDGES 24
#define MINUTES 40

static uint64_t state;

static uint64_t draw(uint64_t below)
{
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        return (state >> 33) % below;
}

static void totals(struct core *core, int64_t now, uint32_t *ret_services, uint32_t *ret_edges)
{
        struct view *v = NULL;

        assert_int_equal(core_view(core, now, &(struct view_query){ .parts = VIEW_STATUS }, &v), 0);
        *ret_services = (uint32_t)v->services_total;
        *ret_edges = (uint32_t)v->edges_total;
        view_free(&v);
}

/* Some of the work, a look at the totals after each portion: they stay as they were until it is done. */
static bool work_some(struct core *core, int64_t now)
{
        uint32_t before[2], after[2];
        uint64_t portions = draw(200);
        bool more = true;

        totals(core, now, &before[0], &before[1]);
        while (more && portions-- > 0) {
                more = core_work(core);
                totals(core, now, &after[0], &after[1]);
                if (more)
                        assert_true(after[1] == before[1] || after[1] <= EDGES);
        }
        return !more;
}

static void expect_same(struct core *x, struct core *y, int64_t now, const struct view_query *q)
{
        struct text text[2] = { { 0 }, { 0 } };
        struct core *cores[2] = { x, y };

        for (int i = 0; i < 2; i++) {
                struct view *v = NULL;

                assert_int_equal(core_view(cores[i], now, q, &v), 0);
                assert_int_equal(render_json(&text[i], "graph", v, NULL), 0);
                view_free(&v);
        }
        assert_int_equal(text[0].length, text[1].length);
        assert_memory_equal(text[0].data, text[1].data, text[0].length);
        text_free(&text[0]);
        text_free(&text[1]);
}

static void send_to_both(struct agent *agent, struct core *whole, struct core *cut, int64_t now)
{
        assert_int_equal(agent_send(agent, whole, now), 0);
        assert_int_equal(core_summary(cut, now, agent->host, &agent->s, &agent->ack), 0);
}

static void run(uint64_t seed)
{
        static struct agent a, b;
        struct core *whole, *cut;
        struct core_options options = { .coordinator = 42, .forget_after = SECONDS(120) };
        uint64_t unfinished = 0;
        int64_t now = T0;

        state = seed;
        assert_int_equal(core_new(&options, &whole), 0);
        options.portion = 1;
        assert_int_equal(core_new(&options, &cut), 0);
        agent_start(&a, "alpha", 1, T0);
        agent_start(&b, "beta", 2, T0);
        agent_address(&a, "10.0.0.1");
        agent_address(&b, "10.0.0.2");
        for (int i = 0; i < EDGES; i++) {
                char service[16], address[16];

                snprintf(service, sizeof(service), "s%d", i);
                snprintf(address, sizeof(address), "192.0.2.%d", i + 1);
                if (i % 3 == 0)
                        agent_listener(&b, service, "0.0.0.0", (uint16_t)(5000 + i));
                agent_client(&a, service, i % 3 ? address : "10.0.0.2", (uint16_t)(5000 + i));
                if (i % 3 == 0)
                        agent_server(&b, service, "10.0.0.2", (uint16_t)(5000 + i), "10.0.0.1");
        }
        for (int s = 0; s < MINUTES * 60; s++, now += SECONDS(1)) {
                /* Half way the clients end, and are forgotten. */
                if (s == MINUTES * 30) {
                        agent_start(&a, "alpha", 3, now);
                        agent_address(&a, "10.0.0.1");
                        opened(agent_client(&a, "s1", "192.0.2.2", 5001), 1, 1);
                }
                if (draw(4) == 0 && a.s.edges_count > 0) {
                        struct summary_edge *e = &a.edges[draw(a.s.edges_count)];

                        opened(e, 1, 1);
                        e->last_seen = now;
                }
                if (draw(7) == 0)
                        send_to_both(draw(2) ? &a : &b, whole, cut, now);
                core_tick(whole, now);
                core_begin_tick(cut, now);
                unfinished += !work_some(cut, now);
                if (s % 60 == 59)
                        expect_same(whole, cut, now, &(struct view_query){ .parts = VIEW_GRAPH | VIEW_HOSTS });
                if (s > 900 && s % 300 == 299)
                        expect_same(whole, cut, now, &(struct view_query){ .parts = VIEW_GRAPH, .at = now - SECONDS(700) });
        }
        assert_true(unfinished > 100);
        core_free(&cut);
        core_free(&whole);
}

static void work_may_be_cut_anywhere(void **unused)
{
        (void)unused;
        for (uint64_t seed = 1; seed <= 20; seed++)
                run(seed);
}

/* `status` in the midst of the work tells the totals of before, and does not end the work. */
static void totals_leave_the_work_alone(void **unused)
{
        static struct agent a;
        struct core *core;
        uint32_t services, edges;

        (void)unused;
        assert_int_equal(core_new(&(struct core_options){ .coordinator = 42, .portion = 1 }, &core), 0);
        agent_start(&a, "alpha", 1, T0);
        for (int i = 0; i < 10; i++)
                opened(agent_client(&a, "web", "192.0.2.7", (uint16_t)(100 + i)), 1, 1);
        assert_int_equal(agent_send(&a, core, T0), 0);
        core_begin_settle(core, T0 + SECONDS(3));
        for (int i = 0; i < 20; i++) {
                assert_true(core_work(core));
                totals(core, T0 + SECONDS(4), &services, &edges);
                assert_int_equal(edges, 0);
        }
        while (core_work(core))
                ;
        totals(core, T0 + SECONDS(4), &services, &edges);
        assert_int_equal(edges, 10);
        assert_int_equal(services, 1); /* an external node has no name of its own */
        core_free(&core);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(work_may_be_cut_anywhere),
                cmocka_unit_test(totals_leave_the_work_alone),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
