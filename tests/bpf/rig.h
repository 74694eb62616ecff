/* What the tests of the BPF objects stand on: a network namespace and a cgroup of their own, so that
 * the rest of the machine is not seen, a probe that counts in there, real sockets, and comparison of
 * all that was counted with all that was made. Whatever cannot be set up fails the test at once. */
#pragma once

#include "agent/probe.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <setjmp.h>
#include <stdarg.h>
/* cmocka wants the two above */
#include <cmocka.h>

#define RIG_KEYS_MAX 65536
#define RIG_EXITS_MAX 64

struct rig {
        struct probe *probe;
        uint64_t cgroup;
        uint32_t level, netns;
        char cgroup_path[300];
        struct event_key keys[RIG_KEYS_MAX];
        size_t n_keys;
        struct event_exit exits[RIG_EXITS_MAX];
        size_t n_exits;
        struct event_edge_new last_edge;
        size_t n_edges;
};

/* Group fixtures: the namespace, the cgroup and a probe with the default options. */
int rig_setup(void **state);
int rig_teardown(void **state);
/* The same without a probe. */
int rig_setup_bare(void **state);

/* Ends the probe, if there is one, and starts another one; NULL is the default options. */
void rig_probe(struct rig *rig, const struct probe_options *options);
void rig_drain(struct rig *rig);
void rig_sweep(struct rig *rig);

/* Sum over the edges of our namespace in this role that have this service port (0: any). */
struct event_counts rig_counts(struct rig *rig, int transport, int role, uint16_t port, size_t *ret_edges);

/* Waits until the sum is exactly this, every counter that is not named being 0. */
#define RIG_TCP(rig, role, port, ...)                                                                                              \
        rig_expect(rig, EVENT_TRANSPORT_TCP, role, port, &(struct event_counts){ __VA_ARGS__ }, __FILE__, __LINE__)
#define RIG_UDP(rig, role, port, ...)                                                                                              \
        rig_expect(rig, EVENT_TRANSPORT_UDP, role, port, &(struct event_counts){ __VA_ARGS__ }, __FILE__, __LINE__)
void rig_expect(struct rig *rig, int transport, int role, uint16_t port, const struct event_counts *want, const char *file,
                int line);

/* The edge of our namespace in this role with this service port: how many there are, and the last. */
size_t rig_edge(struct rig *rig, int transport, int role, uint16_t port, struct event_edge *ret_edge, uint32_t *ret_index);

/* Checks that the keys of the clients and of the servers of a port are the same set of `n`. */
void rig_expect_keys(struct rig *rig, uint16_t port, size_t n);
uint64_t rig_loss(struct rig *rig, enum event_loss which);
void rig_expect_no_loss(struct rig *rig);

/* The listener on this port in our namespace: how many there are, and the last of them. */
size_t rig_listener(struct rig *rig, int transport, uint16_t port, struct event_listener *ret_listener);

bool rig_fast(void);
/* Waits for a child and checks that it ended with 0. */
void rig_wait(pid_t pid);
/* Runs a shell command that must succeed. */
void rig_run(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Moves the calling process to a cgroup given by its folder. */
void rig_enter(const char *path);
void rig_write(const char *path, const char *value);
