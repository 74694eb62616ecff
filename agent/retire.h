/* Gives the indices of edges back that are over, so that the kernel's table never fills under churn.
 * An edge may go when none of its connections is open and nothing has moved for a while; the fuller
 * the table the shorter the while: from six hours down to five seconds. It goes in two steps (see
 * bpf/event.h), and only after its last counters were taken by the link. */
#pragma once

#include "proto/base.h"

struct probe;
struct rows;
struct owners;
struct processes;

struct retire {
        struct probe *probe;
        struct rows *rows;
        struct owners *owners;
        struct processes *processes; /* may be NULL */
        uint64_t retired, refused;
};

/* How long an edge must have stood still. */
int64_t retire_age(uint32_t used, uint32_t max);

/* Begins and ends what may be; call it once an interval, and each second while the table is more
 * than half full. */
void retire_step(struct retire *retire, int64_t now);
