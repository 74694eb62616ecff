#include "coordinator/json.h"
#include "coordinator/render.h"
#include "coordinator/render_incidents.h"
#include "coordinator/render_internal.h"

#include <math.h>
#include <string.h>

static const char *health_name(enum view_health health)
{
        static const char *const names[] = {
                [VIEW_HEALTH_UNKNOWN] = "unknown",
                [VIEW_HEALTH_OK] = "ok",
                [VIEW_HEALTH_WARN] = "warn",
                [VIEW_HEALTH_BAD] = "bad",
        };

        return (unsigned)health < ARRAY_SIZE(names) ? names[health] : "unknown";
}

static const char *tier_name(uint32_t tier)
{
        return tier >= 3 ? "payload-heads" : tier == 2 ? "turnarounds" : "connections";
}

static const char *transport_name(enum summary_transport transport)
{
        return transport == TRANSPORT_UDP ? "udp" : "tcp";
}

static const char *seen_name(enum view_seen seen)
{
        return seen == VIEW_SEEN_BOTH ? "both" : seen == VIEW_SEEN_SERVER ? "server" : "client";
}

static void strings(struct text *out, const char *key, const struct view_strings *s)
{
        json_open(out, key, '[');
        for (size_t i = 0; i < s->count; i++)
                json_string(out, NULL, s->items[i]);
        json_close(out, ']');
}

static double seconds(int64_t ns)
{
        return (double)ns / (double)NSEC_PER_SEC;
}

static void unwatched(struct text *out, const struct view *view)
{
        json_open(out, "unwatched", '{');
        json_uint(out, "edges", view->unwatched_edges);
        json_uint(out, "services", view->unwatched_services);
        json_close(out, '}');
}

static void status(struct text *out, const struct view *view, const struct render_more *more)
{
        json_open(out, "status", '{');
        json_string(out, "version", NIGHTSHIFT_VERSION);
        json_number(out, "uptime_s", seconds(view->uptime_ns));
        json_uint(out, "hosts", view->hosts_total);
        json_uint(out, "services", view->services_total);
        json_uint(out, "edges", view->edges_total);
        json_uint(out, "incidents_open", view->incidents_open);
        if (more)
                more->write(more->data, out, "");
        else
                json_null(out, "paused");
        json_uint(out, "lost_events", view->lost_events);
        unwatched(out, view);
        json_close(out, '}');
}

static void host(struct text *out, const struct view_host *h)
{
        json_open_line(out, '{');
        json_string(out, "name", h->name);
        json_string(out, "id", h->id);
        json_string(out, "kernel", h->kernel);
        json_string(out, "agent_version", h->agent_version);
        json_string(out, "environment", h->environment);
        json_open(out, "labels", '{');
        for (size_t i = 0; i < h->labels_count; i++)
                json_string(out, h->labels[i].key, h->labels[i].value);
        json_close(out, '}');
        json_number(out, "summary_age_s", h->summary_age_s);
        json_bool(out, "complete", h->complete);
        json_uint(out, "lost_events", h->lost_events);
        json_open(out, "agent", '{');
        json_uint(out, "rss_bytes", h->agent_rss_bytes);
        json_ratio(out, "cpu_ratio", h->agent_cpu_ratio);
        json_uint(out, "map_bytes", h->agent_map_bytes);
        json_close(out, '}');
        json_open(out, "hooks", '[');
        for (size_t i = 0; i < h->hooks_count; i++) {
                json_open(out, NULL, '{');
                json_string(out, "name", h->hooks[i].name);
                json_string(out, "state", h->hooks[i].state);
                json_string(out, "detail", h->hooks[i].detail);
                json_close(out, '}');
        }
        json_close(out, ']');
        json_close(out, '}');
}

