/* What this host and this run of the agent are called: constant while the agent runs. */
#pragma once

#include "proto/base.h"

struct host {
        char name[256];
        char id[64]; /* machine id */
        char boot_id[64];
        char kernel[128];       /* release */
        uint32_t pid_namespace; /* of /proc, by inode number; 0: the first one */
        uint64_t session;       /* random */
        int64_t started;        /* monotonic */
};

/* `name` is what the user asked for, or NULL for the host's own. -EIO without randomness. */
MUST_CHECK int host_read(const char *name, struct host *ret_host);

/* What to add to a time since boot (CLOCK_BOOTTIME) to have wall clock: the same each time, so that
 * when a process started names it, until somebody sets the clock. */
int64_t host_boot_offset(void);

/* Wall clock of a monotonic moment by the clocks as they stand now, so that a clock that was set
 * right later also sets right what happened before. `offset` is clock_wall() - clock_monotonic(). */
static inline int64_t host_wall(int64_t offset, int64_t monotonic)
{
        return monotonic + offset;
}
