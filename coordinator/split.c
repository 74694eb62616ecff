/* Clients that meet several servers behind one address: a load balancer in the kernel, or services
 * that followed each other. Their counts are divided by what the servers' ends saw; what no server
 * saw, failures above all, stays with the address: no backend is accused of what never reached it. */
#include "coordinator/graph.h"
#include "coordinator/view.h"

#include "proto/address.h"

#include <stdlib.h>
#include <string.h>

#define REPORT_SLACK (2 * NSEC_PER_SEC)
#define REPORTS_MIN 4

/* What we know of the host was read there after our time `t`, as far as clocks and delays tell: the
 * quickest of a few messages shows the difference of the clocks. */
static bool reported_after(const struct host *h, int64_t t)
{
        return !h->restored && h->received >= REPORTS_MIN && h->at > t - h->clock_offset + REPORT_SLACK;
}

/* From a host with an agent hardly anybody comes unobserved; through a router anybody may. */
static bool is_observed(const struct core *core, const struct end *s)
{
        return address_is_loopback(&s->remote) || lease_first(core, &s->remote);
}

/* Every end is a lower bound of the truth at the time of its report, so a count taken before the
 * others reported, less what they have reported since, never says too much; and it says exactly
 * what is missing once the connections are at rest. What others could not count because their agent
 * was away or overloaded is no reason to suspect somebody unknown: it is excused, and how much that
 * is shows only at rest; until then nobody new is suspected. Behind a router, where others may well
 * be, a first estimate has to do, and the edge says that it is not exact. */
uint64_t remainder_settle(struct core *core, struct end *e, uint64_t opened, uint64_t others)
{
        if (e->snapshot_at != 0) {
                uint64_t more = e->snapshot - MIN(e->snapshot, others);

                for (const struct link *l = e->links; l; l = e->role == ROLE_CLIENT ? l->next_of_client : l->next_of_server)
                        if (!reported_after(e->role == ROLE_CLIENT ? l->server->host : l->client->host, e->snapshot_at))
                                return e->remainder;
                if (e->review)
                        e->remainder = e->excuse_at ? MIN(e->reviewed, more) : more - MIN(more, e->excused);
                e->review = false;
                if (e->excuse_at != 0) {
                        e->excused = MAX(e->excused, more - MIN(more, e->remainder));
                        if ((e->role == ROLE_SERVER && !is_observed(core, e)) ||
                            (e->snapshot == opened && e->snapshot_others == others && reported_after(e->host, e->snapshot_at)))
                                e->excuse_at = 0;
                } else if (more > e->excused && more - e->excused > e->remainder) {
                        e->remainder = more - e->excused;
                }
                e->dirty = true;
        } else if (e->excuse_at != 0 && !reported_after(e->host, e->excuse_at)) {
                return e->remainder;
        }
        e->snapshot = opened;
        e->snapshot_others = others;
        e->snapshot_at = core->now;
        return e->remainder;
}

bool remainder_began_before(const struct core *core, const struct end *s, const struct host *host)
{
        return end_first_seen(s) < host->known_since + host_skew(host) && is_observed(core, s);
}

bool remainder_is_older(const struct end *e, const struct host *host)
{
        return e->first_seen + e->host->clock_offset < host->known_since + host->clock_offset;
}

void remainder_review(const struct core *core, struct end *s)
{
        if (!s->review)
                s->reviewed = is_observed(core, s) ? 0 : s->links ? s->remainder : s->total.opened;
        s->review = true;
        s->remainder = 0;
}

void remainder_excuse(struct core *core, struct end *e)
{
        e->excuse_at = core->now;
        e->snapshot_at = 0;
        e->dirty = true;
}

void remainder_excuse_host(struct core *core, const struct host *host)
{
        for (const struct end *e = host->ends; e; e = e->next_of_host)
                for (const struct link *l = e->links; l; l = e->role == ROLE_CLIENT ? l->next_of_client : l->next_of_server)
                        remainder_excuse(core, e->role == ROLE_CLIENT ? l->server : l->client);
}

void split_add(struct core *core, struct end *client)
{
        if (core_reserve(core, (void **)&core->split, core->split_count, &core->split_capacity, sizeof(*core->split)) == 0)
                core->split[core->split_count++] = client;
}

static int same_dialled(const struct end *a, const struct end *b)
{
        int r = a->service->rank < b->service->rank ? -1 : a->service->rank > b->service->rank;

        if (r == 0)
                r = address_compare(&a->remote, &b->remote);
        if (r == 0)
                r = (int)a->remote_port - (int)b->remote_port;
        if (r == 0)
                r = (int)a->transport - (int)b->transport;
        return r;
}

static int by_dialled(const void *x, const void *y)
{
        const struct end *a = *(struct end *const *)x, *b = *(struct end *const *)y;
        int r = same_dialled(a, b);

        return r ? r : (a->id < b->id ? -1 : 1);
}

