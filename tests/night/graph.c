#include "tests/night/graph_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH 3600.0

int night_graph(uint64_t seed, const struct night_options *options, struct night_graph **ret_graph)
{
        struct night_graph *g;
        int r = night_seed_check(seed);

        if (r < 0)
                return r;
        g = calloc(1, sizeof(*g));
        if (!g)
                return -ENOMEM;
        random_seed(&g->random, seed, 0x67726170);
        g->truth.seed = seed;
        g->step = options && options->interval > 0 ? (double)options->interval / NSEC_PER_SEC : 30;
        g->perfect = options && options->perfect;
        g->lost = g->perfect ? 0 : random_between(&g->random, 0, 0.01);
        g->from = floor(random_between(&g->random, 0, 7 * 86400));
        g->until = g->from + LENGTH;
        g->now = g->from;
        g->noise = 1;
        graph_build(g, (int)exp(random_between(&g->random, log(10), log(501))));
        graph_plan_faults(g);
        g->truth.services = (size_t)g->services_count;
        g->truth.hosts = (size_t)g->hosts_count;
        for (int i = 0; i < g->services_count; i++)
                g->truth.edges += (size_t)g->services[i].calls_count;
        g->truth.from = night_time(g->from);
        g->truth.until = night_time(g->until);
        g->turn = g->hosts_count;
        *ret_graph = g;
        return 0;
}

/* Compared with what was usual before the first fault. */
static void remember(struct night_graph *g)
{
        bool quiet = g->faults_count == 0 || g->now < g->faults[0].at;

        g->truth.symptoms_count = 0;
        for (int i = 0; i < g->services_count; i++) {
                struct gservice *s = &g->services[i];

                if (quiet) {
                        s->usual = fmax(s->usual, s->time);
                        continue;
                }
                s->worst = fmax(s->worst, s->time);
                s->worst_failing = fmax(s->worst_failing, s->failing);
                if (s->worst >= 2 * s->usual || s->worst_failing >= 0.1)
                        g->truth.symptoms[g->truth.symptoms_count++] = s->name;
        }
}

static void begin_round(struct night_graph *g)
{
        double keep = exp(-g->step / 900), level = log(g->noise);

        g->turn = 0;
        g->now += g->step;
        g->noise = exp(level * keep + 0.08 * sqrt(1 - keep * keep) * random_normal(&g->random));
        graph_turn(g);
        graph_flow(g, g->step);
        graph_count(g);
        remember(g);
}

bool night_graph_next(struct night_graph *g, int64_t *ret_now, const char **ret_host, const struct summary **ret_summary)
{
        for (;;) {
                struct ghost *h;

                if (g->turn == g->hosts_count) {
                        if (g->now + g->step > g->until)
                                return false;
                        begin_round(g);
                }
                h = &g->hosts[g->turn++];
                *ret_summary = graph_speak(g, h);
                if (random_chance(&g->random, g->lost))
                        continue;
                *ret_now = night_time(g->now + h->phase + 0.02);
                *ret_host = h->name;
                return true;
        }
}

const struct night_graph_truth *night_graph_truth(const struct night_graph *g)
{
        return &g->truth;
}

void night_graph_free(struct night_graph **ret_graph)
{
        struct night_graph *g = *ret_graph;

        if (!g)
                return;
        for (int i = 0; i < g->hosts_count; i++) {
                free(g->hosts[i].rows);
                free(g->hosts[i].edges);
                free(g->hosts[i].keys);
                free(g->hosts[i].pools);
        }
        free(g->hosts);
        free(g->pairs);
        free(g->services);
        free(g);
        *ret_graph = NULL;
}
