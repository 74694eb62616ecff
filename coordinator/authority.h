/* Earned authority: how far each unit of trust may go, by what came of what it did before. A unit is
 * (signature × action × environment × version), the version a digest of what decides. Pure: changes only by
 * the functions below, each told the time.
 *
 * The four rungs are steps with a sequential test (policy.h) from each to the next. A success adds
 * ln(p1/p0) to the score of the test of the present rung, a failure ln((1-p1)/(1-p0)); at ln((1-beta)/alpha) the unit
 * climbs, at ln(beta/(1-alpha)) it falls. A test that failed begins anew with alpha times `alpha_shrinks`, and so
 * does the lower one after a fall by demotion: alphas of all attempts add up to a bound, so that retries cannot
 * buy a promotion.
 *
 * A failure above propose demotes at once, by one rung, whatever the score says, and counts in the test of the
 * rung it fell from, which goes on from there when that rung is reached again. At propose a person decides each
 * time, and a failure costs what the test says. Successes with one cause within an hour count once;
 * failures always.
 *
 * Nothing is known of a unit until something came of it or an operator spoke: it is at propose. One-way actions
 * are never above propose. A grant raises, a cap lowers, both end by themselves; the lower of two says what
 * holds, and a demotion ends a grant: what was lent was lost. */
#pragma once

#include "coordinator/digest.h"
#include "coordinator/policy.h"

#define UNIT_SIGNATURE_MAX 64
#define UNIT_ACTION_MAX 32
#define UNIT_ENVIRONMENT_MAX 64
#define AUTHORITY_UNITS_MAX 4096
#define AUTHORITY_CAUSES 8 /* that are remembered, of late */

struct unit_key {
        char signature[UNIT_SIGNATURE_MAX + 1];
        char action[UNIT_ACTION_MAX + 1];
        char environment[UNIT_ENVIRONMENT_MAX + 1];
        uint8_t version[DIGEST_SIZE];
};

/* By an operator's word. */
struct mandate {
        bool set;
        enum rung rung;
        int64_t until;
        char by[64], why[240];
};

struct unit {
        struct unit_key key;
        enum rung rung; /* earned */
        struct {
                double score;
                uint32_t failed; /* attempts before this one */
        } trials[RUNGS - 1];
        uint32_t successes, failures;
        int64_t since, used_at; /* first and last verdict */
        struct mandate grant, cap;
        struct {
                uint64_t cause;
                int64_t at;
        } causes[AUTHORITY_CAUSES]; /* of successes that counted, a ring */
        uint32_t causes_next;
};

struct authority {
        struct unit *units; /* in the order of their first mention */
        uint32_t count, capacity;
};

void authority_free(struct authority *authority);
const struct unit *authority_find(const struct authority *authority, const struct unit_key *key);

/* What the unit may do now. NULL: one of which nothing is known. */
enum rung authority_rung(const struct policy *policy, const struct unit *unit, enum action_class class, int64_t now);
/* The same without any mandate. */
enum rung authority_earned(const struct policy *policy, const struct unit *unit, int64_t now);

/* A verdict. `cause` names what brought the incident about. -ENOMEM, -ENOSPC: there are too many units. */
MUST_CHECK int authority_succeed(struct authority *authority, const struct policy *policy, const struct unit_key *key,
                                 uint64_t cause, int64_t now);
MUST_CHECK int authority_fail(struct authority *authority, const struct policy *policy, const struct unit_key *key, int64_t now);
/* An operator's word; `cap`: at most, else at least. `until` is required. */
MUST_CHECK int authority_mandate(struct authority *authority, const struct unit_key *key, bool cap, const struct mandate *mandate);

/* Successes in a row that are missing to the next rung; 0 at the highest. */
uint32_t authority_missing(const struct policy *policy, const struct unit *unit, int64_t now);
/* At the rate of its successes so far; 0: cannot be said. */
int64_t authority_expected(const struct policy *policy, const struct unit *unit, int64_t now);
/* Of the test of the present rung: where it is, and where it ends. */
struct authority_score {
        double score, lower, upper;
};
struct authority_score authority_score(const struct policy *policy, const struct unit *unit, int64_t now);
