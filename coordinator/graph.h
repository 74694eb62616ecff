/* The inside of the core: what is known of hosts, and how it becomes a graph. Only the core's own
 * files include this; everybody else uses core.h and view.h.
 *
 * An agent reports *rows*, cumulative within its session. The rows of all sessions that speak of the
 * same thing (host, service, namespace, role, far end) add up to an *end*. A *link* joins a client's
 * end with a server's end of the same connections; it comes from keys. *Edges* (client service,
 * server service, port, transport) are assembled from ends: a pure function of ends, links,
 * listeners and addresses, computed again when asked for and something changed, at least once per
 * slice of history. So a join that becomes known late puts everything in its place by itself.
 *
 * Assembly, in short. A client's end goes with all its counts to the one server that its links name,
 * else to the one whose listener its far address leads to, else to an external node. A client's end
 * that is linked with several servers (a virtual address) is split by what those servers' ends saw;
 * what none of them saw (failures above all) stays with the address. What a server's end saw beyond
 * its clients is an external client, once it has been so for longer than reports may be late. */
#pragma once

#include "coordinator/core.h"
#include "coordinator/counters.h"
#include "coordinator/deployment.h"
#include "coordinator/history.h"
#include "coordinator/map.h"

/* A string, held once. */
struct text {
        struct map_node node;
        uint32_t references;
        uint32_t length;
        char data[];
};

struct service {
        struct map_node node;
        const char *name; /* of `text` */
        struct text *text;
        uint32_t references;
        uint32_t programs; /* tracks that were made for it */
        uint8_t callers;   /* enum callers: how clients without an agent are named; never finer again */
        uint32_t callers_pass, callers_count;
        uint32_t rank; /* place in the order of names; valid while the core's order is */
        uint32_t served_pass;
        uint64_t served;      /* connections that are open to it, of the assembly of that pass */
        int64_t unwatched_at; /* like an edge's */
        bool external;
};

/* Clients without an agent: each by its address, by its network, or all as one. */
enum callers { CALLERS_ADDRESS, CALLERS_NETWORK, CALLERS_ALL };

struct identity {
        struct map_node node;
        uint32_t id;
        uint32_t references; /* by rows, listeners and processes */
        enum identity_kind kind;
        struct service *service;
        struct text *instance, *executable, *version;
};

/* A stretch of time of which something is missing. */
struct gap {
        int64_t from, to;
};

#define HOST_GAPS_MAX 32
#define HOST_WINDOW 1024 /* sequence numbers that may arrive out of order */
#define HOST_SESSIONS_KEPT 8
#define HOST_RAISES 4 /* services of which more is looked at, at once */

struct host_listener {
        struct summary_listener row;
        struct identity *identity;
        int64_t gone_at; /* of a former one: when it was first missing */
};

/* Whoever dialled a listener shortly before it went is often heard of after it went. */
#define LISTENER_LINGER (60 * NSEC_PER_SEC)
#define FORMER_LISTENERS_MAX 256

/* Processor time as a share of a core, between two readings that lie far enough apart. */
struct cpu_use {
        uint64_t ns; /* cumulative, at `at` */
        int64_t at;
        double ratio;
};

struct host_process {
        struct summary_process row; /* strings unused: */
        struct text *executable, *build;
        struct identity *identity;
        struct cpu_use cpu, throttled;
};

/* What the last sweep of the agent found; its edge is looked up when it is needed. */
struct host_pools {
        struct summary_pool *rows;
        uint32_t count;
        uint64_t sequence;
        int64_t at;
        uint64_t lost; /* cumulative, of this session */
        bool complete; /* every connection had its place, the last time */
};

struct host {
        struct map_node node;
        struct text *name;
        uint32_t number; /* rising with the order of arrival */

