#include "coordinator/roots.h"
#include "coordinator/roots_internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLOWER 0.4       /* of the logarithm of the time: half as long again */
#define A_LITTLE 0.15    /* a seventh longer */
#define CHANCE 4.0       /* deviations */
#define SIGMA 1.0        /* of the logarithm of times of answers */
#define WORSE 0.7        /* than the same service elsewhere: twice as much */
#define GREETINGS 0.2    /* connections opened for each answer that was timed */
#define LATE 0.08        /* share of what was asked that is not answered any more */
#define LOSS 0.02        /* of segments */
#define PLENTY 10240.0   /* bytes a second, as in packet-loss.yaml */
#define SERIOUS 1.1      /* three times as long, */
#define SERIOUS_TIME 1e4 /* and ten milliseconds: below that nobody is woken */
#define SERIOUS_LATE 0.2
#define MORE_ASKED 1.6
#define MORE 2.0                        /* load from outside, times the usual */
#define BEGAN_WITH (600 * NSEC_PER_SEC) /* an onset is told so roughly */

static double mean(const struct flow *f)
{
        return f->answers > 0 ? f->log_time / f->answers : NAN;
}

/* What a server says to a new connection comes fast, and is timed like an answer: where the usual time was that of many
 * new connections among few answers, and there are none to speak of now, both are not times of the same thing. */
static bool were_greetings(const struct flow *now, const struct flow *usual)
{
        return usual->attempted > GREETINGS * usual->answers &&
               now->attempted * usual->answers < usual->attempted * now->answers / 2;
}

/* The change of the logarithm of times, 0 where it is not beyond chance. */
static double slower(const struct flow *now, const struct flow *usual, double chance)
{
        double x = mean(now) - mean(usual);

        if (now->answers < 5 || usual->answers < 10 || were_greetings(now, usual))
                return 0;
        return fabs(x) > chance * SIGMA * sqrt(1 / now->answers + 1 / usual->answers) ? x : 0;
}

/* Shares are of what the usual minutes had. */
static double per_cell(double sum, const struct flow *f)
{
        return f->cells ? sum / f->cells : 0;
}

/* The share of what was asked that gets no answer any more, by what came back and by what was asked anew. */
static double late(const struct flow *now, const struct flow *usual)
{
        double attempts = per_cell(usual->attempted, usual) * now->cells;

        if (now->sent < 1 || usual->sent < 1 || usual->received < 1 || now->cells < PULSE_NOW || usual->answers < 20)
                return 0;
        /* Answers become smaller for many reasons; who gets none connects anew. */
        if (now->attempted < 1.5 * attempts + 3 * sqrt(attempts) + 3)
                return 0;
        return 1 - now->received / now->sent / (usual->received / usual->sent);
}

/* The same by the number of the answers too, beyond chance. */
static bool is_silent(const struct copy *c)
{
        const struct flow *now = &c->seen.now, *usual = &c->seen.usual;
        double answers = usual->sent > 0 ? usual->answers / usual->sent * now->sent : 0;

        return c->late > SERIOUS_LATE && answers >= 10 && now->answers < (1 - SERIOUS_LATE) * answers - 3 * sqrt(answers);
}

static bool refused(const struct flow *now, const struct flow *usual)
{
        return now->refusing >= 2 && now->refused >= 6 && per_cell(now->refused, now) > 3 * per_cell(usual->refused, usual);
}

static double segments(const struct flow *f)
{
        return (f->sent + f->received) / 1448;
}

/* Short messages are more segments than their bytes tell, and the kernel sends the last one again when an answer is a
 * little late (tail loss probes, RFC 8985). So where nothing is known of what is usual on this way, a share says
 * something only of as much traffic as the signature wants. */
static bool loses(const struct flow *now, const struct flow *usual)
{
        double share = now->retransmits / fmax(segments(now), 1);

        if (usual->sent + usual->received < 1 && now->sent < PLENTY * now->cells * (double)(PULSE_CELL / NSEC_PER_SEC))
                return false;
        return now->retransmits >= 8 && share > LOSS && share > 4 * usual->retransmits / fmax(segments(usual), 1);
}

