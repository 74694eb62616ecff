/* What came and never went back. Looking back from now, the lowest value since each moment is a staircase
 * that only rises: all that comes and goes lies above it, and each of its steps is something that came at
 * that time and is still there. A leak climbs it one by one; a pool or a cache that breathes does not.
 * Pure. */
#pragma once

#include "coordinator/series.h"

#define ACCUMULATED_TIMES_MAX 64

struct accumulated {
        double base, rise;                    /* where the staircase began, and how much it rose */
        double first_rise;                    /* of that with its first step */
        int64_t first, last;                  /* its first and last step; 0: none */
        int64_t times[ACCUMULATED_TIMES_MAX]; /* of the latest steps, newest first */
        size_t times_count;
};

/* From `from` to `to`; what did not stay for the last `within` does not count. `every` is how often the signal
 * is measured. False if there is too little of the last `within` to say. */
bool accumulated(const struct series *series, int64_t from, int64_t to, int64_t within, int64_t every,
                 struct accumulated *ret_accumulated);
