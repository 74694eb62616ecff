/* service.rollback has drivers, each of which is the variable part of the action's contract (agent/action.h): it
 * knows where the service's release is written down and how to make another one run. rollback_NAME.c each. */
#pragma once

#include "agent/action.h"

struct rollback_driver {
        const char *name;
        void (*check)(struct action_call *call);
        void (*inverse)(struct action_call *call);
        void (*apply)(struct action_call *call);
        void (*verify)(struct action_call *call);
        void (*revert)(struct action_call *call);
};

extern const struct rollback_driver rollback_commands, rollback_link;

int64_t rollback_timeout(const struct service *service);
/* Runs what the file declares for before a restart. 0, or -errno with the call's sentence set. */
MUST_CHECK int rollback_drain(struct action_call *call);
/* rollback_unit.c. The main process of the unit; -ESRCH: it does not run. */
MUST_CHECK int rollback_main_pid(struct action_call *call, uint32_t *ret_pid);
MUST_CHECK int rollback_restart(struct action_call *call);
/* Waits until the service is ready, as the file declares it. */
MUST_CHECK int rollback_await_ready(struct action_call *call);
