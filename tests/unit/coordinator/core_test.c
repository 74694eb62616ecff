#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/coordinator/world.h"

#include <stdio.h>

static struct core *core;
static struct agent a, b, c;

static int setup(void **state)
{
        (void)state;
        return core_new(&(struct core_options){ .coordinator = 42 }, &core);
}

static int teardown(void **state)
{
        (void)state;
        core_free(&core);
        return 0;
}

static struct view *look(int64_t now)
{
        struct view *v = NULL;

        assert_int_equal(core_view(core, now, &(struct view_query){ .parts = VIEW_GRAPH | VIEW_HOSTS }, &v), 0);
        return v;
}

static void expect_one(int64_t now, const char *client, const char *server, uint16_t port, uint64_t opened_, enum view_seen seen)
{
        struct view *v = look(now);

        if (v->edges_count != 1)
                for (size_t i = 0; i < v->edges_count; i++)
                        print_error("%s -> %s:%u opened %lu seen %d\n", v->edges[i].client, v->edges[i].server, v->edges[i].port,
                                    (unsigned long)v->edges[i].counters.opened, v->edges[i].seen_from);
        assert_int_equal(v->edges_count, 1);
        assert_string_equal(v->edges[0].client, client);
        assert_string_equal(v->edges[0].server, server);
        assert_int_equal(v->edges[0].port, port);
        assert_int_equal(v->edges[0].counters.opened, opened_);
        assert_int_equal(v->edges[0].seen_from, seen);
        view_free(&v);
}

static void a_far_end_without_agent_is_an_external_node(void **state)
{
        (void)state;
        agent_start(&a, "alpha", 1, T0);
        agent_address(&a, "10.0.0.1");
        opened(agent_client(&a, "web", "192.0.2.7", 443), 3, 1);
        assert_int_equal(agent_send(&a, core, T0), 0);
        assert_int_equal(a.ack.sequence, 1);
        assert_false(a.ack.resync);
        expect_one(T0, "web", "192.0.2.7", 443, 3, VIEW_SEEN_CLIENT);
}

/* Where nobody listens, two hosts' own addresses are not one thing that both depend on. */
static void loopback_without_a_listener_is_of_its_host(void **state)
{
        struct view *v;

        (void)state;
        agent_start(&a, "alpha", 1, T0);
        agent_start(&b, "beta", 2, T0);
        agent_client(&a, "web", "127.0.0.1", 9)->counters = (struct summary_counters){ .attempted = 2, .refused = 2 };
        agent_client(&b, "api", "127.0.0.1", 9)->counters = (struct summary_counters){ .attempted = 3, .refused = 3 };
        agent_client(&b, "api", "::1", 9)->counters = (struct summary_counters){ .attempted = 1, .refused = 1 };
        assert_int_equal(agent_send(&a, core, T0), 0);
        assert_int_equal(agent_send(&b, core, T0), 0);
        v = look(T0 + SECONDS(1));
        assert_int_equal(v->edges_count, 3);
        assert_int_equal(view_find(v, "web", "127.0.0.1@alpha")->failed, 2);
        assert_int_equal(view_find(v, "api", "127.0.0.1@beta")->failed, 3);
        assert_int_equal(view_find(v, "api", "::1@beta")->failed, 1);
        view_free(&v);
}

static void listeners_and_addresses_join_both_ends(void **state)
{
        (void)state;
        agent_start(&a, "alpha", 1, T0);
        agent_start(&b, "beta", 2, T0);
        agent_address(&a, "10.0.0.1");
        agent_address(&b, "10.0.0.2");
        agent_listener(&b, "db", "0.0.0.0", 5432);
        opened(agent_client(&a, "web", "10.0.0.2", 5432), 5, 2);
        opened(agent_server(&b, "db", "10.0.0.2", 5432, "10.0.0.1"), 5, 2);
        assert_int_equal(agent_send(&b, core, T0), 0);
        assert_int_equal(agent_send(&a, core, T0 + SECONDS(1)), 0);
        expect_one(T0 + SECONDS(2), "web", "db", 5432, 5, VIEW_SEEN_BOTH);
        core_tick(core, T0 + SECONDS(50));
        expect_one(T0 + SECONDS(50), "web", "db", 5432, 5, VIEW_SEEN_BOTH);
}

