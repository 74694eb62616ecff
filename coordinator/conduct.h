/* Acting in the daemon: the pure core of acting.h between the graph and the audit log: no decision before its entry is synced, none
 * at all while the log takes none.
 *
 * There is always a conduct, also where the log cannot be read or written: it then refuses, and says why. */
#pragma once

#include "coordinator/acting.h"
#include "coordinator/situation.h"

struct audit;
struct conduct;
struct core;
struct seen;

/* Takes back what the log says. `core` and `audit`, which somebody else keeps published and recovers, must outlive
 * it. -ENOMEM. */
MUST_CHECK int conduct_new(const struct core *core, struct audit *audit, struct conduct **ret_conduct);
void conduct_free(struct conduct **conduct);

/* About once a second, while the core is not at work. Between ticks time is that of the last one, or later. */
void conduct_tick(struct conduct *conduct, int64_t wall, int64_t monotonic);

/* A person's word takes effect, or `ret_why` says why not: -ENOENT, -EPERM, -EROFS (the log takes nothing). */
MUST_CHECK int conduct_say(struct conduct *conduct, int64_t now, const struct word *word, char ret_why[PLAN_WHY_MAX]);

const struct acting *conduct_acting(const struct conduct *conduct);
/* Of an incident; -ENOENT. */
MUST_CHECK int conduct_outlook(const struct conduct *conduct, int64_t now, uint64_t incident, struct outlook *ret_outlook);
/* NULL, or why nothing can be decided. */
const char *conduct_refusal(const struct conduct *conduct);
