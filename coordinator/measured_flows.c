/* Edges and services: what their ends counted within the minute. */
#include "coordinator/measured_internal.h"
#include "coordinator/raise.h"

#include <math.h>
#include <string.h>

#define ROUND (60 * NSEC_PER_SEC)
#define QUIET (3600 * NSEC_PER_SEC) /* an end that nobody used for so long is not measured any more */
#define DUTY 20.0                   /* turnarounds are seen for one second of so many */
#define LATE (15 * NSEC_PER_SEC)    /* that a summary is about */
#define SEGMENT 1448.0
#define OF_ONE 16384 /* bytes that an edge with all its series comes to within a day */

/* They have an eighth of the memory at most; what is more is not measured, and counted (core->unwatched). */
static struct measured *get(struct core *core, struct host *h, enum subject kind, uint64_t end, struct service *service)
{
        struct measured *m = measured_find(core, h, kind, end);

        if (!m && core->flows_count >= core->options.memory_max / 8 / OF_ONE)
                return NULL;
        if (!m)
                m = measured_obtain(core, h, kind, end, 0, 0, service);
        if (m && !m->flow)
                m->flow = measured_flow_new(core);
        return m && m->flow ? m : NULL;
}

static struct measured_flow *begin(const struct core *core, struct measured *m)
{
        struct measured_flow *f = m->flow;

        if (f->round == core->flows_at)
                return f;
        f->round = core->flows_at;
        f->host_at = m->host->at;
        memset(&f->now, 0, sizeof(f->now));
        memset(&f->turnaround, 0, sizeof(f->turnaround));
        memset(&f->rtt, 0, sizeof(f->rtt));
        f->attempts = f->failed = f->resets = f->open = 0;
        return f;
}

/* Once a round, on however many hosts. */
static void leave_out(const struct core *core, int64_t *at, uint32_t *count)
{
        if (*at == core->flows_at)
                return;
        *at = core->flows_at;
        (*count)++;
}

static bool is_heard(const struct core *core, const struct host *h)
{
        return h->session != 0 && h->heard + core->options.host_stale_after >= core->now;
}

static void collect_client(struct core *core, struct end *e)
{
        const struct edge *edge = end_edge(core, e);
        struct measured *m = edge ? get(core, e->host, SUBJECT_EDGE, e->id, e->service) : NULL;
        struct measured_flow *f;

        if (edge && !m)
                leave_out(core, &e->edge->unwatched_at, &core->unwatched_now.edges);
        if (!m)
                return;
        if (m->server != edge->server || m->port != edge->port)
                m->flow->known = false;
        measured_set_server(core, m, edge->server, edge->port);
        m->far = e->links ? e->links->server->host : e->target_host;
        f = begin(core, m);
        f->now = e->total;
        f->open = (double)end_open(e);
        histogram_add_buckets(&f->turnaround, e->turnaround);
        histogram_add_buckets(&f->rtt, e->rtt);
}

static void collect_server(struct core *core, struct end *e)
{
        struct measured *m = get(core, e->host, SUBJECT_SERVICE, (uintptr_t)e->service, e->service);
        struct measured_flow *f;

        if (!m) {
                leave_out(core, &e->service->unwatched_at, &core->unwatched_now.services);
                return;
        }
        f = begin(core, m);
        counters_add(&f->now, &e->total);
        histogram_add_buckets(&f->turnaround, e->turnaround);
}

static bool collect(struct core *core, uint32_t *cursor)
{
        uint32_t from;
        bool more = work_portion(core, core->ends_count, cursor, &from);

        for (uint32_t i = from; i < *cursor; i++) {
                struct end *e = core->ends[i];

                if (e->service->external || !is_heard(core, e->host) || end_last_seen(e) + QUIET < core->now)
                        continue;
                if (e->role == ROLE_CLIENT) {
                        collect_client(core, e);
                        measured_collect_ports(core, e);
                }
                if (e->role == ROLE_SERVER)
                        collect_server(core, e);
        }
        if (!more) {
                core->unwatched = core->unwatched_now;
                core->unwatched_now = (struct unwatched){ 0 };
        }
        return more;
}

/* What the minute had, in parts of a minute; 0 where that is not known: then the next one counts from here. */
static double covered(const struct core *core, struct measured *m, struct summary_counters *ret_gained)
{
        struct measured_flow *f = m->flow;
        int64_t length = f->host_at - f->host_before;
        bool whole = f->known && length > 0 && length <= 2 * ROUND && f->at + 2 * ROUND > core->now &&
                     host_complete(core, m->host, f->host_before, f->host_at);

        if (f->known && length <= 0)
                return 0;
        *ret_gained = f->now;
        counters_subtract(ret_gained, &f->before);
        f->before = f->now;
        f->host_before = f->host_at;
        f->at = core->now;
        f->known = true;
        return whole ? (double)length / (double)ROUND : 0;
}

static void add_times(struct core *core, struct measured *m, enum signal p50, const struct histogram *all, struct histogram *before)
{
        struct histogram h = *all;

        histogram_subtract(&h, before);
        *before = *all;
        if (histogram_empty(&h))
                return;
        measured_add(core, m, p50, core->now, histogram_quantile(&h, 0.5) / 1e6);
        measured_add(core, m, p50 + 1, core->now, histogram_quantile(&h, 0.99) / 1e6);
}
_Static_assert(SIGNAL_RTT_P99 == SIGNAL_RTT_P50 + 1 && SIGNAL_TURNAROUND_P99 == SIGNAL_TURNAROUND_P50 + 1, "they go together");

