/* One process that connects to itself over loopback, accepts, and closes both ends, again and again;
 * and one that then also exchanges messages. What a connection costs, both ends together. */
#pragma once

#include "proto/base.h"

struct connects;

MUST_CHECK int connects_new(uint16_t port, struct connects **ret_connects);
void connects_free(struct connects **connects);

/* Nanoseconds a connection (both ends), by the wall clock and of processor time, over about
 * `duration`. For blocks_run(). */
MUST_CHECK int connects_measure(void *connects, int64_t duration, double *ret_costs);
/* A fixed number of connections, each with `messages` messages sent and received one way. */
MUST_CHECK int connects_make(struct connects *connects, uint64_t count, uint32_t messages);
/* `per_second` connections for `duration`, evenly spaced in bursts of a millisecond. */
MUST_CHECK int connects_pace(struct connects *connects, uint32_t per_second, int64_t duration);
