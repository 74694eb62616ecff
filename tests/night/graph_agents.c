/* What the agents of a graph count and say. */
#include "tests/night/graph_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SIGMA 0.8
#define DUTY 0.05
#define FULL_EVERY 30

static void observe(struct night_graph *g, struct histogram *into, uint32_t n, double mean, double loss)
{
        uint32_t again = random_binomial(&g->random, n, 1 - (1 - loss) * (1 - loss));
        struct duration d = { fmax(mean, 1e-5) * exp(-SIGMA * SIGMA / 2), SIGMA }, late = { 0.22 + d.median, 0.3 };

        duration_record(&g->random, &d, n - again, into);
        duration_record(&g->random, &late, again, into);
}

/* Requests of this step from one copy to one of the called, with retries, and what became of them. */
struct outcome {
        uint32_t requests, late, refused, served;
        double rate;
};

static struct outcome ask(struct night_graph *g, const struct pair *p)
{
        const struct gservice *a = &g->services[p->caller], *b = &g->services[p->called];
        const struct copy *from = &a->copy[p->caller_copy], *to = &b->copy[p->called_copy];
        const struct call *call = &a->calls[p->call];
        double tries = 1, above = log(call->patience / to->time) / SIGMA + SIGMA / 2;
        struct outcome o;

        for (int r = 1; r <= call->retries; r++)
                tries += pow(b->failing, r);
        o.rate = fmin(from->rate, from->able) * (1 - from->down) * call->times * tries / b->copies;
        o.requests = random_poisson(&g->random, o.rate * g->step);
        o.refused = random_binomial(&g->random, o.requests, to->down);
        o.late = random_binomial(&g->random, o.requests - o.refused, 0.5 * erfc(above * M_SQRT1_2));
        o.served = o.requests - o.refused - o.late;
        return o;
}

static void reset_all(struct pair *p, struct summary_counters *c, struct summary_counters *s)
{
        s->reset_by_self += p->open;
        c->reset_by_peer += p->open;
        c->closed += p->open;
        s->closed += p->open;
        p->open = 0;
}

/* Connections: each request in progress has one; what times out is closed; some are renewed. */
static uint32_t connect_pair(struct night_graph *g, struct pair *p, const struct outcome *o, double loss, double time,
                             struct summary_counters *c, struct summary_counters *s)
{
        uint32_t want = (uint32_t)ceil(o->rate * time * 1.5 + sqrt(o->rate) * 0.3 + 1);
        uint32_t fresh = MIN(o->late + random_poisson(&g->random, g->step / 300 * p->open), p->open + o->late);
        uint32_t lost, closed;

        fresh += want > p->open ? want - p->open : 0;
        lost = loss > 0 ? random_binomial(&g->random, fresh, loss * loss * loss) : 0;
        c->attempted += fresh + o->refused;
        c->refused += o->refused;
        c->timed_out += lost;
        fresh -= lost;
        c->opened += fresh;
        s->attempted += fresh;
        s->opened += fresh;
        closed = p->open + fresh > want ? p->open + fresh - want : 0;
        c->closed += closed;
        s->closed += closed;
        p->open += fresh - closed;
        return fresh;
}

static void count_bytes(struct night_graph *g, const struct outcome *o, double loss, struct summary_counters *c,
                        struct summary_counters *s)
{
        c->sent += o->requests * 240;
        s->received += o->requests * 240;
        c->received += o->served * (uint64_t)1800;
        s->sent += o->served * (uint64_t)1800;
        if (loss > 0) {
                c->retransmits += random_binomial(&g->random, 2 * o->requests, loss);
                s->retransmits += random_binomial(&g->random, 3 * o->requests, loss);
        } else if (random_chance(&g->random, 0.01)) {
                c->retransmits++;
        }
}

