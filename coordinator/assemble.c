/* Ends become edges. See graph.h for the rules. */
#include "coordinator/graph.h"
#include "coordinator/view.h"

#include "proto/address.h"

#include <stdlib.h>
#include <string.h>

#define GRACE_INTERVALS 3

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
static void edge_begin(struct core *core, struct edge *e)
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
        e->seen |= p->seen;
        e->inexact = e->inexact || p->inexact;
        e->first_seen = MIN(e->first_seen, p->first_seen);
        e->last_seen = MAX(e->last_seen, p->last_seen);
        buckets_add(&e->rtt, p->rtt);
        buckets_add(&e->turnaround, p->turnaround);
        host_set_add(core, &e->client_hosts, p->client_host);
        host_set_add(core, &e->server_hosts, p->server_host);
}

/* The node that stands for an address without an agent. */
struct service *external_node(struct core *core, const struct address *a)
{
        char text[ADDRESS_TEXT_SIZE];

        return service_get(core, address_format(a, text), true);
}

static int64_t grace(const struct host *a, const struct host *b)
{
        int64_t interval = MAX(a->interval, b ? b->interval : 0);

        return GRACE_INTERVALS * MIN(MAX(interval, NSEC_PER_SEC), 60 * NSEC_PER_SEC);
}

/* A host that is heard and has this address, as seen from `from`; any, if several do. */
static struct host *owner(const struct core *core, struct host *from, const struct address *a)
{
        if (address_is_loopback(a))
                return host_fresh(core, from) ? from : NULL;
        for (const struct lease *l = lease_first(core, a); l; l = lease_next(l))
                if (host_fresh(core, l->host))
                        return l->host;
        return NULL;
}

/* The other end may be on its way: too early to call the far end unknown. */
static bool may_still_meet(const struct core *core, const struct end *e)
{
        struct host *far = owner(core, e->host, &e->remote);

        return far && core->now - e->unmatched_since < grace(e->host, far);
}

static bool links_to_others(const struct end *client, const struct service *server)
{
        for (const struct link *l = client->links; l; l = l->next_of_client)
                if (l->matched > 0 && l->server->service != server)
                        return true;
        return false;
}

/* Links a server's end with the clients of this host and namespace that dial the address. What fails
 * for want of memory is tried again at the next assembly. */
static void link_dialling(struct core *core, struct end *s, struct host *host, uint32_t netns, const struct address *address)
{
        for (struct end *c = end_first_dialling(core, host, address, s->local_port, s->transport); c;
             c = end_next_dialling(core, c))
                if (c->netns == netns && !links_to_others(c, s->service) && link_add(core, c, s, 0, core->now) < 0) {
                        core->relink = true;
                        return;
                }
}

/* Links a server's end with the clients that dial the very address it was reached on, from a host
 * and namespace that has the address they come from: the join that needs no keys. */
static void link_by_address(struct core *core, struct end *s)
{
        const struct lease *l = NULL;
        struct host *host = s->host;
        uint32_t netns = s->netns;
        bool loopback = address_is_loopback(&s->remote);

        if (!loopback) {
                l = lease_first(core, &s->remote);
                if (!l)
                        return;
        }
        do {
                if (l) {
                        host = l->host;
                        netns = l->netns;
                }
                if (!address_is_zero(&s->local)) {
                        link_dialling(core, s, host, netns, &s->local);
                        continue;
                }
                /* A datagram socket that is bound to no address was reached on any of its host's. */
                if (loopback)
                        link_dialling(core, s, host, netns, &s->remote);
                for (uint32_t i = 0; i < s->host->addresses_count; i++)
                        if (s->host->addresses[i].netns == s->netns)
                                link_dialling(core, s, host, netns, &s->host->addresses[i].address);
        } while (l && (l = lease_next(l)));
}

