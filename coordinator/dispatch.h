/* Between acting and the wire: an order as an agent is given it, and what an agent says as acting takes it. Pure; no
 * I/O, no clock.
 *
 * The key of an order follows from the log, the remedy and the target, so that it is the same however often it is told
 * and whoever leads, and another for a plan of another log: an agent that finds it in its journal knows that it was
 * that very order. What names releases and services travels as digests and one name, which the agent looks up in its
 * host's own file. */
#pragma once

#include "coordinator/acting.h"
#include "proto/action.h"

struct host_action;

/* `log` names the audit log, which tells one coordinator's remedies from another's. -ENOMEM. */
MUST_CHECK int dispatch_key(const char *log, const struct plan *plan, uint64_t remedy, uint32_t target, struct action_key *ret_key);
/* Which order a key may be of; acting must be asked whether there is such a one, and dispatch_key() whether it is it. */
void dispatch_meant(struct action_key key, uint64_t *ret_remedy, uint32_t *ret_target);

/* An order with all that it points to. */
struct dispatch {
        struct action_dispatch message;
        struct action_target target;
        char service[ACTION_SERVICE_SIZE];
};

/* `now` is the host's wall clock. The checkpoint is for the caller to add; strings are those of the plan, or static.
 * -ENOTSUP with a sentence: the plan does not say what the action would have to be told; it cannot be given. -ENOMEM. */
MUST_CHECK int dispatch_make(const struct order *order, const char *log, int64_t now, struct dispatch *ret_dispatch,
                             const char **ret_why);

/* What a row of a host's agent is news of; `ret_report` points into `host` and `why`. 1: of that; 0: of nothing, as it is
 * known, of another log's order, or of none that acting knows; -ENOMEM. */
MUST_CHECK int dispatch_report(const struct acting *acting, const char *log, const char *host, const struct host_action *row,
                               struct report *ret_report, char why[PLAN_WHY_MAX]);
/* What the agent's word means for a target in this state; false: nothing, or nothing yet. `changed`: it has said before
 * that it changed something. */
bool dispatch_outcome(const struct host_action *action, enum target_state state, bool changed, enum outcome *ret_outcome,
                      char ret_why[PLAN_WHY_MAX]);