static void keys_join_through_address_translation(void **state)
{
        struct summary_edge *e, *f;

        (void)state;
        agent_start(&a, "alpha", 1, T0);
        agent_start(&b, "beta", 2, T0);
        agent_address(&a, "10.0.0.1");
        agent_address(&b, "10.9.0.2");
        e = agent_client(&a, "web", "172.16.0.1", 80);
        f = agent_server(&b, "api", "10.9.0.2", 8080, "10.9.0.1");
        opened(e, 2, 0);
        opened(f, 2, 0);
        agent_key(&a, e, 0x1111), agent_key(&a, e, 0x2222);
        agent_key(&b, f, 0x1111), agent_key(&b, f, 0x2222);
        assert_int_equal(agent_send(&a, core, T0), 0);
        assert_int_equal(agent_send(&b, core, T0 + SECONDS(1)), 0);
        expect_one(T0 + SECONDS(2), "web", "api", 8080, 2, VIEW_SEEN_BOTH);
}

static void adopted_ends_find_their_direction(void **state)
{
        struct summary_edge *e, *f;

        (void)state;
        agent_start(&a, "alpha", 1, T0);
        agent_start(&b, "beta", 2, T0);
        agent_address(&a, "10.0.0.1");
        agent_address(&b, "10.0.0.2");
        e = agent_edge(&a, "caller", ROLE_UNKNOWN);
        f = agent_edge(&b, "callee", ROLE_UNKNOWN);
        e->local = f->remote = ip("10.0.0.1");
        f->local = e->remote = ip("10.0.0.2");
        e->local_port = f->remote_port = 100;
        f->local_port = e->remote_port = 50000;
        e->counters.adopted = f->counters.adopted = 1;
        agent_key(&a, e, UINT64_C(0x00000001) << 32 | 0x77); /* the initiator: one is added to the upper half */
        agent_key(&b, f, UINT64_C(0x00000077) << 32 | 0x02);
        assert_int_equal(agent_send(&a, core, T0), 0);
        assert_int_equal(agent_send(&b, core, T0), 0);
        expect_one(T0 + SECONDS(1), "caller", "callee", 50000, 0, VIEW_SEEN_BOTH);
}

static void a_client_nobody_observes_is_counted_beside_one_that_is(void **state)
{
        struct summary_edge *e, *f;
        struct view *v;

        (void)state;
        agent_start(&a, "alpha", 1, T0);
        agent_start(&b, "beta", 2, T0);
        agent_address(&a, "10.0.0.1");
        agent_address(&b, "10.9.0.2");
        e = agent_client(&a, "web", "172.16.0.1", 80);
        f = agent_server(&b, "api", "10.9.0.2", 8080, "10.9.0.1");
        opened(e, 2, 2);
        opened(f, 5, 5);
        agent_key(&a, e, 0x1111), agent_key(&b, f, 0x1111);
        for (int i = 0; i < 6; i++) {
                assert_int_equal(agent_send(&b, core, T0 + SECONDS(10 * i)), 0);
                assert_int_equal(agent_send(&a, core, T0 + SECONDS(10 * i + 5)), 0);
                core_tick(core, T0 + SECONDS(10 * i + 6));
        }
        v = look(T0 + SECONDS(57));
        assert_int_equal(v->edges_count, 2);
        assert_int_equal(view_find(v, "web", "api")->counters.opened, 2);
        assert_int_equal(view_find(v, "10.9.0.1", "api")->counters.opened, 3);
        assert_int_equal(view_find(v, "10.9.0.1", "api")->counters.closed, 3);
        view_free(&v);
}

