/* The limits within which is acted, and how authority is earned. Every number is configurable and has a
 * default; none of them means "unlimited". Times are nanoseconds. */
#pragma once

#include "proto/base.h"

enum action_class { CLASS_REVERSIBLE, CLASS_COMPENSABLE, CLASS_ONE_WAY, CLASSES };
/* What a lapsed lease means to the agent that holds it. */
enum action_lapse { LAPSE_REVERT, LAPSE_HOLD };

enum rung { RUNG_SHADOW, RUNG_PROPOSE, RUNG_ALONE_SMALL, RUNG_ALONE, RUNGS };

/* A sequential test (Wald, "Sequential Tests of Statistical Hypotheses", 1945): right with p0 is too little,
 * with p1 enough; alpha bounds how often too little passes, beta how often enough fails. */
struct trial {
        double p0, p1, alpha, beta;
};

struct policy {
        struct trial trials[RUNGS - 1]; /* from this rung to the next */
        double alpha_shrinks;           /* each further attempt at a trial has alpha times this */
        int64_t decays_after;           /* unused for so long, a unit falls a rung; and again */
        int64_t correlated_within;      /* of one cause, successes in this time count once */

        int64_t evidence_max_age;
        double confidence_min; /* of a cause that a remedy needs */
        double sick_share;     /* more hosts than this look sick for other reasons: act on none */
        uint32_t sick_min;     /* ... if they are so many */

        int64_t proposal_lives, approval_lives, order_lives, answer_within, revert_within, undo_within;
        int64_t lease_margin; /* of a lease, beyond the deadline of the prediction */

        uint32_t ramp_first, ramp_factor, ramp_most; /* instances of a wave: 1, 2, 4 */
        uint32_t share_percent;                      /* of a service's instances at a time; one always may, */
        uint32_t min_healthy;                        /* if so many are left that are not being acted on */
        int64_t barriers_age;                        /* a rollback across a deployment this old, where no barriers
                                                      * are declared, takes a person's word */
        uint32_t attempts_most;                      /* a target, a day; then it takes a person's word */
        int64_t cool_down;                           /* of a target */
        uint32_t hourly[CLASSES], daily[CLASSES];    /* targets, of a class */
        uint32_t service_hourly, host_hourly, zone_hourly, fleet_hourly;
        uint32_t class_at_once, host_at_once, zone_at_once, fleet_at_once; /* targets that are not verified yet */
};

void policy_defaults(struct policy *ret_policy);

const char *rung_name(enum rung rung); /* "alone_small" */
bool rung_find(const char *name, enum rung *ret_rung);
const char *class_name(enum action_class class); /* "one_way" */
bool class_find(const char *name, enum action_class *ret_class);
