/* What the agent itself costs: resident memory and processor time of this process and its child.
 * Memory that both share is counted twice, in our disfavour. */
#pragma once

#include "proto/base.h"

/* `child` may be 0. Time of children that ended is kept. */
void usage_read(int child, uint64_t *ret_rss_bytes, uint64_t *ret_cpu_ns);
