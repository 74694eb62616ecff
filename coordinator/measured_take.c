/* What summaries say of pools and processes. */
#include "coordinator/measured_internal.h"

#include <math.h>
#include <string.h>

#define SETTLES (60 * NSEC_PER_SEC) /* a pool that opens what it was told to have at its start */
#define BLIND (15 * 60 * NSEC_PER_SEC)
#define LOAD_LASTS (180 * NSEC_PER_SEC) /* what a service was asked to do within a minute says something for so long */

/* Adds what a counter gained; a counter that went back began anew. */
static void gain(struct core *core, struct measured *m, enum signal signal, int64_t at, uint64_t *last, uint64_t now)
{
        if (m->last.known)
                measured_add(core, m, signal, at, (double)(now >= *last ? now - *last : now));
        *last = now;
}

static void set_build(struct measured *m, struct text *build)
{
        if (m->build || !build || build->length == 0)
                return;
        m->build = text_ref(build);
}

/* So many it has at any time: what a pool is short of for less than four sweeps, since it replaces those that
 * ended, does not count. */
static void note_open(struct measured *m, double open, int64_t at)
{
        double most = open;

        if (at - m->begin < SETTLES || at - m->started < SETTLES)
                return;
        for (size_t i = 0; i + 1 < ARRAY_SIZE(m->opens); i++)
                most = fmax(most, m->opens[i]);
        if (!isnan(m->opens[ARRAY_SIZE(m->opens) - 2]))
                m->fewest = isnan(m->fewest) ? most : fmin(m->fewest, most);
        memmove(m->opens + 1, m->opens, sizeof(m->opens) - sizeof(*m->opens));
        m->opens[0] = open;
}

/* A pool that keeps idle connections in reserve holds them across each opening; one that grows with its
 * load opens without holding any. Only a connection that is not given back does both. Where the reserve is large
 * enough to go on without an opening, the pool passes over what it lost. An agent that began anew finds out only
 * with the next openings which are held: until then, and a pool that is at its limit opens no more, nothing is known. */
static double lost(struct measured *m, const struct summary_pool *p, int64_t at, double *ret_forgotten)
{
        double open = (double)p->busy + p->idle, more, lost;

        note_open(m, open, at);
        *ret_forgotten = 0;
        if (isnan(m->fewest))
                return 0;
        more = fmax(open - m->fewest, 0);
        *ret_forgotten = fmax(fmin(p->overdue, more), p->skipped);
        lost = p->missed_most < SUMMARY_TURNS_MAX ? *ret_forgotten : fmax(*ret_forgotten, fmin(p->held, more));
        if (m->last.known && p->held_ever < m->last.held_ever) {
                m->blind_since = at;
                m->sees_since = 0;
                m->lost_before = isnan(m->lost) ? m->lost_before : m->lost;
        }
        if (m->sees_since == 0 && p->opened_at > m->blind_since)
                m->sees_since = at;
        if (m->blind_since && (m->sees_since == 0 || at < m->sees_since + BLIND) && lost < fmin(m->lost_before, p->idle))
                return m->lost = *ret_forgotten = NAN;
        m->blind_since = 0;
        return m->lost = lost;
}

