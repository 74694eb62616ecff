/* What may be asked of the core: rows ready to show, joined and named, in a stable order. The CLI's
 * JSON, tables and pictures are made from these and from nothing else.
 *
 * A view is a snapshot that owns its rows and strings; it is made by core_view() and freed by
 * view_free(). Absent text is "", never NULL. Counters are totals over `window_ns` before `as_of`. */
#pragma once

#include "coordinator/deployment.h"
#include "proto/base.h"
#include "proto/histogram.h"
#include "proto/summary.h"

enum incident_state { INCIDENT_OPEN, INCIDENT_MITIGATING, INCIDENT_RESOLVED, INCIDENT_HANDED_OVER };

struct core;

/* Parts of a view, as bits. */
enum view_part {
        VIEW_STATUS = 1,
        VIEW_HOSTS = 2,
        VIEW_SERVICES = 4,
        VIEW_EDGES = 8,
        VIEW_PROCESSES = 16,
        VIEW_POOLS = 32,
        VIEW_INCIDENTS = 64,
        VIEW_DEPLOYMENTS = 128,
        VIEW_GRAPH = VIEW_STATUS | VIEW_SERVICES | VIEW_EDGES,
};

enum view_seen { VIEW_SEEN_CLIENT = 1, VIEW_SEEN_SERVER = 2, VIEW_SEEN_BOTH = 3 };
/* By the attempts to connect to a service in about the last two minutes: bad if at least half of
 * them (and five) never opened, warn if at least one in twenty (and two) or if a listener's accept
 * queue is full. Counts of incomplete windows accuse nobody: with nothing else to go by, and for the
 * past, it is unknown. */
enum view_health { VIEW_HEALTH_UNKNOWN = 0, VIEW_HEALTH_OK, VIEW_HEALTH_WARN, VIEW_HEALTH_BAD };

/* Selection; zero means no restriction. */
struct view_query {
        uint32_t parts;
        int64_t at;          /* the graph as it was then; 0 is now */
        int64_t window;      /* counters of the last so many nanoseconds; 0: since first seen */
        const char *service; /* only what lies within `depth` steps of this service */
        uint32_t depth;      /* 0 with a service means 1 */
        const char *host;
        const char *incident; /* only this one, in full */
};

struct view_strings {
        const char **items; /* sorted */
        size_t count;
};

struct view_host {
        const char *name, *id, *kernel, *agent_version, *environment;
        struct summary_label *labels;
        size_t labels_count;
        double summary_age_s;
        bool complete;
        uint64_t lost_events;
        uint64_t agent_rss_bytes, agent_map_bytes;
        double agent_cpu_ratio;
        struct summary_hook *hooks;
        size_t hooks_count;
};

struct view_port {
        const char *address;
        uint16_t port;
        enum summary_transport transport;
        uint32_t backlog, backlog_max;
        uint64_t drops;
};

/* What all processes of a service together take. */
struct view_use {
        uint32_t processes, threads, open_files, restarts_1h;
        uint64_t rss_bytes;
        double cpu_ratio, throttled_ratio; /* of a core */
};

/* What has trouble is marked where the graph is drawn: an incident that was open at the moment that is shown. */
struct view_mark {
        const char *id, *signature;
        const char *server; /* towards this one and port; "" where the service itself is the subject */
        uint16_t port;
};

struct view_service {
        const char *name;
        bool external; /* a far end without an agent; not in the answer to `services`, but in the graph */
        struct view_strings hosts;
        const char *environment;
        uint32_t instances;
        const char *version;
        struct view_port *listening;
        size_t listening_count;
        enum view_health health;
        struct view_mark *marks; /* the oldest incident first */
        size_t marks_count;
        uint32_t tier;
        bool opted_out;
        struct view_use use;
};

struct view_edge {
        const char *client, *server; /* service names; for an external end its address */
        struct view_strings client_hosts, server_hosts;
        uint16_t port;
        enum summary_transport transport;
        const char *protocol; /* by well-known port or observation; "" if unknown */
        bool external, client_external, server_external;
        enum view_seen seen_from;
        int64_t window_ns;
        uint64_t open;                    /* now */
        struct summary_counters counters; /* as the client counts, where it is seen */
        uint64_t failed;
        struct histogram rtt, turnaround;
        uint64_t errors;
        /* Nothing is missing of the window on any host whose counts these are: no event was lost there
         * by the agent's own account, no session of it ended in the window without the next one
         * having begun (the time between is not counted, after a clean stop too), it was heard within
         * host_stale_after, and no split or remainder behind the edge is an estimate. A window that
         * spans a restart of the coordinator is complete: counters are cumulative. */
        bool complete;
        int64_t first_seen, last_seen;
};

