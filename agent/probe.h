/* The probes: loads the BPF objects, attaches what this kernel has, and reads what they counted.
 * The only module that sees libbpf; its users see the structs of bpf/event.h.
 *
 * Owns the objects, links, maps and ring. Nothing is pinned: when the process ends, however it ends,
 * nothing is left in the kernel. A hook that the kernel lacks is replaced by the next best one or
 * left out, and `probe_hook` says which and why; only the state-change hook is indispensable. */
#pragma once

#include "bpf/event.h"
#include "proto/base.h"

struct probe;

/* Zero means the default. */
struct probe_options {
        uint32_t socks_max;     /* 131072 */
        uint32_t edges_max;     /* 16384 */
        uint32_t listeners_max; /* 4096 */
        uint32_t processes_max; /* 8192 */
        uint32_t flows_max;     /* 16384, UDP */
        uint32_t pools_max;     /* 8192 */
        uint32_t ring_bytes;    /* 1 MiB, a power of two */
        uint64_t scope_cgroup;  /* count only below this cgroup id; 0 is everything */
        uint32_t pid_namespace; /* the caller's, by inode number; 0 for the first one */
        uint32_t scope_level;   /* depth of that cgroup below the root of the default hierarchy */
};

/* Called from probe_drain(), in the order in which the kernel wrote; but keys come after all else. */
typedef void (*probe_event_function)(void *data, const struct event_header *event);

/* On failure *ret_why (static storage) is a sentence that names the missing capability or kernel
 * feature and what needs it. -EPERM: a capability. -ENOTSUP: the kernel. */
MUST_CHECK int probe_new(const struct probe_options *options, struct probe **ret_probe, const char **ret_why);
void probe_free(struct probe **probe);

/* Attaches the state hooks, then adopts what is older: listeners first, then connections, in every
 * network namespace. From here on nothing is missed that is not counted as lost. */
MUST_CHECK int probe_start(struct probe *probe, probe_event_function function, void *data);

/* Readable when an event woke us. Call probe_drain() then, and at each interval. */
int probe_fd(const struct probe *probe);
MUST_CHECK int probe_drain(struct probe *probe);

/* Visits every file table: adopts what is unknown, corrects owners, brings bytes, RTT, backlogs and
 * drops of open sockets up to date. *ret_files and *ret_sockets say how many were visited. */
MUST_CHECK int probe_sweep(struct probe *probe, uint64_t *ret_files, uint64_t *ret_sockets);

/* The slot of an edge, straight from the kernel's memory: read each field once. */
const struct event_counts *probe_counts(const struct probe *probe, uint32_t index);
uint32_t probe_edges_max(const struct probe *probe);

/* Walk the maps; the callback's pointers live for the call only. A callback that returns non-zero
 * ends the walk with that value. */
MUST_CHECK int probe_edges(struct probe *probe, int (*function)(void *data, const struct event_edge *edge, uint32_t index),
                           void *data);
MUST_CHECK int probe_listeners(struct probe *probe, int (*function)(void *data, const struct event_listener *listener), void *data);
MUST_CHECK int probe_processes(struct probe *probe, int (*function)(void *data, const struct event_process *process), void *data);
/* Nanoseconds that each living thread of those processes was on a processor, once a thread. -ENOTSUP where the
 * kernel does not tell. */
MUST_CHECK int probe_ran(struct probe *probe, void (*function)(void *data, uint32_t tgid, uint64_t ns), void *data);
/* The pools that the last sweep met; those that it did not meet are forgotten. */
MUST_CHECK int probe_pools(struct probe *probe,
                           int (*function)(void *data, const struct event_pool_key *key, const struct event_pool *pool),
                           void *data);

/* Gives an edge's index back, in two steps at least a second apart (see bpf/event.h). The second
 * step is refused with -EBUSY, and the edge put back, if the counters moved in between. */
MUST_CHECK int probe_retire_begin(struct probe *probe, const struct event_edge *edge, uint32_t index);
MUST_CHECK int probe_retire_end(struct probe *probe, const struct event_edge *edge, uint32_t index);

/* Cumulative losses, by enum event_loss. */
void probe_losses(struct probe *probe, uint64_t ret_losses[EVENT_LOSS_MAX]);

/* Only keys whose hash is at most `threshold` are reported; UINT32_MAX is all. */
void probe_set_key_threshold(struct probe *probe, uint32_t threshold);

/* Attaches or detaches the turnarounds tier. -ENOTSUP where the kernel has no hook for it. */
MUST_CHECK int probe_turnarounds(struct probe *probe, bool on);

/* Whether bytes and datagrams of UDP are counted from now on. They are while the tier is on, and true sums
 * only if it stays on: not for a duty cycle. Nothing where the kernel has no hook for it. */
void probe_count_datagrams(struct probe *probe, bool on);

/* Bytes of kernel memory that the maps take, by the kernel's own account where it gives one. */
uint64_t probe_map_bytes(const struct probe *probe);

struct probe_hook {
        const char *name;
        const char *state; /* "attached", "fallback", "unavailable" */
        const char *detail;
};
/* The i-th hook, or NULL past the last. */
const struct probe_hook *probe_hook(const struct probe *probe, size_t i);
