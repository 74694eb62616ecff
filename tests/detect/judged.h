/* What the core makes of a night, against what really was. */
#pragma once

#include "coordinator/signature.h"
#include "tests/night/night.h"

#define JUDGED_INCIDENTS 16

struct judged_incident {
        int64_t opened, onset;
        int64_t earliest, likely, latest; /* as stated when it opened; 0: no forecast */
        bool right;                       /* its signature is the fault's, its service the one, and it is the first */
        char signature[64], service[64];
};

struct judged {
        uint64_t seed;
        char story[80];
        bool faulty;
        int64_t from, onset, breach; /* breach: as it came */
        int64_t target;              /* what a forecast could know: as it would have come without restarts */
        uint64_t limit;
        bool found, in_time;     /* in_time: before a quarter of the way from onset to breach */
        bool covered;            /* the target lies in the interval that was stated first */
        double statements_right; /* share of the minutes from then on in which the interval had it */
        int wrong;
        double late;    /* logarithm of how much later it came than what was likely; NaN */
        double seconds; /* of CPU */
        double days;    /* of services */
        struct judged_incident seen[JUDGED_INCIDENTS];
        size_t seen_count;
};

struct judged_options {
        int64_t trace; /* print the pools so often; 0: never */
};

struct judged_sum {
        int nights, faulty, found, in_time, covered, wrong, nights_wrong;
        double statements_right, seconds, days;
        double late[2048];
        int late_count;
};

MUST_CHECK int judged_signatures(struct signature_set **ret_set);
/* `kind` is that of a generator of night.h: payment, variant, leak, healthy. */
MUST_CHECK int judged_night(const char *kind, uint64_t seed, const struct signature_set *set, const struct judged_options *options,
                            struct judged *ret_judged);
void judged_add(struct judged_sum *sum, const struct judged *judged);
void judged_print(const char *kind, const struct judged_sum *sum);
