/* Edges, and what ends contribute to them. */
#include "coordinator/graph.h"

#include <stdlib.h>
#include <string.h>

static uint64_t edge_hash(const struct core *core, const struct service *client, const struct service *server, uint16_t port,
                          enum summary_transport transport)
{
        uint64_t key[3] = { client->node.hash, server->node.hash, (uint64_t)port << 16 | (uint64_t)transport };

        return hash_bytes(&core->hash_key, key, sizeof(key));
}

static void forget_buckets(struct buckets *b)
{
        if (b)
                memset(b->value, 0, b->count * sizeof(b->value[0]));
}

/* Starts an edge's sums anew for this assembly. */
void edge_begin(struct core *core, struct edge *e)
{
        e->pass = core->pass;
        e->seen = 0;
        e->inexact = false;
        e->open = 0;
        e->first_seen = INT64_MAX;
        e->last_seen = 0;
        memset(&e->total, 0, sizeof(e->total));
        forget_buckets(e->rtt);
        forget_buckets(e->turnaround);
        e->client_hosts.count = e->server_hosts.count = 0;
        if (!e->past)
                return;
        e->total = e->past->total;
        e->first_seen = e->past->first_seen;
        e->last_seen = e->past->last_seen;
        buckets_add(&e->rtt, e->past->rtt);
        buckets_add(&e->turnaround, e->past->turnaround);
}

struct edge *edge_get(struct core *core, struct service *client, struct service *server, uint16_t port,
                      enum summary_transport transport)
{
        uint64_t hash = edge_hash(core, client, server, port, transport);
        struct edge *e;

        for (struct map_node *n = map_first(&core->edges_by_key, hash); n; n = map_next(n)) {
                e = container_of(n, struct edge, node);
                if (e->client == client && e->server == server && e->port == port && e->transport == transport)
                        return e;
        }
        if (core_reserve(core, (void **)&core->edges, core->edges_count, &core->edges_capacity, sizeof(*core->edges)) < 0)
                return NULL;
        e = core_alloc(core, sizeof(*e));
        if (!e || map_insert(&core->edges_by_key, &e->node, hash) < 0) {
                core_release(core, e, sizeof(*e));
                return NULL;
        }
        e->id = ++core->next_edge;
        e->index = core->edges_count;
        e->client = service_ref(client);
        e->server = service_ref(server);
        e->port = port;
        e->transport = transport;
        e->dirty = true;
        core->edges[core->edges_count++] = e;
        return e;
}

void edge_free(struct core *core, struct edge *e)
{
        struct number_list *list = &core->removed_edges;

        core->edge_epoch++;

        if (e->saved && core_reserve(core, (void **)&list->items, list->count, &list->capacity, sizeof(*list->items)) == 0)
                list->items[list->count++] = e->id;
        map_remove(&core->edges_by_key, &e->node);
        core->edges[e->index] = core->edges[--core->edges_count];
        core->edges[e->index]->index = e->index;
        service_put(core, &e->client);
        service_put(core, &e->server);
        buckets_free(&e->rtt);
        buckets_free(&e->turnaround);
        buckets_free(&e->sliced_rtt);
        buckets_free(&e->sliced_turnaround);
        if (e->past) {
                buckets_free(&e->past->rtt);
                buckets_free(&e->past->turnaround);
                core_release(core, e->past, sizeof(*e->past));
        }
        core_release(core, e->client_hosts.items, e->client_hosts.capacity * sizeof(struct host *));
        core_release(core, e->server_hosts.items, e->server_hosts.capacity * sizeof(struct host *));
        core_release(core, e, sizeof(*e));
}

static void host_set_add(struct core *core, struct host_set *set, struct host *host)
{
        uint16_t at = set->count;

        if (!host)
                return;
        while (at > 0 && set->items[at - 1]->number >= host->number) {
                if (set->items[at - 1] == host)
                        return;
                at--;
        }
        if (set->count == set->capacity) {
                uint16_t wanted = set->capacity ? (uint16_t)(set->capacity * 2) : 2;
                struct host **new = set->capacity < UINT16_MAX / 2 ? realloc(set->items, wanted * sizeof(*new)) : NULL;

                if (!new)
                        return;
                core->memory_used += (wanted - set->capacity) * sizeof(*new);
                set->items = new;
                set->capacity = wanted;
        }
        memmove(set->items + at + 1, set->items + at, (set->count - at) * sizeof(*set->items));
        set->items[at] = host;
        set->count++;
}

void edge_contribute(struct core *core, const struct part *p, struct end *end)
{
        struct edge *e = end && end->edge_epoch == core->edge_epoch ? end->edge : NULL;

        if (!e || e->client != p->client || e->server != p->server || e->port != p->port || e->transport != p->transport)
                e = edge_get(core, p->client, p->server, p->port, p->transport);
        if (!e)
                return;
        if (end) {
                end->edge = e;
                end->edge_epoch = core->edge_epoch;
        }
        if (e->pass != core->pass)
                edge_begin(core, e);
        counters_add(&e->total, &p->counters);
        e->open += p->open;
        if (p->server->served_pass != core->pass) {
                p->server->served_pass = core->pass;
                p->server->served = 0;
        }
        p->server->served += p->open;
        e->seen |= p->seen;
        e->inexact = e->inexact || p->inexact;
        e->first_seen = MIN(e->first_seen, p->first_seen);
        e->last_seen = MAX(e->last_seen, p->last_seen);
        buckets_add(&e->rtt, p->rtt);
        buckets_add(&e->turnaround, p->turnaround);
        host_set_add(core, &e->client_hosts, p->client_host);
        host_set_add(core, &e->server_hosts, p->server_host);
}
