/* What each end did of late: counts in cells of two minutes over the last hour, so that the last minutes can be
 * compared with what lay before without waiting for a day of history. Part of the core; bounded.
 *
 * A cell has room for what its end does and nothing else: most ends are never refused, and an idle one needs no
 * cells at all. Counts are minifloats: exact up to 2048, and then within a two-thousandth, which is far below
 * the ratios that anybody compares; none saturates. */
#pragma once

#include "coordinator/graph.h"

#define PULSE_CELL (120 * NSEC_PER_SEC)
#define PULSE_CELLS 32
#define PULSES_MAX 65536
#define PULSE_NOW 3    /* cells that are now: six minutes */
#define PULSE_USUAL 13 /* older ones are what is usual: from 26 minutes on */

enum pulse_field {
        PULSE_ANSWERS,  /* how many were timed */
        PULSE_LOG_TIME, /* the mean of the logarithms of their microseconds, in PULSE_LOG_UNIT */
        PULSE_SENT,
        PULSE_RECEIVED,
        PULSE_ATTEMPTED,
        PULSE_REFUSED,
        PULSE_UNANSWERED,
        PULSE_RETRANSMITS,
        PULSE_RESETS,
        PULSE_FIELDS,
};
#define PULSE_LOG_UNIT (1 / 2048.0) /* the longest that a histogram knows is some 16 */

struct pulse {
        /* Cumulative, as of the last round. Of counts the low half: no end does 2^31 of anything in a cell. */
        double log_time;
        uint64_t sent, received;
        uint32_t answers, attempted, refused, unanswered, retransmits, resets;

        uint32_t first;    /* number of its first cell */
        uint16_t fields;   /* bits of enum pulse_field that its cells have, in that order */
        uint8_t capacity;  /* in cells, a power of two; what lies between them and the first is all zero */
        bool restored;     /* while loading: it has its cell of this round */
        uint16_t values[]; /* ring; the newest cell has the number of core->pulse_number */
};

/* A stretch of cells added up. */
struct flow {
        double answers, log_time, sent, received, attempted, refused, unanswered, retransmits, resets;
        uint32_t cells, refusing; /* refusing: in which a fiftieth or more of the attempts were refused */
};

/* An end's cell of an age, all fields of it; false if nothing is known of it. */
bool pulse_cell(const struct core *core, const struct end *end, uint32_t age, uint16_t ret_all[PULSE_FIELDS]);
/* For who restores what is stored, round by round: goes on to the next one, of which nothing may be known (a
 * hole), puts ends' cells into it, and ends it after the last. An end that got none in a round begins anew. */
void pulse_restore_round(struct core *core, uint32_t number, bool hole);
void pulse_restore(struct core *core, struct end *end, const uint16_t all[PULSE_FIELDS]);
void pulse_restore_end(struct core *core);

/* Steps, when a cell is over. */
void pulse_add(struct core *core);
void pulse_free(struct core *core, struct end *end);
/* Rounds are counted from now on: what the time since the last one held is not known. */
void pulse_begin_rounds(struct core *core);
/* Adds the cells of age [from, to), 0 being the newest. */
void pulse_sum(const struct core *core, const struct end *end, uint32_t from, uint32_t to, struct flow *into);
