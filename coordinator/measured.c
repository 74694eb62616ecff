#include "coordinator/measured.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SETTLES (60 * NSEC_PER_SEC) /* a pool that opens what it was told to have at its start */
#define OF_HOST_MAX 65536           /* incarnations of one host: who makes up new ones all the time has no more */
#define GONE_AFTER (15 * 60 * NSEC_PER_SEC)

struct measured *measured_get(const struct core *core, uint32_t index)
{
        return index < core->measured_count ? core->measured[index] : NULL;
}

const struct series *measured_series(const struct measured *m, enum signal signal)
{
        return m->series[signal];
}

double measured_last(const struct measured *m, enum signal signal)
{
        return m->series[signal] ? series_last(m->series[signal], m->seen, 60 * NSEC_PER_SEC) : NAN;
}

/* All that names one; no padding that is not zeroed. */
struct name {
        uint64_t host, end;
        int64_t started; /* in seconds: it is known to no better */
        uint32_t kind, pid;
};

static struct name name_of(const struct measured *m)
{
        return (struct name){
                .host = m->host->number, .end = m->end, .kind = m->kind, .pid = m->pid, .started = m->started / NSEC_PER_SEC
        };
}

static struct measured *find(const struct core *core, const struct name *name)
{
        uint64_t hash = hash_bytes(&core->hash_key, name, sizeof(*name));

        for (struct map_node *n = map_first(&core->measured_by_name, hash); n; n = map_next(n)) {
                struct measured *m = container_of(n, struct measured, node);
                struct name other = name_of(m);

                if (memcmp(&other, name, sizeof(other)) == 0)
                        return m;
        }
        return NULL;
}

static void drop(struct core *core, struct measured *m)
{
        for (int i = 0; i < SIGNALS; i++)
                if (m->series[i]) {
                        series_free(core, m->series[i]);
                        core_release(core, m->series[i], sizeof(*m->series[i]));
                }
        map_remove(&core->measured_by_name, &m->node);
        m->host->measured_count--;
        service_put(core, &m->service);
        service_put(core, &m->server);
        text_put(core, &m->build);
        core_release(core, m, sizeof(*m));
}

/* The incarnation's, made at first sight. A start that lies on the edge of a second may be told as either:
 * then the neighbour is meant. */
static struct measured *get(struct core *core, struct host *host, enum subject kind, uint64_t end, uint32_t pid, int64_t started,
                            struct service *service)
{
        struct name name = { .host = host->number, .end = end, .kind = kind, .pid = pid, .started = started / NSEC_PER_SEC };
        struct measured *m = NULL;

        for (int k = 0; k < 3 && !m; k++) {
                struct name near = name;

                near.started += k == 2 ? -1 : k;
                m = find(core, &near);
        }
        if (m)
                return m;
        if (host->measured_count >= OF_HOST_MAX)
                return NULL;
        if (core_reserve(core, (void **)&core->measured, core->measured_count, &core->measured_capacity, sizeof(*core->measured)) <
            0)
                return NULL;
        m = core_alloc(core, sizeof(*m));
        if (!m)
                return NULL;
        m->kind = kind;
        m->host = host;
        m->end = end;
        m->pid = pid;
        m->started = started;
        m->fewest = NAN;
        if (map_insert(&core->measured_by_name, &m->node, hash_bytes(&core->hash_key, &name, sizeof(name))) < 0) {
                core_release(core, m, sizeof(*m));
                return NULL;
        }
        m->service = service_ref(service);
        core->measured[core->measured_count++] = m;
        host->measured_count++;
        return m;
}

static bool is_counter(enum signal signal)
{
        enum signal_unit unit = signal_unit(signal);

        return unit == UNIT_EVENTS || unit == UNIT_RATE || unit == UNIT_BYTE_RATE || unit == UNIT_LOAD;
}

/* The signal that is never zero while there is anything to measure; it comes last of its sample. */
static enum signal pulse(enum subject kind)
{
        return kind == SUBJECT_POOL ? SIGNAL_OPEN : SIGNAL_THREADS;
}

/* A series begins with the first value that is not zero, and takes what came before it for zero: what never
 * moves takes no memory. */
static void add(struct core *core, struct measured *m, enum signal signal, int64_t at, double value)
{
        struct series *s = m->series[signal];

        if (!s) {
                if (value == 0)
                        return;
                s = m->series[signal] = core_alloc(core, sizeof(*s));
                if (!s)
                        return;
                if (m->series[pulse(m->kind)])
                        series_begin_like(core, s, is_counter(signal), m->series[pulse(m->kind)]);
                else
                        series_begin(s, is_counter(signal));
        }
        series_add(core, s, at, value);
}

/* Adds what a counter gained; a counter that went back began anew. */
static void gain(struct core *core, struct measured *m, enum signal signal, int64_t at, uint64_t *last, uint64_t now)
{
        if (m->last.known)
                add(core, m, signal, at, (double)(now >= *last ? now - *last : now));
        *last = now;
}