        uint64_t session;
        int64_t session_started;
        uint64_t old_sessions[HOST_SESSIONS_KEPT];
        uint64_t sequence_max;
        uint64_t sequence_seen[HOST_WINDOW / 64]; /* bit of sequence n: n mod HOST_WINDOW */
        uint64_t full_sequence, newest_sequence, listeners_sequence, processes_sequence;
        uint64_t builds_sequence;
        bool builds_known;   /* this session has told all of them */
        uint64_t full_first; /* sequence of part 0 of the latest full summary that began to arrive */
        uint32_t full_parts; /* of it that are here */
        bool resync, final;
        int64_t at;    /* the latest summary's moment, by the agent's clock */
        int64_t heard; /* when it arrived, by ours */
        int64_t interval;
        uint64_t session_saved; /* the store knows this one */
        int64_t known_since;    /* start of the first session */
        uint32_t received;      /* summaries of this session, by this coordinator */
        int64_t clock_offset;   /* the smallest difference seen between our clock at arrival and `at` */
        int64_t durable_at;     /* everything up to this moment is in the store */
        int64_t cycle_at;       /* ... and will be up to this one when the store's round ends */
        bool restored;          /* from the store, and not yet heard in full since */

        uint64_t lost, lost_before; /* of this session, of those before */
        uint64_t lost_keys;
        struct gap gaps[HOST_GAPS_MAX];
        uint32_t gaps_count;

        struct text *id, *boot_id, *kernel, *agent_version;
        struct text **labels; /* key, value, key, value ... */
        struct text **hooks;  /* name, state, detail ... */
        uint32_t labels_count, hooks_count;
        uint64_t agent_rss_bytes, agent_map_bytes;
        struct cpu_use agent_cpu;
        struct summary_resources resources; /* of the last summary */

        struct summary_address *addresses;
        struct host_listener *listeners;
        struct host_listener *former_listeners; /* the latest come last */
        uint32_t former_listeners_count;
        struct host_process *processes;
        uint32_t *processes_by_pid; /* indices; NULL where memory was short: then none is found */
        struct host_pools pools;
        struct host_actions *actions; /* NULL: its agent has said nothing of any */
        uint32_t addresses_count, listeners_count, processes_count;
        struct track **tracks; /* of the builds in its last table */
        uint32_t tracks_count, tracks_capacity;
        uint32_t builds_count, settings_count; /* that tracks remember of it */
        struct map identities, rows;
        struct end *ends;
        uint32_t ends_count, measured_count;

        uint64_t command_id, command_acknowledged; /* the latest; 0: none yet */
        uint64_t threshold_id;                     /* of the command that told it */
        uint32_t threshold_told;                   /* the key threshold last commanded */
        struct host_raise {
                struct service *service; /* NULL: none */
                uint32_t tier;
                uint64_t id;
                int64_t asked_at, until;
                int64_t began_at; /* when it was acknowledged; 0: not yet */
        } raises[HOST_RAISES];
        bool dirty;
};

struct end;

/* What a session's edge has reported so far. */
struct row {
        struct map_node node;
        uint64_t id;
        uint64_t sequence; /* of the latest summary that held it */
        struct end *end;
        struct identity *identity;
        struct row *next, **reach; /* of the same end: the next one, and what points here */
        int64_t gone_at;           /* 0 while live */
        bool restored;             /* from the store, and not yet reported since */
        struct summary_counters current;
        struct buckets *rtt, *turnaround;
};

struct link {
        struct end *client, *server;
        struct link *next_of_client, *next_of_server;
        struct link **reach_of_client, **reach_of_server; /* what points here */
        uint64_t matched;                                 /* keys */
        int64_t last;
};

struct share;

struct end {
        struct map_node node;      /* by all that names it */
        struct map_node dial_node; /* clients: by host and far end */
        uint64_t id;
        uint32_t index; /* in core->ends */
        struct host *host;
        struct end *next_of_host, **reach_of_host;
        struct service *service;
        uint32_t netns;
        enum summary_role role; /* as reported, or as found out */
        enum summary_role reported_role;
        enum summary_transport transport;
        struct address local, remote;
        uint16_t local_port, remote_port;
        int64_t first_seen, last_seen;
        int64_t keyed_at; /* when a key named it last: until that has expired, it stays */

        struct summary_counters total; /* `adopted` counts live sessions only */
        struct buckets *rtt, *turnaround;
        struct row *rows;
        struct link *links;
        uint32_t links_count;

        /* Clients without links: whom the listeners lead to, and what went to others before. */
        struct service *target;
        struct host *target_host;
        uint32_t target_netns;
        uint16_t target_port;
        struct share *shares;

