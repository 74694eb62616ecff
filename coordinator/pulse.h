/* What each end did of late: counts in cells of two minutes over the last hour, so that the last minutes can be
 * compared with what lay before without waiting for a day of history. Part of the core; bounded. */
#pragma once

#include "coordinator/graph.h"

#define PULSE_CELL (120 * NSEC_PER_SEC)
#define PULSE_CELLS 32
#define PULSES_MAX 65536
#define PULSE_NOW 3    /* cells that are now: six minutes */
#define PULSE_USUAL 13 /* older ones are what is usual: from 26 minutes on */

struct pulse_cell {
        float answers, log_time; /* how many were timed; the sum of the logarithms of their microseconds */
        float sent, received, attempted, refused, unanswered, retransmits, resets;
};

struct pulse {
        struct pulse_cell cells[PULSE_CELLS]; /* ring; the newest has the number of core->pulse_number */
        double answers, log_time;             /* cumulative, as of the last round */
        struct summary_counters last;
        uint32_t first; /* number of its first cell */
        bool known;
};

/* A stretch of cells added up. */
struct flow {
        double answers, log_time, sent, received, attempted, refused, unanswered, retransmits, resets;
        uint32_t cells, refusing; /* refusing: in which a fiftieth or more of the attempts were refused */
};

/* Steps, when a cell is over. */
void pulse_add(struct core *core);
void pulse_free(struct core *core, struct end *end);
/* Adds the cells of age [from, to), 0 being the newest. */
void pulse_sum(const struct core *core, const struct end *end, uint32_t from, uint32_t to, struct flow *into);
