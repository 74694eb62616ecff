/* A summary: what one agent says about its host for one interval, as plain structs. The agent fills
 * it, the wire module packs it into columns and unpacks it into an arena, and the coordinator's core
 * takes it as an input. Nobody but the wire module sees the packed form.
 *
 * Every counter is cumulative since the session began, so a lost summary costs freshness and nothing
 * else. A summary holds the rows that changed; with `full` it holds all of them, and a row absent
 * from a full summary is gone: it may go only once its last change was acknowledged, and should stay
 * a minute longer, since the coordinator writes to disk in rounds. Identities are sent with each summary that refers to them.
 *
 * Strings are UTF-8 without control characters, never NULL, and belong to whoever made the summary.
 * Times are wall clock nanoseconds, durations nanoseconds, sizes bytes, ports host order. */
#pragma once

#include "proto/action.h"
#include "proto/base.h"
#include "proto/histogram.h"

struct address {
        uint8_t bytes[16]; /* IPv4 as ::ffff:a.b.c.d */
};

enum summary_role { ROLE_UNKNOWN = 0, ROLE_CLIENT = 1, ROLE_SERVER = 2 };
enum summary_transport { TRANSPORT_TCP = 6, TRANSPORT_UDP = 17 };

/* How a service was recognised, in order of precedence. */
enum identity_kind {
        IDENTITY_EXPLICIT = 1, /* the agent's configuration maps it */
        IDENTITY_KUBERNETES,   /* namespace/workload from the pod's cgroup path and labels, else the pod */
        IDENTITY_CONTAINER,
        IDENTITY_UNIT,       /* systemd; template instances are one service */
        IDENTITY_EXECUTABLE, /* name of the executable, and `:port` if it listens */
};

struct summary_identity {
        uint32_t id; /* unique in the session, from 1, never reused */
        enum identity_kind kind;
        const char *service;
        const char *instance; /* unit, container or pod that this is; "" if there is but one */
        const char *executable;
        const char *cgroup;
        const char *version; /* declared service version, or "" */
};

/* Columns of counters: name, and what it says. See struct event_counts for the exact meaning. */
/* clang-format off */
#define SUMMARY_COUNTERS(X) \
        X(attempted) X(adopted) X(opened) X(closed) \
        X(refused) X(timed_out) X(unreachable) X(aborted) X(no_port) \
        X(reset_by_peer) X(reset_by_self) X(timed_out_open) \
        X(sent) X(received) X(unread) X(retransmits) X(datagrams_sent) X(datagrams_received)
/* clang-format on */

struct summary_counters {
#define X(name) uint64_t name;
        SUMMARY_COUNTERS(X)
#undef X
};

struct summary_edge {
        uint64_t id; /* unique in the session, never reused */
        uint32_t identity;
        uint32_t netns;
        enum summary_role role;
        enum summary_transport transport;
        struct address local;  /* server: the address it was reached on; client: zero */
        struct address remote; /* far end */
        uint16_t local_port;   /* server only */
        uint16_t remote_port;  /* client only */
        int64_t first_seen;
        int64_t last_seen;
        struct summary_counters counters;
        struct histogram rtt;        /* microseconds */
        struct histogram turnaround; /* microseconds */
};

/* One connection of an edge, by the key of bpf/event.h. */
struct summary_key {
        uint64_t key;
        uint64_t edge;
        enum summary_role role;
};

struct summary_listener {
        uint32_t identity;
        uint32_t netns;
        enum summary_transport transport;
        struct address address;
        uint16_t port;
        uint32_t backlog, backlog_max;
        uint64_t drops;
        uint32_t connections_max; /* that the server takes, as configured there; 0: not known */
};

/* What all of the host share. 0: not known. */
struct summary_resources {
        uint32_t ports; /* local ones that there are towards each far end */
        uint64_t memory_bytes, memory_available_bytes;
        uint64_t oom_kills; /* processes that were killed for want of memory, since it started; 0 is none, too */
};