        /* Of the current assembly. */
        struct edge *edge; /* the last it was part of; valid while the core's `edge_epoch` is the same */
        uint32_t edge_epoch;
        uint32_t pass;
        struct summary_counters covered; /* servers: what clients account for, as clients see it */
        uint64_t covered_open;
        struct summary_counters split_covered;
        const struct end *split_group;
        uint32_t split_pass;
        bool joined;
        int64_t unmatched_since; /* servers, clients: first time that no other end was known */
        uint64_t remainder;      /* opened here and by no known other end: a lower bound that is exact at rest */
        uint64_t snapshot;       /* of `opened`, to be compared once the others have reported after it */
        int64_t snapshot_at;
        uint64_t snapshot_others;
        uint64_t excused; /* of the same: what others are known to have missed */
        int64_t excuse_at;
        uint64_t reviewed; /* the remainder before the end was linked once more */
        bool review;
        uint64_t rows_session; /* while loading */
        bool leaving;
        bool dirty, saved;
        uint64_t past_load; /* that is in the past's cells */
        struct pulse *pulse;
};

/* What an end sent to a former target. */
struct share {
        struct share *next;
        struct service *service;
        struct host *host;
        uint16_t port;
        struct summary_counters counters;
};

struct host_set {
        struct host **items; /* by rising number */
        uint16_t count, capacity;
};

struct edge {
        struct map_node node;
        uint64_t id; /* rising, never reused */
        uint32_t index;
        struct service *client, *server;
        uint16_t port;
        enum summary_transport transport;

        uint32_t pass;
        uint8_t seen; /* enum view_seen */
        bool inexact; /* a split or a remainder that is an estimate */
        uint64_t open;
        int64_t first_seen, last_seen;
        struct summary_counters total;
        struct buckets *rtt, *turnaround;
        struct host_set client_hosts, server_hosts;

        /* What the history already holds, and what forgotten ends left behind. */
        struct summary_counters sliced;
        double recent_attempts, recent_failures; /* of slices, fading by a tenth with each */
        uint64_t sliced_open;
        struct buckets *sliced_rtt, *sliced_turnaround;
        struct edge_past *past;
        int64_t unwatched_at; /* flows_at of the last round in which there was no room to measure it */
        bool dirty, saved;
};

struct edge_past {
        struct summary_counters total;
        struct buckets *rtt, *turnaround;
        int64_t first_seen, last_seen;
        uint8_t seen;
};

struct lease {
        struct map_node node;
        struct address address;
        struct host *host;
        uint32_t netns;
};

/* A key that waits for its other end, or that met it a short while ago. */
struct key_entry {
        struct map_node node;
        struct key_entry *older, *newer;
        uint64_t key;
        struct end *client, *server;
        int64_t at;
        bool client_tentative, server_tentative;
};

struct join {
        struct map keys;
        struct key_entry *oldest, *newest, *free;
        uint64_t overflowed; /* entries that had to go before their time */
        uint64_t matched;
        uint64_t taken; /* keys since rate_since */
        int64_t rate_since;
        uint32_t threshold;
        int64_t threshold_since;
};

struct loading;
struct forgetting;

struct number_list {
        uint64_t *items;
        uint32_t count, capacity, handed_out;
};
/* save.c. Without memory the store keeps what is in it. */
void number_list_add(struct core *core, struct number_list *list, uint64_t number);

/* What walks the whole graph is done in portions, so that a large graph keeps nobody waiting: a list
 * of steps, each called again while it returns true. The cursor is the step's own and begins at 0.
 * Nothing else touches the graph until the last is done: every input finishes first what is left, so
 * that the result does not depend on how the work was cut. */
typedef bool (*work_function)(struct core *core, uint32_t *cursor);

#define WORK_STEPS_MAX 64

struct work {
        work_function steps[WORK_STEPS_MAX];
        uint32_t count, next, cursor;
};

/* A root cause that was found at the last look. */
struct root_seen {
        uint64_t hash;
        int64_t at;
};

/* How many there was no room to measure, on one host at least: no signature sees what happens there. */
struct unwatched {
        uint32_t edges, services;
};

