/* Those that run the same code against the same far end, and what those of them that have gone came to. */
#include "coordinator/measured_internal.h"

#include <math.h>

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

void measured_leave_group(struct core *core, struct measured *m)
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
void measured_join_group(struct core *core, struct measured *m)
{
        uint64_t hash;
        struct measured_group *g = NULL;

        if (m->group && in_group(m->group, m))
                return;
        measured_leave_group(core, m);
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

/* Hosts' clocks differ by a little. */
void measured_add_load(struct core *core, struct measured *m, int64_t at, double load)
{
        struct measured_group *g = m->group;

        if (!g)
                return;
        g->latest = MAX(g->latest, at);
        series_add(core, &g->load, g->latest, load);
}
