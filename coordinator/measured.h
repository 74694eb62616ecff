/* What is measured of each subject that signatures can speak of, over time: one `measured` for each pool,
 * process and so on, with a series for each of its signals that ever moved; a window of which something is missing leaves a gap.
 *
 * Pools and processes are fed by summaries. Edges, services, listeners and hosts are read from the graph once a
 * minute: an edge as one service on one host that talks to another, at one far end; a service as all that runs of it
 * on one host. Their series are of minutes and of ten minutes, and reach back for a day.
 *
 * A subject is an incarnation: a process that was started anew is another one. One that was not heard of
 * for a while goes, and leaves what its build was like to those that come after. */
#pragma once

#include "coordinator/graph.h"
#include "coordinator/series.h"
#include "coordinator/signal.h"

#define MEASURED_TOGETHER (180 * NSEC_PER_SEC) /* what was not measured for longer is no part of its group now */

/* Those of one kind, service and, for pools, server: the same code against the same far end. */
struct measured_group {
        struct map_node node;
        struct service *service, *server;
        enum subject kind;
        uint16_t port;
        struct measured *first, **end; /* where the next one goes */
        struct series load;            /* what all of them did, whoever they were: bytes, or processor time */
        int64_t latest;                /* of it */
        double peaks[SIGNALS];         /* of those that have gone; NaN: not known */
};

struct measured_flow;
struct signature;

struct measured {
        struct map_node node;
        struct measured_group *group; /* NULL without memory for it */
        struct measured *next_of_group;
        enum subject kind;
        uint64_t end; /* pools, edges: id of the end; services, listeners: what tells them apart; 0 */
        uint32_t pid; /* pools, processes */
        int64_t started;
        struct host *host;
        struct service *service;
        struct service *server; /* pools: NULL until it is known */
        uint16_t port;
        bool limit_is_shared; /* pools: with others of the same server */
        bool serves;          /* pools: the process is the server of these connections */
        struct text *build;
        int64_t begin, seen; /* first and last measurement, by the agent's clock */
        int64_t heard;       /* by ours */
        int64_t every;       /* about how often it is measured */
        struct series *series[SIGNALS];
        struct {
                uint64_t held_ever, reused, released, opened, load;
                bool known;
        } last;                      /* what counters were */
        double fewest;               /* pools: open connections, once it has settled; NaN before */
        double opens[4];             /* pools: latest first; NaN: none */
        int64_t blind_since;         /* pools: the agent began anew, and has to find out again; 0: it has */
        int64_t sees_since;          /* ... which it can since the pool opened one; 0: it did not */
        double lost;                 /* pools: the latest */
        double lost_before;          /* what is held; so many were lost then */
        int64_t judged, judged_seen; /* when it was judged last, and by what it was then */

        /* Of the graph: */
        struct measured_flow *flow;
        int64_t deployed_at;             /* services: when its latest build was deployed; 0: not known */
        struct host *far;                /* edges: where the server is; NULL: not known */
        const struct signature *symptom; /* the last that fired; of the set that is in force; NULL: none did, */
        int64_t symptom_at;              /* when it did, by our clock, */
        int64_t symptom_since;           /* and since when without a break */
        int64_t explained_at;            /* when a root was last found that explains it */
};

/* Takes what a summary says, after the graph took it. Without memory nothing is measured. */
void measured_take(struct core *core, struct host *host, const struct summary *summary);
/* A step: forgets those that are gone. */
bool measured_expire(struct core *core, uint32_t *cursor);
void measured_free(struct core *core);
/* Steps, once a minute: edges, services, listeners and hosts. */
void measured_add_round(struct core *core);
/* Edges, services, listeners and hosts. */
bool measured_is_of_graph(enum subject kind);
/* Whether a signature fired for it within the last minutes. */
bool measured_has_symptom(const struct core *core, const struct measured *measured);
/* Before the set of signatures changes. */
void measured_forget_symptoms(struct core *core);

/* Of the graph; `end` tells those of one kind on one host apart (of a service it is its address). NULL: there is none. */
struct measured *measured_find(const struct core *core, const struct host *host, enum subject kind, uint64_t end);
/* For walks: by index below core->measured_count, in the order in which they came. */
struct measured *measured_get(const struct core *core, uint32_t index);
/* The series of a signal, NULL if nothing was ever measured. */
const struct series *measured_series(const struct measured *measured, enum signal signal);
/* What was usual of a signal before a window of some length: it changes every ten minutes and is asked for each minute. */
struct measured_usual {
        enum signal signal;
        int64_t before; /* length of that window; 0: none */
        struct series_extent extent;
        double busy;   /* how much was asked for when it was read; NaN: that does not matter */
        double median; /* NaN: too little is there */
};
/* Where it is remembered, by signal and window; those come first that are asked for first. NULL: nowhere. */
struct measured_usual *measured_usual(const struct measured *measured, enum signal signal, int64_t before);
/* The latest value; NaN if there is none of the last minute. */
double measured_last(const struct measured *measured, enum signal signal);
/* What it was under the former build. Of a process the most that those before it came to; of a service the median of the
 * day before its deployment, of those times in which its load was like that of the last minutes, at least ten of them.
 * NaN if that is not known. */
double measured_former(const struct measured *measured, enum signal signal);
