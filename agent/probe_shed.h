/* The limit on new connections of a cgroup to one server (bpf/shed.bpf.c), for steps of actions: what is attached stays
 * when the process ends, by pins below /sys/fs/bpf whose names are made of the key of the action, and by these it is found
 * again and taken away. None of it outlives a boot. */
#pragma once

#include "bpf/event.h"
#include "proto/action.h"

/* Whether it could be attached here: -EPERM, -ENOTSUP with a sentence in *ret_why (static storage). */
MUST_CHECK int probe_shed_check(const char **ret_why);
/* Attaches both programs to the cgroup. After a failure parts of it may be there: probe_shed_detach(). */
MUST_CHECK int probe_shed_attach(struct action_key key, int cgroup, const struct event_shed *limit, const char **ret_why);
/* May be repeated. */
MUST_CHECK int probe_shed_detach(struct action_key key);
/* How many of its two programs are pinned. */
unsigned probe_shed_pinned(struct action_key key);
/* How many of them the cgroup itself lists as attached. */
MUST_CHECK int probe_shed_listed(struct action_key key, int cgroup, unsigned *ret_count);
MUST_CHECK int probe_shed_counts(struct action_key key, struct event_shed_counts *ret_counts);
/* Another deadline for what is attached. */
MUST_CHECK int probe_shed_extend(struct action_key key, uint64_t deadline);
