/* The part of the host that an agent watches: a cgroup subtree, or everything. */
#pragma once

#include "proto/base.h"

/* The id of a cgroup and its depth below the root of the default hierarchy. `path` begins at that
 * root ("/system.slice/nginx.service") or is one in the file system. -EINVAL with a sentence. */
MUST_CHECK int scope_resolve(const char *path, uint64_t *ret_id, uint32_t *ret_level, const char **ret_why);

/* True in a container with a process and a cgroup namespace of its own: what runs beside it is none
 * of its business, and its scope without being told is "/", the root of its own namespace. An agent
 * that shares the machine's process namespace, as a Kubernetes daemon set does, watches everything. */
bool scope_is_confined(void);
