#include "coordinator/past.h"
#include "coordinator/measured.h"
#include "coordinator/past_ring.h"

#include <math.h>
#include <string.h>

#define ROUND (60 * NSEC_PER_SEC)

const struct past_rings past_rings[PAST_RINGS] = { { ROUND, PAST_MINUTES }, { PAST_CELL, PAST_CELLS } };

struct past_ring *past_ring_of(struct past *p, uint32_t level)
{
        return level == 0 ? &p->minutes : &p->cells;
}

struct name {
        uint64_t service, server;
        uint64_t port;
};

static uint64_t hash_of(const struct core *core, const struct service *service, const struct service *server, uint16_t port)
{
        struct name name = { (uintptr_t)service, (uintptr_t)server, port };

        return hash_bytes(&core->hash_key, &name, sizeof(name));
}

static struct past *find(const struct core *core, const struct service *service, const struct service *server, uint16_t port)
{
        for (struct map_node *n = map_first(&core->pasts, hash_of(core, service, server, port)); n; n = map_next(n)) {
                struct past *p = container_of(n, struct past, node);

                if (p->service == service && p->server == server && p->port == port)
                        return p;
        }
        return NULL;
}

const struct past *past_find(const struct core *core, const struct service *service, const struct service *server, uint16_t port)
{
        return find(core, service, server, port);
}

static void list_remove(struct core *core, struct past *p)
{
        *(p->older ? &p->older->newer : &core->past_oldest) = p->newer;
        *(p->newer ? &p->newer->older : &core->past_newest) = p->older;
        p->older = p->newer = NULL;
}

static void list_append(struct core *core, struct past *p)
{
        p->older = core->past_newest;
        *(p->older ? &p->older->newer : &core->past_oldest) = p;
        core->past_newest = p;
}

static void drop(struct core *core, struct past *p)
{
        map_remove(&core->pasts, &p->node);
        list_remove(core, p);
        core->past_records[p->index] = core->past_records[--core->past_count];
        core->past_records[p->index]->index = p->index;
        if (p->saved)
                number_list_add(core, &core->removed_pasts, p->id);
        service_put(core, &p->service);
        service_put(core, &p->server);
        past_ring_free(core, &p->cells);
        past_ring_free(core, &p->minutes);
        core_release(core, p, sizeof(*p));
}

void past_free(struct core *core)
{
        while (core->past_count > 0)
                drop(core, core->past_records[core->past_count - 1]);
        core_release(core, core->past_records, core->past_capacity * sizeof(*core->past_records));
        core->past_records = NULL;
        core->past_capacity = 0;
        map_free(&core->pasts);
}

/* The one that nothing was noted of for longest makes room, but none that is in use does: in a graph that is
 * larger than the table those that came first are remembered, and not a few of all in turn. */
static bool make_room(struct core *core)
{
        if (core->past_count < PAST_RECORDS_MAX)
                return true;
        if (core->past_oldest->noted + 3 * ROUND > core->now)
                return false;
        drop(core, core->past_oldest);
        return true;
}

struct past *past_get(struct core *core, struct service *service, struct service *server, uint16_t port)
{
        struct past *p = find(core, service, server, port);

        if (p)
                return p;
        if (!make_room(core))
                return NULL;
        if (core_reserve(core, (void **)&core->past_records, core->past_count, &core->past_capacity, sizeof(*core->past_records)) <
            0)
                return NULL;
        p = core_alloc(core, sizeof(*p));
        if (!p)
                return NULL;
        if (map_insert(&core->pasts, &p->node, hash_of(core, service, server, port)) < 0) {
                core_release(core, p, sizeof(*p));
                return NULL;
        }
        p->service = service_ref(service);
        p->server = server ? service_ref(server) : NULL;
        p->port = port;
        p->id = ++core->next_past;
        p->since = core->now;
        p->index = core->past_count;
        p->noted = core->now;
        core->past_records[core->past_count++] = p;
        list_append(core, p);
        return p;
}

void past_touch(struct core *core, struct past *p, int64_t at)
{
        p->noted = at;
        list_remove(core, p);
        list_append(core, p);
}

static void touch(struct core *core, struct past *p)
{
        if (p->noted != core->now)
                past_touch(core, p, core->now);
}

/* A round tells of the minute before it. */
static int64_t minute_now(const struct core *core)
{
        return (core->now - ROUND) / ROUND;
}

static void note_load(struct core *core, struct past *p, uint64_t bytes)
{
        if (!p)
                return;
        touch(core, p);
        past_ring_add_load(core, &p->cells, PAST_CELLS, core->now / PAST_CELL, (float)bytes);
        past_ring_add_load(core, &p->minutes, PAST_MINUTES, minute_now(core), (float)bytes);
}

/* What ends have carried since the last round, as load of the service, and of its way to the server. */
static bool note_ends(struct core *core, uint32_t *cursor)
{
        uint32_t from;
        bool more = work_portion(core, core->ends_count, cursor, &from);

        for (uint32_t i = from; i < *cursor; i++) {
                struct end *e = core->ends[i];
                uint64_t all = e->total.sent + e->total.received, gained = all - MIN(e->past_load, all);
                const struct edge *edge = end_edge(core, e);
                bool first = e->past_load == 0 && e->first_seen + 2 * ROUND < core->now;

                e->past_load = all;
                if (gained == 0 || first || core->past_anew || e->service->external)
                        continue;
                note_load(core, past_get(core, e->service, NULL, 0), gained);
                if (e->role == ROLE_CLIENT && edge)
                        note_load(core, past_get(core, e->service, edge->server, edge->port), gained);
        }
        if (!more)
                core->past_anew = false;
        return more;
}

