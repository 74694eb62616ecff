/* History: what every edge's counters gained, in slices of time that grow coarser with age. A slice
 * is one block of bytes with an entry for each edge that changed:
 *
 *   id − id of the entry before | bits of the values present | the values, signed | histograms
 *
 * Going back in time is subtracting slices from what is now, so a slice once written never changes;
 * it is merged with its neighbours when it is old, and dropped when older still or when the memory
 * budget asks for it. Values are signed because a join that becomes known late moves counts from one
 * edge to another. */
#pragma once

#include "coordinator/bytes.h"

struct core;
struct edge;

#define HISTORY_LEVELS 4

struct slice {
        struct slice *older, *newer;
        int64_t from, to;
        uint32_t level;
        bool saved;
        size_t size;
        uint8_t data[];
};

#define DELTA_VALUES (COUNTERS_COUNT + 1)

/* What one edge gained: `open` first, then the counters in their order. */
struct delta {
        uint64_t id;
        int64_t value[DELTA_VALUES];
        struct histogram rtt, turnaround;
        bool has_rtt, has_turnaround;
};

struct history {
        struct slice *oldest, *newest;
        size_t bytes, count;
        int64_t begin;        /* nothing is known of the time before */
        int64_t sliced_until; /* up to here the slices say everything */
        uint64_t dropped;     /* slices that went before their time */
        /* Slices of the store that must go: pairs of level and beginning. */
        struct slice_name {
                uint32_t level;
                int64_t from;
        } * removed;
        uint32_t removed_count, removed_capacity, removed_handed_out;
        /* Of the slice and the merger that are being made. */
        struct slicing *slicing;
        struct merger *merger;
};

/* Walks the entries of a slice by rising id; false at its end. */
struct slice_cursor {
        struct reader reader;
        uint64_t id;
};
void slice_open(const struct slice *slice, struct slice_cursor *ret_cursor);
bool slice_next(struct slice_cursor *cursor, struct delta *ret_delta);

/* Puts a slice where its time belongs; takes it over. */
void history_insert(struct core *core, struct slice *slice);

/* Adds up everything that was gained after `t`, what is not sliced yet included. The array has one
 * element an edge, in the order of core->edges. *ret_t is the boundary that stands for t. */
MUST_CHECK int history_since(struct core *core, int64_t t, struct delta **ret_deltas, int64_t *ret_t);
