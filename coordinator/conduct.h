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
struct log_index;
struct seen;

/* Takes back what the log says. `core` and `audit`, which somebody else keeps published and recovers, must outlive
 * it. -ENOMEM. */
MUST_CHECK int conduct_new(const struct core *core, struct audit *audit, struct conduct **ret_conduct);
void conduct_free(struct conduct **conduct);

/* By which is decided from the next tick on, once it is an entry of the log. Until this is called, the defaults. */
void conduct_set_policy(struct conduct *conduct, const struct policy *policy);

/* About once a second, while the core is not at work. Between ticks time is that of the last one, or later. */
void conduct_tick(struct conduct *conduct, int64_t wall, int64_t monotonic);

/* A person's word takes effect, or `ret_why` says why not: -ENOENT, -EPERM, -EROFS (the log takes nothing). */
MUST_CHECK int conduct_say(struct conduct *conduct, int64_t now, const struct word *word, char ret_why[PLAN_WHY_MAX]);

const struct acting *conduct_acting(const struct conduct *conduct);
/* Of an incident; -ENOENT. */
MUST_CHECK int conduct_outlook(const struct conduct *conduct, int64_t now, uint64_t incident, struct outlook *ret_outlook);
/* What the log says of each incident, as of the last tick. */
const struct log_index *conduct_log(const struct conduct *conduct);
/* So many hosts looked sick at once, when it last looked, that the observer is suspect; 0: they do not. */
uint32_t conduct_doubts(const struct conduct *conduct, uint32_t *ret_hosts);
/* NULL, or why nothing can be decided. */
const char *conduct_refusal(const struct conduct *conduct);