static int by_place(const void *x, const void *y)
{
        const struct copy *a = x, *b = y;

        if (a->service != b->service)
                return a->service->rank < b->service->rank ? -1 : 1;
        return a->host->number == b->host->number ? 0 : a->host->number < b->host->number ? -1 : 1;
}

static struct copy *find_copy(const struct walk *w, const struct service *service, const struct host *host)
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

static void add_flow(struct flow *into, const struct flow *f)
{
        into->answers += f->answers;
        into->log_time += f->log_time;
        into->sent += f->sent;
        into->received += f->received;
        into->attempted += f->attempted;
        into->refused += f->refused;
        into->unanswered += f->unanswered;
        into->retransmits += f->retransmits;
        into->resets += f->resets;
        into->cells = MAX(into->cells, f->cells);
        into->refusing = MAX(into->refusing, f->refusing);
}

static void sum(const struct core *core, const struct end *e, struct pair_flow *ret)
{
        *ret = (struct pair_flow){ 0 };
        pulse_sum(core, e, 0, PULSE_NOW, &ret->now);
        pulse_sum(core, e, PULSE_USUAL, PULSE_CELLS, &ret->usual);
}

static void add_pair(struct pair_flow *into, const struct pair_flow *f)
{
        add_flow(&into->now, &f->now);
        add_flow(&into->usual, &f->usual);
}

static bool gather(struct core *core, struct walk *w)
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
                struct copy *c = e->pulse && !e->service->external ? find_copy(w, e->service, e->host) : NULL;
                struct pair_flow f;

                if (!c)
                        continue;
                sum(core, e, &f);
                if (e->role == ROLE_SERVER) {
                        add_pair(&c->in, &f);
                        if (from_outside(core, e))
                                add_pair(&c->outside, &f);
                } else if (edge) {
                        w->calls[w->calls_count++] = (struct call){ .end = e,
                                                                    .port = edge->port,
                                                                    .from = c,
                                                                    .server = edge->server,
                                                                    .to = find_copy(w, edge->server, far_host(e)),
                                                                    .flow = f };
                        c->calls++;
                }
        }
        return true;
}

static void judge_calls(struct walk *w)
{
        for (uint32_t i = 0; i < w->calls_count; i++) {
                struct call *c = &w->calls[i];

                c->slower = slower(&c->flow.now, &c->flow.usual, 3);
                c->late = late(&c->flow.now, &c->flow.usual);
                c->refused = refused(&c->flow.now, &c->flow.usual);
                c->loses = loses(&c->flow.now, &c->flow.usual);
                if (c->to)
                        add_pair(&c->to->seen, &c->flow);
        }
        for (uint32_t i = 0; i < w->copies_count; i++) {
                struct copy *c = &w->copies[i];

                c->slower = slower(&c->in.now, &c->in.usual, CHANCE);
                c->late = late(&c->seen.now, &c->seen.usual);
                c->refused = refused(&c->seen.now, &c->seen.usual);
                c->measured = c->in.now.answers >= 5 && c->in.usual.answers >= 10;
                c->growth = per_cell(c->in.now.received, &c->in.now) / fmax(per_cell(c->in.usual.received, &c->in.usual), 1);
                c->bad = c->slower > SLOWER || c->refused || (c->late > LATE && c->seen.now.sent > 20000);
        }
}

