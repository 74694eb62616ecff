/* What a cgroup may use, as its controllers' files have it: cpu.max, memory.high, and io.max of one device. A limit is
 * the text that is written to bring it about and read to compare it, and nothing else of the file is touched. */
#pragma once

#include "agent/target.h"

#define LIMIT_TEXT_SIZE 96u

struct limit {
        enum action_resource resource;
        char device[24]; /* of io: "8:0" */
        char text[LIMIT_TEXT_SIZE];
};

const char *limit_controller(enum action_resource resource);
/* -ENOTSUP: the controller's file is not there. `device` may be "". */
MUST_CHECK int limit_read(const struct target_cgroup *cgroup, enum action_resource resource, const char *device,
                          struct limit *ret_limit);
MUST_CHECK int limit_write(const struct target_cgroup *cgroup, const struct limit *limit);
/* How much it allows: thousandths of a core, bytes, bytes a second (of reading and writing the higher); UINT64_MAX: any. */
uint64_t limit_value(const struct limit *limit);
/* The same with another value, as the kernel will show it. */
void limit_set(const struct limit *now, uint64_t value, struct limit *ret_limit);
