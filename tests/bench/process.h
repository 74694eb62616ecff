/* Child processes of a benchmark: started on one processor, with their output in a file, ended with
 * the benchmark however that ends; and what they cost. */
#pragma once

#include "proto/base.h"
#include <sys/types.h>

/* `processor` -1 leaves it to the scheduler. `log` NULL is /dev/null. */
MUST_CHECK int process_start(const char *const *arguments, int processor, int nice, const char *log, pid_t *ret_pid);
/* TERM, wait, KILL after five seconds. Copes with 0 and clears it. */
void process_end(pid_t *pid);
bool process_alive(pid_t pid);

/* This process: on one processor (-1: on all), and before its neighbours (nice below 0). */
void process_prefer(int processor, int nice);

/* CPU time of a process and all its descendants, in nanoseconds. */
int64_t process_cpu(pid_t pid);
/* Resident bytes of a process and all its descendants. */
uint64_t process_resident(pid_t pid);
/* Bytes of the BPF maps that a process and its descendants hold, by the kernel's own account; maps
 * held by several of them count once. */
uint64_t process_map_bytes(pid_t pid);

/* Waits until something listens there. -ETIMEDOUT. */
MUST_CHECK int process_wait_port(uint16_t port, pid_t pid);
void sleep_ns(int64_t duration);