/* External ends are in the answer to `graph`, marked as such, and not in that to `services`. */
static void service(struct text *out, const struct view_service *s, bool mark_external)
{
        json_open_line(out, '{');
        json_string(out, "name", s->name);
        if (mark_external)
                json_bool(out, "external", s->external);
        strings(out, "hosts", &s->hosts);
        json_string(out, "environment", s->environment);
        json_uint(out, "instances", s->instances);
        json_string(out, "version", s->version);
        json_open(out, "listening", '[');
        for (size_t i = 0; i < s->listening_count; i++) {
                const struct view_port *p = &s->listening[i];

                json_open(out, NULL, '{');
                json_string(out, "address", p->address);
                json_uint(out, "port", p->port);
                json_string(out, "transport", transport_name(p->transport));
                json_uint(out, "backlog", p->backlog);
                json_uint(out, "backlog_max", p->backlog_max);
                json_uint(out, "drops", p->drops);
                json_close(out, '}');
        }
        json_close(out, ']');
        json_string(out, "health", health_name(s->health));
        json_open(out, "incidents", '[');
        for (size_t i = 0; i < s->marks_count; i++) {
                json_open(out, NULL, '{');
                json_string(out, "id", s->marks[i].id);
                json_string(out, "signature", s->marks[i].signature);
                if (*s->marks[i].server) {
                        json_string(out, "server", s->marks[i].server);
                        json_uint(out, "port", s->marks[i].port);
                } else {
                        json_null(out, "server");
                        json_null(out, "port");
                }
                json_close(out, '}');
        }
        json_close(out, ']');
        json_string(out, "tier", tier_name(s->tier));
        json_bool(out, "opted_out", s->opted_out);
        json_open(out, "use", '{');
        json_uint(out, "processes", s->use.processes);
        json_ratio(out, "cpu_ratio", s->use.cpu_ratio);
        json_ratio(out, "throttled_ratio", s->use.throttled_ratio);
        json_uint(out, "rss_bytes", s->use.rss_bytes);
        json_uint(out, "threads", s->use.threads);
        json_uint(out, "open_files", s->use.open_files);
        json_uint(out, "restarts_1h", s->use.restarts_1h);
        json_close(out, '}');
        json_close(out, '}');
}

/* Without a sample there is no percentile: null, not 0, which would be a fast one. */
static void percentiles(struct text *out, const char *key, const struct histogram *h, bool with_count)
{
        static const struct {
                const char *name;
                double ratio;
        } quantiles[] = { { "p50", 0.5 }, { "p90", 0.9 }, { "p99", 0.99 } };
        uint64_t count = histogram_total(h);

        json_open(out, key, '{');
        if (with_count)
                json_uint(out, "count", count);
        for (size_t i = 0; i < ARRAY_SIZE(quantiles); i++)
                if (count)
                        json_number(out, quantiles[i].name, histogram_quantile(h, quantiles[i].ratio));
                else
                        json_null(out, quantiles[i].name);
        json_close(out, '}');
}

