/* What an agent says of actions: what its host's file lets be done to which service, and what became of orders. Part
 * of the core: kept as it was told, and judged by others (dispatch.h). Both are of one session; an agent that began
 * anew tells all of it again. */
#pragma once

#include "proto/action.h"

#define HOST_ACTIONS_MAX 512u  /* of orders the one that changed longest ago goes first */
#define HOST_PERMITS_MAX 4096u /* as many as travel */

struct core;
struct host;
struct identity;
struct summary;
struct text;

struct host_action {
        struct action_key key;
        uint64_t epoch, sequence; /* sequence: of the summary that told it */
        enum action_kind kind;
        enum action_state state;
        enum action_reason reason;
        enum action_verdict verdict;
        int64_t at; /* by the agent's clock */
        int64_t lease_left;
        struct action_digest former;
        char detail[ACTION_DETAIL_SIZE]; /* what the agent said: shown, never interpreted */
};

struct host_permit {
        struct text *service;
        uint32_t kinds;
        bool restart_safe, barriers;
        uint32_t instances_min, instances_max;
};

struct host_actions {
        struct host_action *rows;
        struct host_permit *permits;
        uint32_t rows_count, rows_capacity, permits_count;
        uint64_t permits_sequence, sequence;
        uint64_t checkpoint_size, epoch;
        bool stopped;
};

/* -ENOMEM: nothing of it was taken. */
MUST_CHECK int host_take_actions(struct core *core, struct host *host, const struct summary *summary);
void host_drop_actions(struct core *core, struct host *host);
/* NULL: its agent has said nothing of this order. */
const struct host_action *host_action_find(const struct host *host, struct action_key key);
/* What may be done to the service that this identity is. Only an identity that the host's own file gives has any: what
 * a workload calls itself permits nothing. NULL: nothing may. */
const struct host_permit *host_permit_find(const struct host *host, const struct identity *identity);
