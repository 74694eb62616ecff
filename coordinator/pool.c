/* Pools as the agents' sweeps find them. */
#include "coordinator/graph.h"

#include <stdlib.h>
#include <string.h>

void host_drop_pools(struct core *core, struct host *h)
{
        core_release(core, h->pools.rows, h->pools.count * sizeof(*h->pools.rows));
        h->pools = (struct host_pools){ 0 };
}

/* A row and the end that its edge is of; 0: of none that is known. */
struct placed {
        uint64_t end;
        struct summary_pool pool;
};

static int by_place(const void *x, const void *y)
{
        const struct placed *a = x, *b = y;

        if (a->end != b->end)
                return a->end < b->end ? -1 : 1;
        if (a->pool.pid != b->pool.pid)
                return a->pool.pid < b->pool.pid ? -1 : 1;
        if (a->pool.started != b->pool.started)
                return a->pool.started < b->pool.started ? -1 : 1;
        return a->pool.edge < b->pool.edge ? -1 : a->pool.edge > b->pool.edge;
}

static bool same_pool(const struct placed *a, const struct placed *b)
{
        return a->end && a->end == b->end && a->pool.pid == b->pool.pid && a->pool.started == b->pool.started;
}

/* What a process opened before it began to listen is on another edge of its agent than what it opened after, since
 * the port is part of who it is there. It is one pool all the same. What lies idle on the one edge while the pool
 * opens on the other is not known to be held. Returns how many are left. */
static size_t merge(struct placed *rows, size_t count)
{
        size_t n = 0;

        for (size_t i = 0; i < count; i++) {
                struct summary_pool *into = n ? &rows[n - 1].pool : NULL, *from = &rows[i].pool;

                if (!into || !same_pool(&rows[n - 1], &rows[i])) {
                        rows[n++] = rows[i];
                        continue;
                }
                into->busy += from->busy;
                into->idle += from->idle;
                into->held += from->held;
                into->close_wait += from->close_wait;
                into->held_ever += from->held_ever;
                into->reused += from->reused;
                into->skipped += from->skipped;
                into->overdue += from->overdue;
                into->missed_most = MAX(into->missed_most, from->missed_most);
                into->opened_at = MAX(into->opened_at, from->opened_at);
                into->limit = MAX(into->limit, from->limit);
        }
        return n;
}

int host_take_pools(struct core *core, struct host *h, const struct summary *s)
{
        CLEANUP_FREE struct placed *placed = NULL;
        struct summary_pool *rows;
        size_t count = s->pools_count;

        if (s->pools_at == 0 || s->sequence < h->pools.sequence)
                return 0;
        placed = calloc(count + 1, sizeof(*placed));
        if (!placed)
                return -ENOMEM;
        for (size_t i = 0; i < count; i++) {
                const struct end *end = pool_end(core, h, &s->pools[i]);

                placed[i] = (struct placed){ .end = end ? end->id : 0, .pool = s->pools[i] };
        }
        qsort(placed, count, sizeof(*placed), by_place);
        count = merge(placed, count);
        rows = core_alloc(core, count * sizeof(*rows));
        if (!rows && count > 0)
                return -ENOMEM;
        for (size_t i = 0; i < count; i++)
                rows[i] = placed[i].pool;
        core_release(core, h->pools.rows, h->pools.count * sizeof(*rows));
        h->pools = (struct host_pools){ .rows = rows,
                                        .count = (uint32_t)count,
                                        .sequence = s->sequence,
                                        .at = s->pools_at,
                                        .lost = MAX(h->pools.lost, s->pools_lost),
                                        .complete = s->pools_lost <= h->pools.lost };
        return 0;
}

struct end *pool_end(const struct core *core, const struct host *h, const struct summary_pool *pool)
{
        const struct row *row = row_find(core, h, pool->edge);

        return row ? row->end : NULL;
}

static const struct edge *own_edge(const struct core *core, const struct end *end)
{
        return end->edge_epoch == core->edge_epoch ? end->edge : NULL;
}

const struct edge *end_edge(const struct core *core, const struct end *end)
{
        const struct edge *edge = own_edge(core, end);

        for (const struct link *l = end->role == ROLE_SERVER ? end->links : NULL; !edge && l; l = l->next_of_server)
                edge = own_edge(core, l->client);
        return edge;
}

static void lower(struct pool_limit *limit, uint64_t value, const char *source)
{
        if (value > 0 && (limit->value == 0 || value < limit->value))
                *limit = (struct pool_limit){ value, source };
}

/* How many connections the server takes; 0 if nobody knows. */
static uint64_t server_max(const struct edge *edge)
{
        uint64_t most = 0;

        for (uint16_t i = 0; i < edge->server_hosts.count; i++) {
                const struct host *h = edge->server_hosts.items[i];

                for (uint32_t k = 0; k < h->listeners_count; k++)
                        if (h->listeners[k].row.port == edge->port && h->listeners[k].identity &&
                            h->listeners[k].identity->service == edge->server)
                                most = MAX(most, (uint64_t)h->listeners[k].row.connections_max);
        }
        return most;
}

struct pool_limit pool_limit(const struct summary_pool *p, const struct edge *edge, const struct host_process *process)
{
        uint64_t open = (uint64_t)p->busy + p->idle + p->close_wait, max = edge ? server_max(edge) : 0, others;
        struct pool_limit limit = { 0, "" };

        lower(&limit, p->limit, "declared");
        if (max > 0) {
                others = edge->server->served - MIN(edge->server->served, open);
                lower(&limit, MAX(max - MIN(max, others), (uint64_t)1), "server");
        }
        if (process && process->row.open_files_limit > 0) {
                others = process->row.open_files - MIN((uint64_t)process->row.open_files, open);
                lower(&limit,
                      MAX(process->row.open_files_limit - MIN((uint64_t)process->row.open_files_limit, others), (uint64_t)1),
                      "files");
        }
        return limit;
}
