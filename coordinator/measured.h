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

struct measured {
        struct map_node node;
        enum subject kind;
        uint64_t end; /* pools: id of the end; 0 */
        uint32_t pid; /* pools, processes */
        int64_t started;
        struct host *host;
        struct service *service;
        struct service *server; /* pools: NULL until it is known */
        uint16_t port;
        bool serves; /* pools: the process is the server of these connections */
        struct text *build;
        int64_t begin, seen; /* first and last measurement, by the agent's clock */
        int64_t heard;       /* by ours */
        struct series *series[SIGNALS];
        struct {
                uint64_t held_ever, reused, released, opened, load;
                bool known;
        } last;                      /* what counters were */
        double fewest;               /* pools: open connections, once it has settled; NaN before */
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
