/* An agent: what it knows of its host, and its summaries. */
#include "tests/night/night_private.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define FULL_EVERY 30

int host_add(struct night *n, const char *name)
{
        struct host *h = &n->hosts[n->hosts_count];

        random_seed(&h->random, n->plan.seed, 0x686f7374 + (uint64_t)n->hosts_count);
        snprintf(h->name, sizeof(h->name), "%s", name);
        snprintf(h->id, sizeof(h->id), "%016llx%016llx", (unsigned long long)random_bits(&h->random),
                 (unsigned long long)random_bits(&h->random));
        snprintf(h->boot, sizeof(h->boot), "%016llx-%s", (unsigned long long)random_bits(&h->random), name);
        h->address.bytes[10] = h->address.bytes[11] = 0xff;
        h->address.bytes[12] = 10;
        h->address.bytes[14] = 7;
        h->address.bytes[15] = (uint8_t)(10 + n->hosts_count);
        h->addresses[0] = (struct summary_address){ h->address, 4026531840u };
        h->labels[0] = (struct summary_label){ "environment", "production" };
        h->offset = n->plan.agents.offset * random_normal(&h->random);
        return n->hosts_count++;
}

uint32_t host_identity(struct host *h, const char *service, const char *executable, const char *version)
{
        uint32_t id;

        for (int i = 0; i < h->identities_count; i++)
                if (strcmp(h->identities[i].service, service) == 0)
                        return h->identities[i].id;
        id = (uint32_t)++h->identities_count;
        h->identities[id - 1] = (struct summary_identity){ .id = id,
                                                           .kind = IDENTITY_UNIT,
                                                           .service = service,
                                                           .instance = "",
                                                           .executable = executable,
                                                           .cgroup = "/system.slice",
                                                           .version = version };
        return id;
}

void host_begin(struct night *n, int host, double now)
{
        struct host *h = &n->hosts[host];

        h->up = true;
        h->session = random_bits(&h->random) | 1;
        h->sequence = h->lost = 0;
        h->session_started = now;
        h->at = now;
        h->agent_cpu = 0.1;
        for (int i = 0; i < h->sources_count; i++)
                source_begin(n, &h->sources[i], now);
        for (int i = 0; i < n->instances_count; i++) {
                if (host == n->proxy_host)
                        pool_forget(&n->instances[i].front);
                for (int w = 0; n->instances[i].host == host && w < n->instances[i].plan->workers; w++)
                        pool_forget(&n->instances[i].workers[w].pool);
        }
}

/* What the operator has declared: how many the library takes at most; or, of a server that nobody watches
 * and that takes so many, this process's share of them. */
static uint32_t declared(const struct night *n, const struct instance *i)
{
        const struct plan_service *s = i->plan;

        if (s->kind.max > 0 || i->service > 0 || n->plan.server_max == 0 || n->server_host >= 0)
                return s->kind.max;
        return MAX((n->plan.server_max - n->plan.server_others) / (uint32_t)(s->instances * s->workers), 1u);
}

static void add_pool(struct host *h, size_t *count, uint32_t limit, uint64_t edge, uint32_t pid, double started, struct pool *p,
                     double now)
{
        struct pool_swept swept = pool_sweep(p, now);

        if (swept.busy + swept.idle + swept.close_wait == 0)
                return;
        h->pools[(*count)++] = (struct summary_pool){
                .edge = edge,
                .pid = pid,
                .started = night_time(started + h->offset),
                .busy = swept.busy,
                .idle = swept.idle,
                .held = swept.held,
                .close_wait = swept.close_wait,
                .held_ever = p->swept.held_ever,
                .reused = p->swept.reused,
                .skipped = swept.skipped,
                .overdue = swept.overdue,
                .missed_most = p->swept.returned_after[1],
                .limit = limit,
                .opened_at = isnan(p->swept.opened) ? 0 : night_time(p->swept.opened + h->offset),
        };
}

static uint32_t recent_restarts(const struct instance *i, double now)
{
        uint32_t count = 0;

        for (int k = 0; k < MIN(i->restarts_count, (int)ARRAY_SIZE(i->restarts)); k++)
                count += i->restarts[k] > now - HOUR;
        return count;
}

static void add_process(struct night *n, struct host *h, size_t *count, struct instance *i, struct worker *k, double now)
{
        const struct plan_service *s = i->plan;
        uint64_t served = k->pool.flow.served - k->served_said;
        double age = now - k->started, rss;

        k->cpu += served * s->cpu * random_between(&h->random, 0.9, 1.1) + (now - h->at) * 0.002;
        k->served_said = k->pool.flow.served;
        k->wobble = 0.95 * k->wobble + 0.3 * random_normal(&h->random);
        rss = s->memory.base * (1 + s->memory.wobble * k->wobble - 0.35 * exp(-age / 240)) + k->cache + k->bytes_leaked +
              s->memory.of_connection * pool_open(&k->pool);
        h->processes[(*count)++] = (struct summary_process){
                .identity = host_identity(h, s->name, s->executable, ""),
                .pid = k->pid,
                .started = night_time(k->started + h->offset),
                .executable = s->executable,
                .build = n->builds[i->service][i->build],
                .cpu_ns = (uint64_t)(k->cpu * 1e9),
                .rss_bytes = (uint64_t)(rss / 4096) * 4096,
                .threads = s->threads + (s->threads_follow ? k->pool.busy : 0),
                .open_files = k->files,
                .open_files_limit = s->files_max,
                .restarts_1h = recent_restarts(i, now),
                .has_exit = i->has_exit,
                .exit_code = i->exit_code,
                .exit_signal = i->exit_signal,
                .exit_oom = i->exit_oom,
        };
}