static void a_virtual_address_is_split_among_its_backends(void **state)
{
        struct summary_edge *e, *f, *g;
        struct view *v;

        (void)state;
        agent_start(&a, "alpha", 1, T0);
        agent_start(&b, "beta", 2, T0);
        agent_start(&c, "gamma", 3, T0);
        agent_address(&a, "10.0.0.1");
        agent_address(&b, "10.0.0.2");
        agent_address(&c, "10.0.0.3");
        e = agent_client(&a, "web", "172.16.0.1", 80);
        f = agent_server(&b, "blue", "10.0.0.2", 8080, "10.0.0.1");
        g = agent_server(&c, "green", "10.0.0.3", 8080, "10.0.0.1");
        opened(e, 5, 4);
        e->counters.refused = 2;
        e->counters.attempted += 2;
        opened(f, 3, 2);
        opened(g, 2, 2);
        f->counters.received = 300;
        agent_key(&a, e, 1), agent_key(&b, f, 1), agent_key(&a, e, 2), agent_key(&c, g, 2);
        assert_int_equal(agent_send(&a, core, T0), 0);
        assert_int_equal(agent_send(&b, core, T0), 0);
        assert_int_equal(agent_send(&c, core, T0), 0);
        v = look(T0 + SECONDS(1));
        assert_int_equal(v->edges_count, 3);
        assert_int_equal(view_find(v, "web", "blue")->counters.opened, 3);
        assert_int_equal(view_find(v, "web", "blue")->counters.sent, 300);
        assert_int_equal(view_find(v, "web", "blue")->open, 1);
        assert_int_equal(view_find(v, "web", "blue")->failed, 0);
        assert_int_equal(view_find(v, "web", "green")->counters.opened, 2);
        assert_int_equal(view_find(v, "web", "172.16.0.1")->counters.opened, 0);
        assert_int_equal(view_find(v, "web", "172.16.0.1")->failed, 2);
        view_free(&v);
}

static void a_restarted_agent_counts_on(void **state)
{
        struct view *v;

        (void)state;
        agent_start(&a, "alpha", 1, T0);
        agent_address(&a, "10.0.0.1");
        opened(agent_client(&a, "web", "192.0.2.7", 443), 10, 4);
        assert_int_equal(agent_send(&a, core, T0), 0);
        agent_start(&a, "alpha", 2, T0 + SECONDS(20));
        agent_address(&a, "10.0.0.1");
        agent_client(&a, "web", "192.0.2.7", 443)->counters =
                (struct summary_counters){ .adopted = 6, .attempted = 1, .opened = 1, .closed = 2 };
        assert_int_equal(agent_send(&a, core, T0 + SECONDS(21)), 0);
        v = look(T0 + SECONDS(22));
        assert_int_equal(v->edges_count, 1);
        assert_int_equal(v->edges[0].counters.opened, 11);
        assert_int_equal(v->edges[0].counters.closed, 6);
        assert_int_equal(v->edges[0].open, 5);
        assert_false(v->edges[0].complete);
        view_free(&v);
}

static void an_open_connection_is_seen_while_its_agent_reports(void **state)
{
        struct summary_edge *e;
        struct view *v;

        (void)state;
        agent_start(&a, "alpha", 1, T0);
        agent_address(&a, "10.0.0.1");
        e = agent_client(&a, "web", "192.0.2.7", 443);
        opened(e, 1, 0);
        assert_int_equal(agent_send(&a, core, T0), 0);
        assert_int_equal(agent_send(&a, core, T0 + SECONDS(20)), 0);
        v = look(T0 + SECONDS(25));
        assert_int_equal(v->edges[0].last_seen, T0 + SECONDS(20));
        view_free(&v);
        /* Not beyond the end of the connection, which the agent tells. */
        e->counters.closed = 1;
        e->last_seen = T0 + SECONDS(26);
        assert_int_equal(agent_send(&a, core, T0 + SECONDS(30)), 0);
        assert_int_equal(agent_send(&a, core, T0 + SECONDS(40)), 0);
        v = look(T0 + SECONDS(45));
        assert_int_equal(v->edges[0].last_seen, T0 + SECONDS(26));
        view_free(&v);
}

