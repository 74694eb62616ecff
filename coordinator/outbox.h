/* Orders on their way to agents: each with the number by which its agent acknowledges it, told again until there is an
 * answer, and gone when it is due no more. A lost poll, a lost answer, an agent or a coordinator that began anew come
 * to the same: it is told again, under a new number, and the agent knows it by its key. */
#pragma once

#include "coordinator/acting.h"

#define OUTBOX_MAX 256u
#define OUTBOX_OF_HOST 8u /* are told in one answer */

struct outbox;

struct outgoing {
        struct order order; /* its plan is NULL, its durations are from `at` on */
        char host[NAME_MAX_HOST + 1];
        int64_t at;
        uint64_t id; /* of the command; 0: not told yet */
        uint64_t session;
        int64_t told_at;
        uint64_t log_size; /* of the audit log whose checkpoint went with it */
};

MUST_CHECK int outbox_new(struct outbox **ret_outbox);
void outbox_free(struct outbox **outbox);
/* Those that are due at `now`, in place of those before. True if there is one among them that is new. */
bool outbox_take(struct outbox *outbox, const struct order *orders, size_t count, int64_t now);
/* Whether there is something to be told to a host that has acknowledged commands up to this number in this session. */
bool outbox_has(const struct outbox *outbox, const char *host, uint64_t session, uint64_t acknowledged, int64_t now);
/* The largest log that a host was told of by what it has acknowledged: it has seen that one, though it may not have
 * said so yet. 0: none of late. */
uint64_t outbox_log_size(const struct outbox *outbox, const char *host, uint64_t session, uint64_t acknowledged, int64_t now);
/* A poll that asks for orders. */
struct outbox_poll {
        const char *host;
        uint64_t session, acknowledged;
        uint64_t issued; /* the largest number of a command that others gave this host */
        int64_t wall;    /* numbers begin with it */
};
/* Hands those out, at most OUTBOX_OF_HOST, by rising number; all numbers are above those that this host was given, and
 * those that it is believed to have acknowledged: what another host says is of no concern. They are the outbox's until
 * the next call. */
size_t outbox_tell(struct outbox *outbox, const struct outbox_poll *poll, int64_t now, struct outgoing **ret_outgoing);
