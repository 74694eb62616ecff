/* Snapshots for whoever asks: everything is copied into memory of the view's own. */
#include "coordinator/view.h"
#include "coordinator/graph.h"
#include "proto/address.h"
#include "proto/arena.h"

#include <stdlib.h>
#include <string.h>

#define VIEW_MEMORY_MAX (UINT64_C(2) << 30)

/* What core_view() hands out begins with the view. */
struct view_owned {
        struct view view;
        struct arena *arena;
};

struct builder {
        struct core *core;
        const struct view_query *query;
        struct arena *arena;
        struct view *view;
        bool short_of_memory;
        /* By rank of the service: copied name, and whether it is within the selection. */
        const char **names;
        uint32_t *distance;
        struct view_service **services;
        /* By index of the edge: gained since the moment that is shown, and since the window began. */
        struct delta *after, *since;
        int64_t window_from;
};

void view_free(struct view **view)
{
        struct view_owned *owned = (struct view_owned *)*view;

        if (!owned)
                return;
        arena_free(&owned->arena);
        free(owned);
        *view = NULL;
}

static void *take(struct builder *b, size_t size)
{
        void *p = arena_alloc(b->arena, size);

        if (!p)
                b->short_of_memory = true;
        return p;
}

static const char *copy_text(struct builder *b, const struct text *text)
{
        char *copy = text && text->length ? arena_strdup(b->arena, text->data, text->length) : "";

        if (!copy)
                b->short_of_memory = true;
        return copy ? copy : "";
}

static const char *copy_string(struct builder *b, const char *string)
{
        char *copy = string[0] ? arena_strdup(b->arena, string, strlen(string)) : "";

        if (!copy)
                b->short_of_memory = true;
        return copy ? copy : "";
}

static const char *service_name(struct builder *b, const struct service *s)
{
        if (!b->names[s->rank])
                b->names[s->rank] = copy_string(b, s->name);
        return b->names[s->rank];
}

static const char *label_of(const struct host *h, const char *key)
{
        for (uint32_t i = 0; i < h->labels_count; i++)
                if (strcmp(h->labels[2 * i]->data, key) == 0)
                        return h->labels[2 * i + 1]->data;
        return "";
}

