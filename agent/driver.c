#include "agent/driver.h"

#include "agent/config_services.h"
#include "agent/process_read.h"
#include "agent/unit.h"

#include <string.h>

#define TIMEOUT_NS (60 * NSEC_PER_SEC)
#define STEPS_NS (60 * NSEC_PER_SEC)
#define LEASE_NS (24 * 3600 * NSEC_PER_SEC)

static const struct action_driver *driver_of(const struct action_call *call)
{
        const struct action *action = action_find((enum action_kind)call->order->kind);

        return call->service && !action->forbids(call->service) ? action->driver(call->service) : NULL;
}

void driver_check(struct action_call *call)
{
        driver_of(call)->check(call);
}

void driver_inverse(struct action_call *call)
{
        driver_of(call)->inverse(call);
}

void driver_apply(struct action_call *call)
{
        driver_of(call)->apply(call);
}

/* What was done is still in the journal when the file does not know the service any more. */
static const struct action_driver *still(struct action_call *call)
{
        const struct action_driver *driver = driver_of(call);

        if (!driver)
                action_failed(call, ACTION_REASON_NOT_ALLOWED, "the file does not say any more how this is done to this service");
        return driver;
}

void driver_verify(struct action_call *call)
{
        const struct action_driver *driver = still(call);

        if (driver)
                driver->verify(call);
}

void driver_revert(struct action_call *call)
{
        const struct action_driver *driver = still(call);

        if (driver)
                driver->revert(call);
}

const struct action_driver *driver_find(const struct action_driver *const *drivers, size_t count, const char *name)
{
        for (size_t i = 0; i < count; i++)
                if (strcmp(drivers[i]->name, name) == 0)
                        return drivers[i];
        return NULL;
}

int driver_check_targets(struct action_call *call, const char *unit)
{
        if (call->order->targets_count == 0) {
                action_unchanged(call, ACTION_REASON_NO_TARGETS, "the order names no process");
                return -EINVAL;
        }
        for (uint32_t i = 0; i < call->order->targets_count; i++) {
                const struct executor_target *target = &call->order->targets[i];
                char its[CGROUP_NAME_SIZE];
                struct process_stat ps;

                /* The unit first: a process that is another one by then is seen as such. */
                if (unit_of_process(target->pid, its) < 0 || process_read_stat("/proc", target->pid, target->start_ns, &ps) < 0) {
                        action_unchanged(call, ACTION_REASON_MISMATCH, "process %u is another one than that of the plan",
                                         target->pid);
                        return -EINVAL;
                }
                if (!cgroup_unit_is(its, unit)) {
                        action_unchanged(call, ACTION_REASON_MISMATCH, "process %u is not of the unit %s", target->pid, unit);
                        return -EINVAL;
                }
        }
        return 0;
}

const struct service_commands *driver_commands_of(const struct action_call *call)
{
        switch (call->order->kind) {
        case ACTION_SERVICE_ROLLBACK:
                return &call->service->rollback.commands;
        case ACTION_SERVICE_SCALE:
                return &call->service->scale.commands;
        case ACTION_SERVICE_SUSPEND:
                return &call->service->suspend.commands;
        default:
                return NULL;
        }
}

int64_t driver_timeout(const struct service_commands *commands)
{
        return commands && commands->timeout ? commands->timeout : TIMEOUT_NS;
}

bool driver_one_way(const struct service *service)
{
        return !service->restart_safe.present;
}

int64_t driver_lease_max(const struct service *service)
{
        (void)service;
        return LEASE_NS;
}

int64_t driver_patience(const struct service *service, const struct service_commands *commands)
{
        return 4 * driver_timeout(commands) + service->restart_safe.drain_timeout + service->restart_safe.ready_within + STEPS_NS;
}
