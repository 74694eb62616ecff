#include "coordinator/measured_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define OF_HOST_MAX 65536                  /* incarnations of one host: who makes up new ones all the time has no more */
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

static void drop(struct core *core, struct measured *m)
{
        measured_leave_group(core, m);
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

void measured_set_server(struct core *core, struct measured *m, struct service *server, uint16_t port)
{
        if (m->server != server) {
                service_put(core, &m->server);
                m->server = server ? service_ref(server) : NULL;
        }
        m->port = port;
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
