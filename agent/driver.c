#include "agent/driver.h"

#include "agent/config_services.h"

#include <string.h>

#define TIMEOUT_NS (60 * NSEC_PER_SEC)

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
