/* The inside of a graph. Services are in the order of their layers: each calls only later ones. */
#pragma once

#include "tests/night/graph.h"
#include "tests/night/random.h"

#define LAYERS 5
#define COPIES 4
#define CALLS 4
#define ON_HOST 24

struct call {
        int service;
        double times, patience; /* a request; seconds */
        int retries;
};

struct copy {
        int host;
        uint32_t pid;
        double started, cpu; /* seconds */
        double slow, hungry; /* factors of own time and of CPU */
        double down;         /* the share of this step that it is not there */
        int resets;          /* how often its connections were reset in this step */
        bool crashing, turned;
        int restarts;
        int outside_row;                   /* -1: none */
        double queue, rate, time, failing; /* of this step; failing: of connections and time-outs */
        double able;
        uint32_t backlog;
        uint64_t drops;
};

struct gservice {
        char name[24];
        const char *executable;
        char builds[3][41];
        int layer, copies;
        uint16_t port;
        struct copy copy[COPIES];
        struct call calls[CALLS];
        int calls_count;
        double outside, outside_factor; /* requests a second from outside */
        double own, cpu, cores;
        uint32_t workers;
        double less;                        /* factor of what it can do */
        double usual, worst, worst_failing; /* reply times before and during the faults */
        double rate, time, failing;
        double deploy_at, deploy_apart; /* of the turn that its first copy has; INFINITY: none */
        bool restart_only;
        double deploy_slow, deploy_hungry;
        bool deploy_crashes;
};

/* A caller's copy and one of the called. */
struct pair {
        int caller, caller_copy, called, called_copy, call;
        int client_row, server_row; /* on their hosts */
        uint32_t open;
        uint64_t key;
        double busy;
};

struct grow {
        struct summary_edge edge;
        uint32_t busy, idle;
        uint32_t pid;
        double pool_started, opened;
};

struct ghost {
        char name[16], id[40];
        struct address address;
        double slow, offset, phase;
        uint64_t session, sequence, lost;
        int services[ON_HOST], services_count;
        struct grow *rows;
        int rows_count;
        struct summary_identity identities[ON_HOST];
        struct summary_listener listeners[ON_HOST];
        struct summary_process processes[ON_HOST];
        struct summary_build builds[ON_HOST];
        struct summary_address addresses[1];
        struct summary_edge *edges;
        struct summary_key *keys;
        struct summary_pool *pools;
        struct summary summary;
};

struct fault {
        enum night_cause kind;
        int service, host, other;
        double at, strength;
};

struct night_graph {
        struct random random;
        struct night_graph_truth truth;
        struct gservice *services;
        int services_count;
        struct ghost *hosts;
        int hosts_count;
        struct pair *pairs;
        int pairs_count;
        struct fault faults[NIGHT_CAUSES];
        int faults_count;
        double from, until, now, step;
        double noise;
        int turn;
        bool perfect;
        double lost;
};

void graph_build(struct night_graph *graph, int services);
void graph_plan_faults(struct night_graph *graph);
/* Faults, deployments and restarts that are due. */
void graph_turn(struct night_graph *graph);
/* Whether something is seen of the fault: how many services it slows or fails. */
int graph_try(struct night_graph *graph, const struct fault *fault);
/* One step of the flow, without drawing anything. */
void graph_flow(struct night_graph *graph, double step);
/* What the step was for each pair, into the rows of both ends. */
void graph_count(struct night_graph *graph);
const struct summary *graph_speak(struct night_graph *graph, struct ghost *host);
/* The share of packets that is lost between two hosts. */
double graph_loss(const struct night_graph *graph, int host, int other);
