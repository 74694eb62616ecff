/* service.rollback: makes the build run again that ran before. How is the driver's; here is what they share. */
#include "agent/config_services.h"
#include "agent/driver.h"

#define STEPS_NS (60 * NSEC_PER_SEC)
#define LEASE_NS (24 * 3600 * NSEC_PER_SEC)

static const struct action_driver *driver(const struct service *service)
{
        static const struct action_driver *const drivers[] = { &driver_link, &driver_drop_in, &driver_commands };

        return driver_find(drivers, ARRAY_SIZE(drivers), service->rollback.driver);
}

static const char *forbids(const struct service *service)
{
        return service->rollback.present ? NULL : "its rollback is not set";
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
        return 4 * driver_timeout(&service->rollback.commands) + service->restart_safe.drain_timeout +
               service->restart_safe.ready_within + STEPS_NS;
}

const struct action action_rollback = {
        .kind = ACTION_SERVICE_ROLLBACK,
        .driver = driver,
        .forbids = forbids,
        .one_way = one_way,
        .lease_max = lease_max,
        .patience = patience,
        .check = driver_check,
        .inverse = driver_inverse,
        .apply = driver_apply,
        .verify = driver_verify,
        .revert = driver_revert,
};
