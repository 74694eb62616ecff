/* Who calls whom, and what of it is not as usual. */
#include "coordinator/roots_internal.h"

#include <math.h>
#include <stdlib.h>

#define CHANCE 4.0 /* deviations */
#define CRASHES 3  /* are no accident */
#define CRASHES_WITHIN (600 * NSEC_PER_SEC)

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

static bool is_measured(const struct pair_flow *in)
{
        return in->now.answers >= 5 && in->usual.answers >= 10;
}

/* Its processes end with an error, over and over: who calls it from outside tells nothing of that. */
static bool is_crashing(const struct core *core, const struct copy *c)
{
        const struct measured *m = measured_find(core, c->host, SUBJECT_SERVICE, (uintptr_t)c->service);
        const struct series *s = m ? measured_series(m, SIGNAL_EXITS_FAILED) : NULL;
        double sum;
        size_t n;

        return s && series_window(s, m->seen, CRASHES_WITHIN, &sum, 1, &n) > 0 && sum >= CRASHES;
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
                c->measured = is_measured(&c->in);
                c->growth =
                        flow_per_cell(c->in.now.received, &c->in.now) / fmax(flow_per_cell(c->in.usual.received, &c->in.usual), 1);
                c->crashes = is_crashing(w->core, c);
                c->bad = c->slower > SLOWER || c->refused || c->crashes || (c->late > LATE && c->seen.now.sent > 20000);
        }
}

/* How much of what is taken longer is spent in waiting for calls. */
static double waited(const struct pair_flow *in, const struct pair_flow *calls)
{
        double more = exp(flow_mean(&in->now)) - exp(flow_mean(&in->usual));
        double each = exp(flow_mean(&calls->now)) - exp(flow_mean(&calls->usual));
        double times = calls->usual.answers / fmax(in->usual.answers, 1);

        return more > 0 && each > 0 ? each * times / more : 0;
}

/* Whether calls explain what those who make them show; `ailing`: those who are called show it, too, or are not known. */
static bool calls_explain(const struct pair_flow *in, const struct pair_flow *calls, bool ailing)
{
        if (flow_late(&calls->now, &calls->usual) > LATE / 2 && calls->now.sent > 10000)
                return true;
        return ailing && flow_slower(&calls->now, &calls->usual, 3) > SLOWER / 2 && (!is_measured(in) || waited(in, calls) > 0.15);
}

static bool is_ailing(const struct copy *to)
{
        return !to || to->bad || to->slower > SLOWER / 2;
}

static int by_way(const void *x, const void *y)
{
        const struct call *a = *(struct call *const *)x, *b = *(struct call *const *)y;

        if (a->from->service != b->from->service)
                return a->from->service->rank < b->from->service->rank ? -1 : 1;
        if (a->server != b->server)
                return a->server->rank < b->server->rank ? -1 : 1;
        return a->to < b->to ? -1 : a->to > b->to;
}

/* Those of one service to one copy, or to all copies of one server. */
static bool same_way(const struct call *a, const struct call *b, bool one_copy)
{
        return a->from->service == b->from->service && a->server == b->server && (!one_copy || a->to == b->to);
}

/* What all copies of a service take. */
static struct pair_flow taken(const struct walk *w, const struct copy *of)
{
        struct pair_flow in = { 0 };
        const struct copy *c = of;

        while (c > w->copies && c[-1].service == of->service)
                c--;
        for (; c < w->copies + w->copies_count && c->service == of->service; c++)
                pair_add(&in, &c->in);
        return in;
}

/* Where few calls go each way, what one copy sees of another says little, and all copies together more. */
static void explain_together(struct walk *w, struct call **order, bool one_copy)
{
        for (uint32_t i = 0, end; i < w->calls_count; i = end) {
                struct pair_flow calls = { 0 }, in;
                bool ailing = false;

                for (end = i; end < w->calls_count && same_way(order[i], order[end], one_copy); end++) {
                        pair_add(&calls, &order[end]->flow);
                        ailing = ailing || is_ailing(order[end]->to);
                }
                if (!ailing)
                        continue;
                in = taken(w, order[i]->from);
                if (!calls_explain(&in, &calls, true))
                        continue;
                for (uint32_t k = i; k < end; k++)
                        order[k]->explains = order[k]->explains || is_ailing(order[k]->to);
        }
}

void walk_explain(struct core *core, struct walk *w)
{
        struct call **order = core_alloc(core, w->capacity * sizeof(*order));

        for (uint32_t i = 0; i < w->calls_count; i++) {
                struct call *k = &w->calls[i];

                k->explains = k->refused || k->loses || calls_explain(&k->from->in, &k->flow, is_ailing(k->to));
                if (order)
                        order[i] = k;
        }
        if (order) {
                qsort(order, w->calls_count, sizeof(*order), by_way);
                explain_together(w, order, true);
                explain_together(w, order, false);
                core_release(core, order, w->capacity * sizeof(*order));
        }
        for (uint32_t i = 0; i < w->calls_count; i++) {
                struct call *k = &w->calls[i];

                k->from->explained = k->from->explained || k->explains;
                k->from->lossy = k->from->lossy || k->loses;
        }
}
