/* What the files of acting share. */
#pragma once

#include "coordinator/acting.h"
#include "coordinator/action_names.h"

/* A target that was intended: what rates are counted by. */
struct spending {
        int64_t at;
        enum action_class class;
        uint64_t service, host, zone, target;
};

struct acting {
        struct policy policy;
        bool configured; /* the log says so; else it is as acting_new() was given it */
        uint64_t epoch, next_remedy;
        int64_t latest;           /* of a record: time does not go back */
        struct remedy **remedies; /* by rising id */
        uint32_t remedies_count, remedies_capacity;
        struct authority authority;
        struct spending *spendings; /* of the last day, by time */
        uint32_t spendings_count, spendings_capacity;
        struct pause pause;
        struct window windows[WINDOWS_MAX];
        uint32_t windows_count;
        bool behind; /* the log has an entry that could not take effect here: a new life reads it */
};

void remedy_free(struct remedy **remedy);
static inline int64_t acting_time(const struct acting *acting, int64_t now)
{
        return MAX(now, acting->latest);
}
struct remedy *acting_remedy(const struct acting *acting, uint64_t id);
/* A target that may have changed something which is neither verified nor undone. */
bool target_is_out(enum target_state state);

/* acting_follows.c. Whether the record can be applied: 0, -EBADMSG or -ENOSPC (of units of trust); only memory may be
 * missing after that. */
MUST_CHECK int acting_follows(const struct acting *acting, const struct record *record);
/* There is a unit of this key, or room for one. */
bool acting_has_unit(const struct acting *acting, const struct unit_key *key);
/* What an answer says is possible for a target in this state, and news. */
bool target_takes(enum target_state state, enum outcome outcome);
/* It makes room when there is no more. */
bool remedy_may_go(const struct remedy *remedy);
/* The record of a window takes the place of this one, or this one is over. */
bool window_goes(const struct window *window, const struct record *record);

/* acting_limits.c. How many of the wave that begins at `from` have room, at most `count`; 0: `ret_why` says what
 * has none. `ret_limits`: each as computed. */
uint32_t limits_fit(const struct acting *acting, int64_t now, const struct plan *plan, uint32_t from, uint32_t count,
                    char ret_limits[512], char ret_why[PLAN_WHY_MAX]);
/* So that limits_spend() of so many targets cannot fail. -ENOMEM. */
MUST_CHECK int limits_reserve(struct acting *acting, uint32_t count);
void limits_spend(struct acting *acting, const struct remedy *remedy, int64_t now);
/* So many times a target of the plan was acted on within a day; the most of any. */
uint32_t limits_attempts(const struct acting *acting, int64_t now, const struct plan *plan);

/* acting_gate.c: what forbids. NULL, or why. */
const char *gate_window(const struct acting *acting, int64_t now, const struct plan *plan, bool proposing, char why[PLAN_WHY_MAX]);
/* Evidence that is old, incomplete or doubtful. */
const char *gate_evidence(const struct acting *acting, int64_t now, const struct scene *scene, const struct situation *situation,
                          char why[PLAN_WHY_MAX]);
/* All that must be so in the moment of acting on targets `from` to `from` + `count`. */
const char *gate_act(const struct acting *acting, int64_t now, const struct scene *scene, const struct situation *situation,
                     const struct plan *plan, uint64_t remedy, uint32_t from, uint32_t count, char why[PLAN_WHY_MAX]);
/* Why the unit's authority does not reach for this plan. */
const char *gate_alone(const struct acting *acting, int64_t now, const struct plan *plan, enum rung rung, char why[PLAN_WHY_MAX]);
bool scene_leads(const struct acting *acting, const struct scene *scene, int64_t now);
