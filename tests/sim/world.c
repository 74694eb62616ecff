#include "tests/sim/world.h"
#include "proto/address.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EPOCH (INT64_C(1700000000) * NSEC_PER_SEC)

uint64_t world_random(struct world *w, uint64_t below)
{
        /* splitmix64 */
        uint64_t z = w->random += UINT64_C(0x9e3779b97f4a7c15);

        z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
        return (z ^ z >> 31) % below;
}

static struct address ipv4(int a, int b, int c, int d)
{
        return (struct address){ .bytes = { [10] = 0xff, [11] = 0xff, (uint8_t)a, (uint8_t)b, (uint8_t)c, (uint8_t)d } };
}

static int truth_of(struct world *w, const char *client, const char *server, uint16_t port, enum summary_transport transport)
{
        struct truth *t;

        for (int i = 0; i < w->edges; i++)
                if (strcmp(w->truth[i].client, client) == 0 && strcmp(w->truth[i].server, server) == 0 &&
                    w->truth[i].port == port && w->truth[i].transport == transport)
                        return i;
        if (w->edges == EDGES_MAX)
                abort();
        t = &w->truth[w->edges];
        *t = (struct truth){ .port = port, .transport = transport };
        snprintf(t->client, sizeof(t->client), "%s", client);
        snprintf(t->server, sizeof(t->server), "%s", server);
        return w->edges++;
}

static const char *service_name(int service)
{
        static char names[4][16];
        static int next;
        char *name = names[next++ % 4];

        snprintf(name, 16, "svc-%d", service);
        return name;
}

static const char *address_name(const struct address *a)
{
        static char text[ADDRESS_TEXT_SIZE];

        return address_format(a, text);
}

static struct pair *add_pair(struct world *w, int client, int server)
{
        struct pair *p = &w->pair[w->pairs];

        if (w->pairs == PAIRS_MAX)
                abort();
        *p = (struct pair){ .agent = { client < 0 ? -1 : w->service_host[client], server < 0 ? -1 : w->service_host[server] },
                            .service = { client, server },
                            .transport = TRANSPORT_TCP };
        if (server >= 0) {
                p->local = p->dialled = w->agents[p->agent[SERVER]].address;
                p->local_port = p->dialled_port = (uint16_t)(8000 + server);
        }
        if (client >= 0)
                p->remote = w->agents[p->agent[CLIENT]].address;
        w->pairs++;
        return p;
}

static void finish_pair(struct world *w, struct pair *p, const char *client, const char *server, uint16_t port)
{
        p->edge = p->failures = truth_of(w, client, server, port, p->transport);
}

static void add_direct(struct world *w, int client, int server, enum summary_transport transport)
{
        struct pair *p = add_pair(w, client, server);

        p->transport = transport;
        p->unbound = transport == TRANSPORT_UDP && server % 2;
        if (p->agent[CLIENT] == p->agent[SERVER] && world_random(w, 2)) {
                p->dialled = p->local = p->remote = ipv4(127, 0, 0, 1);
        }
        finish_pair(w, p, service_name(client), service_name(server), p->local_port);
}

/* Through a router that masquerades, and is reached by another address and port. */
static void add_translated(struct world *w, int client, int server, bool masquerade, enum summary_transport transport)
{
        struct pair *p = add_pair(w, client, server);

        p->transport = transport;
        p->dialled = ipv4(172, 16, 0, server + 1);
        p->dialled_port = 80;
        if (masquerade)
                p->remote = ipv4(10, 0, 255, 254);
        finish_pair(w, p, service_name(client), service_name(server), p->local_port);
}

/* One address before two backends, which take turns. */
static void add_balanced(struct world *w, int client, int first, int second)
{
        struct address vip = ipv4(172, 17, (uint8_t)first, (uint8_t)second);
        const char *name = address_name(&vip);
        int failures = truth_of(w, service_name(client), name, 443, TRANSPORT_TCP);
        int backend[2] = { first, second };

        w->truth[failures].ambiguous = true;

        for (int i = 0; i < 2; i++) {
                struct pair *p = add_pair(w, client, backend[i]);

                p->dialled = vip;
                p->dialled_port = 443;
                p->edge = truth_of(w, service_name(client), service_name(backend[i]), p->local_port, TRANSPORT_TCP);
                p->failures = failures;
                w->truth[p->edge].ambiguous = true;
        }
}

