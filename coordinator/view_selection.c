/* What of the graph a question asks for. */
#include "coordinator/view_internal.h"

#include <string.h>

bool view_host_selected(const struct view_builder *b, const struct host *h)
{
        return h->session != 0 && (!b->query->host || strcmp(b->query->host, h->name->data) == 0);
}

bool view_edge_was_there(const struct view_builder *b, const struct edge *e)
{
        struct summary_counters total;
        uint64_t open;

        if (!b->after)
                return e->seen != 0;
        for (size_t i = 0; i < COUNTERS_COUNT; i++)
                ((uint64_t *)(void *)&total)[i] = (uint64_t)view_gained((int64_t)((const uint64_t *)(const void *)&e->total)[i],
                                                                        b->after[e->index].value[i + 1]);
        open = (uint64_t)view_gained((int64_t)e->open, b->after[e->index].value[0]);
        return open > 0 || !counters_zero(&total);
}

bool view_edge_selected(const struct view_builder *b, const struct edge *e)
{
        const struct view_query *q = b->query;
        bool found = !q->host;

        if (!view_edge_was_there(b, e))
                return false;
        if (q->service) {
                uint32_t depth = q->depth ? q->depth : 1;
                uint32_t near = MIN(b->distance[e->client->rank], b->distance[e->server->rank]);

                if (near >= depth)
                        return false;
        }
        for (uint16_t i = 0; !found && i < e->client_hosts.count; i++)
                found = strcmp(e->client_hosts.items[i]->name->data, q->host) == 0;
        for (uint16_t i = 0; !found && i < e->server_hosts.count; i++)
                found = strcmp(e->server_hosts.items[i]->name->data, q->host) == 0;
        return found;
}

/* Steps from the service that was asked for, over edges in either direction. */
int view_measure_distance(struct view_builder *b)
{
        struct core *core = b->core;
        uint32_t depth = b->query->depth ? b->query->depth : 1;
        bool found = false;

        for (uint32_t i = 0; i < core->order_count; i++) {
                bool is = strcmp(core->order[i]->name, b->query->service) == 0;

                b->distance[i] = is ? 0 : UINT32_MAX;
                found = found || is;
        }
        if (!found)
                return -ENOENT;
        for (uint32_t d = 0; d < depth; d++) {
                for (uint32_t i = 0; i < core->edges_count; i++) {
                        const struct edge *e = core->edges[i];
                        uint32_t *from = &b->distance[e->client->rank], *to = &b->distance[e->server->rank];

                        if (!view_edge_was_there(b, e))
                                continue;
                        if (*from == d && *to > d + 1)
                                *to = d + 1;
                        if (*to == d && *from > d + 1)
                                *from = d + 1;
                }
        }
        return 0;
}