struct view_process {
        const char *service, *host;
        struct summary_process process; /* its strings belong to the view */
        double cpu_ratio, throttled_ratio;
};

/* A pool: the connections of one process to one server, when its agent last looked. `host`, `pid` and
 * `started` are of the process that holds them: the client's, but the server's for those that a server
 * leaves in CLOSE_WAIT, of which only `close_wait` is known. */
struct view_pool {
        const char *client, *server, *host;
        enum summary_role side; /* of the process */
        uint16_t port;
        enum summary_transport transport;
        struct summary_pool pool;
        uint64_t limit;           /* how many connections it can have at most, as far as is known; 0: not known */
        const char *limit_source; /* declared, server, files */
        /* Of an open incident that names this pool, or of the first of its pools to break where it names several;
         * NaN and 0 where there is none. */
        double held_low, held, held_high;
        int64_t breach_earliest, breach_likely, breach_latest;
        bool complete;
};

/* One item of the evidence chain, or of what speaks against. Amounts are in the base unit of the signal. */
struct view_evidence {
        bool against, holds, known; /* what is not known neither holds nor not */
        const char *signal, *unit, *shape, *says;
        const char *host;
        uint32_t pid;
        int64_t from, to;
        double first, last, wanted, reference, confidence; /* NaN where there is none */
        const char *of;                                    /* what it was compared with: a signal, usual, former-build; "" */
};

struct view_incident_subject {
        const char *host, *build;
        uint32_t pid;
        int64_t started, onset;
        double value, limit; /* NaN: not known */
};

/* A candidate for what brought it about, the likeliest first. */
struct view_cause {
        const char *kind, *ref, *why; /* why: a sentence */
        double confidence;            /* 0: it was ruled out */
};

struct view_incident {
        const char *id, *signature, *title, *service, *server;
        enum incident_state state;
        const char *subject;
        uint16_t port;
        int64_t onset_at, opened_at, fired_at, resolved_at;
        bool has_breach;
        int64_t earliest, likely, latest; /* a 90 % interval */
        double rate_low, rate, rate_high; /* an hour */
        double limit;
        struct view_cause *causes; /* those that were ruled out come last */
        size_t causes_count, ruled_out;
        struct view_strings remedies;
        struct view_incident_subject *subjects;
        size_t subjects_count, subjects_left_out;
        struct view_evidence *evidence;
        size_t evidence_count;
};

/* See deployment.h. */
struct view_deployment {
        uint64_t id;
        enum deployment_kind kind;
        enum deployment_end end;
        const char *service, *from, *to;
        struct view_strings hosts, changes;
        int64_t at, ended_at, announced_at;
        bool observed;
};

struct view {
        int64_t as_of;
        bool complete;
        int64_t uptime_ns;
        uint32_t hosts_total, services_total, edges_total;
        uint64_t lost_events;
        uint32_t unwatched_edges, unwatched_services; /* for want of memory no signature sees what happens there */

        struct view_host *hosts;
        size_t hosts_count;
        struct view_service *services; /* sorted by name, external ones last */
        size_t services_count;
        struct view_edge *edges; /* sorted by client, server, port, transport */
        size_t edges_count;
        struct view_process *processes;
        size_t processes_count;
        struct view_pool *pools; /* sorted by client, server, port, host, pid */
        size_t pools_count;
        struct view_incident *incidents; /* those that are not over first, then the latest first */
        size_t incidents_count;
        uint32_t incidents_open;
        struct view_deployment *deployments; /* by `at` */
        size_t deployments_count;
};

/* -ENOENT: the query names a service, host or incident that is not there; -ERANGE: `at` lies before history. */
MUST_CHECK int core_view(struct core *core, int64_t now, const struct view_query *query, struct view **ret_view);
void view_free(struct view **view);
