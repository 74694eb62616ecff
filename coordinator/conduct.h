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
struct wire_command;

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

/* `news` is called when an agent has to be told something: its poll is to be answered. */
void conduct_on_orders(struct conduct *conduct, void (*news)(void *data), void *data);
/* The core took a summary of this host: what it says of orders is written down, and what follows is decided. */
void conduct_heard(struct conduct *conduct, const char *host, int64_t wall);
/* Whether a poll of this session, which has acknowledged commands up to that number, has something to be told. */
bool conduct_has_orders(const struct conduct *conduct, const char *host, uint64_t session, uint64_t acknowledged, int64_t wall);
/* Fills commands for it, at most CONDUCT_ORDERS_MAX, by rising number, and returns how many. What they point to lives until the
 * next call. */
#define CONDUCT_ORDERS_MAX 8
size_t conduct_orders(struct conduct *conduct, const char *host, uint64_t session, uint64_t acknowledged, int64_t wall,
                      struct wire_command *commands);

const struct acting *conduct_acting(const struct conduct *conduct);
/* Of an incident; -ENOENT. */
MUST_CHECK int conduct_outlook(const struct conduct *conduct, int64_t now, uint64_t incident, struct outlook *ret_outlook);
/* What the log says of each incident, as of the last tick. */
const struct log_index *conduct_log(const struct conduct *conduct);
/* So many hosts looked sick at once, when it last looked, that the observer is suspect; 0: they do not. */
uint32_t conduct_doubts(const struct conduct *conduct, uint32_t *ret_hosts);
/* NULL, or why nothing can be decided. */
const char *conduct_refusal(const struct conduct *conduct);
