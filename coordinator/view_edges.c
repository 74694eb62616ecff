/* Edges of a view: what they counted until the moment that is shown, or over its window. */
#include "coordinator/view_internal.h"

#include <stdlib.h>

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

static struct view_strings copy_hosts(struct view_builder *b, const struct host_set *set)
{
        struct view_strings s = { 0 };

        s.items = view_take(b, set->count * sizeof(*s.items));
        if (!s.items)
                return s;
        for (uint16_t i = 0; i < set->count; i++)
                s.items[s.count++] = view_copy_text(b, set->items[i]->name);
        if (s.count)
                qsort(s.items, s.count, sizeof(*s.items), view_by_string);
        return s;
}

bool view_edge_complete(const struct view_builder *b, const struct edge *e, int64_t from)
{
        if (e->inexact || ((e->client->external || e->server->external) && core_refuses(b->core)))
                return false;
        for (uint16_t i = 0; i < e->client_hosts.count; i++)
                if (!view_host_complete(b, e->client_hosts.items[i], from))
                        return false;
        if (e->seen & VIEW_SEEN_CLIENT && !e->client->external && e->client_hosts.count > 0 && !(e->seen & VIEW_SEEN_SERVER))
                return true;
        for (uint16_t i = 0; i < e->server_hosts.count; i++)
                if (!view_host_complete(b, e->server_hosts.items[i], from))
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

int64_t view_gained(int64_t more, int64_t less)
{
        return more > less ? more - less : 0;
}

/* An edge's counters over the window, or in all until the moment that is shown. */
static void edge_values(const struct view_builder *b, const struct edge *e, struct summary_counters *ret_counters,
                        uint64_t *ret_open)
{
        const uint64_t *total = (const uint64_t *)(const void *)&e->total;
        uint64_t *out = (uint64_t *)(void *)ret_counters;
        const struct delta *after = b->after ? &b->after[e->index] : NULL, *since = b->since ? &b->since[e->index] : NULL;

        for (size_t i = 0; i < COUNTERS_COUNT; i++)
                out[i] = (uint64_t)view_gained(since ? since->value[i + 1] : (int64_t)total[i], after ? after->value[i + 1] : 0);
        *ret_open = (uint64_t)view_gained((int64_t)e->open, after ? after->value[0] : 0);
}

static void edge_histograms(const struct view_builder *b, const struct edge *e, struct view_edge *v)
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

/* Agents say when connections came and went. While one is open it is there, however long nothing
 * changed, for as long as an agent that sees it reports. (Flows of datagrams have no end to be told.) */
static int64_t last_seen(const struct edge *e, uint64_t open)
{
        int64_t last = e->last_seen;

        if (e->transport != TRANSPORT_TCP)
                return last;
        for (uint16_t i = 0; open && i < e->client_hosts.count; i++)
                last = MAX(last, e->client_hosts.items[i]->at);
        for (uint16_t i = 0; open && i < e->server_hosts.count; i++)
                last = MAX(last, e->server_hosts.items[i]->at);
        return last;
}

static void fill_edge(struct view_builder *b, const struct edge *e, struct view_edge *v)
{
        int64_t from = b->since ? MAX(e->first_seen, b->window_from) : e->first_seen;

        v->client = view_service_name(b, e->client);
        v->server = view_service_name(b, e->server);
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
        v->complete = view_edge_complete(b, e, from);
        v->first_seen = e->first_seen;
        v->last_seen = MIN(last_seen(e, v->open), b->view->as_of);
        b->view->complete = b->view->complete && v->complete;
}

void view_add_edges(struct view_builder *b)
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
                if (view_edge_selected(b, core->edges[i]))
                        order[n++] = core->edges[i];
        qsort(order, n, sizeof(struct edge *), by_edge);
        rows = view_take(b, n * sizeof(*rows));
        for (size_t i = 0; rows && i < n; i++)
                fill_edge(b, order[i], &rows[i]);
        b->view->edges = rows;
        b->view->edges_count = rows ? n : 0;
        free(order);
}
