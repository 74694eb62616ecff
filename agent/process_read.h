/* What /proc says about one process. Everything may be gone at any moment: then it is -ENOENT or
 * -ESRCH, and nothing was changed. */
#pragma once

#include "proto/base.h"

struct process_stat {
        uint32_t parent;
        uint32_t threads;
        uint64_t cpu_ns;
        uint64_t rss_bytes;
};

/* `start_ns` is when it started, CLOCK_BOOTTIME: another process of the same number is -ESRCH. */
MUST_CHECK int process_read_stat(const char *proc, uint32_t pid, uint64_t start_ns, struct process_stat *ret_stat);
/* Number of open files; 0 where it cannot be told. Before Linux 6.2 they have to be counted: then at
 * most `most` are. */
uint32_t process_read_files(const char *proc, uint32_t pid, uint32_t most);
/* Soft limit of open files; 0 where it cannot be told. */
uint32_t process_read_files_limit(const char *proc, uint32_t pid);
/* True if both are in the same cgroups. */
bool process_same_cgroup(const char *proc, uint32_t a, uint32_t b);