static void count_pair(struct night_graph *g, struct pair *p)
{
        static const struct duration rtt = { 0.0003, 0.4 };
        struct copy *from = &g->services[p->caller].copy[p->caller_copy], *to = &g->services[p->called].copy[p->called_copy];
        struct grow *client = &g->hosts[from->host].rows[p->client_row], *server = &g->hosts[to->host].rows[p->server_row];
        struct summary_counters *c = &client->edge.counters, *s = &server->edge.counters;
        double loss = graph_loss(g, from->host, to->host);
        double time = fmin(to->time, g->services[p->caller].calls[p->call].patience);
        struct outcome o = ask(g, p);
        uint32_t fresh;

        for (int k = 0; k < to->resets; k++)
                reset_all(p, c, s);
        fresh = connect_pair(g, p, &o, loss, time, c, s);
        count_bytes(g, &o, loss, c, s);
        observe(g, &client->edge.turnaround, random_binomial(&g->random, o.served, DUTY), to->time + 0.0005, loss);
        observe(g, &server->edge.turnaround, random_binomial(&g->random, o.served, DUTY), to->time, 0);
        duration_record(&g->random, &rtt, MIN(fresh, 16u), &client->edge.rtt);
        client->busy = random_poisson(&g->random, o.rate * time);
        client->busy = MIN(client->busy, p->open);
        client->idle = p->open - client->busy;
        client->pid = from->pid;
        client->pool_started = from->started;
        if (fresh > 0)
                client->opened = g->now - g->step * random_unit(&g->random);
        if (o.requests + fresh > 0)
                client->edge.last_seen = server->edge.last_seen = night_time(g->now);
}

/* From outside: many clients, a connection for a few requests. */
static void count_outside(struct night_graph *g, const struct gservice *service, const struct copy *copy)
{
        struct grow *row = &g->hosts[copy->host].rows[copy->outside_row];
        struct summary_counters *s = &row->edge.counters;
        double rate = service->outside * service->outside_factor * g->noise / service->copies * (1 - copy->down);
        uint32_t n = random_poisson(&g->random, rate * g->step), fresh = random_binomial(&g->random, n, 0.3);

        s->attempted += fresh;
        s->opened += fresh;
        s->closed += random_binomial(&g->random, (uint32_t)(s->opened - s->closed), 1 - exp(-g->step / 60));
        s->received += n * 500;
        s->sent += n * (uint64_t)9000;
        observe(g, &row->edge.turnaround, random_binomial(&g->random, n, DUTY), copy->time, 0);
        row->edge.last_seen = night_time(g->now);
}

void graph_count(struct night_graph *g)
{
        for (int i = 0; i < g->pairs_count; i++)
                count_pair(g, &g->pairs[i]);
        for (int i = 0; i < g->services_count; i++)
                for (int k = 0; k < g->services[i].copies; k++) {
                        struct gservice *s = &g->services[i];
                        struct copy *c = &s->copy[k];
                        double served = fmin(c->rate, c->able);

                        if (c->outside_row >= 0)
                                count_outside(g, s, c);
                        c->cpu += fmin(served * s->cpu * c->hungry * random_between(&g->random, 0.95, 1.05), s->cores) * g->step;
                        /* New connections wait to be accepted where the workers are all taken. */
                        c->backlog = c->queue > 0 ? (uint32_t)fmin(c->queue / 4, 511) : 0;
                        if (c->backlog == 511)
                                c->drops += random_poisson(&g->random, (c->rate - c->able) * g->step / 20);
                }
}

