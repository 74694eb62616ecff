/* What goes wrong, and what only looks so. */
#include "tests/night/graph_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define QUIET 2100.0 /* seconds before the first fault */

static double busiest(const struct night_graph *g)
{
        double most = 0;

        for (int i = 0; i < g->services_count; i++)
                most = fmax(most, g->services[i].rate);
        return most;
}

/* One that is used, of the layers from..to, and that has no part in anything yet. */
static int pick_service(struct night_graph *g, int from, int to)
{
        double least = fmin(4, busiest(g) / 4);

        for (int tries = 0; tries < 2000; tries++) {
                int i = (int)random_below(&g->random, (uint64_t)g->services_count);
                const struct gservice *s = &g->services[i];
                bool free = s->layer >= from && s->layer <= to && s->rate >= least && s->deploy_at == INFINITY;

                for (int k = 0; k < g->faults_count; k++)
                        free = free && g->faults[k].service != i;
                if (free)
                        return i;
        }
        return -1;
}

static bool used_host(const struct night_graph *g, int host)
{
        for (int k = 0; k < g->faults_count; k++)
                if (g->faults[k].host == host || g->faults[k].other == host)
                        return true;
        return false;
}

static double pair_rate(const struct night_graph *g, const struct pair *p)
{
        const struct gservice *a = &g->services[p->caller], *b = &g->services[p->called];

        return a->rate / a->copies * a->calls[p->call].times / b->copies;
}

/* The hosts of a pair that carries something: so there is a symptom. */
static bool pick_pair(struct night_graph *g, int *ret_host, int *ret_other)
{
        for (int tries = 0; tries < 2000 && g->pairs_count > 0; tries++) {
                const struct pair *p = &g->pairs[random_below(&g->random, (uint64_t)g->pairs_count)];
                int a = g->services[p->caller].copy[p->caller_copy].host, b = g->services[p->called].copy[p->called_copy].host;

                if (a == b || used_host(g, a) || used_host(g, b) || pair_rate(g, p) < 1)
                        continue;
                *ret_host = a;
                *ret_other = b;
                return true;
        }
        return false;
}

static void deploy(struct night_graph *g, int service, double at)
{
        struct gservice *s = &g->services[service];

        s->deploy_at = at;
        s->deploy_apart = random_between(&g->random, 5, 40);
        s->deploy_slow = s->deploy_hungry = 1;
}

/* How many times what comes to it a service can do. */
static double spare(const struct gservice *s)
{
        return s->cores / (s->rate / s->copies * s->cpu);
}

static bool draw_fault(struct night_graph *g, struct fault *f)
{
        switch (f->kind) {
        case NIGHT_CAUSE_DEPLOYMENT:
                f->service = pick_service(g, 1, LAYERS - 2);
                f->strength = (double)random_below(&g->random, 3);
                return f->service >= 0;
        case NIGHT_CAUSE_DEPENDENCY:
                f->service = pick_service(g, 2, LAYERS - 1);
                f->strength = f->service < 0 ? 0 : 1 / (spare(&g->services[f->service]) * random_between(&g->random, 1, 1.6));
                return f->service >= 0;
        case NIGHT_CAUSE_HOST:
                f->host = (int)random_below(&g->random, (uint64_t)g->hosts_count);
                f->strength = random_between(&g->random, 6, 20);
                return g->hosts[f->host].services_count > 0 && !used_host(g, f->host);
        case NIGHT_CAUSE_NETWORK:
                f->strength = random_between(&g->random, 0.05, 0.25);
                return pick_pair(g, &f->host, &f->other);
        case NIGHT_CAUSE_LOAD:
                f->service = pick_service(g, 0, 1);
                f->strength = random_between(&g->random, 4, 14);
                return f->service >= 0 && g->services[f->service].outside > 0;
        }
        return false;
}

/* The bad one: slower, hungrier, or crashing. */
static void spoil(struct night_graph *g, const struct fault *f)
{
        struct gservice *s = &g->services[f->service];

        deploy(g, f->service, f->at);
        if (f->strength == 0)
                s->deploy_slow = random_between(&g->random, 8, 40);
        else if (f->strength == 1)
                s->deploy_hungry = spare(s) * random_between(&g->random, 1.05, 1.6);
        else
                s->deploy_crashes = true;
}

static void apply(struct night_graph *g, const struct fault *f)
{
        switch (f->kind) {
        case NIGHT_CAUSE_DEPENDENCY:
                g->services[f->service].less = f->strength;
                break;
        case NIGHT_CAUSE_HOST:
                g->hosts[f->host].slow = f->strength;
                break;
        case NIGHT_CAUSE_LOAD:
                g->services[f->service].outside_factor = f->strength;
                break;
        case NIGHT_CAUSE_NETWORK:
        case NIGHT_CAUSE_DEPLOYMENT:
                break;
        }
}

