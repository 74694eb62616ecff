#include "coordinator/policy.h"

#include <string.h>

#define MINUTES (60 * NSEC_PER_SEC)
#define HOURS (60 * MINUTES)
#define DAYS (24 * HOURS)

void policy_defaults(struct policy *ret_policy)
{
        *ret_policy = (struct policy){
                /* From shadow, a unit is tried as hard as from propose: whoever fell has to show it again. */
                .trials = { { .80, .95, .05, .10 }, { .80, .95, .05, .10 }, { .90, .99, .01, .05 } },
                .alpha_shrinks = .1,
                .decays_after = 90 * DAYS,
                .correlated_within = HOURS,
                .evidence_max_age = 2 * MINUTES,
                .confidence_min = .5,
                .cause_within = 10 * MINUTES,
                .sick_share = .5,
                .sick_min = 3,
                .proposal_lives = 24 * HOURS,
                .approval_lives = 10 * MINUTES,
                .order_lives = 30 * NSEC_PER_SEC,
                .answer_within = 5 * MINUTES,
                .revert_within = 10 * MINUTES,
                .undo_within = 24 * HOURS,
                .lease_margin = 2 * MINUTES,
                .ramp_first = 1,
                .ramp_factor = 2,
                .ramp_most = 4,
                .share_percent = 25,
                .min_healthy = 1,
                .barriers_age = 7 * DAYS,
                .attempts_most = 3,
                .cool_down = 15 * MINUTES,
                .hourly = { 20, 4, 2 },
                .daily = { 60, 12, 6 },
                .service_hourly = 12,
                .host_hourly = 4,
                .zone_hourly = 16,
                .fleet_hourly = 24,
                .class_at_once = 6,
                .host_at_once = 1,
                .zone_at_once = 6,
                .fleet_at_once = 8,
        };
}

static const char *const rungs[RUNGS] = { "shadow", "propose", "alone_small", "alone" };
static const char *const classes[CLASSES] = { "reversible", "compensable", "one_way" };

const char *rung_name(enum rung rung)
{
        return rungs[rung];
}

bool rung_find(const char *name, enum rung *ret_rung)
{
        for (int i = 0; i < RUNGS; i++)
                if (strcmp(rungs[i], name) == 0) {
                        *ret_rung = (enum rung)i;
                        return true;
                }
        return false;
}

const char *class_name(enum action_class class)
{
        return classes[class];
}

bool class_find(const char *name, enum action_class *ret_class)
{
        for (int i = 0; i < CLASSES; i++)
                if (strcmp(classes[i], name) == 0) {
                        *ret_class = (enum action_class)i;
                        return true;
                }
        return false;
}
