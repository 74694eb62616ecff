/* Who calls whom, and what of it is not as usual. */
#include "coordinator/roots_internal.h"

#include <math.h>
#include <stdlib.h>

#define CHANCE 4.0 /* deviations */

static int by_place(const void *x, const void *y)
{
        const struct copy *a = x, *b = y;

        if (a->service != b->service)
                return a->service->rank < b->service->rank ? -1 : 1;
        return a->host->number == b->host->number ? 0 : a->host->number < b->host->number ? -1 : 1;
}

struct copy *walk_find(const struct walk *w, const struct service *service, const struct host *host)
{
        const struct copy key = { .service = (struct service *)service, .host = (struct host *)host };

        return host ? bsearch(&key, w->copies, w->copies_count, sizeof(*w->copies), by_place) : NULL;
}

static struct host *far_host(const struct end *e)
{
        return e->links ? e->links->server->host : e->target_host;
}

static bool from_outside(const struct core *core, const struct end *e)
{
        const struct edge *edge = end_edge(core, e);

        return !e->links && (!edge || edge->client->external);
}

static void sum(const struct core *core, const struct end *e, struct pair_flow *ret)
{
        *ret = (struct pair_flow){ 0 };
        pulse_sum(core, e, 0, PULSE_NOW, &ret->now);
        pulse_sum(core, e, PULSE_USUAL, PULSE_CELLS, &ret->usual);
}

bool walk_gather(struct core *core, struct walk *w)
{
        uint32_t kept = 0;

        w->copies = core_alloc(core, core->pulses * sizeof(*w->copies));
        w->calls = core_alloc(core, core->pulses * sizeof(*w->calls));
        w->capacity = core->pulses;
        if (!w->copies || !w->calls)
                return false;
        for (uint32_t i = 0; i < core->ends_count; i++) {
                const struct end *e = core->ends[i];

                if (e->pulse && !e->service->external)
                        w->copies[w->copies_count++] = (struct copy){ .service = e->service, .host = e->host };
        }
        qsort(w->copies, w->copies_count, sizeof(*w->copies), by_place);
        for (uint32_t i = 0; i < w->copies_count; i++)
                if (kept == 0 || by_place(&w->copies[kept - 1], &w->copies[i]) != 0)
                        w->copies[kept++] = w->copies[i];
        w->copies_count = kept;
        for (uint32_t i = 0; i < core->ends_count; i++) {
                const struct end *e = core->ends[i];
                const struct edge *edge = e->pulse ? end_edge(core, e) : NULL;
                struct copy *c = e->pulse && !e->service->external ? walk_find(w, e->service, e->host) : NULL;
                struct pair_flow f;

                if (!c)
                        continue;
                sum(core, e, &f);
                if (e->role == ROLE_SERVER) {
                        pair_add(&c->in, &f);
                        if (from_outside(core, e))
                                pair_add(&c->outside, &f);
                } else if (edge) {
                        w->calls[w->calls_count++] = (struct call){ .end = e,
                                                                    .port = edge->port,
                                                                    .from = c,
                                                                    .server = edge->server,
                                                                    .to = walk_find(w, edge->server, far_host(e)),
                                                                    .flow = f };
                        c->calls++;
                }
        }
        return true;
}

void walk_judge(struct walk *w)
{
        for (uint32_t i = 0; i < w->calls_count; i++) {
                struct call *c = &w->calls[i];

                c->slower = flow_slower(&c->flow.now, &c->flow.usual, 3);
                c->late = flow_late(&c->flow.now, &c->flow.usual);
                c->refused = flow_refused(&c->flow.now, &c->flow.usual);
                c->loses = flow_loses(&c->flow.now, &c->flow.usual);
                if (c->to)
                        pair_add(&c->to->seen, &c->flow);
        }
        for (uint32_t i = 0; i < w->copies_count; i++) {
                struct copy *c = &w->copies[i];

                c->slower = flow_slower(&c->in.now, &c->in.usual, CHANCE);
                c->late = flow_late(&c->seen.now, &c->seen.usual);
                c->refused = flow_refused(&c->seen.now, &c->seen.usual);
                c->measured = c->in.now.answers >= 5 && c->in.usual.answers >= 10;
                c->growth =
                        flow_per_cell(c->in.now.received, &c->in.now) / fmax(flow_per_cell(c->in.usual.received, &c->in.usual), 1);
                c->bad = c->slower > SLOWER || c->refused || (c->late > LATE && c->seen.now.sent > 20000);
        }
}

/* How much of what a copy takes longer is spent in waiting for one call. */
static double waited(const struct copy *c, const struct call *call)
{
        double more = exp(flow_mean(&c->in.now)) - exp(flow_mean(&c->in.usual));
        double each = exp(flow_mean(&call->flow.now)) - exp(flow_mean(&call->flow.usual));
        double times = call->flow.usual.answers / fmax(c->in.usual.answers, 1);

        return more > 0 && each > 0 ? each * times / more : 0;
}

static bool call_explains(const struct call *k)
{
        if (k->refused || k->loses || (k->late > LATE / 2 && k->flow.now.sent > 10000))
                return true;
        return k->slower > SLOWER / 2 && (!k->to || k->to->bad || k->to->slower > SLOWER / 2) &&
               (!k->from->measured || waited(k->from, k) > 0.15);
}

void walk_explain(struct walk *w)
{
        for (uint32_t i = 0; i < w->calls_count; i++) {
                struct call *k = &w->calls[i];

                k->explains = call_explains(k);
                k->from->explained = k->from->explained || k->explains;
                k->from->lossy = k->from->lossy || k->loses;
        }
}
