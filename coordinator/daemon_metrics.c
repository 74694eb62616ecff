#include "coordinator/daemon_internal.h"
#include "coordinator/view.h"

#include <inttypes.h>
#include <string.h>

#define EDGES_MAX 2000 /* series of one scrape are bounded; the rest is counted */
#define ROWS_MAX 20000 /* a larger graph takes too long to lay out in rows */

static void head(struct text *out, const char *name, const char *type, const char *help)
{
        text_printf(out, "# HELP nightshift_%s %s\n# TYPE nightshift_%s %s\n", name, help, name, type);
}

static void single(struct text *out, const char *name, const char *type, const char *help, double value)
{
        head(out, name, type, help);
        text_printf(out, "nightshift_%s %.10g\n", name, value);
}

static void label(struct text *out, const char *name, const char *value)
{
        text_puts(out, name);
        text_puts(out, "=\"");
        for (; *value; value++) {
                if (*value == '\\' || *value == '"')
                        text_append(out, "\\", 1);
                text_append(out, *value == '\n' ? " " : value, 1);
        }
        text_puts(out, "\"");
}

static void labels(struct text *out, const struct view_edge *e)
{
        text_puts(out, "{");
        label(out, "client", e->client);
        text_puts(out, ",");
        label(out, "server", e->server);
        text_printf(out, ",port=\"%u\",transport=\"%s\",", e->port, e->transport == TRANSPORT_UDP ? "udp" : "tcp");
        label(out, "protocol", e->protocol);
        text_puts(out, "}");
}

static uint64_t sent(const struct view_edge *e)
{
        return e->counters.sent;
}
static uint64_t received(const struct view_edge *e)
{
        return e->counters.received;
}
static uint64_t opened(const struct view_edge *e)
{
        return e->counters.opened;
}
static uint64_t failed(const struct view_edge *e)
{
        return e->failed;
}
static uint64_t open_now(const struct view_edge *e)
{
        return e->open;
}

static const struct {
        const char *name, *type, *help;
        uint64_t (*value)(const struct view_edge *e);
} columns[] = {
        { "edge_connections_open", "gauge", "Connections open now.", open_now },
        { "edge_connections_opened_total", "counter", "Connections opened.", opened },
        { "edge_connections_failed_total", "counter", "Attempts that never opened.", failed },
        { "edge_sent_bytes_total", "counter", "Bytes that the client wrote.", sent },
        { "edge_received_bytes_total", "counter", "Bytes that the client read.", received },
};

static int from_view(struct daemon *d, struct text *out)
{
        /* A scrape of a large graph shall not hold up the agents: it gets the totals alone. */
        struct view_query query = { .parts = core_rows(d->core) > ROWS_MAX ? VIEW_STATUS : VIEW_STATUS | VIEW_EDGES };
        struct view *view = NULL;
        size_t count;
        int r = core_view(d->core, clock_wall(), &query, &view);

        if (r < 0)
                return r;
        single(out, "hosts", "gauge", "Hosts with an agent.", view->hosts_total);
        single(out, "services", "gauge", "Services known.", view->services_total);
        single(out, "edges", "gauge", "Edges between services and far ends.", view->edges_total);
        single(out, "complete", "gauge", "1 while no contributing window lost events.", view->complete);
        single(out, "lost_events_total", "counter", "Events that agents could not count.", (double)view->lost_events);
        single(out, "edges_unwatched", "gauge", "Edges that are not measured for want of memory: no signature sees them.",
               view->unwatched_edges);
        single(out, "services_unwatched", "gauge", "Services of which the same is true.", view->unwatched_services);
        count = MIN(view->edges_count, (size_t)EDGES_MAX);
        single(out, "edges_not_exported", "gauge", "Edges beyond the bound of one scrape.", (double)(view->edges_total - count));
        for (size_t k = 0; k < ARRAY_SIZE(columns) && count; k++) {
                head(out, columns[k].name, columns[k].type, columns[k].help);
                for (size_t i = 0; i < count; i++) {
                        text_printf(out, "nightshift_%s", columns[k].name);
                        labels(out, &view->edges[i]);
                        text_printf(out, " %" PRIu64 "\n", columns[k].value(&view->edges[i]));
                }
        }
        view_free(&view);
        return 0;
}

int daemon_metrics(struct daemon *d, struct text *out)
{
        struct endpoint_statistics s;
        int r;

        endpoint_statistics(d->endpoint, &s);
        head(out, "build_info", "gauge", "Version of the coordinator.");
        text_puts(out, "nightshift_build_info{version=\"" NIGHTSHIFT_VERSION "\"} 1\n");
        single(out, "uptime_seconds", "gauge", "Time since the coordinator started.",
               (double)(clock_monotonic() - d->started) / (double)NSEC_PER_SEC);
        r = from_view(d, out);
        if (r < 0)
                return r;
        single(out, "summaries_total", "counter", "Summaries of agents taken in.", (double)d->summaries);
        single(out, "refusals_total", "counter", "Requests refused.", (double)d->refused);
        single(out, "queries_total", "counter", "Questions answered.", (double)d->queries);
        single(out, "held_polls", "gauge", "Long polls of agents that are held.", (double)polls_count(d->polls));
        single(out, "connections", "gauge", "Connections of agents and of the CLI.", s.connections);
        single(out, "connections_accepted_total", "counter", "Connections accepted.", (double)s.accepted);
        single(out, "connections_refused_total", "counter", "Connections refused.", (double)s.refused);
        single(out, "dropped_replies_total", "counter", "Replies whose peer was gone.", (double)s.dropped_replies);
        single(out, "loop_lag_seconds", "gauge", "How late the event loop runs.", (double)d->lag / (double)NSEC_PER_SEC);
        return out->failed;
}