static void duplicates_and_late_summaries_change_nothing(void **state)
{
        struct summary_edge *e;
        struct view *v;

        (void)state;
        agent_start(&a, "alpha", 1, T0);
        e = agent_client(&a, "web", "192.0.2.7", 443);
        opened(e, 10, 0);
        assert_int_equal(agent_send(&a, core, T0), 0);
        opened(e, 5, 0);
        a.s.sequence = 2; /* becomes 3 */
        assert_int_equal(agent_send(&a, core, T0 + SECONDS(10)), 0);
        e->counters.opened = 12;
        a.s.sequence = 1; /* 2, late */
        assert_int_equal(agent_send(&a, core, T0 + SECONDS(11)), 0);
        e->counters.opened = 100;
        a.s.sequence = 2; /* 3 again */
        assert_int_equal(agent_send(&a, core, T0 + SECONDS(12)), 0);
        assert_int_equal(a.ack.sequence, 3);
        v = look(T0 + SECONDS(13));
        assert_int_equal(v->edges[0].counters.opened, 15);
        assert_true(v->edges[0].complete);
        view_free(&v);
}

static void losses_and_silence_make_answers_incomplete(void **state)
{
        struct view *v;

        (void)state;
        agent_start(&a, "alpha", 1, T0);
        opened(agent_client(&a, "web", "192.0.2.7", 443), 10, 0);
        assert_int_equal(agent_send(&a, core, T0), 0);
        v = look(T0 + SECONDS(1));
        assert_true(v->complete && v->edges[0].complete);
        view_free(&v);
        a.s.lost = 3;
        assert_int_equal(agent_send(&a, core, T0 + SECONDS(10)), 0);
        v = look(T0 + SECONDS(11));
        assert_false(v->complete || v->edges[0].complete);
        assert_int_equal(v->lost_events, 3);
        view_free(&v);
        for (int i = 2; i < 20; i++) {
                assert_int_equal(agent_send(&a, core, T0 + SECONDS(10 * i)), 0);
                core_tick(core, T0 + SECONDS(10 * i));
        }
        assert_int_equal(core_view(core, T0 + SECONDS(191), &(struct view_query){ .parts = VIEW_GRAPH, .window = SECONDS(60) }, &v),
                         0);
        assert_true(v->complete && v->edges[0].complete);
        view_free(&v);
        assert_int_equal(core_view(core, T0 + SECONDS(290), &(struct view_query){ .parts = VIEW_GRAPH, .window = SECONDS(60) }, &v),
                         0);
        assert_false(v->complete || v->edges[0].complete);
        view_free(&v);
}

/* The view that is in `v` is freed first. */
static void look_at_pools(struct view **v, int64_t now)
{
        view_free(v);
        assert_int_equal(core_view(core, now, &(struct view_query){ .parts = VIEW_POOLS }, v), 0);
}

/* A service that connects before it begins to listen has two edges to the server, for its port is part of who it is to
 * the agent; what one process has on both is one pool. */
static void pools_of_a_process_are_one_on_two_edges(void **state)
{
        struct summary_edge *before, *after;
        struct summary_pool *p;
        struct view *v = NULL;

        (void)state;
        agent_start(&a, "alpha", 1, T0);
        before = agent_client(&a, "web", "192.0.2.7", 5432);
        after = agent_client(&a, "web", "192.0.2.7", 5432);
        opened(before, 2, 0);
        opened(after, 9, 0);
        p = agent_pool(&a, after, 77);
        p->busy = 1, p->idle = 8, p->held = 7, p->held_ever = 9, p->reused = 1, p->limit = 60, p->opened_at = T0;
        p = agent_pool(&a, before, 77);
        p->idle = 2, p->close_wait = 1, p->opened_at = T0 - SECONDS(60);
        agent_pool(&a, before, 78)->idle = 3; /* another process */
        assert_int_equal(agent_send(&a, core, T0 + SECONDS(1)), 0);
        look_at_pools(&v, T0 + SECONDS(2));
        assert_int_equal(v->pools_count, 2);
        assert_int_equal(v->pools[0].pool.pid, 77);
        assert_int_equal(v->pools[0].pool.busy, 1);
        assert_int_equal(v->pools[0].pool.idle, 10);
        assert_int_equal(v->pools[0].pool.held, 7);
        assert_int_equal(v->pools[0].pool.close_wait, 1);
        assert_int_equal(v->pools[0].pool.held_ever, 9);
        assert_int_equal(v->pools[0].pool.reused, 1);
        assert_int_equal(v->pools[0].pool.limit, 60);
        assert_true(v->pools[0].pool.opened_at == T0);
        assert_int_equal(v->pools[1].pool.idle, 3);
        view_free(&v);
}

