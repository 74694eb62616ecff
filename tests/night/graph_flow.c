/* One step: requests down, times up. */
#include "tests/night/graph_private.h"

#include <math.h>

#define SIGMA 0.8 /* of reply times around their mean */
#define RTO 0.2

double graph_loss(const struct night_graph *g, int host, int other)
{
        for (int i = 0; i < g->faults_count; i++) {
                const struct fault *f = &g->faults[i];

                if (f->kind == NIGHT_CAUSE_NETWORK && g->now >= f->at &&
                    ((f->host == host && f->other == other) || (f->host == other && f->other == host)))
                        return f->strength;
        }
        return 0;
}

/* How many take longer than `patience` when they take `mean` in the mean. */
static double beyond(double mean, double patience)
{
        double median = mean * exp(-SIGMA * SIGMA / 2);

        return 0.5 * erfc(log(patience / median) / SIGMA * M_SQRT1_2);
}

static void flow_down(struct night_graph *g)
{
        for (int i = 0; i < g->services_count; i++)
                g->services[i].rate = g->services[i].outside * g->services[i].outside_factor * g->noise;
        for (int i = 0; i < g->services_count; i++) {
                struct gservice *s = &g->services[i];
                double through = 0;

                for (int k = 0; k < s->copies; k++)
                        through += fmin(s->rate / s->copies, s->copy[k].able > 0 ? s->copy[k].able : INFINITY);
                for (int c = 0; c < s->calls_count; c++) {
                        const struct call *call = &s->calls[c];
                        double f = g->services[call->service].failing, tries = 1;

                        for (int r = 1; r <= call->retries; r++)
                                tries += pow(f, r);
                        g->services[call->service].rate += through * call->times * tries;
                }
        }
}

/* What a caller on `host` waits for one call, retries and given up ones included. */
static double call_time(const struct night_graph *g, int host, const struct call *call)
{
        const struct gservice *s = &g->services[call->service];
        double sum = 0;

        for (int k = 0; k < s->copies; k++) {
                double loss = graph_loss(g, host, s->copy[k].host), time = s->copy[k].time + 2.5 * loss * RTO / (1 - loss), f;

                time *= 1 - s->copy[k].down;
                f = beyond(time, call->patience);
                sum += fmin(time, call->patience) * (1 + f * call->retries);
        }
        return sum / s->copies;
}

static void flow_up(struct night_graph *g, struct gservice *s, double step)
{
        double times = 0, failing = 0;

        for (int k = 0; k < s->copies; k++) {
                struct copy *c = &s->copy[k];
                double slow = c->slow * g->hosts[c->host].slow / s->less, held = s->own * slow, wait, use;

                c->rate = s->rate / s->copies;
                for (int j = 0; j < s->calls_count; j++)
                        held += s->calls[j].times * call_time(g, c->host, &s->calls[j]);
                c->able = fmin(s->cores / (s->cpu * c->hungry * g->hosts[c->host].slow) * s->less, s->workers / held);
                use = c->rate / c->able;
                c->queue = fmax(0, c->queue + (c->rate - c->able) * step);
                c->queue = fmin(c->queue, c->able * 6);
                wait = c->queue / c->able + (use < 0.97 ? 0.3 * s->own * slow * use * use / (1 - use) : s->own * slow * 9);
                c->time = held + wait;
                c->failing = c->down + (1 - c->down) * beyond(c->time, 2);
                times += c->time;
                failing += c->failing;
        }
        s->time = times / s->copies;
        s->failing = failing / s->copies;
}

void graph_flow(struct night_graph *g, double step)
{
        for (int pass = 0; pass < 2; pass++) {
                flow_down(g);
                for (int i = g->services_count; i-- > 0;)
                        flow_up(g, &g->services[i], step / 2);
        }
}