/* How many there were, by those that were timed; NaN for a minute in which it changed how many are. */
static double requests_of(const struct core *core, const struct measured *m, const struct histogram *all,
                          const struct histogram *before, double minutes)
{
        double timed = (double)(histogram_total(all) - MIN(histogram_total(before), histogram_total(all)));
        bool raised;

        if (!raise_is_even(m->host, core->now - (int64_t)(minutes * ROUND) - LATE, core->now, &raised))
                return NAN;
        return timed * (raised ? 1 : DUTY) / minutes;
}

static void close_edge(struct core *core, struct measured *m)
{
        struct measured_flow *f = m->flow;
        struct histogram turnaround = f->turnaround_before;
        struct summary_counters g;
        double minutes = covered(core, m, &g), resets;
        int64_t at = core->now;

        if (minutes <= 0) {
                f->turnaround_before = f->turnaround;
                f->rtt_before = f->rtt;
                return;
        }
        resets = (double)g.reset_by_peer / minutes;
        measured_note(core, m, at);
#define RATE(signal, count) measured_add(core, m, signal, at, (double)(count) / minutes)
        RATE(SIGNAL_ATTEMPTS, g.attempted);
        RATE(SIGNAL_OPENED, g.opened);
        RATE(SIGNAL_FAILED, counters_failed(&g));
        RATE(SIGNAL_REFUSED, g.refused);
        RATE(SIGNAL_TIMED_OUT, g.timed_out);
        RATE(SIGNAL_UNREACHABLE, g.unreachable);
        RATE(SIGNAL_ABORTED, g.aborted);
        RATE(SIGNAL_NO_PORT, g.no_port);
        RATE(SIGNAL_RESETS, g.reset_by_peer);
        RATE(SIGNAL_SENT, g.sent);
        RATE(SIGNAL_RECEIVED, g.received);
#undef RATE
        measured_add(core, m, SIGNAL_OPEN, at, f->open);
        measured_add(core, m, SIGNAL_RETRANSMITS, at,
                     (double)g.retransmits / fmax(((double)g.sent + (double)g.received) / SEGMENT, (double)g.retransmits + 1));
        measured_add(core, m, SIGNAL_REQUESTS, at, requests_of(core, m, &f->turnaround, &turnaround, minutes));
        add_times(core, m, SIGNAL_TURNAROUND_P50, &f->turnaround, &f->turnaround_before);
        add_times(core, m, SIGNAL_RTT_P50, &f->rtt, &f->rtt_before);
        if (m->far && m->server && !m->server->external && is_heard(core, m->far)) {
                struct measured *far = get(core, m->far, SUBJECT_SERVICE, (uintptr_t)m->server, m->server);

                if (!far)
                        return;
                begin(core, far)->attempts += (double)g.attempted / minutes;
                far->flow->failed += (double)counters_failed(&g) / minutes;
                far->flow->resets += resets;
        }
}

static void close_service(struct core *core, struct measured *m)
{
        struct measured_flow *f = m->flow;
        struct histogram turnaround = f->turnaround_before;
        struct summary_counters g;
        double minutes = covered(core, m, &g);
        int64_t at = core->now;

        if (minutes <= 0) {
                f->turnaround_before = f->turnaround;
                return;
        }
        measured_note(core, m, at);
        measured_add(core, m, SIGNAL_ATTEMPTS, at, f->attempts);
        measured_add(core, m, SIGNAL_FAILED, at, f->failed);
        measured_add(core, m, SIGNAL_RESETS, at, f->resets);
        f->load = (double)(g.sent + g.received) / minutes;
        measured_add(core, m, SIGNAL_LOAD, at, f->load);
        measured_add(core, m, SIGNAL_REQUESTS, at, requests_of(core, m, &f->turnaround, &turnaround, minutes));
        add_times(core, m, SIGNAL_TURNAROUND_P50, &f->turnaround, &f->turnaround_before);
}

static bool close_kind(struct core *core, uint32_t *cursor, enum subject kind, void (*close)(struct core *, struct measured *))
{
        uint32_t from;
        bool more = work_portion(core, core->measured_count, cursor, &from);

        for (uint32_t i = from; i < *cursor; i++)
                if (core->measured[i]->kind == kind && core->measured[i]->flow && core->measured[i]->flow->round == core->flows_at)
                        close(core, core->measured[i]);
        return more;
}

static bool close_edges(struct core *core, uint32_t *cursor)
{
        return close_kind(core, cursor, SUBJECT_EDGE, close_edge);
}

static bool close_hosts(struct core *core, uint32_t *cursor)
{
        return close_kind(core, cursor, SUBJECT_HOST, measured_close_host);
}

static bool close_services(struct core *core, uint32_t *cursor)
{
        return close_kind(core, cursor, SUBJECT_SERVICE, close_service);
}

/* What its client is asked to do, which is known once the services are. */
static void load_edge(struct core *core, struct measured *m)
{
        const struct measured *client = measured_find(core, m->host, SUBJECT_SERVICE, (uintptr_t)m->service);

        if (m->seen == core->now && client && client->seen == core->now && client->flow->now.received > 0)
                measured_add(core, m, SIGNAL_LOAD, core->now, client->flow->load);
}

static bool load_edges(struct core *core, uint32_t *cursor)
{
        return close_kind(core, cursor, SUBJECT_EDGE, load_edge);
}

void measured_add_round(struct core *core)
{
        if (core->flows_at / ROUND == core->now / ROUND)
                return;
        core->flows_at = core->now;
        work_add(core, collect);
        work_add(core, measured_collect_places);
        work_add(core, close_edges);
        work_add(core, close_services);
        work_add(core, close_hosts);
        work_add(core, load_edges);
}