struct core {
        struct core_options options;
        struct hash_key hash_key;
        int64_t now, started;
        uint64_t memory_used, series_used; /* the latter are part of the former */
        int64_t refused_at;                /* the latest summary that the budget had no room for; 0: none */

        struct map texts, services, hosts_by_name, ends_by_key, ends_by_dial, ends_by_serve, edges_by_key, leases;
        struct host **hosts; /* by number */
        struct end **ends;
        struct edge **edges;
        uint32_t hosts_count, hosts_capacity, ends_count, ends_capacity, edges_count, edges_capacity;
        uint64_t next_end, next_edge;

        struct join join;
        struct history history;
        struct deployments deployments;
        struct work work;
        struct map measured_by_name, measured_groups;
        struct measured **measured;
        uint32_t measured_count, measured_capacity, measured_kept;
        const struct signature_set *signatures; /* the daemon's; NULL: none */
        struct incident **incidents;            /* by id */
        uint32_t incidents_count, incidents_capacity;
        uint64_t next_incident;
        struct map pasts;
        struct past **past_records;
        struct past *past_oldest, *past_newest;
        uint32_t past_count, past_capacity;
        uint64_t next_past;
        int64_t past_at; /* of the last round */
        bool past_anew;  /* the next round only says from where to count */
        uint32_t flows_count;
        struct unwatched unwatched, unwatched_now; /* of the last round, and of the one that is under way */
        int64_t flows_at;                          /* of the last round in which edges, services and hosts were measured */
        uint32_t pulses, pulse_number;
        int64_t pulse_at;
        bool pulse_anew;      /* likewise */
        uint32_t pulse_holes; /* bit a: nothing is known of cells of age a */
        struct root_seen roots_seen[64];
        int64_t detected_at;
        uint32_t ends_leaving;
        struct forgetting *forgetting; /* while ends are being forgotten: then no edge may go */

        struct end **split; /* clients of this assembly with several targets */
        uint32_t split_count, split_capacity;
        uint32_t pass;
        uint32_t edge_epoch; /* rises when an edge is freed */
        bool relink;         /* ends, roles, links or leases changed since ends were last linked by address */
        bool changed;        /* since the last assembly */
        int64_t assembled_at;
        uint32_t services_named, edges_live;
        uint32_t services_settled, edges_counted; /* services at the end of the last assembly; edges so far in this one */
        bool order_valid;
        struct service **order;
        uint32_t order_count;

        struct wire_command commands[1 + HOST_RAISES];
        struct loading *loading;
        struct number_list removed_ends, removed_edges, removed_incidents; /* that the store still has */
        struct number_list removed_pulses, removed_pasts, removed_past_cells;
        uint32_t pulse_saved;               /* the store has all up to this one */
        int64_t past_saved_at;              /* ... and what was noted up to then */
        int64_t past_saved[2];              /* number of the newest cell of each level that it has; it may have grown */
        int64_t past_kept[2], past_last[2]; /* the store may have cells of these numbers, and no others */
        bool save_running, save_all;
        uint32_t save_end, save_edge;
        int64_t save_started;
        int64_t last_expire;

        core_input_function observe; /* or NULL */
        void *observe_data;
};

/* core.c: time goes on, never back. */
void core_advance(struct core *core, int64_t now);
/* Every round of a tick counts from now, as it does in a core that is loaded at this moment: what has a
 * time of its own for when it is due belongs here, or a replay is out of step. */
void core_begin_rounds(struct core *core);
/* Summaries were turned away of late for want of memory: their hosts may be strangers, taken for external. */
bool core_refuses(const struct core *core);

/* Tells whoever observes of an input. */
static inline void core_note(const struct core *core, enum core_input_kind kind)
{
        if (core->observe)
                core->observe(core->observe_data, &(struct core_input){ .kind = kind, .at = core->now });
}

/* work.c. work_add puts a step at the end; work_step does one portion, false when that was the last. */
void work_add(struct core *core, work_function function);
bool work_step(struct core *core);
void work_finish(struct core *core);
static inline bool work_underway(const struct core *core)
{
        return core->work.count > 0;
}
/* The next portion of `count` things: *ret_from to *cursor; false if it is the last. */
bool work_portion(const struct core *core, uint32_t count, uint32_t *cursor, uint32_t *ret_from);