static void take_pool(struct core *core, struct host *h, const struct summary_pool *p, int64_t at)
{
        const struct host_process *process = host_process_find(h, p->pid, p->started);
        struct end *end = pool_end(core, h, p);
        const struct edge *edge;
        struct pool_limit limit;
        struct measured *m;
        double forgotten;

        if (!end)
                return;
        m = measured_obtain(core, h, SUBJECT_POOL, end->id, p->pid, p->started, end->service);
        if (!m || at <= m->seen)
                return;
        measured_note(core, m, at);
        edge = end_edge(core, end);
        m->serves = end->role == ROLE_SERVER;
        if (edge)
                measured_set_server(core, m, edge->server, edge->port);
        else
                m->port = m->serves ? end->local_port : end->remote_port;
        measured_join_group(core, m);
        if (process)
                set_build(m, process->build);
        measured_add(core, m, SIGNAL_BUSY, at, p->busy);
        measured_add(core, m, SIGNAL_IDLE, at, p->idle);
        measured_add(core, m, SIGNAL_HELD, at, p->held);
        measured_add(core, m, SIGNAL_OVERDUE, at, p->overdue);
        measured_add(core, m, SIGNAL_SKIPPED, at, p->skipped);
        measured_add(core, m, SIGNAL_LOST, at, lost(m, p, at, &forgotten));
        measured_add(core, m, SIGNAL_FORGOTTEN, at, forgotten);
        measured_add(core, m, SIGNAL_CLOSE_WAIT, at, p->close_wait);
        limit = pool_limit(p, edge, process);
        m->limit_is_shared = strcmp(limit.source, "server") == 0;
        measured_add(core, m, SIGNAL_LIMIT, at, (double)limit.value);
        if (process && process->row.open_files_limit > 0)
                measured_add(core, m, SIGNAL_FILES_LIMIT, at,
                             fmax((double)process->row.open_files_limit - (double)process->row.open_files + p->busy + p->idle +
                                          p->close_wait,
                                  1));
        gain(core, m, SIGNAL_NEWLY_HELD, at, &m->last.held_ever, p->held_ever);
        gain(core, m, SIGNAL_REUSED, at, &m->last.reused, p->reused);
        gain(core, m, SIGNAL_RELEASED, at, &m->last.released, p->held_ever - MIN(p->held_ever, p->reused + p->held));
        gain(core, m, SIGNAL_OPENINGS, at, &m->last.opened, end->total.opened);
        if (m->last.known && end->total.sent + end->total.received >= m->last.load)
                measured_add_load(core, m, at, (double)(end->total.sent + end->total.received - m->last.load));
        gain(core, m, SIGNAL_LOAD, at, &m->last.load, end->total.sent + end->total.received);
        measured_add(core, m, SIGNAL_OPEN, at, (double)p->busy + p->idle + p->close_wait);
        m->last.known = true;
}

/* What its service on this host is asked to do, in the time since the process was measured last; NaN if not known. */
static double asked(const struct core *core, const struct measured *m, int64_t since, int64_t at)
{
        const struct measured *s = measured_find(core, m->host, SUBJECT_SERVICE, (uintptr_t)m->service);

        if (!s || !s->flow || s->flow->at + LOAD_LASTS < core->now || since == 0)
                return NAN;
        return s->flow->load * (double)(at - since) / (60.0 * NSEC_PER_SEC);
}

static void take_process(struct core *core, struct host *h, const struct host_process *p, int64_t at)
{
        struct measured *m;
        int64_t since;

        if (!p->identity)
                return;
        m = measured_obtain(core, h, SUBJECT_PROCESS, 0, p->row.pid, p->row.started, p->identity->service);
        if (!m || at <= m->seen)
                return;
        since = m->seen;
        measured_note(core, m, at);
        measured_join_group(core, m);
        set_build(m, p->build);
        measured_add_load(core, m, at, isnan(p->cpu.ratio) ? 0 : p->cpu.ratio);
        measured_add(core, m, SIGNAL_LOAD, at, asked(core, m, since, at));
        measured_add(core, m, SIGNAL_CPU, at, p->cpu.ratio);
        measured_add(core, m, SIGNAL_RSS, at, (double)p->row.rss_bytes);
        if (p->row.memory_limit_bytes > 0) /* else an agent of before told */
                measured_add(core, m, SIGNAL_MEMORY_LIMIT, at, (double)p->row.memory_limit_bytes);
        if (p->row.open_files_limit > 0) { /* else the agent could not read them */
                measured_add(core, m, SIGNAL_OPEN_FILES, at, p->row.open_files);
                measured_add(core, m, SIGNAL_OPEN_FILES_LIMIT, at, p->row.open_files_limit);
        }
        measured_add(core, m, SIGNAL_THREADS, at, p->row.threads);
}

void measured_take(struct core *core, struct host *h, const struct summary *s)
{
        if (s->pools_at && h->pools.sequence == s->sequence && h->pools.complete)
                for (uint32_t i = 0; i < h->pools.count; i++)
                        take_pool(core, h, &h->pools.rows[i], h->pools.at);
        if (h->processes_sequence == s->sequence)
                for (uint32_t i = 0; i < h->processes_count; i++)
                        take_process(core, h, &h->processes[i], s->at);
}
