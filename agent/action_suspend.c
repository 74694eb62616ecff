/* service.suspend: stops what runs of a service, for a while; what stood still before stays so. How is the driver's. */
#include "agent/config_services.h"
#include "agent/driver.h"

static const struct action_driver *driver(const struct service *service)
{
        static const struct action_driver *const drivers[] = { &driver_suspend, &driver_commands };

        return driver_find(drivers, ARRAY_SIZE(drivers), service->suspend.driver);
}

static const char *forbids(const struct service *service)
{
        return service->suspend.present ? NULL : "its suspend is not set";
}

static int64_t patience(const struct service *service)
{
        return driver_patience(service, &service->suspend.commands);
}

const struct action action_suspend = {
        .kind = ACTION_SERVICE_SUSPEND,
        .temporary = true,
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