static int by_string(const void *a, const void *b)
{
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* ---- hosts ---- */

static bool host_selected(const struct builder *b, const struct host *h)
{
        return h->session != 0 && (!b->query->host || strcmp(b->query->host, h->name->data) == 0);
}

static bool host_window_complete(const struct builder *b, const struct host *h, int64_t from)
{
        return host_complete(b->core, h, from, b->view->as_of);
}

static int by_host_name(const void *a, const void *b)
{
        return strcmp(((const struct view_host *)a)->name, ((const struct view_host *)b)->name);
}

static void view_hosts(struct builder *b)
{
        struct core *core = b->core;
        struct view_host *rows = take(b, core->hosts_count * sizeof(*rows));
        size_t n = 0;

        if (!rows)
                return;
        for (uint32_t i = 0; i < core->hosts_count; i++) {
                const struct host *h = core->hosts[i];
                struct view_host *v = &rows[n];

                if (!host_selected(b, h))
                        continue;
                n++;
                v->name = copy_text(b, h->name);
                v->id = copy_text(b, h->id);
                v->kernel = copy_text(b, h->kernel);
                v->agent_version = copy_text(b, h->agent_version);
                v->environment = copy_string(b, label_of(h, "environment"));
                v->summary_age_s = (double)(b->view->as_of - h->heard) / (double)NSEC_PER_SEC;
                v->complete = host_window_complete(b, h, b->query->window ? b->view->as_of - b->query->window : 0);
                v->lost_events = h->lost_before + h->lost;
                v->agent_rss_bytes = h->agent_rss_bytes;
                v->agent_map_bytes = h->agent_map_bytes;
                v->agent_cpu_ratio = h->agent_cpu.ratio;
                v->labels = take(b, h->labels_count * sizeof(*v->labels));
                v->hooks = take(b, h->hooks_count * sizeof(*v->hooks));
                if (!v->labels || !v->hooks)
                        return;
                for (uint32_t k = 0; k < h->labels_count; k++)
                        v->labels[v->labels_count++] =
                                (struct summary_label){ copy_text(b, h->labels[2 * k]), copy_text(b, h->labels[2 * k + 1]) };
                for (uint32_t k = 0; k < h->hooks_count; k++)
                        v->hooks[v->hooks_count++] =
                                (struct summary_hook){ copy_text(b, h->hooks[3 * k]), copy_text(b, h->hooks[3 * k + 1]),
                                                       copy_text(b, h->hooks[3 * k + 2]) };
        }
        qsort(rows, n, sizeof(*rows), by_host_name);
        b->view->hosts = rows;
        b->view->hosts_count = n;
}

/* ---- processes ---- */

static int by_process(const void *x, const void *y)
{
        const struct view_process *a = x, *b = y;
        int r = strcmp(a->service, b->service);

        if (r == 0)
                r = strcmp(a->host, b->host);
        if (r == 0)
                r = a->process.pid < b->process.pid ? -1 : a->process.pid > b->process.pid;
        return r;
}

static void view_processes(struct builder *b)
{
        struct core *core = b->core;
        struct view_process *rows;
        size_t n = 0;

        for (uint32_t i = 0; i < core->hosts_count; i++)
                n += core->hosts[i]->processes_count;
        rows = take(b, n * sizeof(*rows));
        if (!rows)
                return;
        n = 0;
        for (uint32_t i = 0; i < core->hosts_count; i++) {
                const struct host *h = core->hosts[i];
                const char *name = copy_text(b, h->name);

                for (uint32_t k = 0; host_selected(b, h) && k < h->processes_count; k++) {
                        const struct host_process *p = &h->processes[k];
                        struct view_process *v = &rows[n];

                        v->service = p->identity ? service_name(b, p->identity->service) : "unknown";
                        if (b->query->service && strcmp(b->query->service, v->service) != 0)
                                continue;
                        v->host = name;
                        v->process = p->row;
                        v->process.executable = copy_text(b, p->executable);
                        v->process.build = copy_text(b, p->build);
                        v->cpu_ratio = p->cpu.ratio;
                        n++;
                }
        }
        qsort(rows, n, sizeof(*rows), by_process);
        b->view->processes = rows;
        b->view->processes_count = n;
}

/* ---- edges ---- */

static const char *protocol_of(uint16_t port, enum summary_transport transport)
{
        static const struct {
                uint16_t port;
                const char *tcp, *udp;
        } known[] = {
                { 22, "ssh", "" },
                { 25, "smtp", "" },
                { 53, "dns", "dns" },
                { 80, "http", "" },
                { 123, "", "ntp" },
                { 389, "ldap", "" },
                { 443, "https", "quic" },
                { 514, "", "syslog" },
                { 1433, "mssql", "" },
                { 2181, "zookeeper", "" },
                { 2379, "etcd", "" },
                { 3306, "mysql", "" },
                { 5432, "postgresql", "" },
                { 5671, "amqps", "" },
                { 5672, "amqp", "" },
                { 6379, "redis", "" },
                { 6432, "postgresql", "" },
                { 8125, "", "statsd" },
                { 9042, "cassandra", "" },
                { 9092, "kafka", "" },
                { 9200, "elasticsearch", "" },
                { 11211, "memcached", "memcached" },
                { 27017, "mongodb", "" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(known); i++)
                if (known[i].port == port)
                        return transport == TRANSPORT_TCP ? known[i].tcp : known[i].udp;
        return "";
}

static struct view_strings copy_hosts(struct builder *b, const struct host_set *set)
{
        struct view_strings s = { 0 };

        s.items = take(b, set->count * sizeof(*s.items));
        if (!s.items)
                return s;
        for (uint16_t i = 0; i < set->count; i++)
                s.items[s.count++] = copy_text(b, set->items[i]->name);
        if (s.count)
                qsort(s.items, s.count, sizeof(*s.items), by_string);
        return s;
}

static bool edge_complete(const struct builder *b, const struct edge *e, int64_t from)
{
        if (e->inexact)
                return false;
        for (uint16_t i = 0; i < e->client_hosts.count; i++)
                if (!host_window_complete(b, e->client_hosts.items[i], from))
                        return false;
        if (e->seen & VIEW_SEEN_CLIENT && !e->client->external && e->client_hosts.count > 0 && !(e->seen & VIEW_SEEN_SERVER))
                return true;
        for (uint16_t i = 0; i < e->server_hosts.count; i++)
                if (!host_window_complete(b, e->server_hosts.items[i], from))
                        return false;
        return true;
}

static int by_edge(const void *x, const void *y)
{
        const struct edge *a = *(const struct edge *const *)x, *b = *(const struct edge *const *)y;

        if (a->client->rank != b->client->rank)
                return a->client->rank < b->client->rank ? -1 : 1;
        if (a->server->rank != b->server->rank)
                return a->server->rank < b->server->rank ? -1 : 1;
        if (a->port != b->port)
                return (int)a->port - (int)b->port;
        return (int)a->transport - (int)b->transport;
}

static int64_t gained(int64_t more, int64_t less)
{
        return more > less ? more - less : 0;
}

/* An edge's counters over the window, or in all until the moment that is shown. */
static void edge_values(const struct builder *b, const struct edge *e, struct summary_counters *ret_counters, uint64_t *ret_open)
{
        const uint64_t *total = (const uint64_t *)(const void *)&e->total;
        uint64_t *out = (uint64_t *)(void *)ret_counters;
        const struct delta *after = b->after ? &b->after[e->index] : NULL, *since = b->since ? &b->since[e->index] : NULL;

        for (size_t i = 0; i < COUNTERS_COUNT; i++)
                out[i] = (uint64_t)gained(since ? since->value[i + 1] : (int64_t)total[i], after ? after->value[i + 1] : 0);
        *ret_open = (uint64_t)gained((int64_t)e->open, after ? after->value[0] : 0);
}

static void edge_histograms(const struct builder *b, const struct edge *e, struct view_edge *v)
{
        const struct delta *after = b->after ? &b->after[e->index] : NULL, *since = b->since ? &b->since[e->index] : NULL;

        if (!since) {
                histogram_add_buckets(&v->rtt, e->rtt);
                histogram_add_buckets(&v->turnaround, e->turnaround);
        } else {
                if (since->has_rtt)
                        v->rtt = since->rtt;
                if (since->has_turnaround)
                        v->turnaround = since->turnaround;
        }
        if (after && after->has_rtt)
                histogram_subtract(&v->rtt, &after->rtt);
        if (after && after->has_turnaround)
                histogram_subtract(&v->turnaround, &after->turnaround);
}

static bool edge_was_there(const struct builder *b, const struct edge *e)
{
        struct summary_counters total;
        uint64_t open;

        if (!b->after)
                return e->seen != 0;
        for (size_t i = 0; i < COUNTERS_COUNT; i++)
                ((uint64_t *)(void *)&total)[i] =
                        (uint64_t)gained((int64_t)((const uint64_t *)(const void *)&e->total)[i], b->after[e->index].value[i + 1]);
        open = (uint64_t)gained((int64_t)e->open, b->after[e->index].value[0]);
        return open > 0 || !counters_zero(&total);
}

static bool edge_selected(const struct builder *b, const struct edge *e)
{
        const struct view_query *q = b->query;
        bool found = !q->host;

        if (!edge_was_there(b, e))
                return false;
        if (q->service) {
                uint32_t depth = q->depth ? q->depth : 1;
                uint32_t near = MIN(b->distance[e->client->rank], b->distance[e->server->rank]);

                if (near >= depth)
                        return false;
        }
        for (uint16_t i = 0; !found && i < e->client_hosts.count; i++)
                found = strcmp(e->client_hosts.items[i]->name->data, q->host) == 0;
        for (uint16_t i = 0; !found && i < e->server_hosts.count; i++)
                found = strcmp(e->server_hosts.items[i]->name->data, q->host) == 0;
        return found;
}

static void fill_edge(struct builder *b, const struct edge *e, struct view_edge *v)
{
        int64_t from = b->since ? MAX(e->first_seen, b->window_from) : e->first_seen;

        v->client = service_name(b, e->client);
        v->server = service_name(b, e->server);
        v->client_hosts = copy_hosts(b, &e->client_hosts);
        v->server_hosts = copy_hosts(b, &e->server_hosts);
        v->port = e->port;
        v->transport = e->transport;
        v->protocol = protocol_of(e->port, e->transport);
        v->client_external = e->client->external;
        v->server_external = e->server->external;
        v->external = v->client_external || v->server_external;
        v->seen_from = (enum view_seen)(e->seen ? e->seen : e->past ? e->past->seen : VIEW_SEEN_CLIENT);
        v->window_ns = MAX(b->view->as_of - from, INT64_C(0));
        edge_values(b, e, &v->counters, &v->open);
        edge_histograms(b, e, v);
        v->failed = counters_failed(&v->counters);
        v->complete = edge_complete(b, e, from);
        v->first_seen = e->first_seen;
        v->last_seen = MIN(e->last_seen, b->view->as_of);
        b->view->complete = b->view->complete && v->complete;
}

static void view_edges(struct builder *b)
{
        struct core *core = b->core;
        struct edge **order = malloc(MAX(core->edges_count, 1u) * sizeof(*order));
        struct view_edge *rows;
        size_t n = 0;

        if (!order) {
                b->short_of_memory = true;
                return;
        }
        for (uint32_t i = 0; i < core->edges_count; i++)
                if (edge_selected(b, core->edges[i]))
                        order[n++] = core->edges[i];
        qsort(order, n, sizeof(struct edge *), by_edge);
        rows = take(b, n * sizeof(*rows));
        for (size_t i = 0; rows && i < n; i++)
                fill_edge(b, order[i], &rows[i]);
        b->view->edges = rows;
        b->view->edges_count = rows ? n : 0;
        free(order);
}

/* Steps from the service that was asked for, over edges in either direction. */
static int measure_distance(struct builder *b)
{
        struct core *core = b->core;
        uint32_t depth = b->query->depth ? b->query->depth : 1;
        bool found = false;

        for (uint32_t i = 0; i < core->order_count; i++) {
                bool is = strcmp(core->order[i]->name, b->query->service) == 0;

                b->distance[i] = is ? 0 : UINT32_MAX;
                found = found || is;
        }
        if (!found)
                return -ENOENT;
        for (uint32_t d = 0; d < depth; d++) {
                for (uint32_t i = 0; i < core->edges_count; i++) {
                        const struct edge *e = core->edges[i];
                        uint32_t *from = &b->distance[e->client->rank], *to = &b->distance[e->server->rank];

                        if (!edge_was_there(b, e))
                                continue;
                        if (*from == d && *to > d + 1)
                                *to = d + 1;
                        if (*to == d && *from > d + 1)
                                *from = d + 1;
                }
        }
        return 0;
}

/* ---- services ---- */

static struct view_service *service_row(struct builder *b, const struct service *s)
{
        struct view_service *v = b->services[s->rank];

        if (v)
                return v;
        if (b->distance && b->distance[s->rank] > (b->query->depth ? b->query->depth : 1))
                return NULL;
        v = b->services[s->rank] = take(b, sizeof(*v));
        if (!v)
                return NULL;
        v->name = service_name(b, s);
        v->external = s->external;
        v->environment = "";
        v->version = "";
        v->tier = 1;
        v->health = VIEW_HEALTH_UNKNOWN;
        return v;
}

static void add_string(struct builder *b, struct view_strings *set, const char *string)
{
        const char **items;

        for (size_t i = 0; i < set->count; i++)
                if (strcmp(set->items[i], string) == 0)
                        return;
        if ((set->count & (set->count - 1)) == 0) {
                items = take(b, MAX(2 * set->count, (size_t)1) * sizeof(*items));
                if (!items)
                        return;
                if (set->count > 0)
                        memcpy(items, set->items, set->count * sizeof(*items));
                set->items = items;
        }
        set->items[set->count++] = string;
}

static void add_host(struct builder *b, struct view_service *v, const struct host *h, const char *name)
{
        const char *environment = label_of(h, "environment");

        add_string(b, &v->hosts, name);
        if (v->environment[0] == 0)
                v->environment = copy_string(b, environment);
}

static void add_listener(struct builder *b, struct view_service *v, const struct host_listener *l)
{
        char address[ADDRESS_TEXT_SIZE];
        struct view_port *p, *ports;

        address_format(&l->row.address, address);
        for (size_t i = 0; i < v->listening_count; i++) {
                p = &v->listening[i];
                if (p->port != l->row.port || p->transport != l->row.transport || strcmp(p->address, address) != 0)
                        continue;
                p->backlog += l->row.backlog;
                p->backlog_max += l->row.backlog_max;
                p->drops += l->row.drops;
                return;
        }
        if ((v->listening_count & (v->listening_count - 1)) == 0) {
                ports = take(b, MAX(2 * v->listening_count, (size_t)1) * sizeof(*ports));
                if (!ports)
                        return;
                if (v->listening_count > 0)
                        memcpy(ports, v->listening, v->listening_count * sizeof(*ports));
                v->listening = ports;
        }
        v->listening[v->listening_count++] = (struct view_port){ .address = copy_string(b, address),
                                                                 .port = l->row.port,
                                                                 .transport = l->row.transport,
                                                                 .backlog = l->row.backlog,
                                                                 .backlog_max = l->row.backlog_max,
                                                                 .drops = l->row.drops };
}

static int by_port(const void *x, const void *y)
{
        const struct view_port *a = x, *b = y;
        int r = (int)a->port - (int)b->port;

        if (r == 0)
                r = (int)a->transport - (int)b->transport;
        return r ? r : strcmp(a->address, b->address);
}

/* What identities, listeners and processes of the hosts say of services. */
static void services_of_hosts(struct builder *b)
{
        struct core *core = b->core;

        for (uint32_t i = 0; i < core->hosts_count; i++) {
                const struct host *h = core->hosts[i];
                const char *name;

                if (!host_selected(b, h))
                        continue;
                name = copy_text(b, h->name);
                for (size_t k = 0; h->identities.table && k <= h->identities.mask; k++) {
                        for (const struct map_node *n = h->identities.table[k]; n; n = n->next) {
                                const struct identity *d = container_of(n, const struct identity, node);
                                struct view_service *v = d->references ? service_row(b, d->service) : NULL;

                                if (!v)
                                        continue;
                                add_host(b, v, h, name);
                                v->instances++;
                                if (strcmp(v->version, d->version->data) < 0)
                                        v->version = copy_text(b, d->version);
                        }
                }
                for (uint32_t k = 0; k < h->listeners_count; k++) {
                        const struct host_listener *l = &h->listeners[k];
                        struct view_service *v = l->identity ? service_row(b, l->identity->service) : NULL;

                        if (v)
                                add_listener(b, v, l);
                }
        }
}

/* Names that only edges know: external nodes, and services of hosts that are silent. */
static void services_of_edges(struct builder *b)
{
        struct core *core = b->core;

        for (uint32_t i = 0; i < core->edges_count; i++) {
                const struct edge *e = core->edges[i];

                if (!edge_selected(b, e))
                        continue;
                (void)service_row(b, e->client);
                (void)service_row(b, e->server);
        }
}

#define HEALTH_WINDOW (120 * NSEC_PER_SEC)

/* Sums of attempts and failures by rank of the server; *ret_known where anything complete was seen. */
static void judge(struct builder *b)
{
        struct core *core = b->core;
        struct tried {
                double attempts, failures;
                bool known;
        } *tried = take(b, (core->order_count + 1) * sizeof(*tried));

        if (!tried || b->after)
                return;
        for (uint32_t i = 0; i < core->edges_count; i++) {
                const struct edge *e = core->edges[i];
                struct tried *t = &tried[e->server->rank];

                if (e->seen == 0 || !b->services[e->server->rank] ||
                    !edge_complete(b, e, MAX(e->first_seen, core->now - HEALTH_WINDOW)))
                        continue;
                t->known = true;
                t->attempts += e->recent_attempts + (double)gained((int64_t)e->total.attempted, (int64_t)e->sliced.attempted);
                t->failures += e->recent_failures +
                               (double)gained((int64_t)counters_failed(&e->total), (int64_t)counters_failed(&e->sliced));
        }
        for (uint32_t i = 0; i < core->order_count; i++) {
                struct view_service *v = b->services[i];
                bool full = false;

                for (size_t k = 0; v && k < v->listening_count; k++)
                        full = full || (v->listening[k].backlog_max > 0 && v->listening[k].backlog >= v->listening[k].backlog_max);
                if (!v || (!tried[i].known && !full))
                        continue;
                if (tried[i].failures >= 5 && 2 * tried[i].failures >= tried[i].attempts)
                        v->health = VIEW_HEALTH_BAD;
                else if (full || (tried[i].failures >= 2 && 20 * tried[i].failures >= tried[i].attempts))
                        v->health = VIEW_HEALTH_WARN;
                else
                        v->health = VIEW_HEALTH_OK;
        }
}

static void view_services(struct builder *b)
{
        struct core *core = b->core;
        struct view_service *rows;
        size_t n = 0;

        services_of_hosts(b);
        services_of_edges(b);
        judge(b);
        rows = take(b, core->order_count * sizeof(*rows));
        if (!rows)
                return;
        for (int external = 0; external < 2; external++)
                for (uint32_t i = 0; i < core->order_count; i++)
                        if (b->services[i] && b->services[i]->external == (external != 0))
                                rows[n++] = *b->services[i];
        for (size_t i = 0; i < n; i++) {
                if (rows[i].hosts.count)
                        qsort(rows[i].hosts.items, rows[i].hosts.count, sizeof(*rows[i].hosts.items), by_string);
                if (rows[i].listening_count)
                        qsort(rows[i].listening, rows[i].listening_count, sizeof(*rows[i].listening), by_port);
        }
        b->view->services = rows;
        b->view->services_count = n;
}

/* ---- all together ---- */

/* A large graph takes a while to put together: it is not done anew for each question, but no
 * more than a second late. */
#define ASSEMBLE_AT_ONCE 20000
#define ASSEMBLE_PER_END (5 * NSEC_PER_USEC)

void core_begin_settle(struct core *core, int64_t now)
{
        int64_t age, pace = 0;

        core_advance(core, now);
        age = core->now - core->assembled_at;
        if (core->ends_count > ASSEMBLE_AT_ONCE)
                pace = MIN(core->ends_count * ASSEMBLE_PER_END, NSEC_PER_SEC);
        if (core->changed ? age >= pace : age >= NSEC_PER_SEC)
                assembly_add(core);
}

static void settle(struct core *core, int64_t now)
{
        core_begin_settle(core, now);
        work_finish(core);
}

static int prepare(struct builder *b)
{
        struct core *core = b->core;
        int r = 0;

        settle(core, core->now);
        if (b->query->at && b->query->at < core->now) {
                if (core->history.begin == 0 || b->query->at < core->history.begin)
                        return -ERANGE;
                r = history_since(core, b->query->at, &b->after, &b->view->as_of);
                if (r < 0)
                        return r;
        }
        if (b->query->window) {
                r = history_since(core, b->view->as_of - b->query->window, &b->since, &b->window_from);
                if (r < 0)
                        return r;
        }
        services_order(core);
        b->names = take(b, (core->order_count + 1) * sizeof(*b->names));
        b->services = take(b, (core->order_count + 1) * sizeof(struct view_service *));
        if (!b->names || !b->services)
                return -ENOMEM;
        if (b->query->host && !host_find(core, b->query->host))
                return -ENOENT;
        if (b->query->service) {
                b->distance = take(b, (core->order_count + 1) * sizeof(*b->distance));
                if (!b->distance)
                        return -ENOMEM;
                r = measure_distance(b);
        }
        return r;
}

size_t core_rows(const struct core *core)
{
        return (size_t)core->ends_count + core->edges_count;
}

int core_view(struct core *core, int64_t now, const struct view_query *query, struct view **ret_view)
{
        static const struct view_query everything = { .parts = VIEW_GRAPH };
        struct view_owned *owned = calloc(1, sizeof(*owned));
        struct builder b = { .core = core, .query = query ? query : &everything };
        bool graph;
        int r;

        graph = b.query->parts & (VIEW_SERVICES | VIEW_EDGES | VIEW_PROCESSES);
        if (graph || !work_underway(core))
                core_advance(core, now);
        if (!owned)
                return -ENOMEM;
        r = arena_new(VIEW_MEMORY_MAX, &owned->arena);
        if (r < 0)
                goto fail;
        b.arena = owned->arena;
        b.view = &owned->view;
        b.view->as_of = MAX(core->now, now);
        b.view->complete = true;
        b.view->uptime_ns = core->now - core->started;
        if (graph) {
                r = prepare(&b);
                if (r < 0)
                        goto fail;
        }
        for (uint32_t i = 0; i < core->hosts_count; i++) {
                const struct host *h = core->hosts[i];

                if (h->session == 0)
                        continue;
                b.view->hosts_total++;
                b.view->lost_events += h->lost_before + h->lost;
                if (b.query->parts & (VIEW_STATUS | VIEW_HOSTS) && !(b.query->parts & VIEW_EDGES))
                        b.view->complete =
                                b.view->complete && host_window_complete(&b, h, b.query->window ? core->now - b.query->window : 0);
        }
        b.view->services_total = work_underway(core) ? core->services_settled : core->services_named;
        b.view->edges_total = core->edges_live;
        if (b.query->parts & VIEW_HOSTS)
                view_hosts(&b);
        if (graph && b.query->parts & VIEW_EDGES)
                view_edges(&b);
        if (graph && b.query->parts & VIEW_SERVICES)
                view_services(&b);
        if (graph && b.query->parts & VIEW_PROCESSES)
                view_processes(&b);
        if (b.short_of_memory) {
                r = -ENOMEM;
                goto fail;
        }
        free(b.after);
        free(b.since);
        *ret_view = &owned->view;
        return 0;
fail : {
        struct view *view = &owned->view;
        view_free(&view);
}
        return r;
}
