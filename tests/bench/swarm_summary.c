#include "tests/bench/swarm_summary.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_SIZE 32
#define PORT 8080

struct swarm_host {
        struct swarm_shape shape;
        uint32_t index;
        char name[NAME_SIZE], id[40];
        char (*names)[NAME_SIZE]; /* of services */
        struct summary summary;
        uint64_t batches;
};

static struct address address_of(uint32_t service)
{
        struct address a = { { [10] = 0xff,
                               [11] = 0xff,
                               [12] = 10,
                               [13] = (uint8_t)(service >> 16),
                               [14] = (uint8_t)(service >> 8),
                               [15] = (uint8_t)service } };

        return a;
}

/* The k-th service that `service` calls; strides differ so that hosts are well mixed. */
static uint32_t callee(const struct swarm_shape *shape, uint32_t service, uint32_t k)
{
        return (service + 1 + k * 7) % (shape->hosts * shape->services_per_host);
}

static uint32_t caller(const struct swarm_shape *shape, uint32_t service, uint32_t k)
{
        uint32_t all = shape->hosts * shape->services_per_host;

        return (service + all - (1 + k * 7) % all) % all;
}

static uint64_t key_of(uint32_t client, uint32_t k, uint64_t connection)
{
        uint64_t x = ((uint64_t)client << 40) ^ ((uint64_t)k << 32) ^ connection;

        x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
        return x ^ (x >> 31);
}

static void fill_edge(struct swarm_host *h, struct summary_edge *e, uint32_t place, uint32_t k, bool client, int64_t now)
{
        uint32_t service = h->index * h->shape.services_per_host + place;
        uint64_t opened = h->batches * h->shape.opened_per_batch;

        *e = (struct summary_edge){
                .id = 1 + ((uint64_t)place * h->shape.calls_per_service + k) * 2 + !client,
                .identity = place + 1,
                .netns = 1000 + place,
                .role = client ? ROLE_CLIENT : ROLE_SERVER,
                .transport = TRANSPORT_TCP,
                .first_seen = h->summary.session_started,
                .last_seen = now,
                .counters = { .attempted = opened,
                              .opened = opened,
                              .closed = opened - MIN(opened, (uint64_t)h->shape.opened_per_batch),
                              .sent = opened * (client ? 500 : 4000),
                              .received = opened * (client ? 4000 : 500) },
        };
        e->rtt.count[12] = (uint32_t)opened;
        e->turnaround.count[20] = (uint32_t)(opened * 4);
        if (client) {
                e->remote = address_of(callee(&h->shape, service, k));
                e->remote_port = PORT;
        } else {
                e->local = address_of(service);
                e->local_port = PORT;
                e->remote = address_of(caller(&h->shape, service, k));
        }
}

int swarm_host_new(const struct swarm_shape *shape, uint32_t index, struct swarm_host **ret_host)
{
        struct swarm_host *h = calloc(1, sizeof(*h));
        uint32_t n = shape->services_per_host;
        size_t edges = (size_t)n * shape->calls_per_service * 2;
        struct summary *s;

        if (!h)
                return -ENOMEM;
        h->shape = *shape;
        h->index = index;
        snprintf(h->name, sizeof(h->name), "host-%04u", index);
        snprintf(h->id, sizeof(h->id), "%032x", index + 1);
        s = &h->summary;
        h->names = calloc(n, sizeof(*h->names));
        s->identities = calloc(n, sizeof(*s->identities));
        s->addresses = calloc(n, sizeof(*s->addresses));
        s->listeners = calloc(n, sizeof(*s->listeners));
        s->processes = calloc(n, sizeof(*s->processes));
        s->edges = calloc(edges, sizeof(*s->edges));
        s->keys = calloc(edges * shape->opened_per_batch + 1, sizeof(*s->keys));
        if (!h->names || !s->identities || !s->addresses || !s->listeners || !s->processes || !s->edges || !s->keys) {
                swarm_host_free(&h);
                return -ENOMEM;
        }
        s->session = key_of(index, 0xff, (uint64_t)clock_wall()) | 1;
        s->session_started = clock_wall();
        s->interval = shape->interval;
        s->host = h->name;
        s->host_id = s->boot_id = h->id;
        s->kernel = "6.1.0-simulated";
        s->agent_version = "0.1.0";
        s->key_threshold = UINT32_MAX;
        s->parts = 1;
        s->agent_rss_bytes = 8 << 20;
        s->agent_map_bytes = 24 << 20;
        for (uint32_t i = 0; i < n; i++) {
                uint32_t service = index * n + i;

                snprintf(h->names[i], NAME_SIZE, "service-%05u", service);
                s->identities[i] = (struct summary_identity){ .id = i + 1,
                                                              .kind = IDENTITY_UNIT,
                                                              .service = h->names[i],
                                                              .instance = "",
                                                              .executable = "/usr/bin/service",
                                                              .cgroup = "/system.slice/service.service",
                                                              .version = "" };
                s->addresses[i] = (struct summary_address){ address_of(service), 1000 + i };
                s->listeners[i] = (struct summary_listener){ .identity = i + 1,
                                                             .netns = 1000 + i,
                                                             .transport = TRANSPORT_TCP,
                                                             .address = address_of(service),
                                                             .port = PORT,
                                                             .backlog_max = 511 };
                s->processes[i] = (struct summary_process){ .identity = i + 1,
                                                            .pid = 100 + i,
                                                            .started = s->session_started,
                                                            .executable = "/usr/bin/service",
                                                            .build = "1234",
                                                            .rss_bytes = 64 << 20,
                                                            .threads = 4 };
        }
        *ret_host = h;
        return 0;
}

void swarm_host_free(struct swarm_host **host)
{
        struct swarm_host *h = *host;

        if (!h)
                return;
        free(h->names);
        free(h->summary.identities);
        free(h->summary.addresses);
        free(h->summary.listeners);
        free(h->summary.processes);
        free(h->summary.edges);
        free(h->summary.keys);
        free(h);
        *host = NULL;
}

const char *swarm_host_name(const struct swarm_host *host)
{
        return host->name;
}

uint64_t swarm_host_session(const struct swarm_host *host)
{
        return host->summary.session;
}

const struct summary *swarm_host_next(struct swarm_host *h, int64_t now, bool full)
{
        struct summary *s = &h->summary;
        uint32_t n = h->shape.services_per_host, calls = h->shape.calls_per_service;

        h->batches++;
        s->sequence++;
        s->at = now;
        s->full = full;
        s->agent_cpu_ns += 10 * NSEC_PER_MSEC;
        s->identities_count = s->addresses_count = s->listeners_count = s->processes_count = n;
        s->edges_count = s->keys_count = 0;
        for (uint32_t place = 0; place < n; place++)
                for (uint32_t k = 0; k < calls; k++)
                        for (int client = 1; client >= 0; client--) {
                                uint32_t service = h->index * n + place, from = client ? service : caller(&h->shape, service, k);
                                struct summary_edge *e = &s->edges[s->edges_count++];

                                fill_edge(h, e, place, k, client, now);
                                for (uint32_t c = 0; c < h->shape.opened_per_batch; c++)
                                        s->keys[s->keys_count++] = (struct summary_key){
                                                .key = key_of(from, k, h->batches * h->shape.opened_per_batch + c),
                                                .edge = e->id,
                                                .role = client ? ROLE_CLIENT : ROLE_SERVER,
                                        };
                        }
        return s;
}
