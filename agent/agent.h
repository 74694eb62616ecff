/* The agent at work: takes the probe's events, keeps the rows, and reports on time. Everything runs
 * on one loop; the order of construction is in main.c, since the link must be forked first. */
#pragma once

#include "proto/base.h"
#include "proto/loop.h"

struct agent;
struct config;
struct executor;
struct host;
struct probe;
struct uplink;

/* Everything given stays the caller's. */
struct agent_parts {
        struct loop *loop;
        struct probe *probe;
        struct uplink *uplink;
        struct executor *executor; /* NULL: nothing can be done here */
        const struct host *host;
        const struct config *config;
        uint64_t log_size; /* of the coordinator's audit log, as it was seen last */
};

MUST_CHECK int agent_new(const struct agent_parts *parts, struct agent **ret_agent);
/* Sends the final report first if the agent was started. */
void agent_free(struct agent **agent);

/* Starts the probe and reports all that was there before. */
MUST_CHECK int agent_start(struct agent *agent);
/* Takes over a configuration that was read again; the old one may be freed afterwards. */
MUST_CHECK int agent_reconfigure(struct agent *agent, const struct config *config);
