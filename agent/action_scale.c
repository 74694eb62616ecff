/* service.scale: as many instances as the order says, within what the file allows. How is the driver's. */
#include "agent/config_services.h"
#include "agent/driver.h"

static const struct action_driver *driver(const struct service *service)
{
        static const struct action_driver *const drivers[] = { &driver_scale, &driver_commands };

        return driver_find(drivers, ARRAY_SIZE(drivers), service->scale.driver);
}

static const char *forbids(const struct service *service)
{
        return service->scale.present ? NULL : "its scale is not set";
}

static int64_t patience(const struct service *service)
{
        return driver_patience(service, &service->scale.commands);
}

const struct action action_scale = {
        .kind = ACTION_SERVICE_SCALE,
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
