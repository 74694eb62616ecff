/* The lives of services on this host: when their incarnations ended in the last hour, and how the
 * last one did. Bounded: past SERVICE_LIVES_MAX services the one that ended longest ago is forgotten. */
#pragma once

#include "proto/base.h"

#define SERVICE_LIVES_MAX 1024
#define SERVICE_LIVES_ENDS 32 /* ends that are kept of a service; more in an hour read as so many */

struct service_exit {
        int32_t code, signal;
        bool oom;
};

struct service_life {
        char *service;
        int64_t ends[SERVICE_LIVES_ENDS]; /* a ring */
        uint64_t count;
        struct service_exit last;
};

struct service_lives {
        struct service_life *items;
        size_t count, size;
};

void service_lives_free(struct service_lives *lives);
MUST_CHECK int service_lives_ended(struct service_lives *lives, const char *service, const struct service_exit *how, int64_t now);
/* Ends within the last hour; *ret_last is NULL if none is known. */
uint32_t service_lives_restarts(const struct service_lives *lives, const char *service, int64_t now,
                                const struct service_exit **ret_last);
