/* Ends of edges, and the rows of sessions that add up to them. */
#include "coordinator/graph.h"
#include "coordinator/pulse.h"

#include "proto/address.h"

#include <string.h>

/* All that names an end; no padding that is not zeroed. */
struct end_name {
        const struct host *host;
        const struct service *service;
        struct address local, remote;
        uint32_t netns;
        uint16_t local_port, remote_port;
        uint16_t role, transport;
        uint32_t pad;
};

struct dial_name {
        const struct host *host;
        struct address remote;
        uint16_t port, transport;
        uint32_t pad;
};

/* Pointers differ from run to run and must not decide anything: hosts and services go by number and
 * by the hash of their name. */
static uint64_t end_hash(const struct core *core, const struct end_name *name)
{
        struct {
                uint64_t host, service;
                struct end_name rest;
        } key = { name->host->node.hash, name->service->node.hash, *name };

        key.rest.host = NULL;
        key.rest.service = NULL;
        return hash_bytes(&core->hash_key, &key, sizeof(key));
}

static uint64_t dial_hash(const struct core *core, const struct host *host, const struct address *remote, uint16_t port,
                          enum summary_transport transport)
{
        struct {
                uint64_t host;
                struct address remote;
                uint16_t port, transport;
                uint32_t pad;
        } key = { host->node.hash, *remote, port, (uint16_t)transport, 0 };

        return hash_bytes(&core->hash_key, &key, sizeof(key));
}

static bool end_is(const struct end *e, const struct end_name *n)
{
        return e->host == n->host && e->service == n->service && e->netns == n->netns && e->reported_role == n->role &&
               e->transport == n->transport && e->local_port == n->local_port && e->remote_port == n->remote_port &&
               address_compare(&e->local, &n->local) == 0 && address_compare(&e->remote, &n->remote) == 0;
}

static int index_dialling(struct core *core, struct end *e)
{
        return map_insert(&core->ends_by_dial, &e->dial_node, dial_hash(core, e->host, &e->remote, e->remote_port, e->transport));
}

void end_set_role(struct core *core, struct end *e, enum summary_role role)
{
        if (e->role == role)
                return;
        if (e->role == ROLE_CLIENT)
                map_remove(&core->ends_by_dial, &e->dial_node);
        e->role = role;
        if (role == ROLE_CLIENT && index_dialling(core, e) < 0)
                e->role = ROLE_UNKNOWN;
        e->dirty = true;
        core->changed = core->relink = true;
}

int end_get(struct core *core, struct host *host, const struct summary_edge *edge, struct service *service, struct end **ret_end)
{
        struct end_name name = { .host = host,
                                 .service = service,
                                 .netns = edge->netns,
                                 .role = (uint16_t)edge->role,
                                 .transport = (uint16_t)edge->transport,
                                 .local = edge->local,
                                 .remote = edge->remote,
                                 .local_port = edge->local_port,
                                 .remote_port = edge->remote_port };
        uint64_t hash = end_hash(core, &name);
        struct end *e;

        for (struct map_node *n = map_first(&core->ends_by_key, hash); n; n = map_next(n)) {
                e = container_of(n, struct end, node);
                if (end_is(e, &name)) {
                        *ret_end = e;
                        return 0;
                }
        }
        if (core_reserve(core, (void **)&core->ends, core->ends_count, &core->ends_capacity, sizeof(*core->ends)) < 0)
                return -ENOMEM;
        e = core_alloc(core, sizeof(*e));
        if (!e)
                return -ENOMEM;
        *e = (struct end){ .id = ++core->next_end,
                           .index = core->ends_count,
                           .host = host,
                           .service = service,
                           .netns = edge->netns,
                           .role = edge->role,
                           .reported_role = edge->role,
                           .transport = edge->transport,
                           .local = edge->local,
                           .remote = edge->remote,
                           .local_port = edge->local_port,
                           .remote_port = edge->remote_port,
                           .first_seen = edge->first_seen,
                           .last_seen = edge->last_seen,
                           .unmatched_since = core->now };
        if (map_insert(&core->ends_by_key, &e->node, hash) < 0) {
                core_release(core, e, sizeof(*e));
                return -ENOMEM;
        }
        if (e->role == ROLE_CLIENT && index_dialling(core, e) < 0) {
                map_remove(&core->ends_by_key, &e->node);
                core_release(core, e, sizeof(*e));
                return -ENOMEM;
        }
        service_ref(service);
        e->next_of_host = host->ends;
        e->reach_of_host = &host->ends;
        if (host->ends)
                host->ends->reach_of_host = &e->next_of_host;
        host->ends = e;
        host->ends_count++;
        core->ends[core->ends_count++] = e;
        core->relink = true;
        *ret_end = e;
        return 0;
}

static void note_removed(struct core *core, struct end *e)
{
        struct number_list *list = &core->removed_ends;

        if (e->saved && core_reserve(core, (void **)&list->items, list->count, &list->capacity, sizeof(*list->items)) == 0)
                list->items[list->count++] = e->id;
}