static void edge(struct text *out, const struct view_edge *e)
{
        const struct summary_counters *c = &e->counters;

        json_open_line(out, '{');
        json_string(out, "client", e->client);
        json_string(out, "server", e->server);
        strings(out, "client_hosts", &e->client_hosts);
        strings(out, "server_hosts", &e->server_hosts);
        json_uint(out, "port", e->port);
        json_string(out, "transport", transport_name(e->transport));
        json_string(out, "protocol", e->protocol);
        json_bool(out, "external", e->external);
        json_string(out, "seen_from", seen_name(e->seen_from));
        json_number(out, "window_s", seconds(e->window_ns));
        json_open(out, "connections", '{');
        json_uint(out, "open", e->open);
        json_uint(out, "attempted", c->attempted);
        json_uint(out, "adopted", c->adopted);
        json_uint(out, "opened", c->opened);
        json_uint(out, "closed", c->closed);
        json_uint(out, "failed", e->failed);
        json_uint(out, "refused", c->refused);
        json_uint(out, "timed_out", c->timed_out);
        json_uint(out, "unreachable", c->unreachable);
        json_uint(out, "aborted", c->aborted);
        json_uint(out, "no_port", c->no_port);
        json_uint(out, "timed_out_open", c->timed_out_open);
        json_open(out, "reset_by", '{');
        json_uint(out, "peer", c->reset_by_peer);
        json_uint(out, "self", c->reset_by_self);
        json_close(out, '}');
        json_close(out, '}');
        json_open(out, "bytes", '{');
        json_uint(out, "sent", c->sent);
        json_uint(out, "received", c->received);
        json_close(out, '}');
        if (e->transport == TRANSPORT_UDP) {
                json_open(out, "datagrams", '{');
                json_uint(out, "sent", c->datagrams_sent);
                json_uint(out, "received", c->datagrams_received);
                json_close(out, '}');
        }
        json_uint(out, "unread_bytes", c->unread);
        json_uint(out, "retransmits", c->retransmits);
        percentiles(out, "rtt_us", &e->rtt, false);
        percentiles(out, "turnaround_us", &e->turnaround, true);
        json_uint(out, "errors", e->errors);
        json_bool(out, "complete", e->complete);
        json_time(out, "first_seen", e->first_seen);
        json_time(out, "last_seen", e->last_seen);
        json_close(out, '}');
}

static void process(struct text *out, const struct view_process *v)
{
        const struct summary_process *p = &v->process;

        json_open_line(out, '{');
        json_string(out, "service", v->service);
        json_string(out, "host", v->host);
        json_uint(out, "pid", p->pid);
        json_time(out, "started", p->started);
        json_string(out, "executable", p->executable);
        json_string(out, "build", p->build);
        json_ratio(out, "cpu_ratio", v->cpu_ratio);
        json_ratio(out, "throttled_ratio", v->throttled_ratio);
        json_uint(out, "rss_bytes", p->rss_bytes);
        if (p->memory_limit_bytes)
                json_uint(out, "memory_limit_bytes", p->memory_limit_bytes);
        else
                json_null(out, "memory_limit_bytes");
        json_uint(out, "threads", p->threads);
        /* Zero says that the agent could not read it: a process of ours has at least one of each. */
        if (p->open_files_limit) {
                json_uint(out, "open_files", p->open_files);
                json_uint(out, "open_files_limit", p->open_files_limit);
        } else {
                json_null(out, "open_files");
                json_null(out, "open_files_limit");
        }
        json_uint(out, "restarts_1h", p->restarts_1h);
        if (p->has_exit) {
                json_open(out, "last_exit", '{');
                json_int(out, "code", p->exit_code);
                json_int(out, "signal", p->exit_signal);
                json_bool(out, "oom", p->exit_oom);
                json_close(out, '}');
        } else {
                json_null(out, "last_exit");
        }
        json_close(out, '}');
}

static void end_array(struct text *out, size_t count)
{
        text_puts(out, count ? "\n]" : "]");
}

static void services(struct text *out, const struct view *view, bool with_external)
{
        size_t count = 0;

        json_open(out, "services", '[');
        for (size_t i = 0; i < view->services_count; i++) {
                if (view->services[i].external && !with_external)
                        continue;
                service(out, &view->services[i], with_external);
                count++;
        }
        end_array(out, count);
}

static void edges(struct text *out, const struct view *view)
{
        json_open(out, "edges", '[');
        for (size_t i = 0; i < view->edges_count; i++)
                edge(out, &view->edges[i]);
        end_array(out, view->edges_count);
}

static void hosts(struct text *out, const struct view *view)
{
        json_open(out, "hosts", '[');
        for (size_t i = 0; i < view->hosts_count; i++)
                host(out, &view->hosts[i]);
        end_array(out, view->hosts_count);
}

static void processes(struct text *out, const struct view *view)
{
        json_open(out, "processes", '[');
        for (size_t i = 0; i < view->processes_count; i++)
                process(out, &view->processes[i]);
        end_array(out, view->processes_count);
}

