/* What services were like before: for each service towards each server, and for each service by itself, the
 * load and what its processes had lost, in cells of ten minutes over two days. It outlives the processes, so
 * that what a new build shows can be compared with what the former one showed under like conditions. Part of the
 * core; bounded: a record that nothing was noted of for a while makes room, and where all are in use the
 * services that come later are not remembered. */
#pragma once

#include "coordinator/graph.h"
#include "coordinator/signal.h"

#define PAST_RECORDS_MAX 4096
#define PAST_CELL (600 * NSEC_PER_SEC)
#define PAST_CELLS 312

enum past_level { PAST_LOST, PAST_CLOSE_WAIT, PAST_OPEN_FILES, PAST_RSS, PAST_LEVELS, PAST_NONE = PAST_LEVELS };

/* Measurements in cells of equal length; as many as there have been, up to a limit, and levels only once one
 * is not zero. */
struct past_ring {
        int64_t newest; /* number of the newest cell: time / length */
        uint32_t capacity;
        bool has_levels;
        uint8_t *measured; /* of each cell: PAST_HAS_LOAD, and how often levels were measured */
        float *load;       /* bytes both ways */
        float (*level)[2]; /* the mean of all processes together: lost and close-wait, or files and memory */
};
#define PAST_HAS_LOAD 0x80

#define PAST_MINUTES 64 /* the last hour in finer cells, for what happens within minutes */

struct past {
        struct map_node node;
        struct past *older, *newer;       /* by `noted` */
        struct service *service, *server; /* server: NULL for the service by itself */
        uint16_t port;
        uint32_t index;
        uint64_t id; /* rising, never reused */
        bool saved;
        int64_t noted, since;
        float level_now[2]; /* while a round sums up */
        int64_t round;
        struct past_ring cells, minutes;
};

/* Steps, a round each minute. */
void past_add(struct core *core);
void past_free(struct core *core);
/* Rounds are counted from now on: what ends carried since the last one is left out. */
void past_begin_rounds(struct core *core);
/* Made at first sight; NULL: there is no room. */
struct past *past_get(struct core *core, struct service *service, struct service *server, uint16_t port);
/* Something was noted of it at `at`, and of no other later. */
void past_touch(struct core *core, struct past *past, int64_t at);
/* The two levels of cells, finest first: which ring, how many cells, how long each is. */
#define PAST_RINGS 2
struct past_ring *past_ring_of(struct past *past, uint32_t level);
extern const struct past_rings {
        int64_t length;
        uint32_t cells;
} past_rings[PAST_RINGS];
/* NULL: nothing is remembered. */
const struct past *past_find(const struct core *core, const struct service *service, const struct service *server, uint16_t port);
/* Bytes a second from `from` to `to`; NaN if half of it or more was not measured. */
double past_load(const struct past *past, int64_t from, int64_t to);
/* The same within the last hour, by the minute; NaN if it is not all there. */
double past_load_by_minute(const struct past *past, int64_t from, int64_t to);
double past_level_by_minute(const struct past *past, enum past_level level, int64_t at);
/* The level about a moment; NaN if it was not measured within half an hour. */
double past_level_at(const struct past *past, enum past_level level, int64_t at);
/* The highest of a stretch of time; NaN likewise. */
double past_level_most(const struct past *past, enum past_level level, int64_t from, int64_t to);