/* A pool is named by both ends of its edge, as far as they are known, and by who holds it. */
static void pools_are_of_a_process_and_a_server(void **state)
{
        struct summary_edge *e, *f, *g;
        struct summary_pool *p;
        struct view *v = NULL;

        (void)state;
        agent_start(&a, "alpha", 1, T0);
        agent_start(&b, "beta", 2, T0);
        agent_address(&a, "10.0.0.1");
        agent_address(&b, "10.0.0.2");
        agent_listener(&b, "db", "0.0.0.0", 5432);
        e = agent_client(&a, "web", "10.0.0.2", 5432);
        f = agent_client(&a, "web", "192.0.2.7", 443);
        g = agent_server(&b, "db", "10.0.0.2", 5432, "10.0.0.1");
        opened(e, 9, 0);
        opened(f, 1, 0);
        opened(g, 9, 0);
        agent_key(&a, e, 0xabc);
        agent_key(&b, g, 0xabc);
        p = agent_pool(&a, e, 77);
        p->busy = 2, p->idle = 7, p->held = 5;
        agent_pool(&a, f, 77)->idle = 1;
        agent_pool(&b, g, 5)->close_wait = 3;
        a.s.pools[2] = (struct summary_pool){ .edge = 999, .pid = 1 }; /* of an edge that is not there */
        a.s.pools_count++;
        assert_int_equal(agent_send(&b, core, T0), 0);
        assert_int_equal(agent_send(&a, core, T0 + SECONDS(1)), 0);
        look_at_pools(&v, T0 + SECONDS(2));
        assert_int_equal(v->pools_count, 3);
        assert_string_equal(v->pools[0].server, "192.0.2.7");
        assert_string_equal(v->pools[1].client, "web");
        assert_string_equal(v->pools[1].server, "db");
        assert_string_equal(v->pools[1].host, "alpha");
        assert_int_equal(v->pools[1].pool.held, 5);
        assert_int_equal(v->pools[1].port, 5432);
        assert_true(v->pools[1].complete && v->complete);
        assert_string_equal(v->pools[2].host, "beta");
        assert_int_equal(v->pools[2].side, ROLE_SERVER);
        assert_int_equal(v->pools[2].pool.close_wait, 3);

        /* A connection without a place: the answer says so, until the next sweep finds one for all. */
        a.s.pools_lost = 1;
        a.s.pools_count = 2;
        assert_int_equal(agent_send(&a, core, T0 + SECONDS(10)), 0);
        look_at_pools(&v, T0 + SECONDS(11));
        assert_false(v->pools[1].complete || v->complete);
        assert_int_equal(agent_send(&a, core, T0 + SECONDS(20)), 0);
        look_at_pools(&v, T0 + SECONDS(21));
        assert_true(v->pools[1].complete);

        /* The next sweep finds none; then the agent starts anew. */
        a.s.pools_count = 0;
        assert_int_equal(agent_send(&a, core, T0 + SECONDS(30)), 0);
        look_at_pools(&v, T0 + SECONDS(31));
        assert_int_equal(v->pools_count, 1);
        agent_start(&b, "beta", 3, T0 + SECONDS(40));
        assert_int_equal(agent_send(&b, core, T0 + SECONDS(40)), 0);
        look_at_pools(&v, T0 + SECONDS(41));
        assert_int_equal(v->pools_count, 0);
        view_free(&v);
}

