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
