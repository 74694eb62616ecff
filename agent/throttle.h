/* How long the cgroup of a process was kept from the processor by its own quota. */
#pragma once

#include "proto/base.h"

/* The file that tells, from the text of /proc/PID/cgroup (which is changed): of the cpu controller where
 * that has a hierarchy of its own, else of the default one. `mounts` is "/sys/fs/cgroup" but in tests.
 * -ENOENT: there is none. */
MUST_CHECK int throttle_path(const char *mounts, char *proc_text, char *ret_path, size_t size);

/* Nanoseconds, cumulative, over all processors. -ENOENT: nothing tells, as where no quota is possible. */
MUST_CHECK int throttle_read(const char *path, uint64_t *ret_ns);
