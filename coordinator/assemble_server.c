/* What a server's end saw, and who else called it. */
#include "coordinator/assemble_internal.h"
#include "proto/address.h"

#include <string.h>

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
                return external_node(core, s->host, &s->remote);
        if (server->callers == CALLERS_ALL)
                return service_get(core, "external", true);
        memset(network.bytes + (v4 ? 15 : 8), 0, v4 ? 1 : 8);
        address_format(&network, text);
        strcat(text, v4 ? "/24" : "/64");
        return service_get(core, text, true);
}

/* What a server's end saw beyond its clients. */
void assemble_server(struct core *core, struct end *s)
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
                          .first_seen = end_first_seen(s),
                          .last_seen = end_last_seen(s) };
        struct service *node;

        if (s->joined) {
                uint64_t rest = remainder_settle(core, s, p.counters.opened, s->covered.opened);

                if (rest == 0)
                        return;
                counters_subtract(&p.counters, &s->covered);
                p.counters.opened = p.counters.attempted = rest;
                p.open -= MIN(p.open, s->covered_open);
                /* Whoever came before its agent did looks like somebody else behind the same router; and what a client
                 * counted while this end's agent was away hides as many of others. */
                for (const struct link *l = s->links; l; l = l->next_of_server)
                        p.inexact = p.inexact || remainder_is_older(s, l->client->host) ||
                                    !host_complete(core, l->client->host, end_first_seen(s), core->now) ||
                                    remainder_is_older(l->client, s->host) ||
                                    !host_complete(core, s->host, end_first_seen(l->client), core->now);
                p.rtt = p.turnaround = NULL;
        } else if (assemble_may_still_meet(core, s)) {
                return;
        }
        node = caller_node(core, s);
        if (!node)
                return;
        p.client = node;
        edge_contribute(core, &p, s);
        service_put(core, &node);
}
