/* Who there is, where, and who calls whom. */
#include "tests/night/graph_private.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
        const char *name, *executable;
        double share, own, cpu, own_sigma;
        uint16_t port;
} layers[LAYERS] = {
        { "gateway", "/usr/sbin/nginx", 0.08, 0.002, 0.0004, 0.3, 443 },
        { "web", "/usr/bin/node", 0.22, 0.008, 0.003, 0.5, 8080 },
        { "api", "/usr/bin/java", 0.32, 0.010, 0.004, 0.6, 9000 },
        { "core", "/usr/local/bin/core", 0.23, 0.006, 0.003, 0.6, 9100 },
        { "store", "/usr/lib/postgresql/15/bin/postgres", 0.15, 0.003, 0.0015, 0.5, 5432 },
};

static void name_build(struct night_graph *g, char *build)
{
        uint64_t high = random_bits(&g->random), low = random_bits(&g->random);

        snprintf(build, 41, "%016llx%016llx%08x", (unsigned long long)high, (unsigned long long)low,
                 (unsigned)random_below(&g->random, UINT32_MAX));
}

static void add_hosts(struct night_graph *g, int count)
{
        g->hosts = calloc((size_t)count, sizeof(*g->hosts));
        if (!g->hosts)
                abort();
        g->hosts_count = count;
        for (int i = 0; i < count; i++) {
                struct ghost *h = &g->hosts[i];

                snprintf(h->name, sizeof(h->name), "node-%d", i + 1);
                snprintf(h->id, sizeof(h->id), "%016llx", (unsigned long long)random_bits(&g->random));
                h->address = (struct address){ .bytes = { [10] = 0xff,
                                                          [11] = 0xff,
                                                          [12] = 10,
                                                          [13] = 1,
                                                          [14] = (uint8_t)(i / 200),
                                                          [15] = (uint8_t)(i % 200 + 10) } };
                h->addresses[0] = (struct summary_address){ h->address, 4026531840u };
                h->slow = 1;
                h->offset = g->perfect ? 0 : 0.5 * random_normal(&g->random);
                h->session = random_bits(&g->random) | 1;
                h->phase = g->step * (i + 0.5) / count;
        }
}

/* On hosts of their own, as far as there is room. */
static void place(struct night_graph *g, int number)
{
        struct gservice *s = &g->services[number];
        int placed = 0;

        for (int tries = 0; placed < s->copies && tries < 400; tries++) {
                int host = (int)random_below(&g->random, (uint64_t)g->hosts_count);
                bool taken = g->hosts[host].services_count == ON_HOST;

                for (int k = 0; k < placed; k++)
                        taken = taken || s->copy[k].host == host;
                if (taken)
                        continue;
                g->hosts[host].services[g->hosts[host].services_count++] = number;
                s->copy[placed++] = (struct copy){ .host = host,
                                                   .pid = (uint32_t)(800 + random_below(&g->random, 30000)),
                                                   .started = g->from - random_between(&g->random, 1, 30) * 86400,
                                                   .slow = 1,
                                                   .hungry = 1,
                                                   .outside_row = -1 };
        }
        s->copies = placed;
}

static void add_service(struct night_graph *g, int number, int layer)
{
        struct gservice *s = &g->services[number];
        double spread = exp(layers[layer].own_sigma * random_normal(&g->random));

        *s = (struct gservice){ .layer = layer,
                                .executable = layers[layer].executable,
                                .copies = 1 + (int)random_below(&g->random, layer == LAYERS - 1 ? 2 : COPIES),
                                .port = (uint16_t)(layers[layer].port + (layers[layer].port > 1000 ? number % 50 : 0)),
                                .own = layers[layer].own * spread,
                                .cpu = layers[layer].cpu * fmin(spread, 2),
                                .outside_factor = 1,
                                .less = 1,
                                .deploy_at = INFINITY };
        snprintf(s->name, sizeof(s->name), "%s-%d", layers[layer].name, number + 1);
        for (size_t b = 0; b < ARRAY_SIZE(s->builds); b++)
                name_build(g, s->builds[b]);
        place(g, number);
}

static void add_calls(struct night_graph *g, int number)
{
        struct gservice *s = &g->services[number];
        int below = number + 1, want = 1 + (int)random_below(&g->random, s->layer == 0 ? 3 : CALLS);

        while (below < g->services_count && g->services[below].layer == s->layer)
                below++;
        for (int k = 0; k < want && below < g->services_count && s->layer < LAYERS - 1; k++) {
                int span = g->services_count - below;
                /* Mostly the next layers, as the square of a uniform one prefers what is near. */
                double u = random_unit(&g->random);
                int called = below + (int)(u * u * span);
                bool known = false;

                for (int c = 0; c < s->calls_count; c++)
                        known = known || s->calls[c].service == called;
                if (!known)
                        s->calls[s->calls_count++] = (struct call){ .service = called,
                                                                    .times = random_between(&g->random, 0.2, 1.6),
                                                                    .patience = random_between(&g->random, 0.5, 5),
                                                                    .retries = (int)random_below(&g->random, 3) };
        }
}

/* What nobody calls is called from outside. */
static void add_outside(struct night_graph *g)
{
        for (int i = 0; i < g->services_count; i++) {
                bool called = g->services[i].layer == LAYERS - 1;

                for (int j = 0; j < i && !called; j++)
                        for (int c = 0; c < g->services[j].calls_count; c++)
                                called = called || g->services[j].calls[c].service == i;
                if (!called || g->services[i].layer == 0)
                        g->services[i].outside = exp(random_between(&g->random, log(4), log(60)));
        }
}

