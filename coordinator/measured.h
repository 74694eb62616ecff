/* What is measured of each subject that signatures can speak of, over time: one `measured` for each pool,
 * process and so on, with a series for each of its signals that ever moved. Fed by summaries as they
 * come in; a window of which something is missing leaves a gap.
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

struct measured {
        struct map_node node;
        struct measured_group *group; /* NULL without memory for it */
        struct measured *next_of_group;
        enum subject kind;
        uint64_t end; /* pools: id of the end; 0 */
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
        int64_t blind_until;         /* pools: the agent began anew, and has to find out again */
        double lost;                 /* pools: the latest */
        double lost_before;          /* what is held; so many were lost then */
        int64_t judged, judged_seen; /* when it was judged last, and by what it was then */
};

/* Takes what a summary says, after the graph took it. Without memory nothing is measured. */
void measured_take(struct core *core, struct host *host, const struct summary *summary);
/* A step: forgets those that are gone. */
bool measured_expire(struct core *core, uint32_t *cursor);
void measured_free(struct core *core);

/* For walks: by index below core->measured_count, in the order in which they came. */
struct measured *measured_get(const struct core *core, uint32_t index);
/* The series of a signal, NULL if nothing was ever measured. */
const struct series *measured_series(const struct measured *measured, enum signal signal);
/* The latest value; NaN if there is none of the last minute. */
double measured_last(const struct measured *measured, enum signal signal);
/* The most that the processes before this one came to; NaN if there were none. */
double measured_former(const struct measured *measured, enum signal signal);
