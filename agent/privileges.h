/* Capabilities of the agent: what it needs and why, what it gives up, and what its child that talks
 * to the network may do, which is next to nothing.
 *
 * The agent keeps the few capabilities of the table in privileges.c and drops all others for good.
 * The child of the link calls privileges_drop_all(), after which it has no capability, no way to gain
 * one, and only the system calls that a network client needs. Nothing here logs; sentences in
 * *ret_why have static storage. */
#pragma once

#include "proto/base.h"

/* A capability that is wanted and whether this process has it. */
struct privilege {
        const char *name;    /* "CAP_BPF" */
        const char *needed;  /* "load the probes" */
        const char *without; /* what is not seen without it */
        bool indispensable;  /* without it the agent does not start */
        bool present;
};

/* The i-th wanted capability as the process has it now, or NULL past the last. */
const struct privilege *privileges_get(size_t i);

/* -EPERM if an indispensable one is missing: *ret_why names it and says what it is needed for. */
MUST_CHECK int privileges_check(const char **ret_why);

/* Kernels before 5.11 charge maps to RLIMIT_MEMLOCK: raises it, where that is allowed. */
void privileges_raise_memlock(void);

/* Drops every capability that is not in the table and forbids gaining any by exec. */
MUST_CHECK int privileges_keep_needed(const char **ret_why);

/* For the executor: drops every capability that no action needs and forbids gaining any by exec, for its commands
 * too. `bpf` and `network` keep those that only some actions need. What is missing is found out by the action. */
MUST_CHECK int privileges_keep_for_actions(bool bpf, bool network, const char **ret_why);

/* The user for the link's child: "nightshift" if there is one, else "nobody"; NULL where this process
 * cannot change its user. */
const char *privileges_link_user(void);

/* For a child: becomes `user` (NULL keeps the user), loses its groups and all capabilities, in every
 * set, and sets no_new_privs. Then proves that none is left. -EPERM, -ESRCH with a sentence. */
MUST_CHECK int privileges_drop_all(const char *user, const char **ret_why);

/* For the link's child, after privileges_drop_all() and before its threads start: allows the system
 * calls of a network client with threads and refuses all others with EPERM (no exec, no ptrace, no
 * bpf, no writing open, no change of namespace). -ENOTSUP where the kernel has no seccomp: the child
 * may go on, with a line in the log. */
MUST_CHECK int privileges_restrict_calls(const char **ret_why);
