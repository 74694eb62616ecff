/* Graphs are the same for the same seed, count what they should, and their symptoms come from their causes alone. */
#include "coordinator/core.h"
#include "coordinator/view.h"
#include "tests/night/graph_private.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint64_t run(uint64_t seed)
{
        uint64_t h = UINT64_C(0xcbf29ce484222325);
        const struct summary *s;
        struct night_graph *g = NULL;
        const char *host;
        int64_t now;

        assert_int_equal(night_graph(seed, NULL, &g), 0);
        while (night_graph_next(g, &now, &host, &s))
                for (size_t k = 0; k < s->edges_count; k++)
                        h = (h ^ s->edges[k].counters.sent ^ s->edges[k].counters.closed << 32) * UINT64_C(0x100000001b3);
        night_graph_free(&g);
        return h;
}

static void same_for_the_same_seed(void **state)
{
        struct night_graph *g = NULL;

        (void)state;
        assert_true(run(10) == run(10));
        assert_false(run(10) == run(14));
        unsetenv("NIGHT_FINAL");
        assert_int_equal(night_graph(11, NULL, &g), -EPERM);
}

/* What a client opened and its server saw, by the keys of both ends; and nothing goes back. */
static void sums(void **state)
{
        (void)state;
        for (uint64_t seed = 0; seed < 24; seed += 2) {
                const struct summary *s;
                struct night_graph *g = NULL;
                uint64_t opened[2] = { 0 }, sent[2] = { 0 }, *seen;
                const char *host;
                int64_t now, before = 0;
                size_t rows = 0;

                assert_int_equal(night_graph(seed, NULL, &g), 0);
                if (g->services_count > 200) {
                        night_graph_free(&g);
                        continue;
                }
                for (int i = 0; i < g->hosts_count; i++)
                        rows = MAX(rows, (size_t)g->hosts[i].rows_count);
                seen = calloc((size_t)g->hosts_count * rows, sizeof(*seen));
                while (night_graph_next(g, &now, &host, &s)) {
                        size_t at = (size_t)(atoi(host + 5) - 1) * rows;

                        assert_true(now >= before);
                        before = now;
                        for (size_t k = 0; k < s->edges_count; k++) {
                                const struct summary_counters *c = &s->edges[k].counters;

                                assert_true(c->closed <= c->opened && c->opened <= c->attempted);
                                assert_true(c->sent >= seen[at + s->edges[k].id - 1]);
                                seen[at + s->edges[k].id - 1] = c->sent;
                        }
                        for (size_t k = 0; k < s->pools_count; k++)
                                assert_true(s->pools[k].edge >= 1 && s->pools[k].edge <= rows);
                }
                for (int i = 0; i < g->hosts_count; i++)
                        for (int k = 0; k < g->hosts[i].rows_count; k++) {
                                const struct summary_edge *e = &g->hosts[i].rows[k].edge;

                                if (e->remote.bytes[12] == 203)
                                        continue;
                                opened[e->role == ROLE_SERVER] += e->counters.opened;
                                sent[e->role == ROLE_SERVER] += e->role == ROLE_SERVER ? e->counters.received : e->counters.sent;
                        }
                assert_true(opened[0] == opened[1] && opened[0] > 0);
                assert_true(sent[0] == sent[1] && sent[0] > 0);
                free(seen);
                night_graph_free(&g);
        }
}

/* Load goes down, times and failures come up: whoever has a symptom is below a cause's service or above such a one. */
static void mark(const struct night_graph *g, bool *touched)
{
        for (int i = 0; i < g->services_count; i++)
                for (int f = 0; f < g->faults_count; f++) {
                        touched[i] = touched[i] || g->faults[f].service == i;
                        for (int k = 0; k < g->services[i].copies; k++) {
                                int host = g->services[i].copy[k].host;

                                touched[i] = touched[i] || host == g->faults[f].host || host == g->faults[f].other;
                        }
                }
        for (int i = 0; i < g->services_count; i++)
                for (int c = 0; touched[i] && c < g->services[i].calls_count; c++)
                        touched[g->services[i].calls[c].service] = true;
        for (int i = g->services_count; i-- > 0;)
                for (int c = 0; c < g->services[i].calls_count; c++)
                        touched[i] = touched[i] || touched[g->services[i].calls[c].service];
}

static void symptoms_have_causes(void **state)
{
        size_t causes[5] = { 0 }, healthy = 0, seen = 0, faults = 0;

        (void)state;
        for (uint64_t seed = 0; seed < 80; seed += 2) {
                const struct night_graph_truth *t;
                const struct summary *s;
                struct night_graph *g = NULL;
                bool touched[512] = { false };
                const char *host;
                int64_t now;

                assert_int_equal(night_graph(seed, NULL, &g), 0);
                t = night_graph_truth(g);
                assert_true(t->services >= 10 && t->services <= 501 && t->causes_count <= 3);
                if (t->services > 120) { /* the rest is as good, and faster */
                        night_graph_free(&g);
                        continue;
                }
                while (night_graph_next(g, &now, &host, &s))
                        ;
                mark(g, touched);
                for (size_t k = 0; k < t->symptoms_count; k++)
                        for (int i = 0; i < g->services_count; i++)
                                /* One that is deployed or restarted alone is away for a moment. */
                                if (strcmp(g->services[i].name, t->symptoms[k]) == 0 && !isfinite(g->services[i].deploy_at))
                                        assert_true(touched[i]);
                healthy += t->causes_count == 0;
                assert_true(t->causes_count > 0 || t->symptoms_count == 0);
                faults += t->causes_count > 0;
                seen += t->causes_count > 0 && t->symptoms_count > 0;
                for (size_t k = 0; k < t->causes_count; k++) {
                        causes[t->causes[k].kind]++;
                        assert_true(t->causes[k].at > t->from && t->causes[k].at < t->until);
                        if (t->causes[k].kind == NIGHT_CAUSE_DEPLOYMENT)
                                assert_string_not_equal(t->causes[k].from, t->causes[k].to);
                }
                night_graph_free(&g);
        }
        for (size_t k = 0; k < ARRAY_SIZE(causes); k++)
                assert_true(causes[k] > 0);
        assert_true(healthy >= 3);
        assert_true(seen * 10 >= faults * 8); /* what a pair of hosts loses need not slow a service as a whole */
}

static void the_core_takes_it(void **state)
{
        const struct summary *s;
        struct night_graph *g = NULL;
        struct core *core;
        struct view *view;
        struct wire_ack ack;
        const char *host;
        int64_t now = 0;
        size_t edges;

        (void)state;
        assert_int_equal(core_new(NULL, &core), 0);
        assert_int_equal(night_graph(10, &(struct night_options){ .perfect = true }, &g), 0);
        while (night_graph_next(g, &now, &host, &s))
                assert_int_equal(core_summary(core, now, host, s, &ack), 0);
        assert_int_equal(core_view(core, now, &(struct view_query){ .parts = VIEW_GRAPH }, &view), 0);
        edges = night_graph_truth(g)->edges;
        for (size_t i = 0; i < view->edges_count; i++)
                edges -= strncmp(view->edges[i].client, "203.", 4) != 0;
        assert_int_equal(edges, 0);
        view_free(&view);
        night_graph_free(&g);
        core_free(&core);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(same_for_the_same_seed),
                cmocka_unit_test(sums),
                cmocka_unit_test(symptoms_have_causes),
                cmocka_unit_test(the_core_takes_it),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
