/* service.rollback: makes the build run again that ran before. How is the driver's; here is what they share. */
#include "agent/config_services.h"
#include "agent/rollback.h"
#include "agent/unit.h"

#include <string.h>

#define TIMEOUT_NS (60 * NSEC_PER_SEC)
#define LEASE_NS (24 * 3600 * NSEC_PER_SEC)

static const struct rollback_driver *const drivers[] = { &rollback_commands, &rollback_link };

static const struct rollback_driver *driver_of(const struct service *service)
{
        for (size_t i = 0; i < ARRAY_SIZE(drivers); i++)
                if (strcmp(drivers[i]->name, service->rollback.driver) == 0)
                        return drivers[i];
        return NULL;
}

static const char *forbids(const struct service *service)
{
        if (!service->rollback.present)
                return "its rollback is not set";
        return driver_of(service) ? NULL : "this agent does not have the driver of its rollback";
}

/* A rollback restarts: what is lost by that is lost, unless the file says that nothing is. */
static bool one_way(const struct service *service)
{
        return !service->restart_safe.present;
}

static int64_t lease_max(const struct service *service)
{
        (void)service;
        return LEASE_NS;
}

static int64_t patience(const struct service *service)
{
        return 4 * unit_timeout(service) + service->restart_safe.drain_timeout + service->restart_safe.ready_within + TIMEOUT_NS;
}

static void check(struct action_call *call)
{
        driver_of(call->service)->check(call);
}

static void inverse(struct action_call *call)
{
        driver_of(call->service)->inverse(call);
}

static void apply(struct action_call *call)
{
        driver_of(call->service)->apply(call);
}

/* What was done is still in the journal when the file does not know the service any more. */
static bool is_in_file(struct action_call *call)
{
        if (call->service && !forbids(call->service))
                return true;
        action_failed(call, ACTION_REASON_NOT_ALLOWED, "the file does not say any more how this service is rolled back");
        return false;
}

static void verify(struct action_call *call)
{
        if (is_in_file(call))
                driver_of(call->service)->verify(call);
}

static void revert(struct action_call *call)
{
        if (is_in_file(call))
                driver_of(call->service)->revert(call);
}

const struct action action_rollback = {
        .kind = ACTION_SERVICE_ROLLBACK,
        .forbids = forbids,
        .one_way = one_way,
        .lease_max = lease_max,
        .patience = patience,
        .check = check,
        .inverse = inverse,
        .apply = apply,
        .verify = verify,
        .revert = revert,
};
