#include "tests/night/night_private.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void set_builds(struct night *n)
{
        for (int s = 0; s < n->plan.services_count; s++)
                for (int b = 0; b < NIGHT_DEPLOYMENTS; b++) {
                        uint64_t high = random_bits(&n->random), low = random_bits(&n->random);

                        snprintf(n->builds[s][b], sizeof(n->builds[s][b]), "%016llx%016llx%08x", (unsigned long long)high,
                                 (unsigned long long)low, (unsigned)b);
                }
}

static void add_listener(struct night *n, int host, const char *service, const char *executable, uint16_t port)
{
        struct host *h = &n->hosts[host];

        h->listeners[h->listeners_count++] = (struct summary_listener){ .identity = host_identity(h, service, executable, ""),
                                                                        .netns = 4026531840u,
                                                                        .transport = TRANSPORT_TCP,
                                                                        .port = port,
                                                                        .backlog_max = 511,
                                                                        .address = h->address };
}

static struct address outside(uint8_t last)
{
        return (struct address){ .bytes = { [10] = 0xff, [11] = 0xff, [12] = 203, [13] = 0, [14] = 113, [15] = last } };
}

static void add_client(struct night *n, int j)
{
        const struct instance *i = &n->instances[j];
        struct source *s = source_add(n, i->host, SOURCE_CLIENT, j, i->plan->name);

        s->row.remote_port = i->plan->server_port;
        if (i->service > 0)
                s->row.remote = outside((uint8_t)(100 + i->service));
        else if (n->server_host >= 0)
                s->row.remote = n->hosts[n->server_host].address;
        else
                s->row.remote = outside(99);
}

static void add_front(struct night *n, int j)
{
        const struct instance *i = &n->instances[j];
        struct source *s = source_add(n, i->host, SOURCE_INBOUND, j, i->plan->name);

        s->row.local = n->hosts[i->host].address;
        s->row.local_port = i->plan->port;
        s->row.remote = outside(7);
        if (i->plan->front == FRONT_PROXY) {
                s->row.remote = n->hosts[n->proxy_host].address;
                s = source_add(n, n->proxy_host, SOURCE_PROXY, j, "edge-proxy");
                s->row.remote = n->hosts[i->host].address;
                s->row.remote_port = i->plan->port;
        }
}

static void add_server(struct night *n, int host)
{
        struct source *s = source_add(n, n->server_host, SOURCE_SERVER, host, n->plan.services[0].server);

        s->row.local = n->hosts[n->server_host].address;
        s->row.local_port = n->plan.services[0].server_port;
        s->row.remote = n->hosts[host].address;
}

static void build_hosts(struct night *n)
{
        int most = 0, proxied = 0;
        char name[24];

        for (int s = 0; s < n->plan.services_count; s++) {
                most = MAX(most, n->plan.services[s].host + n->plan.services[s].instances);
                proxied += n->plan.services[s].front == FRONT_PROXY;
        }
        n->proxy_host = n->server_host = -1;
        for (int i = 0; i < most; i++) {
                snprintf(name, sizeof(name), "app-%d", i + 1);
                host_add(n, name);
        }
        if (proxied)
                n->proxy_host = host_add(n, "edge-1");
        if (n->plan.server_seen)
                n->server_host = host_add(n, "db-1");
        for (int i = 0; i < n->hosts_count; i++)
                n->hosts[i].phase = n->step * (i + 0.5) / n->hosts_count;
}

static void build_services(struct night *n)
{
        for (int s = 0; s < n->plan.services_count; s++) {
                const struct plan_service *p = &n->plan.services[s];

                traffic_begin(&n->traffic[s], &p->rhythm, &p->visit, n->plan.seed * PLAN_SERVICES + (uint64_t)s, n->plan.from);
                for (int i = 0; i < p->instances; i++) {
                        int j = n->instances_count;

                        instance_build(n, s, i, p->host + i);
                        add_client(n, j);
                        if (p->front != FRONT_NONE) {
                                add_front(n, j);
                                add_listener(n, p->host + i, p->name, p->executable, p->port);
                        }
                }
        }
        if (n->proxy_host >= 0)
                add_listener(n, n->proxy_host, "edge-proxy", "/usr/sbin/haproxy", 443);
        if (n->server_host >= 0) {
                add_listener(n, n->server_host, n->plan.services[0].server, "/usr/lib/postgresql/15/bin/postgres",
                             n->plan.services[0].server_port);
                /* as configured there, less what clients have that are no part of the night */
                if (n->plan.server_max > 0)
                        n->hosts[n->server_host].listeners[n->hosts[n->server_host].listeners_count - 1].connections_max =
                                n->plan.server_max - n->plan.server_others;
                for (int i = 0; i < n->plan.services[0].instances; i++)
                        add_server(n, n->plan.services[0].host + i);
        }
}

