/* Blocks of half a second or less, in an order in which drift cancels: off, off again, on, raised,
 * raised, on, off again, off. Each round gives two pairs of each kind, and one sample: the ratio of
 * the sums. "Off again" against "off" is the A/A. Costs in per cent of the rate. */
#pragma once

#include "tests/bench/figure.h"
#include "tests/bench/toggle.h"

/* Each measurement is taken twice over: by the wall clock, which is what a user feels and what the
 * neighbours on the machine disturb, and by processor time, which they hardly do. On an idle machine
 * whose processors the work keeps busy the two say the same. */
enum clock { CLOCK_WALL, CLOCK_PROCESSOR, CLOCKS };

#define BLOCK_NS (250 * NSEC_PER_MSEC)
#define SETTLE_NS (30 * NSEC_PER_MSEC)

struct blocks {
        const char *name;
        /* Nanoseconds a unit of work. */
        int (*measure)(void *data, int64_t duration, double ret_costs[CLOCKS]);
        void *data;
        bool raised; /* also with turnarounds on */
        uint32_t rounds;
};

struct blocks_result {
        struct samples off;              /* cost itself, off */
        struct samples same, on, raised; /* ratios to off, less one */
        struct samples same_by, on_by;   /* differences to off, in the unit of the cost */
        struct samples usual;            /* on, and raised for one twentieth of the time: the default tiers */
};

MUST_CHECK int blocks_run(const struct blocks *blocks, struct toggle *toggle, struct blocks_result results[CLOCKS]);
