/* What a night is made from: plain data that a scenario fills in and night_from_plan() takes. Times are
 * seconds of the night (rhythm.h), rates per second for the service as a whole. */
#pragma once

#include "tests/night/night.h"
#include "tests/night/pool.h"
#include "tests/night/rhythm.h"

#define PLAN_SERVICES 4
#define PLAN_EVENTS 48
#define PLAN_WORKERS 4

enum plan_front { FRONT_NONE, FRONT_EXTERNAL, FRONT_PROXY };

struct plan_memory {
        double base;             /* bytes of a fresh process */
        double cache, cache_max; /* bytes a request adds until there are so many */
        double of_connection;
        double wobble; /* deviation, as a ratio of base */
};

struct plan_service {
        char name[32];
        const char *executable, *server;
        uint16_t port, server_port;
        int instances, workers; /* workers: processes of an instance, each with a pool */
        int host;               /* of the first instance */
        struct pool_kind kind;
        struct rhythm rhythm;
        struct visit visit;
        struct duration query, own, slow;
        double slow_share;
        enum plan_front front;
        struct plan_memory memory;
        double cpu; /* seconds of a request */
        uint32_t threads, files, files_max;
        bool threads_follow; /* one more for each request in progress */

        enum night_fault fault;
        int fault_build; /* the build that has it and those after; -1: all have it */
        int fault_until; /* the build that has it no longer; 0: none */
        bool on_visit;   /* only requests of the visit take the path */
        double path;     /* else: this share of all requests */
        double one_in;   /* of the path's requests loses its connection or file */
        double bytes;    /* or so many bytes each */
        uint64_t memory_max;
};

enum plan_what { PLAN_DEPLOY, PLAN_RESTART, PLAN_CRASH };

/* To all instances of the service one after the other, or to one. */
struct plan_event {
        double at, apart, down;
        enum plan_what what;
        int service, instance; /* -1: all */
};

struct plan_agents {
        double lost, late, late_by; /* ratios of the batches; seconds */
        double restarts;            /* a day and agent */
        double gap;                 /* seconds it is away */
        double losses;              /* a day and agent: windows with events that were not counted */
        double offset;              /* of the clocks: deviation in seconds */
};

struct plan {
        uint64_t seed;
        const char *story;
        double from, until;
        int64_t interval;
        struct plan_service services[PLAN_SERVICES]; /* the first is the one that the night is about */
        int services_count;
        struct plan_event events[PLAN_EVENTS];
        int events_count;
        uint32_t server_max, server_others; /* connections: limit and what others have of them; 0: no limit */
        bool server_seen;                   /* an agent runs on the server's host */
        struct plan_agents agents;
};

void plan_begin(struct plan *plan, uint64_t seed, const struct night_options *options);
/* A service with middling values. */
struct plan_service *plan_service(struct plan *plan, const char *name, const char *kind, int instances, double rate);
void plan_event(struct plan *plan, enum plan_what what, int service, int instance, double at);
/* The usual failings, or none. */
void plan_failings(struct plan *plan, const struct night_options *options, struct random *random);
/* So that the first instance is expected to have lost `connections` on its path by `at`, from `since` on. */
void plan_calibrate(struct plan_service *service, double since, double at, double connections);
MUST_CHECK int night_from_plan(const struct plan *plan, struct night **ret_night);
