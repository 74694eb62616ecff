/* service.scale by instances of a template unit, and service.suspend by stopping units.
 *
 * Scaling starts the lowest instances that do not run and stops the highest that do. Where instances can be enabled it
 * enables what it starts and disables what it stops, so that the number outlives a boot. Suspending stops what runs
 * and leaves what the next boot starts as it is. */
#include "agent/config_services.h"
#include "agent/driver.h"
#include "agent/instances.h"

#include <string.h>

static int read(struct action_call *call, const char *unit, int64_t last, struct instances *ret)
{
        uint32_t strangers = 0;
        int r = instances_read(call, unit, (uint32_t)last, ret, &strangers);

        if (r == 0 && strangers > 0) {
                action_unchanged(call, ACTION_REASON_UNSUPPORTED, "%u instances run that are none of 1 to %lld", strangers,
                                 (long long)last);
                return -EINVAL;
        }
        if (r < 0) {
                call->result.outcome = REMEDY_UNCHANGED;
                call->result.reason = ACTION_REASON_UNSUPPORTED;
        }
        return r;
}

static int find_scale(struct action_call *call, struct instances *ret)
{
        uint32_t now = 0, wanted = call->order->instances;
        int r = read(call, call->service->scale.unit, call->service->scale.max, ret);

        if (r < 0)
                return r;
        for (uint32_t i = 0; i < ret->count; i++)
                now += (ret->items[i].former & INSTANCE_RUNS) != 0;
        r = instances_check(call, now);
        if (r < 0)
                return r;
        for (uint32_t i = 0; i < ret->count && now < wanted; i++)
                if (!(ret->items[i].former & INSTANCE_RUNS)) {
                        ret->items[i].wanted = INSTANCE_RUNS | (ret->items[i].former & INSTANCE_FIXED ?: INSTANCE_ENABLED);
                        now++;
                }
        for (uint32_t i = ret->count; i-- > 0 && now > wanted;)
                if (ret->items[i].former & INSTANCE_RUNS) {
                        ret->items[i].wanted = ret->items[i].former & INSTANCE_FIXED;
                        now--;
                }
        instances_keep_changed(ret);
        return 0;
}

static int find_suspend(struct action_call *call, struct instances *ret)
{
        int r = read(call, call->service->suspend.unit, call->service->suspend.max, ret);

        if (r < 0)
                return r;
        for (uint32_t i = 0; i < ret->count; i++)
                ret->items[i].wanted = ret->items[i].former & (uint8_t)~INSTANCE_RUNS;
        instances_keep_changed(ret);
        if (ret->count > 0)
                return 0;
        action_unchanged(call, ACTION_REASON_CHANGED, "it does not run");
        return -EINVAL;
}

static int find(struct action_call *call, struct instances *ret)
{
        return call->order->kind == ACTION_SERVICE_SCALE ? find_scale(call, ret) : find_suspend(call, ret);
}

static void check(struct action_call *call)
{
        struct instances found;

        if (find(call, &found) == 0 && driver_check_targets(call, found.unit) == 0)
                instances_checked(call, &found);
}

static void inverse(struct action_call *call)
{
        struct instances *to = (struct instances *)(void *)call->inverse;

        memset(to, 0, sizeof(*to));
        if (find(call, to) < 0)
                return;
        instances_checked(call, to);
        call->inverse_size = sizeof(*to);
}

const struct action_driver driver_scale = {
        "systemd-template", check, inverse, instances_apply, instances_verify, instances_revert
};
const struct action_driver driver_suspend = { "systemd", check, inverse, instances_apply, instances_verify, instances_revert };
