/* One epoll loop per process: descriptors, timers and signals, all handled on the one thread. The
 * loop owns its sources; a source's descriptor stays the caller's. A source may remove itself or
 * any other from inside a callback. */
#pragma once

#include "proto/base.h"

struct loop;
struct loop_source;

typedef void (*loop_fd_function)(void *data, uint32_t events);
typedef void (*loop_timer_function)(void *data, int64_t now_monotonic);
typedef void (*loop_signal_function)(void *data, int signal_number);

MUST_CHECK int loop_new(struct loop **ret_loop);
void loop_free(struct loop **loop);

/* Watches `fd` for `events` (EPOLLIN, EPOLLOUT, ... level-triggered unless EPOLLET is given). */
MUST_CHECK int loop_add_fd(struct loop *loop, int fd, uint32_t events, loop_fd_function function, void *data,
                           struct loop_source **ret_source);
MUST_CHECK int loop_modify_fd(struct loop_source *source, uint32_t events);

/* A timer, disarmed until set. Setting it again moves it; `at_monotonic` of -1 disarms it. */
MUST_CHECK int loop_add_timer(struct loop *loop, loop_timer_function function, void *data, struct loop_source **ret_source);
MUST_CHECK int loop_set_timer(struct loop_source *source, int64_t at_monotonic);

/* Blocks `signal_number` for the process and delivers it through the loop. */
MUST_CHECK int loop_add_signal(struct loop *loop, int signal_number, loop_signal_function function, void *data,
                               struct loop_source **ret_source);

/* Copes with NULL and clears the pointer. */
void loop_remove(struct loop_source **source);

/* Runs until loop_stop(); returns the value given there, or -errno if waiting itself failed. */
MUST_CHECK int loop_run(struct loop *loop);
void loop_stop(struct loop *loop, int result);
