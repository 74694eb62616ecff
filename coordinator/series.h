/* A signal over time: what was measured, at a resolution that falls with age. Ten-second cells for a
 * quarter of an hour, minutes for two and a half hours, ten minutes for a day, hours for a fortnight. A
 * gauge's cell is the mean of what was measured in it, a counter's the sum of what it gained. A cell
 * without a measurement is a gap, and a gap is never evidence.
 *
 * Memory is taken as time goes on, by twos: a series of an hour has no cells for days. All series together have a
 * quarter of the core's budget, so that they never take the graph's place. Where that is spent a level stays as long
 * as it is, and windows that need more have gaps. */
#pragma once

#include "proto/base.h"

#define SERIES_LEVELS 4
#define SERIES_POINTS_MAX 384 /* points that a window is ever asked for */

struct core;

struct series_level {
        int64_t newest; /* number of the newest cell, time divided by width */
        float *cells;   /* ring; NULL: none yet */
        double sum;     /* of the newest cell, which is not in the ring yet */
        uint32_t count;
        uint32_t capacity; /* of the ring */
};

struct series {
        bool counter;
        bool by_minute; /* measured once a minute and kept for a day: cells of minutes and of ten minutes only */
        int64_t begin;  /* of the first measurement; 0: none */
        struct series_level levels[SERIES_LEVELS];
};

void series_begin(struct series *series, bool counter);
/* Begins with zeroes wherever `like` has something: what never moved until now was zero. Without memory
 * the series begins now. */
void series_begin_like(struct core *core, struct series *series, bool counter, const struct series *like);
void series_free(struct core *core, struct series *series);

/* What was measured at `at`; for a counter what it gained since the last time. Times do not go back:
 * an earlier one is left out. NaN and infinities are gaps. */
void series_add(struct core *core, struct series *series, int64_t at, double value);

/* Fills `values` with `count` points of equal length that end at `to`, oldest first, from the finest level that reaches
 * back so far; a gauge's are means, a counter's sums, NaN where nothing was measured. Points are never
 * shorter than the level's cells: *ret_count may be less than `count`. Returns the share of the points
 * that are there. */
double series_window(const struct series *series, int64_t to, int64_t length, double *values, size_t count, size_t *ret_count);

/* The same in two steps, of cells that are done only. Two windows of one series and extent are the same while the ring
 * has their cells. */
struct series_extent {
        int64_t end; /* number of the last cell */
        uint32_t cells, points;
        uint8_t level;
};
struct series_extent series_extent(const struct series *series, int64_t to, int64_t length, size_t count);
double series_read(const struct series *series, const struct series_extent *extent, double *values);

struct series_cell {
        int64_t at, width;
        double value;
};
#define SERIES_CELLS_MAX 740

/* All that is known of the time from `from` to `to`, each part of it from the finest level that has it; gaps
 * are left out. Newest first; returns how many. */
size_t series_cells(const struct series *series, int64_t from, int64_t to, struct series_cell *cells, size_t count);

/* The latest measurement that is not older than `age`; NaN if there is none. */
double series_last(const struct series *series, int64_t now, int64_t age);
