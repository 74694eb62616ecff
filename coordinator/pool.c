/* Pools as the agents' sweeps find them. */
#include "coordinator/graph.h"

#include <string.h>

void host_drop_pools(struct core *core, struct host *h)
{
        core_release(core, h->pools.rows, h->pools.count * sizeof(*h->pools.rows));
        h->pools = (struct host_pools){ 0 };
}

int host_take_pools(struct core *core, struct host *h, const struct summary *s)
{
        struct summary_pool *rows;

        if (s->pools_at == 0 || s->sequence < h->pools.sequence)
                return 0;
        rows = core_alloc(core, s->pools_count * sizeof(*rows));
        if (!rows && s->pools_count > 0)
                return -ENOMEM;
        if (s->pools_count > 0)
                memcpy(rows, s->pools, s->pools_count * sizeof(*rows));
        core_release(core, h->pools.rows, h->pools.count * sizeof(*rows));
        h->pools = (struct host_pools){ .rows = rows,
                                        .count = (uint32_t)s->pools_count,
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
