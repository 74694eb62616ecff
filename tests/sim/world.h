/* A world for the core: hosts with agents, services that call each other through address translation
 * or not, a network that loses, repeats, delays and reorders, agents and a coordinator that die. It
 * keeps the truth beside what it lets the agents see. Everything follows from the seed. */
#pragma once

#include "coordinator/core.h"
#include "coordinator/view.h"

struct recorder;
struct signature_set;

#define HOSTS_MAX 6
#define SERVICES_MAX 12
#define PAIRS_MAX 40
#define ROWS_MAX 512
#define CONNS_MAX 400
#define KEYS_MAX 4096
#define PACKETS_MAX 512
#define EDGES_MAX 80
#define STEPS_MAX 1200

enum side { CLIENT, SERVER };

/* What a world's trouble is made of; a bit each. */
enum trouble {
        TROUBLE_NETWORK = 1,     /* batches lost, repeated, late, out of order; acknowledgements lost */
        TROUBLE_COORDINATOR = 2, /* killed, and back with what the store has */
        TROUBLE_AGENTS = 4,      /* killed or stopped, and back */
        TROUBLE_LOSS = 8,        /* connections that an agent cannot count, and says so */
        TROUBLE_KEYS = 16,       /* more keys than the coordinator wants: agents report a share of them */
        TROUBLE_MEMORY = 32,     /* a budget that is spent: summaries are refused */
        TROUBLE_CLOCKS = 64,     /* hosts whose clocks are minutes or hours off */
        TROUBLE_KINDS = 128,
};

/* What the applications know of an edge; a subset of the counters of a summary. */
#define TRUTH_COUNTERS(X)                                                                                                          \
        X(attempted)                                                                                                               \
        X(opened) X(closed) X(refused) X(timed_out) X(sent) X(received) X(reset_by_self) X(datagrams_sent) X(datagrams_received)

struct truth_counts {
#define X(name) uint64_t name;
        TRUTH_COUNTERS(X)
#undef X
};

struct truth {
        char client[48], server[48];
        uint16_t port;
        enum summary_transport transport;
        struct truth_counts counts;
        uint64_t open;
        int64_t first_at;
        bool ambiguous; /* an address before several backends */
};

/* Who may call whom, and what each end sees of it. */
struct pair {
        int agent[2]; /* or -1: nobody observes that end */
        int service[2];
        struct address dialled, local, remote;
        uint16_t dialled_port, local_port;
        enum summary_transport transport;
        bool unbound;       /* a datagram socket that is bound to no address */
        int edge, failures; /* indices of truth */
};

struct sim_row {
        struct summary_edge edge;
        uint64_t changed_in; /* the first summary that has the latest change; 0: all was acknowledged */
        int64_t moved_at;
};

struct conn {
        bool live;
        int pair;
        uint64_t key; /* initiator's half above */
        int row[2];   /* of the agent's present session, or -1: not counted there */
};

struct sim_agent {
        bool up, tainted, retired;
        bool heard, unheard; /* of the present session; and of one before, never */
        bool lossy;          /* lost events in any session */
        bool refused;        /* the last that the coordinator was told of was refused for want of memory */
        uint32_t threshold;  /* of keys, by the coordinator's word */
        bool threshold_is_new;
        uint64_t command, coordinator;
        char name[16];
        uint64_t session, sequence;
        int64_t started, next_at, clock_skew;
        uint64_t lost, next_row;
        struct address address;
        struct sim_row rows[ROWS_MAX];
        int rows_count;
        struct summary_key keys[KEYS_MAX];
        uint64_t key_first[KEYS_MAX];
        int keys_count;
        bool resync;
};

struct packet {
        uint8_t *data;
        size_t size;
        int agent;
        int64_t at;
};

struct record {
        uint32_t kind;
        uint8_t key[64];
        size_t key_size;
        uint8_t *value;
        size_t value_size;
};

struct world {
        uint64_t random;
        int64_t now;
        unsigned trouble;
        int hosts, services, pairs, edges, conns;
        int service_host[SERVICES_MAX];
        struct sim_agent agents[HOSTS_MAX];
        struct pair pair[PAIRS_MAX];
        struct truth truth[EDGES_MAX];
        struct conn conn[CONNS_MAX];
        struct packet packets[PACKETS_MAX];
        int packets_count;
        uint64_t next_session, next_key;
        struct truth_counts history[EDGES_MAX][STEPS_MAX]; /* at the end of each step; grows with `steps` */
        int steps;

        struct core *core;
        struct core_options options;
        int64_t refused_at;   /* the latest summary that this core refused; 0: none */
        int64_t core_back_at; /* while it is down */
        unsigned crashes;
        struct record *records, *pending;
        size_t records_count, pending_count;

        const struct signature_set *signatures; /* that are looked for, or NULL */
        struct recorder *recorder;              /* is told what the core is given, if there is one */
};

void world_build(struct world *w, uint64_t seed);
void world_free(struct world *w);
uint64_t world_random(struct world *w, uint64_t below);

/* A second of everything but the traffic; `trouble`: agents and coordinator may die. */
void world_step(struct world *w, bool trouble);

/* What was counted of an edge at a moment. */
struct truth_counts truth_at(const struct world *w, int edge, int64_t at);

/* compare.c: 0 if the view is as the truth allows; `talk` prints what is not. */
int world_compare(const struct world *w, const struct view *v, bool talk);

/* traffic.c */
void traffic_step(struct world *w);
bool conn_open(struct world *w, int pair);
void agent_start(struct world *w, int agent);
void agent_stop(struct world *w, int agent, bool clean);

/* network.c */
void network_step(struct world *w);
void agent_report(struct world *w, int agent, bool full, bool final);
void coordinator_kill(struct world *w);
/* Stops it in good order, and lifts its budget. */
void coordinator_enlarge(struct world *w);
/* The lowest threshold of keys that any agent knows. */
uint32_t world_threshold(const struct world *w);
void coordinator_step(struct world *w);