static int row_of(struct ghost *h, const struct grow *like)
{
        for (int i = 0; like->edge.role == ROLE_SERVER && i < h->rows_count; i++) {
                const struct summary_edge *e = &h->rows[i].edge;

                if (e->role == ROLE_SERVER && e->identity == like->edge.identity &&
                    memcmp(&e->remote, &like->edge.remote, sizeof(e->remote)) == 0)
                        return i;
        }
        h->rows = reallocarray(h->rows, (size_t)h->rows_count + 1, sizeof(*h->rows));
        if (!h->rows)
                abort();
        h->rows[h->rows_count] = *like;
        h->rows[h->rows_count].edge.id = (uint64_t)h->rows_count + 1;
        return h->rows_count++;
}

static uint32_t identity_of(const struct ghost *h, int service)
{
        for (int i = 0; i < h->services_count; i++)
                if (h->services[i] == service)
                        return (uint32_t)i + 1;
        return 0;
}

static void add_pair(struct night_graph *g, int caller, int caller_copy, int call, int called_copy)
{
        struct gservice *a = &g->services[caller], *b = &g->services[a->calls[call].service];
        struct ghost *here = &g->hosts[a->copy[caller_copy].host], *there = &g->hosts[b->copy[called_copy].host];
        struct grow client = { .edge = { .identity = identity_of(here, caller),
                                         .netns = 4026531840u,
                                         .role = ROLE_CLIENT,
                                         .transport = TRANSPORT_TCP,
                                         .remote = there->address,
                                         .remote_port = b->port } };
        struct grow server = { .edge = { .identity = identity_of(there, a->calls[call].service),
                                         .netns = 4026531840u,
                                         .role = ROLE_SERVER,
                                         .transport = TRANSPORT_TCP,
                                         .local = there->address,
                                         .local_port = b->port,
                                         .remote = here->address } };
        struct pair *p;

        g->pairs = reallocarray(g->pairs, (size_t)g->pairs_count + 1, sizeof(*g->pairs));
        if (!g->pairs)
                abort();
        p = &g->pairs[g->pairs_count++];
        *p = (struct pair){ .caller = caller,
                            .caller_copy = caller_copy,
                            .called = a->calls[call].service,
                            .called_copy = called_copy,
                            .call = call,
                            .key = random_bits(&g->random) };
        client.edge.first_seen = server.edge.first_seen = night_time(g->from);
        client.edge.last_seen = server.edge.last_seen = night_time(g->from);
        client.pid = a->copy[caller_copy].pid;
        client.pool_started = a->copy[caller_copy].started;
        client.opened = g->from - random_between(&g->random, 1, 86400);
        p->client_row = row_of(here, &client);
        p->server_row = row_of(there, &server);
}

static void add_outside_rows(struct night_graph *g)
{
        for (int i = 0; i < g->services_count; i++) {
                const struct gservice *s = &g->services[i];

                for (int k = 0; k < s->copies && s->outside > 0; k++) {
                        struct ghost *h = &g->hosts[s->copy[k].host];
                        struct grow row = { .edge = { .identity = identity_of(h, i),
                                                      .netns = 4026531840u,
                                                      .role = ROLE_SERVER,
                                                      .transport = TRANSPORT_TCP,
                                                      .local = h->address,
                                                      .local_port = s->port,
                                                      .remote = { .bytes = { [10] = 0xff,
                                                                             [11] = 0xff,
                                                                             [12] = 203,
                                                                             [13] = 0,
                                                                             [14] = 113,
                                                                             [15] = (uint8_t)(1 + i % 200) } },
                                                      .first_seen = night_time(g->from),
                                                      .last_seen = night_time(g->from) } };

                        g->services[i].copy[k].outside_row = row_of(h, &row);
                }
        }
}

static void add_pairs(struct night_graph *g)
{
        for (int i = 0; i < g->services_count; i++)
                for (int c = 0; c < g->services[i].calls_count; c++)
                        for (int a = 0; a < g->services[i].copies; a++)
                                for (int b = 0; b < g->services[g->services[i].calls[c].service].copies; b++)
                                        add_pair(g, i, a, c, b);
}

/* Each can do what comes to it, and from 1.8 to 5 times that. */
static void size_up(struct night_graph *g)
{
        for (int i = 0; i < g->services_count; i++) {
                struct gservice *s = &g->services[i];

                s->cores = 1e6;
                s->workers = 1 << 20;
        }
        for (int k = 0; k < 3; k++)
                graph_flow(g, g->step);
        for (int i = 0; i < g->services_count; i++) {
                struct gservice *s = &g->services[i];
                double each = s->rate / s->copies, spare = random_between(&g->random, 1.8, 5);

                s->cores = fmax(each * s->cpu * spare, 0.02);
                s->workers = (uint32_t)fmax(ceil(each * s->time * 3 * spare), 8);
                s->usual = 0;
        }
        for (int k = 0; k < 3; k++)
                graph_flow(g, g->step);
}

void graph_build(struct night_graph *g, int count)
{
        int number = 0;

        g->services = calloc((size_t)count, sizeof(*g->services));
        if (!g->services)
                abort();
        add_hosts(g, MAX(4, (int)(count * random_between(&g->random, 0.25, 0.6))));
        for (int layer = 0; layer < LAYERS; layer++) {
                int here = layer + 1 == LAYERS ? count - number : MAX(1, (int)(count * layers[layer].share));

                for (int k = 0; k < here && number < count; k++)
                        add_service(g, number++, layer);
        }
        g->services_count = number;
        for (int i = 0; i < number; i++)
                add_calls(g, i);
        add_outside(g);
        add_pairs(g);
        add_outside_rows(g);
        size_up(g);
}
