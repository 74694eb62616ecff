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
