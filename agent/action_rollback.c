/* service.rollback: makes the build run again that ran before. How is the driver's; here is what they share. */
#include "agent/config_services.h"
#include "agent/driver.h"

static const struct action_driver *driver(const struct service *service)
{
        static const struct action_driver *const drivers[] = { &driver_link, &driver_drop_in, &driver_commands };

        return driver_find(drivers, ARRAY_SIZE(drivers), service->rollback.driver);
}

static const char *forbids(const struct service *service)
{
        return service->rollback.present ? NULL : "its rollback is not set";
}

static int64_t patience(const struct service *service)
{
        return driver_patience(service, &service->rollback.commands);
}

const struct action action_rollback = {
        .kind = ACTION_SERVICE_ROLLBACK,
        .driver = driver,
        .forbids = forbids,
        .one_way = driver_one_way,
        .lease_max = driver_lease_max,
        .patience = patience,
        .check = driver_check,
        .inverse = driver_inverse,
        .apply = driver_apply,
        .verify = driver_verify,
        .revert = driver_revert,
};
