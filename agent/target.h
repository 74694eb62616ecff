/* Targets by incarnation, read again in the moment of acting. A process is its pid with the time at which it
 * started and its executable, held by a pidfd so that the number cannot pass to another meanwhile; a cgroup is its
 * inode number, held by a descriptor through which everything below it is reached. What does not fit is a refusal. */
#pragma once

#include "agent/action.h"

struct target_cgroup {
        int fd; /* -1: none */
        uint64_t id;
        char path[512]; /* where it was found */
};

void target_cgroup_close(struct target_cgroup *cgroup);

/* One target of the order is what it was, is of the call's service, and is alive. -EINVAL with the call's result and
 * sentence set: MISMATCH, UNSUPPORTED. */
MUST_CHECK int target_check(struct action_call *call, const struct executor_target *target);
/* All targets of the order are what they were, are of the call's service, and are alive: their cgroup, which must be
 * one for all. On failure the call's result and sentence are set: MISMATCH, NO_TARGETS, UNSUPPORTED. -EINVAL then. */
MUST_CHECK int target_find(struct action_call *call, struct target_cgroup *ret_cgroup);
/* Opens a cgroup that was found before. -ENOENT: it is gone, or another has its place. */
MUST_CHECK int target_cgroup_open(const char *path, uint64_t id, struct target_cgroup *ret_cgroup);
/* The processes in the cgroup and below it are exactly those that the order names. *ret_count is how many there are.
 * Otherwise MORE_TARGETS or MISMATCH is set, and -EINVAL returned. */
MUST_CHECK int target_is_alone(struct action_call *call, const struct target_cgroup *cgroup, uint32_t *ret_count);
/* Both: the cgroup of exactly the processes that the order names, with how many there are as the call's `touched`. */
MUST_CHECK int target_cgroup_find(struct action_call *call, struct target_cgroup *ret_cgroup);
/* A file of the cgroup, terminated; -errno. */
MUST_CHECK int target_cgroup_read(const struct target_cgroup *cgroup, const char *name, char *buffer, size_t size);
MUST_CHECK int target_cgroup_write(const struct target_cgroup *cgroup, const char *name, const char *text);
/* Processor time of all processes that the order names, nanoseconds. */
uint64_t target_cpu_ns(const struct executor_order *order);
