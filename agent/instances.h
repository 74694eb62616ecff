/* Units that are started and stopped by systemctl(1) on behalf of service.scale and service.suspend: the instances
 * 1 to N of a template, or one unit. A unit's state is whether it runs and, of instances, whether it is enabled, that
 * is started by the next boot. Units are always those of the host's own file. */
#pragma once

#include "agent/action.h"

#define INSTANCES_MAX 1000u

enum {
        INSTANCE_RUNS = 1,
        INSTANCE_ENABLED = 2,
        INSTANCE_FIXED = 4, /* whether it is enabled is nothing that can be changed */
};

struct instance {
        uint16_t number; /* 0: the unit itself */
        uint8_t former, wanted;
};

/* What is to be changed, or what may be. */
struct instances {
        char unit[256];
        uint32_t count;
        struct instance items[INSTANCES_MAX];
};

_Static_assert(sizeof(struct instances) <= ACTION_INVERSE_MAX, "what is changed is kept in the journal");

/* Whether the order's number of instances is `now` and one more or less, and one that the file allows. Otherwise -EINVAL with
 * the call's result and sentence set. */
MUST_CHECK int instances_check(struct action_call *call, uint32_t now);

/* Reads unit, or its instances 1 to `last` if it is a template, with `former` and `wanted` as now. *ret_strangers is how
 * many others of the template run. -errno with the sentence set. */
MUST_CHECK int instances_read(struct action_call *call, const char *unit, uint32_t last, struct instances *ret,
                              uint32_t *ret_strangers);
/* Leaves only those that are to change. */
void instances_keep_changed(struct instances *instances);

/* The five parts of the contract for what is in `instances`: the drivers find it, and keep it as the inverse. */
void instances_checked(struct action_call *call, const struct instances *instances);
void instances_apply(struct action_call *call);
void instances_verify(struct action_call *call);
void instances_revert(struct action_call *call);