void end_free(struct core *core, struct end *e)
{
        note_removed(core, e);
        links_free(core, e);
        pulse_free(core, e);
        while (e->rows)
                row_free(core, e->host, e->rows);
        while (e->shares) {
                struct share *next = e->shares->next;
                service_put(core, &e->shares->service);
                core_release(core, e->shares, sizeof(*e->shares));
                e->shares = next;
        }
        if (e->role == ROLE_CLIENT)
                map_remove(&core->ends_by_dial, &e->dial_node);
        map_remove(&core->ends_by_key, &e->node);
        *e->reach_of_host = e->next_of_host;
        if (e->next_of_host)
                e->next_of_host->reach_of_host = e->reach_of_host;
        e->host->ends_count--;
        core->ends[e->index] = core->ends[--core->ends_count];
        core->ends[e->index]->index = e->index;
        service_put(core, &e->target);
        service_put(core, &e->service);
        buckets_free(&e->rtt);
        buckets_free(&e->turnaround);
        core_release(core, e, sizeof(*e));
}

static uint64_t row_hash(const struct core *core, uint64_t id)
{
        return hash_bytes(&core->hash_key, &id, sizeof(id));
}

struct row *row_find(const struct core *core, const struct host *host, uint64_t id)
{
        for (struct map_node *n = map_first(&host->rows, row_hash(core, id)); n; n = map_next(n)) {
                struct row *row = container_of(n, struct row, node);
                if (row->id == id)
                        return row;
        }
        return NULL;
}

int row_insert(struct core *core, struct host *host, struct row *row)
{
        return map_insert(&host->rows, &row->node, row_hash(core, row->id));
}

void row_attach(struct row *row, struct end *e)
{
        row->end = e;
        row->next = e->rows;
        row->reach = &e->rows;
        if (row->next)
                row->next->reach = &row->next;
        e->rows = row;
}

void row_free(struct core *core, struct host *host, struct row *row)
{
        *row->reach = row->next;
        if (row->next)
                row->next->reach = row->reach;
        map_remove(&host->rows, &row->node);
        if (row->identity)
                row->identity->references--;
        buckets_free(&row->rtt);
        buckets_free(&row->turnaround);
        core_release(core, row, sizeof(*row));
}

static int row_new(struct core *core, struct host *host, const struct summary_edge *edge, struct row **ret_row)
{
        struct identity *identity = host_identity(core, host, edge->identity);
        struct service *service = identity ? service_ref(identity->service) : service_get(core, "unknown", false);
        struct row *row = core_alloc(core, sizeof(*row));
        int r = -ENOMEM;

        if (!row || !service)
                goto out;
        row->id = edge->id;
        r = end_get(core, host, edge, service, &row->end);
        if (r < 0)
                goto out;
        r = row_insert(core, host, row);
        if (r < 0)
                goto out;
        row->identity = identity;
        if (identity)
                identity->references++;
        row_attach(row, row->end);
        *ret_row = TAKE_PTR(row);
out:
        service_put(core, &service);
        core_release(core, row, sizeof(*row));
        return r;
}

int end_take_row(struct core *core, struct host *host, const struct summary *summary, const struct summary_edge *edge)
{
        struct row *row = row_find(core, host, edge->id);
        struct summary_counters increase;
        struct histogram samples;
        struct end *e;

        if (!row) {
                int r = row_new(core, host, edge, &row);
                if (r < 0)
                        return r;
        }
        e = row->end;
        row->restored = false;
        if (!row->identity) {
                row->identity = host_identity(core, host, edge->identity);
                if (row->identity)
                        row->identity->references++;
        }
        row->sequence = MAX(row->sequence, summary->sequence);
        increase = counters_advance(&row->current, &edge->counters);
        counters_add(&e->total, &increase);
        if (!histogram_empty(&edge->rtt)) {
                buckets_advance(&row->rtt, &edge->rtt, &samples);
                buckets_add_histogram(&e->rtt, &samples);
        }
        if (!histogram_empty(&edge->turnaround)) {
                buckets_advance(&row->turnaround, &edge->turnaround, &samples);
                buckets_add_histogram(&e->turnaround, &samples);
        }
        e->first_seen = MIN(e->first_seen, edge->first_seen);
        /* What an agent sees in the future would never be forgotten. */
        e->last_seen = MIN(MAX(e->last_seen, edge->last_seen), core->now);
        e->dirty = true;
        return 0;
}

int64_t end_first_seen(const struct end *e)
{
        return e->first_seen + host_skew(e->host);
}

int64_t end_last_seen(const struct end *e)
{
        return e->last_seen + host_skew(e->host);
}

uint64_t end_open(const struct end *e)
{
        uint64_t open = 0;

        for (const struct row *row = e->rows; row; row = row->next)
                open += row->gone_at ? 0 : counters_open(&row->current);
        return open;
}

static struct end *dialling(const struct map_node *n, const struct host *host, const struct address *remote, uint16_t port,
                            enum summary_transport transport)
{
        for (; n; n = map_next(n)) {
                struct end *e = container_of(n, struct end, dial_node);
                if (e->host == host && e->remote_port == port && e->transport == transport &&
                    address_compare(&e->remote, remote) == 0)
                        return e;
        }
        return NULL;
}

struct end *end_first_dialling(const struct core *core, const struct host *host, const struct address *remote, uint16_t port,
                               enum summary_transport transport)
{
        return dialling(map_first(&core->ends_by_dial, dial_hash(core, host, remote, port, transport)), host, remote, port,
                        transport);
}

struct end *end_next_dialling(const struct core *core, const struct end *e)
{
        (void)core;
        return dialling(map_next(&e->dial_node), e->host, &e->remote, e->remote_port, e->transport);
}
