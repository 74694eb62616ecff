/* Notices that wait to be delivered: what is tried next, when again, and what goes when there is no room. Pure: time and
 * chance are arguments; what has to leave the disk is said by notices_removed().
 *
 * Each is delivered at least once: until its destination has taken it, refused it for good, or it is too old. A
 * destination gets one at a time. After a failure it is left alone for 1 s, 2 s, 4 s, ... up to 5 min, each halved at
 * most by chance; then the one that was tried least often comes first, so that none that is always refused holds up the
 * others. A later notice about the same subject takes the place of an earlier one. What is under way then, or when it is
 * cancelled, may still arrive, and is not tried again, also after a restart. */
#pragma once

#include "proto/base.h"

enum destination { TO_TICKETS, TO_PAGES, TO_COMMAND, DESTINATIONS };
const char *destination_name(enum destination destination);
bool destination_find(const char *name, enum destination *ret_destination);

#define NOTICE_SUBJECT_MAX 64
#define NOTICE_KEY_SIZE 33
#define NOTICE_BODY_MAX (512u << 10)

struct notice {
        uint64_t id; /* rises */
        enum destination to;
        char subject[NOTICE_SUBJECT_MAX];
        char key[NOTICE_KEY_SIZE]; /* the same each time it is tried, also after a restart */
        int64_t made_at;           /* wall clock */
        char *body;                /* JSON; owned */
        size_t size;
        uint32_t attempts;
        bool under_way, cancelled; /* cancelled: only while it is under way */
};

enum delivery { DELIVERY_DONE, DELIVERY_FAILED, DELIVERY_REFUSED };

struct notices;
struct notices_limits {
        uint32_t most;
        uint64_t bytes;
        int64_t keep;
};

MUST_CHECK int notices_new(struct notices **ret_notices);
void notices_free(struct notices **notices);
void notices_limit(struct notices *notices, const struct notices_limits *limits);

/* Copies it; an id of 0 is replaced by the next one. *ret_notice lives until it is removed. -ENOMEM; -E2BIG: the body. */
MUST_CHECK int notices_add(struct notices *notices, const struct notice *notice, const struct notice **ret_notice);
/* What to begin now at this destination; NULL: nothing, or something is under way there. */
const struct notice *notices_next(struct notices *notices, enum destination to, int64_t monotonic);
void notices_begin(struct notices *notices, uint64_t id);
/* `chance` in [0, 1); `after`: the destination asks for as much time, 0 if it does not. */
void notices_end(struct notices *notices, uint64_t id, enum delivery delivery, int64_t after, double chance, int64_t monotonic);
/* Drops what was not delivered about a subject; of what is under way there is no second try. True: there was one that was
 * not under way. */
bool notices_cancel(struct notices *notices, enum destination to, const char *subject);
/* Drops what is too old; how many. */
uint32_t notices_expire(struct notices *notices, int64_t wall);

/* The ids that were removed since, one at a time. */
bool notices_removed(struct notices *notices, uint64_t *ret_id);
/* Those that wait, what is under way and not cancelled included. */
size_t notices_count(const struct notices *notices);
/* Those that had to go for lack of room, so far. */
uint64_t notices_dropped(const struct notices *notices);
/* Failures in a row of a destination. */
uint32_t notices_failures(const struct notices *notices, enum destination to);