/* An adopted end of which the keys say nothing (yet). */
static void guess_role(struct core *core, struct end *e)
{
        struct host *host;
        uint32_t netns;
        bool several;

        if (lease_resolve(core, e->host, e->netns, &e->remote, &host, &netns) &&
            (listener_find(host, netns, e->transport, &e->remote, e->remote_port, &several) || several))
                end_set_role(core, e, ROLE_CLIENT);
        else if (e->local_port && (listener_find(e->host, e->netns, e->transport, &e->local, e->local_port, &several) || several))
                end_set_role(core, e, ROLE_SERVER);
        else if (!may_still_meet(core, e))
                end_set_role(core, e, e->remote_port || !e->local_port ? ROLE_CLIENT : ROLE_SERVER);
}

static void share_off(struct core *core, struct end *c)
{
        struct summary_counters rest = c->total;
        struct share *share;

        for (share = c->shares; share; share = share->next)
                counters_subtract(&rest, &share->counters);
        if (counters_zero(&rest))
                return;
        share = core_alloc(core, sizeof(*share));
        if (!share)
                return;
        *share = (struct share){ .next = c->shares,
                                 .service = c->target ? service_ref(c->target) : external_node(core, &c->remote),
                                 .host = c->target_host,
                                 .port = c->target_port,
                                 .counters = rest };
        c->shares = share;
}

/* Whom the listeners lead to. A target that only fell silent stays: its refusals are its own. */
static void resolve_target(struct core *core, struct end *c)
{
        struct host *host = NULL;
        struct service *s = NULL;
        uint32_t netns = 0;
        bool several = false, leads;

        leads = lease_resolve(core, c->host, c->netns, &c->remote, &host, &netns);
        if (leads)
                s = listener_find(host, netns, c->transport, &c->remote, c->remote_port, &several);
        if (s == c->target && (!s || (host == c->target_host && netns == c->target_netns)))
                return;
        if (!s && c->target) {
                /* Still the same place, or a host that is not heard: no reason to think again. */
                if (several || c->target_host->restored || !host_fresh(core, c->target_host) ||
                    (leads && host == c->target_host && netns == c->target_netns))
                        return;
        }
        if (c->target && c->target != s)
                share_off(core, c);
        service_put(core, &c->target);
        c->target = s ? service_ref(s) : NULL;
        c->target_host = s ? host : NULL;
        c->target_netns = netns;
        c->target_port = c->remote_port;
        c->dirty = true;
}

/* True if the links of a client's end lead to more than one (service, port). */
static bool has_several_targets(const struct end *c)
{
        const struct link *first = c->links;

        for (const struct link *l = first; l; l = l->next_of_client)
                if (l->server->service != first->server->service || l->server->local_port != first->server->local_port)
                        return true;
        return false;
}

static void cover(struct end *s, const struct summary_counters *counters, uint64_t open)
{
        counters_add(&s->covered, counters);
        s->covered_open += open;
        s->joined = true;
}

/* Hands a client's counts to the ends that saw them, to each what it has not got from others. */
static void cover_links(struct end *c)
{
        struct summary_counters left = c->total;
        uint64_t open = end_open(c);

        if (c->links && !c->links->next_of_client) {
                cover(c->links->server, &left, open);
                return;
        }
        for (const struct link *l = c->links; l; l = l->next_of_client) {
                struct summary_counters room = counters_mirror(&l->server->total), part = left;
                uint64_t open_room = end_open(l->server), open_part;

                counters_subtract(&room, &l->server->covered);
#define X(name) part.name = MIN(left.name, room.name);
                SUMMARY_COUNTERS(X)
#undef X
                open_room -= MIN(open_room, l->server->covered_open);
                open_part = MIN(open, open_room);
                cover(l->server, &part, open_part);
                counters_subtract(&left, &part);
                open -= open_part;
        }
}

/* The link of another end by which the same service on the same host dials the same address: what is
 * adopted without its key goes where its siblings go. */
static const struct link *link_of_sibling(const struct core *core, const struct end *c)
{
        for (const struct end *e = end_first_dialling(core, c->host, &c->remote, c->remote_port, c->transport); e;
             e = end_next_dialling(core, e))
                if (e != c && e->service == c->service && e->netns == c->netns && e->links && !has_several_targets(e))
                        return e->links;
        return NULL;
}