static void pool(struct text *out, const struct view_pool *v)
{
        const struct summary_pool *p = &v->pool;
        bool client = v->side == ROLE_CLIENT;

        json_open_line(out, '{');
        json_string(out, "client", v->client);
        json_string(out, "host", v->host);
        json_uint(out, "pid", p->pid);
        json_time(out, "started", p->started);
        json_string(out, "server", v->server);
        json_uint(out, "port", v->port);
        json_string(out, "side", client ? "client" : "server");
        if (client) {
                json_uint(out, "open", (uint64_t)p->busy + p->idle + p->close_wait);
                json_uint(out, "busy", p->busy);
                json_uint(out, "idle", p->idle);
                json_uint(out, "held", p->held);
                json_uint(out, "overdue", p->overdue);
                json_uint(out, "skipped", p->skipped);
        } else {
                json_null(out, "open");
                json_null(out, "busy");
                json_null(out, "idle");
                json_null(out, "held");
                json_null(out, "overdue");
                json_null(out, "skipped");
        }
        json_uint(out, "close_wait", p->close_wait);
        if (v->limit) {
                json_open(out, "limit", '{');
                json_uint(out, "value", v->limit);
                json_string(out, "source", v->limit_source);
                json_close(out, '}');
        } else {
                json_null(out, "limit");
        }
        if (isnan(v->held)) {
                json_null(out, "held_per_hour");
        } else {
                json_open(out, "held_per_hour", '{');
                json_number(out, "low", v->held_low);
                json_number(out, "mid", v->held);
                json_number(out, "high", v->held_high);
                json_close(out, '}');
        }
        if (v->breach_likely == 0) {
                json_null(out, "breach_at");
        } else {
                json_open(out, "breach_at", '{');
                json_time(out, "earliest", v->breach_earliest);
                json_time(out, "likely", v->breach_likely);
                json_time(out, "latest", v->breach_latest);
                json_close(out, '}');
        }
        if (p->opened_at)
                json_time(out, "opened_at", p->opened_at);
        else
                json_null(out, "opened_at");
        json_bool(out, "complete", v->complete);
        json_close(out, '}');
}

static void pools(struct text *out, const struct view *view)
{
        json_open(out, "pools", '[');
        for (size_t i = 0; i < view->pools_count; i++)
                pool(out, &view->pools[i]);
        end_array(out, view->pools_count);
}

int render_json(struct text *out, const char *verb, const struct view *view, const struct render_more *more)
{
        static const char *const verbs[] = { "status", "hosts",     "services", "edges",       "processes",
                                             "pools",  "incidents", "explain",  "deployments", "graph" };
        size_t which = 0;

        while (which < ARRAY_SIZE(verbs) && strcmp(verb, verbs[which]))
                which++;
        if (which == ARRAY_SIZE(verbs))
                return -ENOENT;

        json_open(out, NULL, '{');
        json_time(out, "as_of", view->as_of);
        json_bool(out, "complete", view->complete);
        switch (which) {
        case 0:
                status(out, view, more);
                break;
        case 1:
                hosts(out, view);
                break;
        case 2:
                services(out, view, false);
                break;
        case 3:
                edges(out, view);
                break;
        case 4:
                processes(out, view);
                break;
        case 5:
                pools(out, view);
                break;
        case 6:
                unwatched(out, view);
                json_open(out, "incidents", '[');
                for (size_t i = 0; i < view->incidents_count; i++)
                        render_incident_row(out, &view->incidents[i]);
                end_array(out, view->incidents_count);
                break;
        case 7:
                if (view->incidents_count != 1)
                        return -ENOENT;
                render_incident_chain(out, &view->incidents[0], more);
                break;
        case 8:
                render_deployments(out, view);
                break;
        default:
                services(out, view, true);
                edges(out, view);
        }
        json_close(out, '}');
        text_puts(out, "\n");
        return out->failed;
}