static void sort_events(struct plan *p)
{
        for (int a = 1; a < p->events_count; a++)
                for (int b = a; b > 0 && p->events[b].at < p->events[b - 1].at; b--) {
                        struct plan_event e = p->events[b];

                        p->events[b] = p->events[b - 1];
                        p->events[b - 1] = e;
                }
}

int night_from_plan(const struct plan *plan, struct night **ret_night)
{
        struct night *n = calloc(1, sizeof(*n));
        int count = 0;

        if (!n)
                return -ENOMEM;
        n->plan = *plan;
        for (int s = 0; s < plan->services_count; s++)
                count += plan->services[s].instances;
        n->instances = calloc((size_t)count, sizeof(*n->instances));
        if (!n->instances) {
                free(n);
                return -ENOMEM;
        }
        sort_events(&n->plan);
        random_seed(&n->random, plan->seed, 0x6e696768);
        n->step = (double)plan->interval / NSEC_PER_SEC;
        n->round = plan->from;
        n->server_open = plan->server_others;
        n->proxy_pid = 612;
        n->server_pid = 588;
        set_builds(n);
        build_hosts(n);
        build_services(n);
        for (int i = 0; i < n->hosts_count; i++)
                host_begin(n, i, plan->from);
        truth_begin(n);
        n->turn = n->hosts_count;
        *ret_night = n;
        return 0;
}

void night_free(struct night **ret_night)
{
        struct night *n = *ret_night;

        if (!n)
                return;
        for (int i = 0; i < n->instances_count; i++) {
                for (int w = 0; w < PLAN_WORKERS; w++)
                        pool_free(&n->instances[i].workers[w].pool);
                pool_free(&n->instances[i].front);
        }
        for (int i = 0; i < n->parcels_count; i++)
                parcel_free(&n->parcels[i]);
        parcel_free(&n->out);
        free(n->instances);
        free(n);
        *ret_night = NULL;
}

/* The traffic of a round, and among how many instances it is spread. */
static void begin_round(struct night *n)
{
        n->turn = 0;
        for (int s = 0; s < n->plan.services_count; s++) {
                traffic_move(&n->traffic[s], n->round);
                n->weights[s] = 0;
        }
        for (int i = 0; i < n->instances_count; i++)
                if (n->instances[i].up)
                        n->weights[n->instances[i].service] += n->instances[i].weight;
        for (int s = 0; s < n->plan.services_count; s++)
                n->weights[s] = fmax(n->weights[s], 0.1);
}

static void move_host(struct night *n, int host, double now)
{
        for (int i = 0; i < n->instances_count; i++)
                if (n->instances[i].host == host)
                        instance_move(n, &n->instances[i], now);
}

/* Whether the agent is there, and what became of its batch: *ret_at is when it arrives. */
static bool agent_speaks(struct night *n, int host, double now)
{
        const struct plan_agents *a = &n->plan.agents;
        struct host *h = &n->hosts[host];

        if (h->up && a->restarts > 0 && random_chance(&h->random, a->restarts * n->step / DAY)) {
                h->up = false;
                h->back_at = now + a->gap * random_between(&h->random, 0.3, 1.7);
        }
        if (!h->up && now >= h->back_at)
                host_begin(n, host, now - 0.2);
        return h->up;
}

static bool deliver(struct night *n, int host, const struct summary *s, double now)
{
        const struct plan_agents *a = &n->plan.agents;
        struct host *h = &n->hosts[host];

        if (random_chance(&h->random, a->lost))
                return false;
        if (random_chance(&h->random, a->late) && parcel_keep(n, host, s, now + random_exponential(&h->random, a->late_by)))
                return false;
        return true;
}

static bool take_late(struct night *n, double upto, int64_t *ret_now, const char **ret_host, const struct summary **ret_summary)
{
        parcel_free(&n->out);
        if (!parcel_due(n, upto, &n->out))
                return false;
        n->said = fmax(n->said, n->out.at);
        *ret_now = night_time(n->said);
        *ret_host = n->hosts[n->out.host].name;
        *ret_summary = &n->out.summary;
        return true;
}

bool night_next(struct night *n, int64_t *ret_now, const char **ret_host, const struct summary **ret_summary)
{
        for (;;) {
                const struct summary *s;
                double now;
                int host;

                if (n->turn == n->hosts_count) {
                        if (!n->silent && n->round + n->step > n->plan.until)
                                return false;
                        begin_round(n);
                }
                host = n->turn;
                now = n->round + n->step + n->hosts[host].phase;
                if (!n->silent && take_late(n, now, ret_now, ret_host, ret_summary))
                        return true;
                move_host(n, host, now);
                if (++n->turn == n->hosts_count) {
                        n->round += n->step;
                        if (n->silent)
                                return true;
                }
                if (n->silent || !agent_speaks(n, host, now))
                        continue;
                s = host_summary(n, host, now);
                if (!deliver(n, host, s, now))
                        continue;
                n->said = now + 0.02;
                *ret_now = night_time(n->said);
                *ret_host = n->hosts[host].name;
                *ret_summary = s;
                return true;
        }
}
