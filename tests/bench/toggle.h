/* Something whose cost is measured by turning it on and off: our probes, each in a process of its
 * own that drains and sweeps them as the agent does but ten times as often, or a peer's program. */
#pragma once

#include "proto/base.h"
#include <sys/types.h>

struct toggle;

enum toggle_state { TOGGLE_OFF, TOGGLE_ON, TOGGLE_RAISED /* turnarounds too, continuously */ };

/* -ENOTSUP with a sentence where the kernel cannot run it. */
MUST_CHECK int toggle_probe(struct toggle **ret_toggle, const char **ret_why);
/* A program that is started and killed; it is on once it holds BPF programs that are attached. */
MUST_CHECK int toggle_peer(const char *const *arguments, struct toggle **ret_toggle, const char **ret_why);
void toggle_free(struct toggle **toggle);

MUST_CHECK int toggle_set(struct toggle *toggle, enum toggle_state state);

/* Time and runs of its programs in the kernel since they were loaded; needs kernel_time_enable(). */
struct kernel_time {
        uint64_t ns, runs;
};
MUST_CHECK int kernel_time_enable(int *ret_fd);
struct kernel_time toggle_kernel_time(const struct toggle *toggle);
pid_t toggle_process(const struct toggle *toggle);