static void note_level(struct core *core, struct past *p, double first, double second)
{
        if (!p || isnan(first) || isnan(second))
                return;
        if (p->round != core->past_at) {
                p->round = core->past_at;
                p->level_now[0] = p->level_now[1] = 0;
        }
        p->level_now[0] += (float)first;
        p->level_now[1] += (float)second;
}

static double level(const struct measured *m, enum signal signal)
{
        return measured_series(m, signal) ? measured_last(m, signal) : 0;
}

static bool note_measured(struct core *core, uint32_t *cursor)
{
        uint32_t from;
        bool more = work_portion(core, core->measured_count, cursor, &from);

        for (uint32_t i = from; i < *cursor; i++) {
                const struct measured *m = core->measured[i];

                if (m->heard + 2 * ROUND < core->now)
                        continue;
                if (m->kind == SUBJECT_POOL && !m->serves && m->server)
                        note_level(core, past_get(core, m->service, m->server, m->port), level(m, SIGNAL_LOST),
                                   level(m, SIGNAL_CLOSE_WAIT));
                else if (m->kind == SUBJECT_PROCESS)
                        note_level(core, past_get(core, m->service, NULL, 0), level(m, SIGNAL_OPEN_FILES), level(m, SIGNAL_RSS));
        }
        return more;
}

/* Sums become part of their cell's means. */
static bool close_round(struct core *core, uint32_t *cursor)
{
        uint32_t from;
        bool more = work_portion(core, core->past_count, cursor, &from);

        for (uint32_t i = from; i < *cursor; i++) {
                struct past *p = core->past_records[i];

                if (p->round != core->past_at)
                        continue;
                touch(core, p);
                past_ring_add_levels(core, &p->cells, PAST_CELLS, core->now / PAST_CELL, p->level_now);
                past_ring_add_levels(core, &p->minutes, PAST_MINUTES, minute_now(core), p->level_now);
        }
        return more;
}

void past_add(struct core *core)
{
        if (core->past_at + ROUND > core->now)
                return;
        core->past_at = core->now;
        work_add(core, note_ends);
        work_add(core, note_measured);
        work_add(core, close_round);
}

void past_begin_rounds(struct core *core)
{
        core->past_anew = true;
        core->past_at = core->now;
}

/* The ends of the stretch count by the part of their cells that lies in it. */
double past_load(const struct past *p, int64_t from, int64_t to)
{
        double sum = 0, there = 0;

        for (int64_t n = from / PAST_CELL; n <= (to - 1) / PAST_CELL; n++) {
                int64_t begin = MAX(n * PAST_CELL, from), end = MIN((n + 1) * PAST_CELL, to);
                double part = (double)(end - begin);

                if (past_ring_measured(&p->cells, n) == 0)
                        continue;
                /* The first and the newest cell are not full yet. */
                sum += past_ring_load(&p->cells, n) * part / (double)MIN(PAST_CELL, MAX(p->noted - n * PAST_CELL, ROUND));
                there += part;
        }
        return there * 2 > (double)(to - from) ? sum / there * NSEC_PER_SEC : NAN;
}

double past_load_by_minute(const struct past *p, int64_t from, int64_t to)
{
        double sum = 0;
        int64_t first = from / ROUND, last = to / ROUND;

        for (int64_t n = first; n < last; n++) {
                if (past_ring_measured(&p->minutes, n) == 0)
                        return NAN;
                sum += past_ring_load(&p->minutes, n);
        }
        return last > first ? sum / (double)(last - first) / 60 : NAN;
}

double past_level_by_minute(const struct past *p, enum past_level level_of, int64_t at)
{
        return past_ring_measured(&p->minutes, at / ROUND) ? past_ring_level(&p->minutes, at / ROUND, level_of % 2) : NAN;
}

static bool has_level(const struct past *p, int64_t number)
{
        return (past_ring_measured(&p->cells, number) & ~PAST_HAS_LOAD) != 0;
}

double past_level_at(const struct past *p, enum past_level level_of, int64_t at)
{
        for (int64_t k = 0; k <= 3; k++)
                for (int sign = -1; sign <= 1; sign += 2) {
                        int64_t number = at / PAST_CELL + sign * k;

                        if (has_level(p, number))
                                return past_ring_level(&p->cells, number, level_of % 2);
                }
        return NAN;
}

double past_level_most(const struct past *p, enum past_level level_of, int64_t from, int64_t to)
{
        int64_t there = 0, first = from / PAST_CELL, last = to / PAST_CELL;
        double most = NAN;

        for (int64_t n = first; n <= last; n++) {
                if (!has_level(p, n))
                        continue;
                there++;
                most = fmax(most, past_ring_level(&p->cells, n, level_of % 2));
        }
        return 2 * there > last - first ? most : NAN;
}
