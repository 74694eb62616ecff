/* The names of containers and pods, from what can be read on this host: the runtimes' own state and
 * the process's environment. Everything read is of another's making: bounded, regular files only,
 * and never followed out of the container's root. */
#pragma once

#include "proto/base.h"

struct cgroup_workload;

/* The container's name, for Compose "project/service". -ENOENT where nothing tells. */
MUST_CHECK int workload_container_name(const struct cgroup_workload *workload, char *ret_service, char *ret_instance, size_t size);

/* "namespace/workload", or "workload" where the namespace cannot be read, and the pod's name.
 * -ENOENT where the pod does not tell, or shares the host's name with its network. */
MUST_CHECK int workload_pod_name(const char *proc, uint32_t pid, char *ret_service, char *ret_instance, size_t size);
