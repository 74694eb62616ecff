#include "coordinator/measured_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SETTLES (60 * NSEC_PER_SEC) /* a pool that opens what it was told to have at its start */
#define OF_HOST_MAX 65536           /* incarnations of one host: who makes up new ones all the time has no more */
#define BLIND (15 * 60 * NSEC_PER_SEC)
#define SYMPTOM_LASTS (240 * NSEC_PER_SEC) /* while it is looked at more closely, a minute or two say nothing */
#define GONE_AFTER (15 * 60 * NSEC_PER_SEC)

struct measured *measured_get(const struct core *core, uint32_t index)
{
        return index < core->measured_count ? core->measured[index] : NULL;
}

const struct series *measured_series(const struct measured *m, enum signal signal)
{
        return m->series[signal];
}

struct measured_usual *measured_usual(const struct measured *m, enum signal signal, int64_t before)
{
        for (size_t i = 0; m->flow && i < ARRAY_SIZE(m->flow->usual); i++) {
                struct measured_usual *u = &m->flow->usual[i];

                if (u->before == 0)
                        *u = (struct measured_usual){ .signal = signal, .before = before };
                if (u->signal == signal && u->before == before)
                        return u;
        }
        return NULL;
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

struct measured_flow *measured_flow_new(struct core *core)
{
        struct measured_flow *f = core_alloc(core, sizeof(*f));

        core->flows_count += f != NULL;
        return f;
}

struct measured *measured_find(const struct core *core, const struct host *host, enum subject kind, uint64_t end)
{
        return find(core, &(struct name){ .host = host->number, .end = end, .kind = kind });
}

struct group_name {
        uint64_t service, server;
        uint32_t kind, port;
};

static uint64_t group_hash(const struct core *core, const struct measured *m)
{
        struct group_name name = {
                .service = (uintptr_t)m->service, .server = (uintptr_t)m->server, .kind = m->kind, .port = m->port
        };

        return hash_bytes(&core->hash_key, &name, sizeof(name));
}

static bool in_group(const struct measured_group *g, const struct measured *m)
{
        return g->service == m->service && g->server == m->server && g->kind == m->kind && g->port == m->port;
}

static double peak(const struct measured *m, enum signal signal)
{
        struct series_cell cells[SERIES_CELLS_MAX];
        size_t n = m->series[signal] ? series_cells(m->series[signal], 0, m->seen + 1, cells, ARRAY_SIZE(cells)) : 0;
        double most = NAN;

        for (size_t i = 0; i < n; i++)
                most = fmax(most, cells[i].value);
        return most;
}

double measured_former(const struct measured *m, enum signal signal)
{
        double most = m->group ? m->group->peaks[signal] : NAN;

        if (m->kind == SUBJECT_SERVICE)
                return measured_former_level(m, signal);
        for (const struct measured *x = m->group ? m->group->first : NULL; x; x = x->next_of_group)
                if (x->started < m->started)
                        most = fmax(most, peak(x, signal));
        return most;
}

static void leave_group(struct core *core, struct measured *m)
{
        struct measured_group *g = m->group;
        struct measured **at;

        if (!g)
                return;
        for (at = &g->first; *at != m; at = &(*at)->next_of_group)
                ;
        *at = m->next_of_group;
        if (!*at)
                g->end = at;
        m->next_of_group = NULL;
        m->group = NULL;
        if (g->first) {
                for (int i = 0; i < SIGNALS; i++)
                        if (m->series[i] && !m->series[i]->counter)
                                g->peaks[i] = fmax(g->peaks[i], peak(m, i));
                return;
        }
        map_remove(&core->measured_groups, &g->node);
        service_put(core, &g->service);
        service_put(core, &g->server);
        series_free(core, &g->load);
        core_release(core, g, sizeof(*g));
}

/* The order within a group is that of coming, so that sums of it are the same each time. */
static void join_group(struct core *core, struct measured *m)
{
        uint64_t hash;
        struct measured_group *g = NULL;

        if (m->group && in_group(m->group, m))
                return;
        leave_group(core, m);
        hash = group_hash(core, m);
        for (struct map_node *n = map_first(&core->measured_groups, hash); n && !g; n = map_next(n)) {
                g = container_of(n, struct measured_group, node);
                if (!in_group(g, m))
                        g = NULL;
        }
        if (!g) {
                g = core_alloc(core, sizeof(*g));
                if (!g)
                        return;
                g->kind = m->kind;
                g->end = &g->first;
                series_begin(&g->load, true);
                for (int i = 0; i < SIGNALS; i++)
                        g->peaks[i] = NAN;
                g->port = m->port;
                if (map_insert(&core->measured_groups, &g->node, hash) < 0) {
                        core_release(core, g, sizeof(*g));
                        return;
                }
                g->service = service_ref(m->service);
                g->server = m->server ? service_ref(m->server) : NULL;
        }
        *g->end = m;
        g->end = &m->next_of_group;
        m->group = g;
}

static void drop(struct core *core, struct measured *m)
{
        leave_group(core, m);
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
        core->flows_count -= m->flow != NULL;
        core_release(core, m->flow, sizeof(*m->flow));
        core_release(core, m, sizeof(*m));
}

/* The incarnation's, made at first sight. A start that lies on the edge of a second may be told as either:
 * then the neighbour is meant. */
struct measured *measured_obtain(struct core *core, struct host *host, enum subject kind, uint64_t end, uint32_t pid,
                                 int64_t started, struct service *service)
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
        m->heard = core->now;
        m->fewest = NAN;
        for (size_t i = 0; i < ARRAY_SIZE(m->opens); i++)
                m->opens[i] = NAN;
        if (map_insert(&core->measured_by_name, &m->node, hash_bytes(&core->hash_key, &name, sizeof(name))) < 0) {
                core_release(core, m, sizeof(*m));
                return NULL;
        }
        m->service = service_ref(service);
        core->measured[core->measured_count++] = m;
        host->measured_count++;
        return m;
}

