/* The table of the policy's numbers, by which it is configured, documented, compared, and written into the audit log. */
#pragma once

#include "coordinator/policy.h"
#include "proto/yaml_config.h"

#include <jansson.h>

extern const struct yaml_config_key policy_keys[]; /* offsets into struct policy */
extern const size_t policy_keys_count;

bool policy_same(const struct policy *a, const struct policy *b);
/* Each number in the order of the table, in its own size. */
void policy_visit(const struct policy *policy, void (*function)(void *data, const void *value, size_t size), void *data);
/* What numbers that are right by themselves must not be together: NULL, or a sentence and the key it is about. */
const char *policy_expected(const struct policy *policy, const char **ret_key);

/* {"limits.cool_down": 900000000000, ...}: times in nanoseconds. The caller owns it; NULL: no memory. */
json_t *policy_to_json(const struct policy *policy);
/* What is missing is as by default: it was not known when that was written. -EBADMSG: something is unknown, or no number. */
MUST_CHECK int policy_from_json(const json_t *json, struct policy *ret_policy);
