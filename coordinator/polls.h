/* The long polls that are held: a request of an agent that is answered when there is a command for
 * its host, or empty after some time, so that both sides know that the other one lives.
 *
 * Owns copies of what it needs; a token is answered or dropped exactly once. */
#pragma once

#include "proto/wire.h"

struct polls;

MUST_CHECK int polls_new(struct polls **ret_polls);
void polls_free(struct polls **polls);

struct poll_held {
        uint64_t connection, token, session, acknowledged;
        int64_t until; /* monotonic; the same hold for all, so they end in order */
        const char *host;
};

/* -EBUSY when the connection holds as many as it may. */
MUST_CHECK int polls_hold(struct polls *polls, const struct poll_held *poll);
/* Forgets the polls of a connection that is gone. */
void polls_drop(struct polls *polls, uint64_t connection);
/* Visits polls; those for which `answer` returns true are forgotten. */
void polls_visit(struct polls *polls, bool (*answer)(void *data, const struct poll_held *poll), void *data);
/* When the first one ends, or -1. */
int64_t polls_next(const struct polls *polls);
size_t polls_count(const struct polls *polls);
