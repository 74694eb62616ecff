/* The processes behind the services: those that the probes know because they own a listener or opened
 * connections. What /proc says of each is read when the probe says that it ran, a bounded number an
 * interval, and of a few others in turn; so idle processes cost a look at their clock. Where the kernel
 * does not tell who ran, all are read in turn.
 *
 * An incarnation of a service on this host is the life of a main process: one whose parent is not of
 * the same service. Its end is what `restarts_1h` counts and `last_exit` tells. Ends of workers and of
 * commands in a login session are not counted. A process that lived for less than an interval is
 * taken for a main one if it listened and no other process of its service is left. */
#pragma once

#include "bpf/event.h"
#include "proto/summary.h"

struct builds;
struct probe;
struct owners;
struct processes;

MUST_CHECK int processes_new(struct probe *probe, struct owners *owners, const char *proc, struct processes **ret_processes);
void processes_free(struct processes **processes);

/* A process ended. */
void processes_exited(struct processes *processes, const struct event_exit *event, int64_t now);

/* Takes over what the probe knows and reads what is due; once an interval. */
MUST_CHECK int processes_refresh(struct processes *processes, int64_t now);

/* The rows, until the next call; *ret_hash tells whether anything differs from another time. */
MUST_CHECK int processes_rows(struct processes *processes, int64_t now, const struct summary_process **ret_rows, size_t *ret_count,
                              uint64_t *ret_hash);

/* Whose builds these are told from now on; they stay the caller's and outlive the processes. */
void processes_set_builds(struct processes *processes, struct builds *builds);
struct builds *processes_builds(const struct processes *processes);
/* Puts the rows of the builds together. */
MUST_CHECK int processes_list_builds(struct processes *processes, uint64_t *ret_hash);

/* How many connections a process takes on a port, as server_limits.h has it; 0: not known. `tgid` is the
 * kernel's number. */
uint32_t processes_connections_max(const struct processes *processes, uint32_t tgid, uint16_t port);

/* The incarnation that was told by these: its number in /proc and when it started (CLOCK_BOOTTIME). `build` is the
 * action_text_digest() of its build, 0 for any. -ESRCH: none, or not this one any more. */
MUST_CHECK int processes_incarnation(const struct processes *processes, uint32_t pid, int64_t started, uint64_t build,
                                     uint64_t *ret_start_ns);

/* Names every identity that a process has. */
void processes_mark(const struct processes *processes, void (*mark)(void *data, uint32_t identity), void *data);
