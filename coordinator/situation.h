/* What is seen at a moment, as far as acting depends on it: the open incidents, the instances of the services
 * that they are of, and how the predictions of what was done read. It is made from the core's graph
 * (situations.h) or by a simulation; nothing here is remembered from one moment to the next.
 *
 * What a workload chose (names of services and builds) is compared and shown, never interpreted. */
#pragma once

#include "coordinator/digest.h"
#include "coordinator/policy.h"

#define NAME_MAX_HOST 128
#define NAME_MAX_SERVICE 256
#define NAME_MAX_BUILD 128
#define SITUATION_INSTANCES_MAX 256
#define SITUATION_REMEDIES_MAX 8
#define SITUATION_CONE_MAX 64

/* A process of the service, by incarnation. */
struct instance {
        char host[NAME_MAX_HOST + 1];
        char boot_id[40];
        char build[NAME_MAX_BUILD + 1];
        char zone[64]; /* labels of the host */
        char environment[64];
        uint32_t host_number; /* below the scene's hosts_count */
        uint32_t pid;
        int64_t started;
        bool sick;      /* shows what the signature looks for */
        bool condemned; /* runs the build that is the cause */
        bool alone;     /* no other process is of its unit or container: counting processes counts those */
        bool fresh;     /* its host was heard of lately, and nothing is missing of the window */
        /* By its host's own file: */
        uint32_t permits;  /* bits 1 << enum action_kind of what may be done to it */
        bool restart_safe; /* how it is restarted without loss is declared, */
        bool barriers;     /* and where it is marked what no rollback may cross */
        /* For each remedy of the situation what the prediction comes to here, in the unit of its signal; NaN: not known */
        double bounds[SITUATION_REMEDIES_MAX];
};

struct prediction {
        char signal[32];
        char says[128]; /* "held falling by 50% within 10m" */
        bool rises;     /* above its bound, else below it */
        int64_t within;
};

struct situation_remedy {
        char action[32];
        bool wants_cause; /* another cause than the likeliest is needed for it */
        struct prediction predicts;
};

struct situation {
        uint64_t incident;
        char signature[65], title[160];
        uint8_t signature_digest[DIGEST_SIZE];
        char service[NAME_MAX_SERVICE + 1];
        char cause[16], cause_ref[128];                                    /* "" where none is named */
        uint64_t cause_key;                                                /* alike for what one cause brought about */
        double confidence;                                                 /* of the cause */
        char from_build[NAME_MAX_BUILD + 1], to_build[NAME_MAX_BUILD + 1]; /* of a deployment that is the cause */
        int64_t deployed_at;                                               /* when that was; 0: not known */
        int64_t opened_at;                                                 /* by our clock */
        int64_t seen_at;                                                   /* the latest evidence, by our clock */
        bool complete;                                                     /* nothing is missing of its windows */
        bool two_causes; /* two deployments at once: which one it was cannot be told */
        struct situation_remedy remedies[SITUATION_REMEDIES_MAX];
        uint32_t remedies_count;
        struct instance *instances; /* of the service, by host, pid */
        uint32_t instances_count;
        uint32_t instances_left_out;       /* beyond SITUATION_INSTANCES_MAX */
        uint64_t service_key;              /* a hash of the service's name */
        uint64_t cone[SITUATION_CONE_MAX]; /* of the services that it depends on and that depend on it, not its own */
        uint32_t cone_count;
        bool cone_whole; /* there are more: it concerns everything */
};

/* A prediction, as it reads now: over a window that begins at `from`, on the host of one target. */
enum reading_verdict { READING_UNKNOWN, READING_NO, READING_YES };
struct reading {
        uint64_t remedy;
        uint32_t target;
        enum reading_verdict verdict;
        int64_t from, to; /* by our clock */
};

struct scene {
        const struct situation *situations; /* of open incidents, by id */
        uint32_t situations_count;
        const struct reading *readings;
        uint32_t readings_count;
        uint32_t hosts_count; /* those that were heard of lately */
        uint64_t epoch;       /* of our leadership; rises with each leader */
        int64_t leads_until;  /* 0: another coordinator leads */
        bool log_works;       /* the audit log takes entries */
};

/* A key of a name, for counting and comparing only: FNV-1a. */
uint64_t situation_key(const char *name);
const struct situation *scene_find(const struct scene *scene, uint64_t incident);
/* Most hosts look sick, not counting what this incident's own cause explains: then the observer is suspect.
 * *ret_sick: so many do. */
bool scene_doubts_itself(const struct scene *scene, const struct policy *policy, const struct situation *situation,
                         uint32_t *ret_sick);
/* What is done for one may be felt in the other. */
bool situation_touches(const struct situation *a, uint64_t service_key, const uint64_t *cone, uint32_t cone_count, bool cone_whole);