/* A fault of which nothing is to be seen is none: tried on the graph as it is, which is then as before. */
int graph_try(struct night_graph *g, const struct fault *f)
{
        struct gservice *before = reallocarray(NULL, (size_t)g->services_count, sizeof(*before));
        int seen = 0;

        if (!before)
                abort();
        memcpy(before, g->services, (size_t)g->services_count * sizeof(*before));
        apply(g, f);
        for (int step = 0; step < 6; step++)
                graph_flow(g, 30);
        for (int i = 0; i < g->services_count; i++)
                seen += g->services[i].rate >= 0.5 &&
                        (g->services[i].time >= 2.5 * before[i].time || g->services[i].failing > before[i].failing + 0.1);
        memcpy(g->services, before, (size_t)g->services_count * sizeof(*before));
        if (f->host >= 0)
                g->hosts[f->host].slow = 1;
        free(before);
        return seen;
}

static bool plan_fault(struct night_graph *g, enum night_cause kind, double at)
{
        struct fault f = { .kind = kind, .service = -1, .host = -1, .other = -1, .at = at };

        if (!draw_fault(g, &f))
                return false;
        if (kind != NIGHT_CAUSE_NETWORK && kind != NIGHT_CAUSE_DEPLOYMENT && graph_try(g, &f) == 0)
                return false;
        if (kind == NIGHT_CAUSE_DEPLOYMENT)
                spoil(g, &f);
        g->faults[g->faults_count++] = f;
        return true;
}

static void tell(struct night_graph *g, const struct fault *f)
{
        static const char *const words[] = { "a deployment", "a dependency that can do less", "a sick host",
                                             "packets lost between two hosts", "load from outside" };
        const struct gservice *s = f->service >= 0 ? &g->services[f->service] : NULL;

        g->truth.causes[g->truth.causes_count++] =
                (struct night_graph_cause){ .kind = f->kind,
                                            .service = s ? s->name : "",
                                            .host = f->host >= 0 ? g->hosts[f->host].name : "",
                                            .other = f->other >= 0 ? g->hosts[f->other].name : "",
                                            .from = f->kind == NIGHT_CAUSE_DEPLOYMENT ? s->builds[0] : "",
                                            .to = f->kind == NIGHT_CAUSE_DEPLOYMENT ? s->builds[1] : "",
                                            .at = night_time(f->at),
                                            .words = words[f->kind] };
}

/* Innocent ones, before and after. */
static void plan_others(struct night_graph *g)
{
        uint64_t count = random_below(&g->random, 6);

        for (; count > 0; count--) {
                int i = pick_service(g, 0, LAYERS - 1);

                if (i < 0)
                        return;
                deploy(g, i, g->from + random_between(&g->random, 600, g->until - g->from - 300));
                g->services[i].restart_only = random_chance(&g->random, 0.4);
        }
}

void graph_plan_faults(struct night_graph *g)
{
        int want = g->truth.seed / 2 % 5 == 4 ? 0 : 1 + (int)random_below(&g->random, NIGHT_CAUSES);
        double at = g->from + QUIET + random_between(&g->random, 0, 300);

        for (int tries = 0; g->faults_count < want && tries < 50; tries++) {
                if (plan_fault(g, (enum night_cause)random_below(&g->random, 5), at))
                        at += random_chance(&g->random, 0.5) ? random_between(&g->random, 0, 400) : 0;
        }
        plan_others(g);
        for (int i = 0; i < g->faults_count; i++)
                tell(g, &g->faults[i]);
        for (int i = 0; i < g->services_count; i++) {
                const struct gservice *s = &g->services[i];

                if (s->deploy_at < INFINITY && !s->restart_only && g->truth.deployments_count < NIGHT_DEPLOYMENTS)
                        g->truth.deployments[g->truth.deployments_count++] =
                                (struct night_deployment){ .service = s->name,
                                                           .from = s->builds[0],
                                                           .to = s->builds[1],
                                                           .start = night_time(s->deploy_at),
                                                           .end = night_time(s->deploy_at + s->deploy_apart * (s->copies - 1)) };
        }
}

static void restart(struct night_graph *g, struct copy *c, double at, double down)
{
        c->pid = (uint32_t)(800 + random_below(&g->random, 30000));
        c->started = at;
        c->cpu = 0;
        c->down = fmin(1, c->down + down / g->step);
        c->restarts++;
        c->resets++;
}

#define DOWN 2.0         /* seconds of a turn */
#define CRASH_EVERY 45.0 /* seconds that one that crashes lives */
#define CRASH_DOWN 5.0

static void turn_copy(struct night_graph *g, struct gservice *s, int number)
{
        struct copy *c = &s->copy[number];
        uint32_t crashes;

        c->down = c->resets = 0;
        if (!c->turned && g->now >= s->deploy_at + number * s->deploy_apart) {
                restart(g, c, s->deploy_at + number * s->deploy_apart, DOWN);
                c->slow = s->deploy_slow;
                c->hungry = s->deploy_hungry;
                c->crashing = s->deploy_crashes;
                c->turned = true;
        }
        if (!c->crashing)
                return;
        crashes = random_poisson(&g->random, g->step / CRASH_EVERY);
        for (; crashes > 0; crashes--)
                restart(g, c, g->now - g->step * random_unit(&g->random), CRASH_DOWN);
}

void graph_turn(struct night_graph *g)
{
        for (int i = 0; i < g->services_count; i++)
                for (int k = 0; k < g->services[i].copies; k++)
                        turn_copy(g, &g->services[i], k);
        for (int i = 0; i < g->faults_count; i++)
                if (g->now >= g->faults[i].at)
                        apply(g, &g->faults[i]);
}