static struct summary_counters scaled(const struct summary_counters *c, uint64_t part, uint64_t whole)
{
        struct summary_counters s;

#define X(name) s.name = whole ? (uint64_t)((unsigned __int128)c->name * part / whole) : 0;
        SUMMARY_COUNTERS(X)
#undef X
        return s;
}

/* The share of a server's end that belongs to one group of clients. */
static struct summary_counters part_of(const struct end *s, const struct end *c, bool *ret_inexact, uint64_t *ret_open)
{
        struct summary_counters rest = counters_mirror(&s->total);
        uint64_t ours = 0, all = 0, open = end_open(s);
        bool split_by_others = false;

        counters_subtract(&rest, &s->covered); /* by clients that go nowhere else */
        open -= MIN(open, s->covered_open);
        for (const struct link *l = s->links; l; l = l->next_of_server) {
                if (l->client->pass == c->pass && same_dialled(l->client, c) == 0)
                        ours += l->matched;
                else if (l->client->pass == c->pass)
                        split_by_others = true;
                else
                        continue;
                all += l->matched;
        }
        *ret_inexact = split_by_others;
        *ret_open = split_by_others && all ? open * ours / all : open;
        return split_by_others ? scaled(&rest, ours, all) : rest;
}

/* Those without links came with one that has them. */
static struct end *first_linked(struct end **clients, uint32_t count)
{
        uint32_t i = 0;

        while (i + 1 < count && !clients[i]->links)
                i++;
        return clients[i];
}

static void split_group(struct core *core, struct end **clients, uint32_t count)
{
        struct summary_counters total = { 0 }, parts = { 0 };
        struct end *c = first_linked(clients, count);
        struct part p = { .client = c->service, .transport = c->transport, .seen = VIEW_SEEN_BOTH };
        uint64_t total_open = 0, rest;
        struct service *node;

        for (uint32_t i = 0; i < count; i++) {
                counters_add(&total, &clients[i]->total);
                total_open += end_open(clients[i]);
        }
        for (uint32_t i = 0; i < count; i++) {
                for (const struct link *l = clients[i]->links; l; l = l->next_of_client) {
                        struct end *s = l->server;

                        p.server = s->service;
                        p.port = s->local_port;
                        p.client_host = clients[i]->host;
                        p.server_host = s->host;
                        p.first_seen = end_first_seen(s);
                        p.last_seen = end_last_seen(s);
                        p.counters = (struct summary_counters){ 0 };
                        p.rtt = p.turnaround = NULL;
                        p.open = 0;
                        p.inexact = false;
                        s->split_pass = core->pass;
                        if (s->split_group != c) { /* once a group */
                                s->split_group = c;
                                p.counters = part_of(s, c, &p.inexact, &p.open);
                                p.rtt = s->rtt;
                                p.turnaround = s->turnaround;
                                counters_add(&parts, &p.counters);
                                total_open -= MIN(total_open, p.open);
                                s->joined = true;
                                counters_add(&s->split_covered, &p.counters);
                        }
                        edge_contribute(core, &p, NULL);
                }
        }
        rest = remainder_settle(core, c, total.opened, parts.opened);
        p = (struct part){ .client = c->service,
                           .port = c->remote_port,
                           .transport = c->transport,
                           .seen = VIEW_SEEN_CLIENT,
                           .counters = counters_failures(&total),
                           .client_host = c->host,
                           .first_seen = end_first_seen(c),
                           .last_seen = end_last_seen(c) };
        if (rest > 0) {
                struct summary_counters left = total;

                counters_subtract(&left, &parts);
                left.opened = rest;
                left.attempted = rest + p.counters.attempted;
                p.counters = left;
                p.open = MIN(total_open, rest);
        }
        if (counters_zero(&p.counters))
                return;
        node = external_node(core, c->host, &c->remote);
        if (!node)
                return;
        p.server = node;
        edge_contribute(core, &p, NULL);
        service_put(core, &node);
}

void split_all(struct core *core)
{
        uint32_t from = 0;

        if (core->split_count == 0)
                return;
        services_order(core);
        if (core->split_count)
                qsort(core->split, core->split_count, sizeof(*core->split), by_dialled);
        for (uint32_t i = 0; i < core->split_count; i++)
                core->split[i]->pass = core->pass;
        for (uint32_t i = 1; i <= core->split_count; i++) {
                if (i < core->split_count && same_dialled(core->split[i], core->split[from]) == 0)
                        continue;
                split_group(core, core->split + from, i - from);
                from = i;
        }
        /* What the groups took is covered, but only now: all of them divided the same whole. */
        for (uint32_t i = 0; i < core->split_count; i++) {
                for (const struct link *l = core->split[i]->links; l; l = l->next_of_client) {
                        if (l->server->split_pass != core->pass)
                                continue;
                        l->server->split_pass = 0;
                        counters_add(&l->server->covered, &l->server->split_covered);
                        l->server->split_covered = (struct summary_counters){ 0 };
                        l->server->split_group = NULL;
                }
        }
        core->split_count = 0;
}