/* names.c: allocations that are counted. */
void *core_alloc(struct core *core, size_t size);
void core_release(struct core *core, void *pointer, size_t size);
/* Grows an array of pointers so that one more fits. */
MUST_CHECK int core_reserve(struct core *core, void **array, uint32_t count, uint32_t *capacity, size_t item);

struct text *text_get(struct core *core, const char *string);
struct text *text_ref(struct text *text);
void text_put(struct core *core, struct text **text);
struct service *service_get(struct core *core, const char *name, bool external);
struct service *service_ref(struct service *service);
void service_put(struct core *core, struct service **service);
/* Brings `rank` of all services up to date. */
void services_order(struct core *core);

/* host.c, host_session.c */
struct host *host_find(const struct core *core, const char *name);
MUST_CHECK int host_get(struct core *core, const char *name, struct host **ret_host);
void host_free(struct core *core, struct host *host);
bool host_fresh(const struct core *core, const struct host *host);
void host_add_gap(struct host *host, int64_t from, int64_t to);
/* What a host tells of moments, and the gaps above, are by its own clock, which may be hours off. This is how
 * much is to be added for ours: 0 where the difference may as well be delay. */
int64_t host_skew(const struct host *host);
/* True if nothing is missing of [from, to], which are by our clock; likewise below. */
bool host_complete(const struct core *core, const struct host *host, int64_t from, int64_t to);
bool host_gap_since(const struct host *host, int64_t from);
/* Takes what a summary says about the host itself. */
MUST_CHECK int host_describe(struct core *core, struct host *host, const struct summary *summary);
MUST_CHECK int host_identities(struct core *core, struct host *host, const struct summary *summary);
void identity_put(struct identity *identity);
struct identity *host_identity(const struct core *core, const struct host *host, uint32_t id);
void host_forget_identities(struct core *core, struct host *host);
/* pool.c */
MUST_CHECK int host_take_pools(struct core *core, struct host *host, const struct summary *summary);
void host_drop_pools(struct core *core, struct host *host);
/* The end whose connections these are; NULL if it is not known (any more). */
struct end *pool_end(const struct core *core, const struct host *host, const struct summary_pool *pool);
/* The edge that the end's connections are part of; a server's goes into that of the client that it is
 * linked with (with several, any of them). NULL if none is known. */
const struct edge *end_edge(const struct core *core, const struct end *end);
/* How many connections there can be at most: the least of what its own pool was declared to have, what the
 * server leaves it beside the others, and the files that its process may open. */
struct pool_limit {
        uint64_t value;     /* 0: not known */
        const char *source; /* static; "" */
};
struct pool_limit pool_limit(const struct summary_pool *pool, const struct edge *edge, const struct host_process *process);
/* A process of the last table, with a start that differs by less than a second. */
const struct host_process *host_process_find(const struct host *host, uint32_t pid, int64_t started);
/* Notes a sequence number; false if it was there before or is too old to tell. */
bool host_take_sequence(struct host *host, uint64_t sequence);
void host_end_session(struct core *core, struct host *host);

/* end.c */
MUST_CHECK int end_get(struct core *core, struct host *host, const struct summary_edge *edge, struct service *service,
                       struct end **ret_end);
void end_free(struct core *core, struct end *end);
MUST_CHECK int end_take_row(struct core *core, struct host *host, const struct summary *summary, const struct summary_edge *edge);
struct row *row_find(const struct core *core, const struct host *host, uint64_t id);
MUST_CHECK int row_insert(struct core *core, struct host *host, struct row *row);
void row_attach(struct row *row, struct end *end);
void row_free(struct core *core, struct host *host, struct row *row);
/* When its traffic was, by our clock. */
int64_t end_first_seen(const struct end *end);
int64_t end_last_seen(const struct end *end);
uint64_t end_open(const struct end *end);
void end_set_role(struct core *core, struct end *end, enum summary_role role);
/* First client's end of `host` that dials this, next by end_next_dialling(). */
struct end *end_first_dialling(const struct core *core, const struct host *host, const struct address *remote, uint16_t port,
                               enum summary_transport transport);