static void add_services(struct night_graph *g, struct ghost *h, struct summary *s)
{
        for (int i = 0; i < h->services_count; i++) {
                struct gservice *service = &g->services[h->services[i]];
                struct copy *c = &service->copy[0];

                for (int k = 0; k < service->copies; k++)
                        if (&g->hosts[service->copy[k].host] == h)
                                c = &service->copy[k];
                h->identities[i] = (struct summary_identity){ .id = (uint32_t)i + 1,
                                                              .kind = IDENTITY_UNIT,
                                                              .service = service->name,
                                                              .instance = "",
                                                              .executable = service->executable,
                                                              .cgroup = "/system.slice",
                                                              .version = "" };
                h->listeners[i] = (struct summary_listener){ .identity = (uint32_t)i + 1,
                                                             .netns = 4026531840u,
                                                             .transport = TRANSPORT_TCP,
                                                             .address = h->address,
                                                             .port = service->port,
                                                             .backlog = c->backlog,
                                                             .backlog_max = 511,
                                                             .drops = c->drops };
                h->processes[i] = (struct summary_process){ .identity = (uint32_t)i + 1,
                                                            .pid = c->pid,
                                                            .started = night_time(c->started + h->offset),
                                                            .executable = service->executable,
                                                            .build = service->builds[c->turned && !service->restart_only],
                                                            .cpu_ns = (uint64_t)(c->cpu * 1e9),
                                                            .rss_bytes = (uint64_t)(1.5e8 * random_between(&g->random, 0.99, 1.01)),
                                                            .threads = 16,
                                                            .open_files = 64 + (uint32_t)(c->rate * c->time),
                                                            .open_files_limit = 65536,
                                                            .restarts_1h = (uint32_t)c->restarts,
                                                            .has_exit = c->restarts > 0,
                                                            .exit_signal = c->crashing ? 11 : 0 };
                h->builds[i] = (struct summary_build){ .identity = (uint32_t)i + 1,
                                                       .processes = 1,
                                                       .program = service->executable,
                                                       .build = h->processes[i].build,
                                                       .release = "",
                                                       .image = "",
                                                       .version = "",
                                                       .first_started = h->processes[i].started,
                                                       .last_started = h->processes[i].started };
        }
        s->identities_count = s->listeners_count = s->processes_count = s->builds_count = (size_t)h->services_count;
}

const struct summary *graph_speak(struct night_graph *g, struct ghost *h)
{
        struct summary *s = &h->summary;
        double at = g->now + h->phase + h->offset;

        if (!h->edges) {
                h->edges = calloc((size_t)h->rows_count + 1, sizeof(*h->edges));
                h->keys = calloc((size_t)g->pairs_count + 1, sizeof(*h->keys));
                h->pools = calloc((size_t)h->rows_count + 1, sizeof(*h->pools));
                if (!h->edges || !h->keys || !h->pools)
                        abort();
        }
        h->sequence++;
        *s = (struct summary){ .session = h->session,
                               .sequence = h->sequence,
                               .session_started = night_time(g->from - 3600),
                               .at = night_time(at),
                               .interval = (int64_t)(g->step * 1e9),
                               .host = h->name,
                               .host_id = h->id,
                               .boot_id = h->id,
                               .kernel = "6.1.0-21-amd64",
                               .agent_version = "0.1.0",
                               .full = h->sequence % FULL_EVERY == 1 || h->sequence == 2,
                               .parts = 1,
                               .lost = h->lost,
                               .key_threshold = UINT32_MAX,
                               .agent_rss_bytes = 12 << 20,
                               .agent_map_bytes = 21 << 20,
                               .identities = h->identities,
                               .listeners = h->listeners,
                               .processes = h->processes,
                               .builds = h->builds,
                               .addresses = h->addresses,
                               .addresses_count = 1,
                               .edges = h->edges,
                               .keys = h->keys,
                               .pools_at = night_time(at),
                               .pools = h->pools };
        add_services(g, h, s);
        for (int i = 0; i < h->rows_count; i++) {
                const struct grow *row = &h->rows[i];

                if (row->edge.counters.attempted == 0)
                        continue;
                h->edges[s->edges_count++] = row->edge;
                if (row->busy + row->idle > 0)
                        h->pools[s->pools_count++] = (struct summary_pool){ .edge = row->edge.id,
                                                                            .pid = row->pid,
                                                                            .started = night_time(row->pool_started + h->offset),
                                                                            .busy = row->busy,
                                                                            .idle = row->idle,
                                                                            .opened_at = night_time(row->opened + h->offset) };
        }
        for (int i = 0; s->full && i < g->pairs_count; i++) {
                const struct pair *p = &g->pairs[i];

                if (&g->hosts[g->services[p->caller].copy[p->caller_copy].host] == h && p->open > 0)
                        h->keys[s->keys_count++] = (struct summary_key){ p->key, (uint64_t)p->client_row + 1, ROLE_CLIENT };
                else if (&g->hosts[g->services[p->called].copy[p->called_copy].host] == h && p->open > 0)
                        h->keys[s->keys_count++] = (struct summary_key){ p->key, (uint64_t)p->server_row + 1, ROLE_SERVER };
        }
        return s;
}