/* The proxy and the server: old processes that do their work. */
static void add_other(struct host *h, size_t *count, const char *service, const char *executable, uint32_t pid, double started,
                      double now)
{
        h->processes[(*count)++] = (struct summary_process){
                .identity = host_identity(h, service, executable, ""),
                .pid = pid,
                .started = night_time(started),
                .executable = executable,
                .build = service,
                .cpu_ns = (uint64_t)((now - started) * 0.03e9),
                .rss_bytes = (uint64_t)(24e6 + 2e5 * random_unit(&h->random)) / 4096 * 4096,
                .threads = 4,
                .open_files = 60,
                .open_files_limit = 65536,
        };
}

#define BUILDS_AGAIN 180.0 /* seconds for which a change is told: until it is acknowledged, more or less */

/* A row for each build of each service: whenever it changed, and with all that is told in full. */
static void add_builds(struct host *h, struct summary *s, double now)
{
        int64_t sum = 0;

        for (size_t p = 0; p < s->processes_count; p++) {
                const struct summary_process *process = &s->processes[p];
                size_t k = 0;

                sum += process->started / 1000 + process->pid;
                while (k < s->builds_count && (h->builds[k].identity != process->identity || h->builds[k].build != process->build))
                        k++;
                if (k == s->builds_count)
                        h->builds[s->builds_count++] = (struct summary_build){ .identity = process->identity,
                                                                               .program = process->executable,
                                                                               .build = process->build,
                                                                               .release = "",
                                                                               .image = "",
                                                                               .version = "",
                                                                               .first_started = process->started,
                                                                               .last_started = process->started };
                h->builds[k].processes++;
                h->builds[k].first_started = MIN(h->builds[k].first_started, process->started);
                h->builds[k].last_started = MAX(h->builds[k].last_started, process->started);
        }
        if (sum != h->builds_known)
                h->builds_changed = now;
        h->builds_known = sum;
        s->builds = h->builds;
        if (!s->full && now - h->builds_changed > BUILDS_AGAIN)
                s->builds_count = 0;
}

static void fill_header(struct night *n, struct host *h, double now, struct summary *s)
{
        bool full = h->sequence % FULL_EVERY == 1 || h->sequence <= 2;

        h->agent_cpu += (now - h->at) * random_between(&h->random, 0.002, 0.004);
        *s = (struct summary){
                .session = h->session,
                .sequence = h->sequence,
                .session_started = night_time(h->session_started + h->offset),
                .at = night_time(now + h->offset),
                .interval = n->plan.interval,
                .host = h->name,
                .host_id = h->id,
                .boot_id = h->boot,
                .kernel = "6.1.0-21-amd64",
                .agent_version = "0.1.0",
                .full = full,
                .parts = 1,
                .lost = h->lost,
                .pools_lost = h->lost,
                .key_threshold = UINT32_MAX,
                .agent_rss_bytes = 11 << 20,
                .agent_map_bytes = 21 << 20,
                .agent_cpu_ns = (uint64_t)(h->agent_cpu * 1e9),
                .labels = h->labels,
                .labels_count = 1,
                .identities = h->identities,
                .identities_count = (size_t)h->identities_count,
                .addresses = h->addresses,
                .addresses_count = 1,
                .edges = h->edges,
                .keys = h->keys,
                .processes = h->processes,
                .pools_at = night_time(now + h->offset),
                .pools = h->pools,
        };
        if (full) {
                s->listeners = h->listeners;
                s->listeners_count = (size_t)h->listeners_count;
        }
}

const struct summary *host_summary(struct night *n, int host, double now)
{
        struct host *h = &n->hosts[host];
        struct summary *s = &h->summary;

        h->sequence++;
        if (n->plan.agents.losses > 0 && random_chance(&h->random, n->plan.agents.losses * n->step / DAY))
                h->lost += 1 + random_below(&h->random, 20);
        fill_header(n, h, now, s);
        for (int k = 0; k < h->sources_count; k++) {
                struct source *source = &h->sources[k];
                struct summary_edge *e = &h->edges[s->edges_count];

                source_read(n, h, source, now);
                if (source->row.counters.attempted + source->row.counters.adopted == 0)
                        continue;
                *e = source->row;
                e->id = (uint64_t)k + 1;
                if (s->full)
                        h->keys[s->keys_count++] = (struct summary_key){ source->pair, e->id, e->role };
                s->edges_count++;
        }
        for (int j = 0; j < n->instances_count; j++) {
                struct instance *i = &n->instances[j];

                for (int k = 0; k < h->sources_count; k++) {
                        uint64_t edge = (uint64_t)k + 1;

                        if (h->sources[k].instance != j)
                                continue;
                        if (h->sources[k].kind == SOURCE_PROXY)
                                add_pool(h, &s->pools_count, 0, edge, n->proxy_pid, n->plan.from - 30 * DAY, &i->front, now);
                        for (int w = 0; h->sources[k].kind == SOURCE_CLIENT && i->up && w < i->plan->workers; w++)
                                add_pool(h, &s->pools_count, declared(n, i), edge, i->workers[w].pid, i->workers[w].started,
                                         &i->workers[w].pool, now);
                }
                for (int w = 0; i->host == host && i->up && w < i->plan->workers; w++)
                        add_process(n, h, &s->processes_count, i, &i->workers[w], now);
        }
        if (host == n->proxy_host)
                add_other(h, &s->processes_count, "edge-proxy", "/usr/sbin/haproxy", n->proxy_pid, n->plan.from - 30 * DAY, now);
        if (host == n->server_host)
                add_other(h, &s->processes_count, n->plan.services[0].server, "/usr/lib/postgresql/15/bin/postgres", n->server_pid,
                          n->plan.from - 60 * DAY, now);
        add_builds(h, s, now);
        h->at = now;
        return s;
}