static const struct view_service *service_named(const struct view *v, const char *name)
{
        for (size_t i = 0; i < v->services_count; i++)
                if (strcmp(v->services[i].name, name) == 0)
                        return &v->services[i];
        return NULL;
}

static void failures_make_a_service_bad_and_incomplete_ones_do_not(void **state)
{
        struct summary_edge *e, *f;
        struct view *v;

        (void)state;
        agent_start(&a, "alpha", 1, T0);
        agent_start(&b, "beta", 2, T0);
        agent_address(&a, "10.0.0.1");
        agent_address(&b, "10.0.0.2");
        agent_listener(&b, "db", "0.0.0.0", 5432);
        agent_listener(&b, "cache", "0.0.0.0", 6379);
        e = agent_client(&a, "web", "10.0.0.2", 5432);
        f = agent_client(&a, "web", "10.0.0.2", 6379);
        e->counters.attempted = e->counters.refused = 20;
        opened(f, 20, 0);
        assert_int_equal(agent_send(&b, core, T0), 0);
        assert_int_equal(agent_send(&a, core, T0 + SECONDS(1)), 0);
        v = look(T0 + SECONDS(2));
        assert_int_equal(service_named(v, "db")->health, VIEW_HEALTH_BAD);
        assert_int_equal(service_named(v, "cache")->health, VIEW_HEALTH_OK);
        assert_int_equal(service_named(v, "web")->health, VIEW_HEALTH_UNKNOWN);
        view_free(&v);
        a.s.lost = 1;
        assert_int_equal(agent_send(&a, core, T0 + SECONDS(10)), 0);
        v = look(T0 + SECONDS(11));
        assert_int_equal(service_named(v, "db")->health, VIEW_HEALTH_UNKNOWN);
        view_free(&v);
}

static void the_world_outside_does_not_outgrow_the_graph(void **state)
{
        struct view *v;
        char text[64];

        (void)state;
        for (int i = 0; i < 40; i++) {
                snprintf(text, sizeof(text), "host-%d", i);
                agent_start(&a, text, (uint64_t)i + 1, T0);
                for (int k = 0; k < 50; k++) {
                        char remote[64];

                        snprintf(remote, sizeof(remote), "198.51.%d.%d", i % 4, 1 + k + 50 * (i / 4 % 5));
                        opened(agent_server(&a, "shop", "10.0.0.1", 443, remote), 1, 1);
                }
                assert_int_equal(agent_send(&a, core, T0), 0);
        }
        v = look(T0 + SECONDS(1));
        view_free(&v);
        core_tick(core, T0 + SECONDS(11));
        v = look(T0 + SECONDS(12));
        assert_int_equal(v->edges_count, 4);
        assert_non_null(view_find(v, "198.51.3.0/24", "shop"));
        assert_int_equal(view_find(v, "198.51.3.0/24", "shop")->counters.opened, 500);
        view_free(&v);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        const struct CMUnitTest tests[] = {
                TEST(a_far_end_without_agent_is_an_external_node),
                TEST(loopback_without_a_listener_is_of_its_host),
                TEST(listeners_and_addresses_join_both_ends),
                TEST(keys_join_through_address_translation),
                TEST(adopted_ends_find_their_direction),
                TEST(a_client_nobody_observes_is_counted_beside_one_that_is),
                TEST(a_virtual_address_is_split_among_its_backends),
                TEST(a_restarted_agent_counts_on),
                TEST(an_open_connection_is_seen_while_its_agent_reports),
                TEST(duplicates_and_late_summaries_change_nothing),
                TEST(pools_of_a_process_are_one_on_two_edges),
                TEST(pools_are_of_a_process_and_a_server),
                TEST(failures_make_a_service_bad_and_incomplete_ones_do_not),
                TEST(the_world_outside_does_not_outgrow_the_graph),
                TEST(losses_and_silence_make_answers_incomplete),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