/* An address of the host, and the network namespace in which it was seen. */
struct summary_address {
        struct address address;
        uint32_t netns;
};

struct summary_process {
        uint32_t identity;
        uint32_t pid;
        int64_t started;
        const char *executable;
        const char *build;
        uint64_t cpu_ns;       /* cumulative */
        uint64_t throttled_ns; /* cumulative, of its cgroup, which one process tells for all; 0: no quota, or not told */
        uint64_t rss_bytes;
        uint64_t memory_limit_bytes; /* of its cgroup or one above, or the host's memory; 0: not known */
        uint32_t threads;
        uint32_t open_files, open_files_limit; /* 0 where not read */
        uint32_t restarts_1h;                  /* of its service on this host */
        bool has_exit;                         /* of the incarnation before, or of this one if ended */
        int32_t exit_code, exit_signal;
        bool exit_oom;
};

/* What the processes of one service on one host run: one row for each way in which their fingerprints
 * differ. A fingerprint is what a deployment changes; `code` is a digest of the script or archive that
 * an interpreter runs, 0 if there is none. `program` names the part of the service ("node server.js").
 *
 * Settings are what an operator changes: configuration files, flags and variables of the environment,
 * by name and digest. Digests are made with a key that never leaves the host (`settings_key` only tells
 * one key from another), so that a value cannot be found by trying, and only digests under one key can
 * be compared. */
struct summary_build {
        uint32_t identity;
        uint32_t processes; /* that run it, at least 1 */
        const char *program, *build, *release, *image, *version;
        uint64_t code;
        int64_t first_started, last_started; /* of those processes */
        uint32_t unknown;                    /* bits 1 << enum setting_kind: these could not be read, and say nothing */
        uint32_t settings, settings_count;   /* place and number among the summary's settings */
};

enum setting_kind { SETTING_FILE = 1, SETTING_FLAG, SETTING_ENVIRONMENT };

struct summary_setting {
        enum setting_kind kind;
        const char *name; /* path of a file, "--flag", variable */
        uint64_t digest;
};

/* The connections that one process incarnation has on one edge, as the last sweep of the agent found
 * them. open = busy + idle + close_wait. Busy: a request without its reply. Held: idle since before the
 * newest connection of the pool was opened, and not used after; what was used shortly before that is not
 * counted yet. `held_ever` and `reused` count, for as long as the pool has any connection, those that
 * came to be held and those of them that were used again after all: held_ever − reused − held were
 * closed. Skipped: idle, and passed over: the pool used one instead that had been idle for longer. Overdue: held.
 * Of either only those count that the others left out for long: each of them had three turns more, in the mean, than
 * twice what any missed that was used again after all; so a healthy pool, in whatever order it takes them, has none.
 * Where held ones come back after any number of turns, none is overdue.
 * On a server's edge only connections that are left in CLOSE_WAIT are counted. */
#define SUMMARY_TURNS_MAX 31
struct summary_pool {
        uint64_t edge;
        uint32_t pid;
        int64_t started;
        uint32_t busy, idle, held, close_wait;
        uint32_t held_ever, reused;
        uint32_t skipped, overdue;
        uint32_t missed_most; /* turns that a held one missed and was used again; SUMMARY_TURNS_MAX: or more */
        int64_t opened_at;    /* when the newest connection that any sweep met began */
        uint32_t limit;       /* of the client's own pool, as declared on its host; 0: not declared */
};

/* What became of an order for an action, by its key. Told when it changes and until the link took it; all that the
 * agent still keeps in part 0 of a full summary. */