bool measured_counts(enum signal signal)
{
        enum signal_unit unit = signal_unit(signal);

        return unit == UNIT_EVENTS || unit == UNIT_RATE || unit == UNIT_BYTE_RATE || unit == UNIT_LOAD;
}

/* A signal that is never zero while there is anything to measure, or is noted though it is: when it was measured all
 * were. It comes last of its sample, or first. */
static bool is_pulse(enum subject kind, enum signal signal)
{
        switch (kind) {
        case SUBJECT_POOL:
                return signal == SIGNAL_OPEN;
        case SUBJECT_EDGE:
                return signal == SIGNAL_ATTEMPTS;
        case SUBJECT_SERVICE:
                return signal == SIGNAL_THREADS || signal == SIGNAL_ATTEMPTS;
        case SUBJECT_LISTENER:
                return signal == SIGNAL_BACKLOG_MAX;
        case SUBJECT_HOST:
                return signal == SIGNAL_NO_PORT;
        default:
                return signal == SIGNAL_THREADS;
        }
}

static const struct series *pulse(const struct measured *m)
{
        for (enum signal k = 0; k < SIGNALS; k++)
                if (m->series[k] && is_pulse(m->kind, k))
                        return m->series[k];
        return NULL;
}

bool measured_is_of_graph(enum subject kind)
{
        return kind != SUBJECT_POOL && kind != SUBJECT_PROCESS;
}

/* A series begins with the first value that is not zero, and takes what came before it for zero: what never
 * moves takes no memory. */
void measured_add(struct core *core, struct measured *m, enum signal signal, int64_t at, double value)
{
        bool of_graph = measured_is_of_graph(m->kind);
        struct series *s = m->series[signal];

        if (!s) {
                const struct series *like = pulse(m);

                if (isnan(value) || (value == 0 && !(of_graph && is_pulse(m->kind, signal))))
                        return;
                s = m->series[signal] = core_alloc(core, sizeof(*s));
                if (!s)
                        return;
                if (like)
                        series_begin_like(core, s, measured_counts(signal), like);
                else
                        series_begin(s, measured_counts(signal));
                s->by_minute = of_graph;
        }
        series_add(core, s, at, value);
}

/* Adds what a counter gained; a counter that went back began anew. */
static void gain(struct core *core, struct measured *m, enum signal signal, int64_t at, uint64_t *last, uint64_t now)
{
        if (m->last.known)
                measured_add(core, m, signal, at, (double)(now >= *last ? now - *last : now));
        *last = now;
}

/* Hosts' clocks differ by a little. */
static void add_load(struct core *core, struct measured *m, int64_t at, double load)
{
        struct measured_group *g = m->group;

        if (!g)
                return;
        g->latest = MAX(g->latest, at);
        series_add(core, &g->load, g->latest, load);
}

void measured_note(struct core *core, struct measured *m, int64_t at)
{
        if (m->begin == 0)
                m->begin = at;
        else if (measured_is_of_graph(m->kind)) /* a cell each, and no cell without */
                m->every = 0;
        else if (m->every == 0)
                m->every = at - m->seen;
        else
                m->every = MIN(at - m->seen, m->every + m->every / 16);
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

void measured_set_server(struct core *core, struct measured *m, struct service *server, uint16_t port)
{
        set_service(core, &m->server, server);
        m->port = port;
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
 * with the next opening which are held: until then nothing is known. */
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
                m->blind_until = at + BLIND;
                m->lost_before = isnan(m->lost) ? m->lost_before : m->lost;
        }
        if (at < m->blind_until && lost < m->lost_before)
                return m->lost = *ret_forgotten = NAN;
        m->blind_until = 0;
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
        if (edge)
                set_service(core, &m->server, edge->server);
        m->serves = end->role == ROLE_SERVER;
        m->port = edge ? edge->port : m->serves ? end->local_port : end->remote_port;
        join_group(core, m);
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
                add_load(core, m, at, (double)(end->total.sent + end->total.received - m->last.load));
        gain(core, m, SIGNAL_LOAD, at, &m->last.load, end->total.sent + end->total.received);
        measured_add(core, m, SIGNAL_OPEN, at, (double)p->busy + p->idle + p->close_wait);
        m->last.known = true;
}

static void take_process(struct core *core, struct host *h, const struct host_process *p, int64_t at)
{
        struct measured *m;

        if (!p->identity)
                return;
        m = measured_obtain(core, h, SUBJECT_PROCESS, 0, p->row.pid, p->row.started, p->identity->service);
        if (!m || at <= m->seen)
                return;
        measured_note(core, m, at);
        join_group(core, m);
        set_build(m, p->build);
        add_load(core, m, at, isnan(p->cpu.ratio) ? 0 : p->cpu.ratio);
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

bool measured_has_symptom(const struct core *core, const struct measured *m)
{
        return m->symptom && m->symptom_at + SYMPTOM_LASTS >= core->now;
}

void measured_forget_symptoms(struct core *core)
{
        for (uint32_t i = 0; i < core->measured_count; i++)
                core->measured[i]->symptom = NULL;
}

void measured_free(struct core *core)
{
        for (uint32_t i = 0; i < core->measured_count; i++)
                drop(core, core->measured[i]);
        map_free(&core->measured_by_name);
        map_free(&core->measured_groups);
        core_release(core, core->measured, core->measured_capacity * sizeof(*core->measured));
        core->measured = NULL;
        core->measured_count = core->measured_capacity = 0;
}