static void note(struct core *core, struct measured *m, int64_t at)
{
        if (m->begin == 0)
                m->begin = at;
        m->seen = MAX(m->seen, at);
        m->heard = core->now;
}

static void set_service(struct core *core, struct service **to, struct service *service)
{
        if (*to == service)
                return;
        service_put(core, to);
        *to = service ? service_ref(service) : NULL;
}

static void set_build(struct measured *m, struct text *build)
{
        if (m->build || !build || build->length == 0)
                return;
        m->build = text_ref(build);
}

/* A pool that keeps idle connections in reserve holds them across each opening; one that grows with its
 * load opens without holding any. Only a connection that is not given back does both. */
static double lost(struct measured *m, const struct summary_pool *p, int64_t at)
{
        double open = (double)p->busy + p->idle + p->close_wait;

        if (at - m->begin < SETTLES || at - m->started < SETTLES)
                return 0;
        m->fewest = isnan(m->fewest) ? open : fmin(m->fewest, open);
        return fmin(p->held, open - m->fewest);
}

static void take_pool(struct core *core, struct host *h, const struct summary_pool *p, int64_t at)
{
        const struct host_process *process = host_process_find(h, p->pid, p->started);
        struct end *end = pool_end(core, h, p);
        const struct edge *edge;
        struct measured *m;

        if (!end)
                return;
        m = get(core, h, SUBJECT_POOL, end->id, p->pid, p->started, end->service);
        if (!m || at <= m->seen)
                return;
        note(core, m, at);
        edge = end_edge(core, end);
        if (edge)
                set_service(core, &m->server, edge->server);
        m->serves = end->role == ROLE_SERVER;
        m->port = edge ? edge->port : m->serves ? end->local_port : end->remote_port;
        if (process)
                set_build(m, process->build);
        add(core, m, SIGNAL_BUSY, at, p->busy);
        add(core, m, SIGNAL_IDLE, at, p->idle);
        add(core, m, SIGNAL_HELD, at, p->held);
        add(core, m, SIGNAL_LOST, at, lost(m, p, at));
        add(core, m, SIGNAL_CLOSE_WAIT, at, p->close_wait);
        add(core, m, SIGNAL_LIMIT, at, (double)pool_limit(p, edge, process).value);
        gain(core, m, SIGNAL_NEWLY_HELD, at, &m->last.held_ever, p->held_ever);
        gain(core, m, SIGNAL_REUSED, at, &m->last.reused, p->reused);
        gain(core, m, SIGNAL_RELEASED, at, &m->last.released, p->held_ever - MIN(p->held_ever, p->reused + p->held));
        gain(core, m, SIGNAL_OPENINGS, at, &m->last.opened, end->total.opened);
        gain(core, m, SIGNAL_LOAD, at, &m->last.load, end->total.sent + end->total.received);
        add(core, m, SIGNAL_OPEN, at, (double)p->busy + p->idle + p->close_wait);
        m->last.known = true;
}

static void take_process(struct core *core, struct host *h, const struct host_process *p, int64_t at)
{
        struct measured *m;

        if (!p->identity)
                return;
        m = get(core, h, SUBJECT_PROCESS, 0, p->row.pid, p->row.started, p->identity->service);
        if (!m || at <= m->seen)
                return;
        note(core, m, at);
        set_build(m, p->build);
        add(core, m, SIGNAL_CPU, at, p->cpu.ratio);
        add(core, m, SIGNAL_RSS, at, (double)p->row.rss_bytes);
        if (p->row.open_files_limit > 0) { /* else the agent could not read them */
                add(core, m, SIGNAL_OPEN_FILES, at, p->row.open_files);
                add(core, m, SIGNAL_OPEN_FILES_LIMIT, at, p->row.open_files_limit);
        }
        add(core, m, SIGNAL_THREADS, at, p->row.threads);
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

bool measured_expire(struct core *core, uint32_t *cursor)
{
        uint32_t from, kept;
        bool more = work_portion(core, core->measured_count, cursor, &from);

        if (from == 0)
                core->measured_kept = 0;
        kept = core->measured_kept;
        for (uint32_t i = from; i < *cursor; i++) {
                struct measured *m = core->measured[i];

                if (m->heard + GONE_AFTER < core->now)
                        drop(core, m);
                else
                        core->measured[kept++] = m;
        }
        core->measured_kept = kept;
        if (!more)
                core->measured_count = kept;
        return more;
}

void measured_free(struct core *core)
{
        for (uint32_t i = 0; i < core->measured_count; i++)
                drop(core, core->measured[i]);
        map_free(&core->measured_by_name);
        core_release(core, core->measured, core->measured_capacity * sizeof(*core->measured));
        core->measured = NULL;
        core->measured_count = core->measured_capacity = 0;
}
