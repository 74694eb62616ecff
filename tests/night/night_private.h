/* What a night is while it runs. Instances live on hosts; each round of the agents' interval moves the
 * instances of one host after the other to its agent's moment, and lets that agent speak. */
#pragma once

#include "tests/night/plan.h"

#define HOSTS_MAX 16
#define SOURCES_MAX 24
#define PROCESSES_MAX 24
#define TURNS_MAX 64

struct worker {
        struct pool pool;
        uint32_t pid, files, files_leaked;
        double started;
        double cache, bytes_leaked;
        double cpu, wobble;
        uint64_t served_said; /* until the last summary */
        bool starved;
};

struct turn {
        double at, down;
        enum plan_what what;
};

struct instance {
        const struct plan_service *plan;
        int service, number, host, build;
        bool up;
        double now, up_at, weight, visits_weight;
        struct worker workers[PLAN_WORKERS];
        struct pool front;  /* of the proxy; or what an external one has open here */
        double front_extra; /* seconds that a request waits for a connection */
        uint64_t refused;   /* attempts of the proxy while it was down */
        struct turn turns[TURNS_MAX];
        int turns_count, turns_done;
        double restarts[16];
        int restarts_count;
        bool has_exit, exit_oom;
        int exit_code, exit_signal;
        struct random random;
};

enum source_kind { SOURCE_CLIENT, SOURCE_INBOUND, SOURCE_PROXY, SOURCE_SERVER };

/* A row of an agent's edges: where its numbers come from, and what they were. */
struct source {
        enum source_kind kind;
        int instance; /* SOURCE_SERVER: a host of clients */
        struct summary_edge row;
        struct summary_counters seen;
        uint64_t served;
        uint64_t pair; /* the same at both ends */
};

struct host {
        char name[24], id[40], boot[40];
        struct address address;
        bool up;
        double phase, offset, at, back_at;
        uint64_t session, sequence, lost;
        double session_started;
        struct random random;
        struct source sources[SOURCES_MAX];
        int sources_count;
        struct summary_identity identities[8];
        int identities_count;
        struct summary_listener listeners[8];
        int listeners_count;
        struct summary_address addresses[1];
        struct summary_label labels[1];
        struct summary_process processes[PROCESSES_MAX];
        struct summary_build builds[PROCESSES_MAX];
        struct summary_pool pools[PROCESSES_MAX];
        struct summary_edge edges[SOURCES_MAX];
        struct summary_key keys[SOURCES_MAX];
        struct summary summary;
        double agent_cpu, builds_changed;
        int64_t builds_known; /* a sum of what they were */
};

struct parcel {
        double at;
        int host;
        struct summary summary; /* its arrays are copies of its own */
};

struct night {
        struct plan plan;
        struct night_truth truth;
        bool truth_done, silent;
        double round, step, said; /* said: when the last batch arrived */
        int turn;                 /* the next host of the round */
        struct traffic traffic[PLAN_SERVICES];
        double weights[PLAN_SERVICES];
        struct instance *instances;
        int instances_count;
        struct host hosts[HOSTS_MAX];
        int hosts_count, proxy_host, server_host; /* -1: none */
        uint32_t server_open, proxy_pid, server_pid;
        char builds[PLAN_SERVICES][NIGHT_DEPLOYMENTS][41];
        struct random random;
        struct parcel parcels[32];
        int parcels_count;
        struct parcel out;
};

/* instance.c */
void instance_build(struct night *night, int service, int number, int host);
void instance_move(struct night *night, struct instance *instance, double now);
bool instance_has_fault(const struct instance *instance);

/* truth.c */
void truth_begin(struct night *night);
void truth_onset(struct night *night, double at);
void truth_leak(struct night *night, double at);
void truth_breach(struct night *night, const struct instance *instance, double at);

/* host.c */
int host_add(struct night *night, const char *name);
uint32_t host_identity(struct host *host, const char *service, const char *executable, const char *version);
void host_begin(struct night *night, int host, double now);
const struct summary *host_summary(struct night *night, int host, double now);

/* sources.c */
struct source *source_add(struct night *night, int host, enum source_kind kind, int instance, const char *service);
void source_read(struct night *night, struct host *host, struct source *source, double now);
void source_begin(struct night *night, struct source *source, double now);

/* parcels.c */
bool parcel_keep(struct night *night, int host, const struct summary *summary, double at);
bool parcel_due(struct night *night, double now, struct parcel *ret_parcel);
void parcel_free(struct parcel *parcel);
