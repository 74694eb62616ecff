#include "agent/pools.h"

#include "agent/config_pools.h"
#include "agent/host.h"
#include "agent/owners.h"
#include "agent/probe.h"
#include "agent/rows.h"

#include <stdlib.h>

struct pool {
        struct event_pool found;
        uint64_t edge; /* id of the row */
        uint32_t limit;
};

struct pools {
        struct probe *probe;
        struct rows *rows;
        struct owners *owners;
        const struct service *services;
        struct pool *items; /* by edge, then pid */
        size_t count, size;
        uint64_t lost;
        int64_t at;
        struct summary_pool *out;
        size_t out_size;
};

int pools_new(struct probe *probe, struct rows *rows, struct owners *owners, struct pools **ret_pools)
{
        struct pools *p = calloc(1, sizeof(*p));

        if (!p)
                return -ENOMEM;
        p->probe = probe;
        p->rows = rows;
        p->owners = owners;
        *ret_pools = p;
        return 0;
}

void pools_free(struct pools **pools)
{
        if (!*pools)
                return;
        free((*pools)->items);
        free((*pools)->out);
        free(*pools);
        *pools = NULL;
}

void pools_declare(struct pools *p, const struct service *services)
{
        p->services = services;
}

static uint32_t limit(const struct pools *p, const struct row *row)
{
        if (row->edge.role != ROLE_CLIENT)
                return 0;
        return config_pools_max(p->services, owners_get(p->owners, row->identity), row->edge.remote_port);
}

static uint64_t pool_open(const struct event_pool *pool)
{
        return (uint64_t)pool->busy + pool->idle + pool->close_wait;
}

static int take(void *data, const struct event_pool_key *key, const struct event_pool *found)
{
        struct pools *p = data;
        const struct row *row = rows_get(p->rows, key->edge, found->generation);

        if (!row)
                return 0; /* its announcement was lost, and the maps are read again */
        if (p->count == p->size) {
                size_t size = p->size ? p->size * 2 : 64;
                struct pool *grown = reallocarray(p->items, size, sizeof(*grown));

                if (!grown)
                        return -ENOMEM;
                p->items = grown;
                p->size = size;
        }
        p->items[p->count++] = (struct pool){ .found = *found, .edge = row->id, .limit = limit(p, row) };
        return 0;
}

static int by_size(const void *a, const void *b)
{
        uint64_t x = pool_open(&((const struct pool *)a)->found), y = pool_open(&((const struct pool *)b)->found);

        return x > y ? -1 : x < y;
}

static int by_edge(const void *a, const void *b)
{
        const struct pool *x = a, *y = b;

        if (x->edge != y->edge)
                return x->edge < y->edge ? -1 : 1;
        return x->found.pid < y->found.pid ? -1 : x->found.pid > y->found.pid;
}

int pools_refresh(struct pools *p, int64_t now)
{
        int r;

        p->count = 0;
        r = probe_pools(p->probe, take, p);
        if (r < 0)
                return r;
        if (p->count > POOLS_MAX) {
                qsort(p->items, p->count, sizeof(*p->items), by_size);
                for (size_t i = POOLS_MAX; i < p->count; i++)
                        p->lost += pool_open(&p->items[i].found);
                p->count = POOLS_MAX;
        }
        if (p->count)
                qsort(p->items, p->count, sizeof(*p->items), by_edge);
        p->at = now;
        return 0;
}

void pools_rows(struct pools *p, int64_t offset, const struct summary_pool **ret_rows, size_t *ret_count, int64_t *ret_at)
{
        int64_t boot = host_boot_offset();

        if (p->out_size < p->count) {
                struct summary_pool *grown = reallocarray(p->out, p->size, sizeof(*grown));

                if (!grown) { /* as if there had been no sweep: said with the next one */
                        *ret_count = 0;
                        *ret_at = 0;
                        return;
                }
                p->out = grown;
                p->out_size = p->size;
        }
        for (size_t i = 0; i < p->count; i++) {
                const struct event_pool *found = &p->items[i].found;

                p->out[i] = (struct summary_pool){ .edge = p->items[i].edge,
                                                   .pid = found->pid,
                                                   .started = (int64_t)found->start_ns + boot,
                                                   .busy = found->busy,
                                                   .idle = found->idle,
                                                   .held = found->held,
                                                   .close_wait = found->close_wait,
                                                   .held_ever = found->held_ever,
                                                   .reused = found->reused,
                                                   .skipped = found->skipped,
                                                   .overdue = found->overdue,
                                                   .missed_most = found->returned_after[1],
                                                   .opened_at = host_wall(offset, (int64_t)found->opened_ns),
                                                   .limit = p->items[i].limit };
        }
        *ret_rows = p->out;
        *ret_count = p->count;
        *ret_at = p->at;
}

uint64_t pools_lost(const struct pools *pools)
{
        return pools->lost;
}
