#include "coordinator/policy.h"
#include "coordinator/policy_keys.h"

#include <stdlib.h>
#include <string.h>

void policy_defaults(struct policy *ret_policy)
{
        *ret_policy = (struct policy){ 0 };
        /* Numbers alone need no memory: only a default that is none could fail. */
        if (yaml_config_defaults(policy_keys, policy_keys_count, ret_policy) < 0)
                abort();
}

static const char *const rungs[RUNGS] = { "shadow", "propose", "alone_small", "alone" };
static const char *const classes[CLASSES] = { "reversible", "compensable", "one_way" };

const char *rung_name(enum rung rung)
{
        return rungs[rung];
}

bool rung_find(const char *name, enum rung *ret_rung)
{
        for (int i = 0; i < RUNGS; i++)
                if (strcmp(rungs[i], name) == 0) {
                        *ret_rung = (enum rung)i;
                        return true;
                }
        return false;
}

const char *class_name(enum action_class class)
{
        return classes[class];
}

bool class_find(const char *name, enum action_class *ret_class)
{
        for (int i = 0; i < CLASSES; i++)
                if (strcmp(classes[i], name) == 0) {
                        *ret_class = (enum action_class)i;
                        return true;
                }
        return false;
}
