/* The real services under their usual load, for as long as the benchmark runs: nginx with keep-alive
 * under wrk, redis under redis-benchmark without pipelining. The service has one processor and the
 * load the other; work is counted by the service itself, read over one more connection. */
#pragma once

#include "proto/base.h"
#include <sys/types.h>

struct service {
        const char *name;
        pid_t server, load;
        int counter; /* connection for reading the count */
};

/* Files go under `folder`. -ENOENT with a sentence if a program is not installed. */
MUST_CHECK int service_nginx(const char *folder, struct service *ret_service, const char **ret_why);
MUST_CHECK int service_redis(const char *folder, struct service *ret_service, const char **ret_why);
void service_end(struct service *service);

/* Nanoseconds a request, by the wall clock and of processor time (server and load together), over
 * about `duration`. For blocks_run(). */
MUST_CHECK int service_measure(void *service, int64_t duration, double *ret_costs);
