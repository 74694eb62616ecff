/* A plan: what exactly is to be done for an incident, to whom, in which waves, and what should come of it. Made
 * from a situation by a pure function; the same situation and policy give the same plan, and its digest names
 * it. Whoever approves a plan approves that digest: a plan that would now be another needs a new word. */
#pragma once

#include "coordinator/authority.h"
#include "coordinator/situation.h"

#define PLAN_TARGETS_MAX 64
#define PLAN_WHY_MAX 240

struct action;

struct plan_target {
        char host[NAME_MAX_HOST + 1];
        char boot_id[40];
        char build[NAME_MAX_BUILD + 1];
        char zone[64];
        uint32_t pid;
        int64_t started;
        /* Not part of what is approved, as they move: */
        uint32_t instances; /* of the service on this host, */
        double bound;       /* and what the prediction came to there when it was made; NaN: not known */
};

struct plan {
        uint64_t incident;
        char signature[65];
        char service[NAME_MAX_SERVICE + 1];
        const struct action *action; /* static */
        enum action_class class;
        struct unit_key unit; /* whose authority it takes */
        char cause[16], cause_ref[128];
        uint64_t cause_key;
        char from_build[NAME_MAX_BUILD + 1], to_build[NAME_MAX_BUILD + 1]; /* "" unless the cause is a deployment */
        struct prediction predicts;
        bool barriers_unknown;       /* a rollback, by far, where nobody marks what it must not cross */
        struct plan_target *targets; /* in the order in which they come; owned */
        uint32_t count;
        uint32_t most;      /* it was cut to so many; 0: it was not */
        uint32_t instances; /* of the service in all */
        uint64_t service_key;
        uint64_t cone[SITUATION_CONE_MAX];
        uint32_t cone_count;
        bool cone_whole;
        uint8_t digest[DIGEST_SIZE];
};

/* -ENOENT with the reason in `ret_why` when there is nothing that may be done (and an empty set of targets is
 * such a reason); -ENOMEM. `most`: cut to so many targets, 0 for all. */
MUST_CHECK int plan_make(const struct policy *policy, const struct situation *situation, uint32_t remedy, uint32_t most,
                         struct plan *ret_plan, char ret_why[PLAN_WHY_MAX]);
void plan_free(struct plan *plan);
MUST_CHECK int plan_copy(const struct plan *plan, struct plan *ret_plan);
/* Fills the digest. -ENOMEM. */
MUST_CHECK int plan_seal(struct plan *plan);

/* Why an order of it could not be given for any target: the plan does not say what the agent would have to be told. NULL:
 * it can be. */
const char *plan_cannot(const struct action *action, const char *service);

/* The version of a unit. -ENOMEM. */
MUST_CHECK int plan_version(const struct policy *policy, const uint8_t signature[DIGEST_SIZE], const struct action *action,
                            uint8_t ret_version[DIGEST_SIZE]);

/* The target is not there any more as it was, or no longer one for this plan. */
bool plan_target_gone(const struct plan *plan, uint32_t target, const struct situation *situation, char ret_why[PLAN_WHY_MAX]);
/* It is there, and was heard of in full of late. */
bool plan_target_stands(const struct plan *plan, uint32_t target, const struct situation *situation, char ret_why[PLAN_WHY_MAX]);
/* How many instances of the service are out while this is done to the target: what stops a service stops all of its
 * processes on a host. */
uint32_t plan_weight(const struct plan *plan, uint32_t target);
/* How many come with the wave that begins at target `from`. */
uint32_t plan_wave(const struct policy *policy, const struct plan *plan, uint32_t from);
