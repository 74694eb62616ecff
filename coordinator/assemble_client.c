/* What a client's end saw, and of whom. */
#include "coordinator/assemble_internal.h"

#define SIBLINGS_MAX 256 /* that are looked at: adopted connections to one address may be thousands */

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
                                 .service = c->target ? service_ref(c->target) : external_node(core, c->host, &c->remote),
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
bool assemble_has_several_targets(const struct end *c)
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

const struct end *assemble_sibling_of(const struct core *core, const struct end *c)
{
        const struct end *found = NULL;
        unsigned left = SIBLINGS_MAX;

        for (const struct end *e = end_first_dialling(core, c->host, &c->remote, c->remote_port, c->transport); e && left-- > 0;
             e = end_next_dialling(core, e))
                if (e != c && e->service == c->service && e->netns == c->netns && e->links &&
                    (!found || assemble_has_several_targets(e)))
                        found = e;
        return found;
}

/* Hands a client's counts to the ends that saw them, to each what it has not got from others. */
void assemble_cover_links(struct end *c, const struct link *links)
{
        struct summary_counters left = c->total;
        uint64_t open = end_open(c);

        if (links && !links->next_of_client) {
                cover(links->server, &left, open);
                return;
        }
        for (const struct link *l = links; l; l = l->next_of_client) {
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

void assemble_client(struct core *core, struct end *c, const struct link *sibling)
{
        struct part p = { .client = c->service,
                          .transport = c->transport,
                          .seen = VIEW_SEEN_CLIENT,
                          .open = end_open(c),
                          .counters = c->total,
                          .rtt = c->rtt,
                          .turnaround = c->turnaround,
                          .client_host = c->host,
                          .first_seen = end_first_seen(c),
                          .last_seen = end_last_seen(c) };
        struct service *node = NULL;

        if (c->links) {
                for (const struct link *l = c->links; l; l = l->next_of_client) {
                        p.server = l->server->service;
                        p.port = l->server->local_port;
                        p.server_host = l->server->host;
                        /* Nobody else's: what it saw first, this client's agent missed, if it was there. */
                        if (l == l->server->links && !l->next_of_server)
                                p.first_seen = MIN(p.first_seen,
                                                   MAX(end_first_seen(l->server), c->host->known_since + host_skew(c->host)));
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
                        if (c->total.opened + c->total.adopted > 0 && assemble_may_still_meet(core, c))
                                return;
                        p.server = node = external_node(core, c->host, &c->remote);
                        if (!node)
                                return;
                }
        }
        edge_contribute(core, &p, c);
        service_put(core, &node);
}
