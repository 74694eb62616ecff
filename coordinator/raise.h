/* Looking closer: a tier that is raised for one service for a while, where a signature asks for it. The observation has
 * a price on that host, so it is bounded: a few services of a host at once, each for as long as its signature says, and
 * then not again for as long as six times that. The agent ends it by itself at its deadline. Part of the core. */
#pragma once

#include "coordinator/graph.h"

/* Asks the host's agent, which is told with its next poll. What is raised already, was so shortly before, or has no
 * room any more is left as it is. */
void raise_ask(struct core *core, struct host *host, struct service *service, uint32_t tier, int64_t length);
/* Commands that the agent has not acknowledged, by rising id, after the `count` there are; returns how many there are
 * then. */
size_t raise_commands(const struct core *core, const struct host *host, struct wire_command *commands, size_t count);
bool raise_pending(const struct core *core, const struct host *host);
void raise_acknowledged(struct core *core, struct host *host);
/* Whether the host's turnarounds are seen without a break for all, or for none, of a stretch of our time; false where it
 * was for a part. */
bool raise_is_even(const struct host *host, int64_t from, int64_t to, bool *ret_raised);
/* Of the host's HOST_RAISES the one with this index: what is raised at present; NULL: nothing. */
const struct service *raise_at(const struct core *core, const struct host *host, size_t index, uint32_t *ret_tier);
void raises_end(struct core *core, struct host *host);
void raises_drop(struct core *core, struct host *host);