/* How much of what a copy takes longer is spent in waiting for one call. */
static double waited(const struct copy *c, const struct call *call)
{
        double more = exp(mean(&c->in.now)) - exp(mean(&c->in.usual));
        double each = exp(mean(&call->flow.now)) - exp(mean(&call->flow.usual));
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

static void explain(struct walk *w)
{
        for (uint32_t i = 0; i < w->calls_count; i++) {
                struct call *k = &w->calls[i];

                k->explains = call_explains(k);
                k->from->explained = k->from->explained || k->explains;
        }
}

static struct root *add(struct walk *w, enum cause kind, double confidence)
{
        struct root *r;

        if (w->roots_count == ARRAY_SIZE(w->roots))
                return NULL;
        r = &w->roots[w->roots_count++];
        *r = (struct root){ .kind = kind, .confidence = confidence };
        return r;
}

static void find_networks(struct walk *w)
{
        for (uint32_t i = 0; i < w->calls_count; i++) {
                struct call *k = &w->calls[i];
                struct pair_flow both = { 0 };
                struct root *r;

                if (!k->loses || !k->to || k->counted || k->to->host == k->from->host)
                        continue;
                for (uint32_t n = i; n < w->calls_count; n++) {
                        struct call *o = &w->calls[n];

                        if (!o->to || !((o->from->host == k->from->host && o->to->host == k->to->host) ||
                                        (o->from->host == k->to->host && o->to->host == k->from->host)))
                                continue;
                        o->counted = true;
                        o->loses = true;
                        add_pair(&both, &o->flow);
                }
                r = add(w, CAUSE_NETWORK, 0.97);
                if (!r)
                        return;
                r->host = k->from->host;
                r->other = k->to->host;
                r->service = k->to->service;
                r->client = k->from->service;
                r->port = k->port;
                r->signature = "packet-loss";
                r->value = both.now.retransmits / fmax(segments(&both.now), 1);
                snprintf(r->why, sizeof(r->why),
                         "%.0f segments in a hundred are sent again between %s and %s, and elsewhere they are not",
                         100 * both.now.retransmits / fmax(segments(&both.now), 1), r->host->name->data, r->other->name->data);
        }
}

static void find_loads(struct walk *w)
{
        for (uint32_t i = 0; i < w->copies_count;) {
                const struct copy *first = &w->copies[i];
                struct pair_flow all = { 0 };
                double growth;
                struct root *r;

                for (; i < w->copies_count && w->copies[i].service == first->service; i++)
                        add_pair(&all, &w->copies[i].outside);
                growth = per_cell(all.now.received, &all.now) / fmax(per_cell(all.usual.received, &all.usual), 1);
                if (all.usual.cells < 3 || all.now.cells < PULSE_NOW || growth < MORE || all.now.answers < 20)
                        continue;
                r = add(w, CAUSE_LOAD, 0.96);
                if (!r)
                        return;
                r->service = first->service;
                r->signature = "dependency-slow";
                r->value = growth;
                snprintf(r->why, sizeof(r->why), "%.1f times as much comes to %s from outside as half an hour before", growth,
                         r->service->name);
        }
}

static bool calls_reach(struct walk *w, const struct service *from, const struct service *to);

/* More comes to it because more comes to another. */
static bool load_explains(struct walk *w, const struct copy *c)
{
        for (uint32_t k = 0; k < w->roots_count; k++)
                if (w->roots[k].kind == CAUSE_LOAD && c->growth > 1.4 && calls_reach(w, w->roots[k].service, c->service))
                        return true;
        return false;
}

/* Whether requests of one reach the other, along calls. */
static bool calls_reach(struct walk *w, const struct service *from, const struct service *to)
{
        bool more = true;

        if (from == to)
                return true;
        for (uint32_t i = 0; i < w->copies_count; i++)
                w->copies[i].mark = w->copies[i].service == from;
        while (more) {
                more = false;
                for (uint32_t i = 0; i < w->calls_count; i++) {
                        struct copy *c;

                        if (!w->calls[i].from->mark || w->calls[i].server->external)
                                continue;
                        if (w->calls[i].server == to)
                                return true;
                        c = w->calls[i].to;
                        if (c && !c->mark)
                                c->mark = more = true;
                }
                for (uint32_t i = 1; i < w->copies_count; i++)
                        if (w->copies[i].service == w->copies[i - 1].service && w->copies[i].mark != w->copies[i - 1].mark)
                                w->copies[i].mark = w->copies[i - 1].mark = true;
        }
        return false;
}

/* Of the same service on other hosts: the median of how much slower it is; false if none is measured. */
static bool siblings(const struct walk *w, const struct copy *c, double *ret_slower)
{
        double values[64];
        uint32_t n = 0;

        for (const struct copy *k = c; k >= w->copies && k->service == c->service; k--)
                if (k != c && k->measured && n < ARRAY_SIZE(values))
                        values[n++] = k->slower;
        for (const struct copy *k = c + 1; k < w->copies + w->copies_count && k->service == c->service; k++)
                if (k->measured && n < ARRAY_SIZE(values))
                        values[n++] = k->slower;
        for (uint32_t i = 1; i < n; i++)
                for (uint32_t k = i; k > 0 && values[k] < values[k - 1]; k--) {
                        double v = values[k];

                        values[k] = values[k - 1];
                        values[k - 1] = v;
                }
        *ret_slower = n ? values[n / 2] : NAN;
        return n > 0;
}

/* What speaks for a host: copies that are slow without waiting for anybody, or slower than the same elsewhere. */
static void find_hosts(struct core *core, struct walk *w)
{
        for (uint32_t n = 0; n < core->hosts_count; n++) {
                struct host *h = core->hosts[n];
                uint32_t bad = 0, well = 0, elsewhere = 0, there = 0;
                struct root *r;

                for (uint32_t i = 0; i < w->copies_count; i++) {
                        struct copy *c = &w->copies[i];
                        double other;
                        bool has;

                        if (c->host != h || (!c->measured && !c->bad))
                                continue;
                        has = siblings(w, c, &other);
                        there++;
                        well += c->measured && c->slower < SLOWER;
                        if (c->slower <= SLOWER || c->by_load || (has ? c->slower < other + WORSE : c->explained))
                                continue;
                        c->of_host = true;
                        bad++;
                        elsewhere += has;
                }
                if (bad == 0 || well * 3 > bad || (bad == 1 && !(elsewhere == 1 && there <= 2)))
                        continue;
                r = add(w, CAUSE_HOST, elsewhere + bad >= 3 ? 0.945 : bad == 1 ? 0.84 : 0.85);
                if (!r)
                        return;
                r->host = h;
                r->signature = "dependency-slow";
                snprintf(r->why, sizeof(r->why),
                         "%u of the %u services on %s are slow by themselves, and %u of them are not elsewhere", bad, there,
                         h->name->data, elsewhere);
                for (uint32_t i = 0; i < w->copies_count; i++)
                        w->copies[i].by_host =
                                w->copies[i].by_host ||
                                (w->copies[i].host == h && (w->copies[i].of_host || (w->copies[i].bad && !w->copies[i].explained)));
        }
}

static const struct deployment *deployed(const struct core *core, const struct service *s, int64_t from)
{
        for (uint32_t k = core->deployments.count; k-- > 0;) {
                const struct deployment *d = core->deployments.items[k];

                if (d->service == s->text && d->observed && d->at >= from)
                        return d;
        }
        return NULL;
}

static void find_services(struct core *core, struct walk *w)
{
        for (uint32_t i = 0; i < w->copies_count;) {
                struct service *s = w->copies[i].service;
                uint32_t bad = 0, there = 0, by_host = 0, explained = 0, little = 0;
                double worst = 0, share = 0, calls_late = 0, least_growth = INFINITY;
                bool by_requests;
                const struct deployment *d;
                bool refuses = false;
                struct root *r;

                for (; i < w->copies_count && w->copies[i].service == s; i++) {
                        const struct copy *c = &w->copies[i];

                        there += c->measured || c->bad;
                        if (!c->bad && c->slower > A_LITTLE && !c->explained && !c->by_load) {
                                little++;
                                worst = fmax(worst, c->slower);
                        }
                        if (!c->bad || c->by_load)
                                continue;
                        by_host += c->by_host;
                        explained += c->explained;
                        bad++;
                        worst = fmax(worst, c->slower);
                        least_growth = fmin(least_growth, c->growth);
                        refuses = refuses || c->refused;
                        calls_late = fmax(calls_late, c->late);
                }
                d = bad + little > 0 ? deployed(core, s, core->now - (PULSE_USUAL + 1) * PULSE_CELL) : NULL;
                share = there ? (double)(bad - by_host) / there : 0;
                /* A little counts where all that was deployed shows it, and nothing else is wrong there. */
                if (bad == 0 && d && little == there && (r = add(w, CAUSE_DEPLOYMENT, 0.72)) != NULL) {
                        r->service = s;
                        r->deployment = d;
                        r->signature = "bad-deployment";
                        r->value = exp(worst);
                        snprintf(r->why, sizeof(r->why), "%s takes %.2f times as long on all of its %u hosts", s->name, exp(worst),
                                 there);
                }
                if (bad == 0 || (explained == bad && !d) || (by_host == bad && !d))
                        continue;
                /* More is asked of it, and not because it does not answer. */
                by_requests = !d && !refuses && calls_late <= LATE && least_growth > MORE_ASKED;
                r = add(w,
                        d             ? CAUSE_DEPLOYMENT
                        : by_requests ? CAUSE_LOAD
                                      : CAUSE_DEPENDENCY,
                        (by_requests ? 0.7 : 1) * (d ? 0.95 : 0.6 + 0.3 * share) *
                                (explained == 0    ? 1
                                 : explained < bad ? 0.8
                                                   : 0.6) *
                                (by_host && !d ? 0.6 : 1));
                if (!r)
                        return;
                r->service = s;
                r->deployment = d;
                r->signature = d ? "bad-deployment" : refuses ? "dependency-refusing" : "dependency-slow";
                r->value = exp(worst);
                if (refuses)
                        snprintf(r->why, sizeof(r->why),
                                 "%s refuses its clients on %u of %u hosts, and waits for nothing that does", s->name, bad, there);
                else if (worst > SLOWER)
                        snprintf(r->why, sizeof(r->why), "%s takes %.1f times as long on %u of %u hosts%s", s->name, exp(worst),
                                 bad, there, explained ? "" : ", and waits for nothing that does");
                else
                        snprintf(r->why, sizeof(r->why), "%s leaves %.0f in a hundred requests of its clients without an answer",
                                 s->name, 100 * calls_late);
        }
}

/* When it began: the oldest of the cells that came after what is usual and in which it is as now. */
static int64_t onset_of(const struct walk *w, const struct root *r)
{
        uint32_t age = PULSE_NOW;

        for (; age < PULSE_USUAL; age++) {
                double log_time = 0, answers = 0, retransmits = 0, all = 0, refused_here = 0;
                double now = 0, now_answers = 0, usual = 0, usual_answers = 0;

                for (uint32_t i = 0; i < w->calls_count; i++) {
                        const struct call *k = &w->calls[i];
                        struct flow f = { 0 };
                        bool of = r->kind == CAUSE_NETWORK
                                          ? k->loses && k->to && (k->to->host == r->host || k->to->host == r->other)
                                  : r->kind == CAUSE_HOST ? k->to && k->to->host == r->host && k->to->of_host
                                                          : k->server == r->service;

                        if (!of)
                                continue;
                        pulse_sum(w->core, k->end, age, age + 1, &f);
                        log_time += f.log_time;
                        answers += f.answers;
                        retransmits += f.retransmits;
                        refused_here += f.refused;
                        all += segments(&f);
                        now += k->flow.now.log_time;
                        now_answers += k->flow.now.answers;
                        usual += k->flow.usual.log_time;
                        usual_answers += k->flow.usual.answers;
                }
                if (r->kind == CAUSE_NETWORK
                            ? retransmits <= LOSS / 2 * all
                            : refused_here < 2 && (answers < 1 || now_answers < 1 || usual_answers < 1 ||
                                                   log_time / answers < (now / now_answers + usual / usual_answers) / 2))
                        break;
        }
        return w->core->pulse_at - (int64_t)age * PULSE_CELL;
}

/* How many services show something and, directly or not, wait for it. */
static void find_reach(struct walk *w, struct root *r)
{
        bool more = true;

        for (uint32_t i = 0; i < w->copies_count; i++)
                w->copies[i].mark = r->kind == CAUSE_HOST ? w->copies[i].host == r->host : w->copies[i].service == r->service;
        for (uint32_t i = 0; r->kind == CAUSE_NETWORK && i < w->calls_count; i++) {
                struct call *k = &w->calls[i];

                if (k->to && ((k->from->host == r->host && k->to->host == r->other) ||
                              (k->from->host == r->other && k->to->host == r->host)))
                        k->from->mark = true;
        }
        while (more) {
                more = false;
                for (uint32_t i = 0; i < w->calls_count; i++) {
                        struct call *k = &w->calls[i];

                        if (k->to && k->to->mark && !k->from->mark && k->explains) {
                                k->from->mark = true;
                                more = true;
                        }
                }
        }
        for (uint32_t i = 0; i < w->copies_count; i++) {
                const struct copy *c = &w->copies[i];

                if (!c->mark || !c->bad)
                        continue;
                r->reach++;
                r->serious =
                        r->serious || c->refused || is_silent(c) || (c->slower > SERIOUS && exp(mean(&c->in.now)) > SERIOUS_TIME);
        }
        for (uint32_t i = 0; r->kind == CAUSE_HOST && i < w->copies_count; i++)
                if (w->copies[i].host == r->host && w->copies[i].of_host && exp(w->copies[i].slower) > r->value) {
                        r->service = w->copies[i].service;
                        r->value = exp(w->copies[i].slower);
                }
        for (uint32_t i = 0; r->kind != CAUSE_NETWORK && i < w->calls_count; i++) {
                const struct call *k = &w->calls[i];

                if (k->explains && k->server == r->service && (!r->client || k->from->service->rank < r->client->rank)) {
                        r->client = k->from->service;
                        r->port = k->port;
                }
        }
        r->onset = onset_of(w, r);
}

/* What was deployed when it had begun is not the cause. */
static void began_before(struct root *r)
{
        if (r->kind != CAUSE_DEPLOYMENT || r->deployment->at <= r->onset + BEGAN_WITH)
                return;
        r->kind = CAUSE_DEPENDENCY;
        r->deployment = NULL;
        r->signature = "dependency-slow";
        r->confidence *= 0.9;
}

static int by_rank(const void *x, const void *y)
{
        const struct root *a = x, *b = y;
        double p = a->confidence + 0.01 * log(1 + a->reach), q = b->confidence + 0.01 * log(1 + b->reach);

        if (p != q)
                return p > q ? -1 : 1;
        if (a->service && b->service)
                return strcmp(a->service->name, b->service->name);
        return a->service ? 1 : b->service ? -1 : a->host->number < b->host->number ? -1 : a->host->number > b->host->number;
}

size_t roots_find(struct core *core, struct root *ret_roots, size_t most)
{
        struct walk w = { .core = core };
        size_t count;

        services_order(core);
        if (core->pulses == 0)
                return 0;
        if (gather(core, &w)) {
                judge_calls(&w);
                find_networks(&w);
                explain(&w);
                find_loads(&w);
                for (uint32_t i = 0; i < w.copies_count; i++)
                        w.copies[i].by_load = w.copies[i].bad && load_explains(&w, &w.copies[i]);
                find_hosts(core, &w);
                find_services(core, &w);
                for (size_t i = 0; i < w.roots_count; i++) {
                        find_reach(&w, &w.roots[i]);
                        began_before(&w.roots[i]);
                }
                qsort(w.roots, w.roots_count, sizeof(*w.roots), by_rank);
        }
        count = MIN(w.roots_count, most);
        memcpy(ret_roots, w.roots, count * sizeof(*ret_roots));
        core_release(core, w.copies, w.capacity * sizeof(*w.copies));
        core_release(core, w.calls, w.capacity * sizeof(*w.calls));
        return count;
}
