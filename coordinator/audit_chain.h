/* The evidence chain of an incident as `explain` shows it, in JSON, to be kept. */
#pragma once

#include "proto/base.h"

struct core;

/* The caller frees. -ENOENT: no such incident. */
MUST_CHECK int audit_chain(struct core *core, int64_t now, const char *incident, char **ret_json);