struct summary_action {
        struct action_key key;
        uint64_t epoch; /* of the last order that was accepted for it */
        enum action_kind kind;
        enum action_state state;
        enum action_reason reason;
        enum action_verdict verdict;          /* of the agent's own look at its host */
        int64_t at;                           /* of the last change of state */
        int64_t lease_left;                   /* nanoseconds until it is reverted or held; 0: no lease */
        uint32_t touched;                     /* processes, connections or instances */
        struct action_digest former, present; /* of the state before the change, and as last read */
        const char *service;                  /* as the host's own file calls it; "" where it has none */
        const char *detail;                   /* a sentence for people, or "" */
};

/* What the host's own file lets be done to one of its services: told once and when it changes. `kinds` has the
 * bit 1 << enum action_kind for each action. */
struct summary_permit {
        const char *service;
        uint32_t kinds;
        bool restart_safe; /* declared with how it drains and shows ready */
        uint32_t instances_min, instances_max;
        bool barriers; /* it is declared where marks tell which rollbacks lead across what cannot be taken back */
};

/* A hook of the probes: what is attached, or what stands in for it, or why it is missing. */
struct summary_hook {
        const char *name;
        const char *state; /* "attached", "fallback", "unavailable" */
        const char *detail;
};

struct summary_label {
        const char *key, *value;
};

struct summary {
        uint64_t session;  /* random, one per start of the agent */
        uint64_t sequence; /* from 1, one per summary of the session */
        int64_t session_started;
        int64_t at;          /* the moment at which the counters were read */
        int64_t interval;    /* nominal */
        const char *host;    /* what the agent calls itself; believed only if its certificate says so */
        const char *host_id; /* machine id */
        const char *boot_id;
        const char *kernel;
        const char *agent_version;
        bool full;
        /* A full summary that would be too large comes in parts with consecutive sequences: this is
         * part `part` (from 0) of `parts`; 0 of 1 where it was not split. Its first part has sequence
         * `sequence - part`. Once all parts arrived, in any order, an edge that no summary has named
         * since that sequence is gone. Listeners and processes are complete in part 0 and absent
         * from the others. A summary that is not full is always part 0 of 1. */
        uint32_t part, parts;
        bool final;    /* the agent stops after this one, cleanly */
        uint64_t lost; /* connections (or messages) not counted since the session began */
        uint64_t lost_keys;
        uint32_t key_threshold; /* keys whose hash is at most this are reported; UINT32_MAX is all */
        uint64_t agent_rss_bytes, agent_map_bytes;
        uint64_t agent_cpu_ns; /* cumulative */
        struct summary_resources resources;

        struct summary_label *labels; /* complete in every summary */
        struct summary_hook *hooks;   /* likewise */
        struct summary_identity *identities;
        struct summary_address *addresses;  /* complete in every summary */
        struct summary_listener *listeners; /* complete in every summary that has any or is full */
        struct summary_edge *edges;
        struct summary_key *keys;
        struct summary_process *processes; /* complete in every summary that has any or is full */
        struct summary_build *builds;      /* complete in every summary that has any or is full, but for: */
        uint32_t builds_pending;           /* processes whose fingerprint was not read yet */
        uint64_t settings_key;             /* which key the digests were made with */
        struct summary_setting *settings;  /* of the builds, in their order */
        int64_t pools_at;                  /* when the pools were looked at; 0: not in this summary */
        struct summary_pool *pools;        /* complete in every summary with `pools_at` */
        uint64_t pools_lost;               /* connections that were not told apart by process, since the session began */
        struct summary_action *actions;
        bool permits_told; /* `permits` is complete, also if empty */
        struct summary_permit *permits;
        uint64_t action_epoch;    /* the highest that this host has heard; 0: none */
        bool actions_stopped;     /* the host's stop file is there, or no action is allowed at all */
        uint64_t checkpoint_size; /* of the audit log's checkpoint that this host saw last; 0: none */
        size_t labels_count, hooks_count, identities_count, addresses_count, listeners_count, edges_count, keys_count,
                processes_count, pools_count, builds_count, settings_count, actions_count, permits_count;
};
