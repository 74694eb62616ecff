/* Kinds of records that the core hands to the store, and their version. A record of another version
 * is skipped: counters are cumulative at the agents, so what is lost is history only. */
#pragma once

#define RECORD_VERSION 1

enum record_kind {
        RECORD_HOST = 1,        /* by name */
        RECORD_END,             /* by number */
        RECORD_EDGE,            /* by number */
        RECORD_SLICE,           /* by level and beginning */
        RECORD_META,            /* "core" */
        RECORD_DEPLOYMENT = 16, /* by number */
        RECORD_TRACK,           /* by number */
        RECORD_INCIDENT,        /* by number */
        RECORD_PULSE,           /* by number of the round */
        RECORD_PAST,            /* by number */
        RECORD_PAST_CELLS,      /* by level and number of the cell */
        RECORD_KINDS,
};