struct end *end_next_dialling(const struct core *core, const struct end *end);

/* lease.c: which host has which address. */
MUST_CHECK int lease_take(struct core *core, struct host *host, const struct summary_address *addresses, size_t count);
void lease_drop(struct core *core, struct host *host);
/* The i-th lease of an address, NULL past the last. */
const struct lease *lease_first(const struct core *core, const struct address *address);
const struct lease *lease_next(const struct lease *lease);
/* Where an address leads to as seen from a namespace of `from`; false if nowhere or to several. */
bool lease_resolve(const struct core *core, const struct host *from, uint32_t netns, const struct address *address,
                   struct host **ret_host, uint32_t *ret_netns);

/* listener.c */
MUST_CHECK int listeners_take(struct core *core, struct host *host, const struct summary *summary);
void listeners_drop(struct core *core, struct host *host); /* the former ones too */
/* Who listens there: the one service, or NULL for none and for several (*ret_several). */
struct service *listener_find(const struct host *host, uint32_t netns, enum summary_transport transport,
                              const struct address *address, uint16_t port, bool *ret_several);

/* join.c */
void join_key(struct core *core, const struct summary_key *key, struct end *end, int64_t now);
void join_expire(struct core *core, int64_t now);
/* True if a key that is not forgotten yet may name this end. */
bool join_knows(const struct core *core, const struct end *end);
MUST_CHECK int link_add(struct core *core, struct end *client, struct end *server, uint64_t matched, int64_t now);
void links_free(struct core *core, struct end *end);
void join_free(struct core *core);
void join_adjust_threshold(struct core *core, int64_t now);

/* edge.c */
struct edge *edge_get(struct core *core, struct service *client, struct service *server, uint16_t port,
                      enum summary_transport transport);
void edge_free(struct core *core, struct edge *edge);
/* Starts an edge's sums anew for this assembly. */
void edge_begin(struct core *core, struct edge *edge);
/* One end's part in an edge. */
struct part {
        struct service *client, *server;
        uint16_t port;
        enum summary_transport transport;
        uint8_t seen; /* enum view_seen */
        bool inexact;
        uint64_t open;
        struct summary_counters counters;
        const struct buckets *rtt, *turnaround;
        struct host *client_host, *server_host;
        int64_t first_seen, last_seen;
};
/* `end` remembers the edge, if it is given. */
void edge_contribute(struct core *core, const struct part *part, struct end *end);

/* assemble.c: adds the steps by which ends become edges. */
void assembly_add(struct core *core);
/* The node that stands for an address without an agent; NULL when memory is short. */
struct service *external_node(struct core *core, const struct host *host, const struct address *address);

/* split.c: clients that are linked with several servers. */
void split_add(struct core *core, struct end *client);
void split_all(struct core *core);
/* Brings the remainder of an end up to date: `opened` by its own count, `others` by those of all
 * ends it is linked with. */
/* A server's end is about to get another client: its remainder is to be found out anew. */
void remainder_review(const struct core *core, struct end *server);
/* True if a server's end saw connections of a host before that host's agent was there to count them. */
bool remainder_began_before(const struct core *core, const struct end *server, const struct host *host);
/* The same of any end, by our own clock. */
bool remainder_is_older(const struct end *end, const struct host *host);
/* Others of this end, or of all that this host's ends are linked with, have missed connections. */
void remainder_excuse(struct core *core, struct end *end);
void remainder_excuse_host(struct core *core, const struct host *host);
uint64_t remainder_settle(struct core *core, struct end *end, uint64_t opened, uint64_t others);

/* load.c */
void loading_free(struct core *core);

/* forget.c: ends that nobody has used for long go, their counts stay with their edges. */
bool forget_ends(struct core *core, uint32_t *cursor);
void forget_free(struct core *core);

/* history.c: adds the steps of a slice, if one is due. */
void history_add(struct core *core);
/* The same, due or not. */
void history_cut(struct core *core);
/* Drops the oldest until `bytes` more fit the budget, or nothing is left. */
void history_shrink(struct core *core, uint64_t bytes);
void history_free(struct core *core);
/* Takes what is now as the point from which the next slice counts. */
void history_mark_sliced(struct core *core);