static void add_external_server(struct world *w, int client, int number)
{
        struct pair *p = add_pair(w, client, -1);

        p->dialled = ipv4(192, 0, 2, number);
        p->dialled_port = 443;
        finish_pair(w, p, service_name(client), address_name(&p->dialled), 443);
}

static void add_external_client(struct world *w, struct address from, int server)
{
        struct pair *p = add_pair(w, -1, server);

        p->remote = from;
        finish_pair(w, p, address_name(&from), service_name(server), p->local_port);
}

/* Services that cannot be mistaken for one another: each backend is used in one way only. */
void world_build(struct world *w, uint64_t seed)
{
        int used = 0;

        memset(w, 0, offsetof(struct world, history));
        memset(&w->steps, 0, sizeof(*w) - offsetof(struct world, steps));
        w->random = seed;
        w->now = EPOCH;
        w->trouble = (unsigned)world_random(w, TROUBLE_KINDS);
        if (w->trouble & TROUBLE_MEMORY && world_random(w, 3)) /* much else is not seen then */
                w->trouble &= ~(unsigned)TROUBLE_MEMORY;
        if (w->trouble & TROUBLE_KEYS)
                w->options.keys_per_second = 1 + (uint32_t)world_random(w, 3);
        if (w->trouble & TROUBLE_MEMORY)
                w->options.memory_max = 80000 + world_random(w, 200000);
        w->options.portion = 1;
        w->hosts = 2 + (int)world_random(w, HOSTS_MAX - 1);
        w->services = SERVICES_MAX;
        for (int i = 0; i < w->hosts; i++) {
                struct sim_agent *a = &w->agents[i];

                snprintf(a->name, sizeof(a->name), "host-%d", i);
                a->address = ipv4(10, 0, 0, i + 1);
                a->clock_skew = ((int64_t)world_random(w, 1000) - 500) * NSEC_PER_MSEC;
                if (w->trouble & TROUBLE_CLOCKS && world_random(w, 2))
                        a->clock_skew += ((int64_t)world_random(w, 14400) - 7200) * NSEC_PER_SEC;
        }
        for (int i = 0; i < w->services; i++)
                w->service_host[i] = (int)world_random(w, (uint64_t)w->hosts);
        for (int i = 0; i < 6; i++) {
                int client = (int)world_random(w, 4), server = 4 + used;

                switch (world_random(w, 7)) {
                case 0:
                        add_translated(w, client, server, false, world_random(w, 4) ? TRANSPORT_TCP : TRANSPORT_UDP);
                        used += 1;
                        break;
                case 1:
                        add_translated(w, client, server, true, TRANSPORT_TCP);
                        if (world_random(w, 2))
                                add_external_client(w, ipv4(10, 0, 255, 254), server);
                        used += 1;
                        break;
                case 2:
                        if (used + 2 > 8)
                                break;
                        add_balanced(w, client, server, server + 1);
                        used += 2;
                        break;
                case 3:
                        add_external_server(w, client, 1 + (int)world_random(w, 3));
                        break;
                case 4:
                        add_external_client(w, ipv4(198, 51, 100, 1 + (int)world_random(w, 3)), server);
                        add_direct(w, client, server, TRANSPORT_TCP);
                        used += 1;
                        break;
                case 5:
                        add_direct(w, client, server, TRANSPORT_UDP);
                        if (world_random(w, 2))
                                add_direct(w, (client + 1) % 4, server, TRANSPORT_UDP);
                        used += 1;
                        break;
                default:
                        add_direct(w, client, server, TRANSPORT_TCP);
                        if (world_random(w, 2))
                                add_direct(w, (client + 1) % 4, server, TRANSPORT_TCP);
                        used += 1;
                        break;
                }
                if (used >= 7)
                        break;
        }
        for (int i = 0; i < w->hosts; i++) {
                agent_start(w, i);
                w->agents[i].next_at = w->now + (int64_t)world_random(w, 10000) * NSEC_PER_MSEC;
        }
}

struct truth_counts truth_at(const struct world *w, int edge, int64_t at)
{
        int64_t step = (at - EPOCH) / NSEC_PER_SEC - 1;

        if (step < 0 || w->steps == 0)
                return (struct truth_counts){ 0 };
        return w->history[edge][MIN(step, (int64_t)w->steps - 1)];
}

void world_free(struct world *w)
{
        core_free(&w->core);
        for (int i = 0; i < w->packets_count; i++)
                free(w->packets[i].data);
        for (size_t i = 0; i < w->records_count; i++)
                free(w->records[i].value);
        free(w->records);
        free(w->pending);
}