static void contribute_client(struct core *core, struct end *c)
{
        struct part p = { .client = c->service,
                          .transport = c->transport,
                          .seen = VIEW_SEEN_CLIENT,
                          .open = end_open(c),
                          .counters = c->total,
                          .rtt = c->rtt,
                          .turnaround = c->turnaround,
                          .client_host = c->host,
                          .first_seen = c->first_seen,
                          .last_seen = c->last_seen };
        struct service *node = NULL;

        if (c->links) {
                for (const struct link *l = c->links; l; l = l->next_of_client) {
                        p.server = l->server->service;
                        p.port = l->server->local_port;
                        p.server_host = l->server->host;
                        if (!l->next_of_client)
                                break;
                        /* Names every host; the counts come with the last. */
                        {
                                struct part hosts = p;

                                hosts.counters = (struct summary_counters){ 0 };
                                hosts.rtt = hosts.turnaround = NULL;
                                hosts.open = 0;
                                edge_contribute(core, &hosts, NULL);
                        }
                }
                p.seen |= VIEW_SEEN_SERVER;
        } else {
                const struct link *sibling = link_of_sibling(core, c);

                resolve_target(core, c);
                for (const struct share *s = c->shares; s; s = s->next) {
                        struct part former = p;

                        former.server = s->service;
                        former.server_host = s->host;
                        former.port = s->port;
                        former.counters = s->counters;
                        former.open = 0;
                        former.rtt = former.turnaround = NULL;
                        edge_contribute(core, &former, NULL);
                        counters_subtract(&p.counters, &s->counters);
                }
                if (c->shares && counters_zero(&p.counters) && p.open == 0)
                        return;
                p.port = c->remote_port;
                if (sibling) {
                        p.server = sibling->server->service;
                        p.server_host = sibling->server->host;
                        p.port = sibling->server->local_port;
                } else if (c->target) {
                        p.server = c->target;
                        p.server_host = c->target_host;
                } else {
                        if (c->total.opened + c->total.adopted > 0 && may_still_meet(core, c))
                                return;
                        p.server = node = external_node(core, &c->remote);
                        if (!node)
                                return;
                }
        }
        edge_contribute(core, &p, c);
        service_put(core, &node);
}

#define CALLERS_BY_ADDRESS 256
#define CALLERS_BY_NETWORK 16384

/* The node of a client without an agent. A service that very many call shows their networks (/24 and
 * /64), or one node for all, so that the world outside cannot outgrow the graph. */
static struct service *caller_node(struct core *core, struct end *s)
{
        struct service *server = s->service;
        struct address network = s->remote;
        char text[ADDRESS_TEXT_SIZE + 4];
        bool v4 = address_is_v4(&network);

        if (server->callers_pass != core->pass) {
                server->callers_pass = core->pass;
                server->callers_count = 0;
        }
        if (++server->callers_count > CALLERS_BY_NETWORK)
                server->callers = CALLERS_ALL;
        else if (server->callers_count > CALLERS_BY_ADDRESS)
                server->callers = MAX(server->callers, (uint8_t)CALLERS_NETWORK);
        if (server->callers == CALLERS_ADDRESS)
                return external_node(core, &s->remote);
        if (server->callers == CALLERS_ALL)
                return service_get(core, "external", true);
        memset(network.bytes + (v4 ? 15 : 8), 0, v4 ? 1 : 8);
        address_format(&network, text);
        strcat(text, v4 ? "/24" : "/64");
        return service_get(core, text, true);
}

/* What a server's end saw beyond its clients. */
static void contribute_server(struct core *core, struct end *s)
{
        struct part p = { .server = s->service,
                          .port = s->local_port,
                          .transport = s->transport,
                          .seen = VIEW_SEEN_SERVER,
                          .counters = counters_mirror(&s->total),
                          .open = end_open(s),
                          .server_host = s->host,
                          .rtt = s->rtt,
                          .turnaround = s->turnaround,
                          .first_seen = s->first_seen,
                          .last_seen = s->last_seen };
        struct service *node;

        if (s->joined) {
                uint64_t rest = remainder_settle(core, s, p.counters.opened, s->covered.opened);

                if (rest == 0)
                        return;
                counters_subtract(&p.counters, &s->covered);
                p.counters.opened = p.counters.attempted = rest;
                p.open -= MIN(p.open, s->covered_open);
                /* Whoever came before its agent did looks like somebody else behind the same router. */
                for (const struct link *l = s->links; l; l = l->next_of_server)
                        p.inexact = p.inexact || remainder_is_older(s, l->client->host) ||
                                    !host_complete(core, l->client->host, s->first_seen, core->now);
                p.rtt = p.turnaround = NULL;
        } else if (may_still_meet(core, s)) {
                return;
        }
        node = caller_node(core, s);
        if (!node)
                return;
        p.client = node;
        edge_contribute(core, &p, s);
        service_put(core, &node);
}

