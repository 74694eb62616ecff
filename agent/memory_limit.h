/* How much memory a process may have: the smallest limit of its cgroup and of those above, or what the host has. */
#pragma once

#include "proto/base.h"

/* Bytes, from the text of /proc/PID/cgroup (which is changed): of the memory controller where that has a hierarchy
 * of its own, else of the default one. `mounts` is "/sys/fs/cgroup" but in tests; `host` is the host's memory. A
 * limit that others share is the whole of it: what they use is not taken off. */
uint64_t memory_limit_read(const char *mounts, char *proc_text, uint64_t host);
/* The host's memory. 0: not known. */
uint64_t memory_limit_host(void);
