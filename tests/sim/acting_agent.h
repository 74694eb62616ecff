/* The executor of a simulated host: the real core of agent/remedy_core.c, with a journal that survives and a memory that
 * does not. What it changes is the host's; what it says are rows of a summary. It knows nothing of coordinators, and
 * nothing here is of the coordinator's rooms. */
#pragma once

#include "proto/summary.h"

struct aw_agent;

struct aw_agent_limits {
        int64_t per_hour, concurrent, cooldown;
};

/* The host that it is on. */
struct aw_agent_host {
        void *data;
        /* What runs there, as a number. */
        uint64_t (*value)(void *data, uint32_t service);
        /* The process that was named is there as it was named. */
        bool (*is_there)(void *data, uint32_t service, const struct action_target *target);
        /* Something is changed; the value afterwards is `value`. */
        void (*change)(void *data, const struct action_dispatch *order, uint32_t service);
        /* False: it cannot be undone. */
        bool (*restore)(void *data, struct action_key key, uint32_t service, uint64_t former);
        /* Asked between any two things: from then on nothing is done any more, until aw_agent_start(). */
        bool (*dies)(void *data);
};

/* NULL: out of memory. `services` are numbers from 0, called "sNN". */
struct aw_agent *aw_agent_new(const struct aw_agent_host *host, const struct aw_agent_limits *limits);
void aw_agent_free(struct aw_agent **agent);
/* It lives again, and knows what its journal says. False: it died once more. */
bool aw_agent_start(struct aw_agent *agent, int64_t now);
/* An order that came over the wire. `one_way`, `temporary`: by the host's own file and the action. */
bool aw_agent_order(struct aw_agent *agent, const struct action_dispatch *order, bool one_way, bool temporary, int64_t now);
bool aw_agent_tick(struct aw_agent *agent, int64_t now);
/* The highest epoch that it has written down: what it had not when it died it has not heard. */
uint64_t aw_agent_heard(const struct aw_agent *agent);
/* What it has not said yet, or all that it knows. The rows live until the next call. */
size_t aw_agent_rows(struct aw_agent *agent, bool all, struct summary_action **ret_rows);