static bool begin(struct core *core, uint32_t *cursor)
{
        (void)cursor;
        core->pass++;
        core->assembled_at = core->now;
        core->changed = false;
        core->edges_counted = 0;
        return false;
}

static bool clear_ends(struct core *core, uint32_t *cursor)
{
        uint32_t i;
        bool more = work_portion(core, core->ends_count, cursor, &i);

        for (; i < *cursor; i++) {
                struct end *e = core->ends[i];

                memset(&e->covered, 0, sizeof(e->covered));
                e->covered_open = 0;
                e->joined = false;
                if (e->role == ROLE_UNKNOWN)
                        guess_role(core, e);
        }
        return more;
}

static bool link_servers(struct core *core, uint32_t *cursor)
{
        uint32_t i;
        bool more;

        if (*cursor == 0) {
                if (!core->relink)
                        return false;
                core->relink = false;
        }
        more = work_portion(core, core->ends_count, cursor, &i);
        for (; i < *cursor; i++)
                if (core->ends[i]->role == ROLE_SERVER)
                        link_by_address(core, core->ends[i]);
        return more;
}

/* Clients with one link know whose their counts are; they go first. */
static bool take_clients(struct core *core, uint32_t *cursor)
{
        uint32_t i;
        bool more = work_portion(core, core->ends_count, cursor, &i);

        for (; i < *cursor; i++) {
                struct end *c = core->ends[i];

                if (c->role != ROLE_CLIENT || (c->links && c->links->next_of_client))
                        continue;
                cover_links(c);
                contribute_client(core, c);
        }
        return more;
}

static bool take_shared_clients(struct core *core, uint32_t *cursor)
{
        uint32_t i;
        bool more = work_portion(core, core->ends_count, cursor, &i);

        for (; i < *cursor; i++) {
                struct end *c = core->ends[i];

                if (c->role != ROLE_CLIENT || !c->links || !c->links->next_of_client)
                        continue;
                if (has_several_targets(c)) {
                        split_add(core, c);
                        continue;
                }
                cover_links(c);
                contribute_client(core, c);
        }
        return more;
}

static bool split_clients(struct core *core, uint32_t *cursor)
{
        (void)cursor;
        split_all(core);
        return false;
}

static bool take_servers(struct core *core, uint32_t *cursor)
{
        uint32_t i;
        bool more = work_portion(core, core->ends_count, cursor, &i);

        for (; i < *cursor; i++)
                if (core->ends[i]->role == ROLE_SERVER)
                        contribute_server(core, core->ends[i]);
        return more;
}

/* From the last to the first: an edge that goes is replaced by the last. The cursor counts those done. */
static bool end_edges(struct core *core, uint32_t *cursor)
{
        uint32_t from = core->edges_count - MIN(*cursor, core->edges_count), left = core->options.portion;

        while (from > 0 && left-- > 0) {
                struct edge *e = core->edges[--from];

                if (e->pass != core->pass) {
                        edge_begin(core, e);
                        if (!core->forgetting && !e->past && counters_zero(&e->sliced) && e->sliced_open == 0) {
                                edge_free(core, e);
                                continue;
                        }
                }
                core->edges_counted += e->seen != 0;
                ++*cursor;
        }
        if (from > 0)
                return true;
        core->edges_live = core->edges_counted;
        core->services_settled = core->services_named;
        return false;
}

void assembly_add(struct core *core)
{
        static const work_function steps[] = { begin,         clear_ends,   link_servers, take_clients, take_shared_clients,
                                               split_clients, take_servers, end_edges };

        for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
                work_add(core, steps[i]);
}
