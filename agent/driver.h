/* Some actions have drivers: each is the variable part of the action's contract (agent/action.h) and knows where the
 * thing that is changed is written down, and how another one is made to count. The host's own file says which.
 *
 * The action names its driver by driver(); driver_check() and the others pass the call on to it. */
#pragma once

#include "agent/action.h"

struct service_commands;

struct action_driver {
        const char *name;
        void (*check)(struct action_call *call);
        void (*inverse)(struct action_call *call);
        void (*apply)(struct action_call *call);
        void (*verify)(struct action_call *call);
        void (*revert)(struct action_call *call);
};

extern const struct action_driver driver_commands;              /* any action: the operator's own commands */
extern const struct action_driver driver_link, driver_drop_in;  /* service.rollback */
extern const struct action_driver driver_scale, driver_suspend; /* by systemd */

void driver_check(struct action_call *call);
void driver_inverse(struct action_call *call);
void driver_apply(struct action_call *call);
void driver_verify(struct action_call *call);
void driver_revert(struct action_call *call);

/* The one of these with the name; NULL. */
const struct action_driver *driver_find(const struct action_driver *const *drivers, size_t count, const char *name);

/* The order names processes, and each is what it was and in the unit, which may be a template, of this host's own manager.
 * Otherwise -EINVAL with the call's result and sentence set: NO_TARGETS, MISMATCH. */
MUST_CHECK int driver_check_targets(struct action_call *call, const char *unit);

/* The commands that the file has for the call's action; NULL for an action that has none. */
const struct service_commands *driver_commands_of(const struct action_call *call);
/* How long one of them may take, or systemd for the same. */
int64_t driver_timeout(const struct service_commands *commands);

/* What they do stops or restarts processes: what these have in memory is lost, unless the file says that nothing is. */
bool driver_one_way(const struct service *service);
int64_t driver_lease_max(const struct service *service);
/* For a step of an action with these commands, or by systemd, with its drain and its readiness. */
int64_t driver_patience(const struct service *service, const struct service_commands *commands);
