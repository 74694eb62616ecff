/* What a simulated agent says: a world of services spread over hosts, each with an address and port
 * of its own, that call the next ones in a ring. Both ends of each edge are told, by the agents of
 * both hosts, with the keys by which they meet. The same shape gives the same summaries. */
#pragma once

#include "proto/summary.h"

struct swarm_shape {
        uint32_t hosts, services_per_host, calls_per_service;
        uint32_t opened_per_batch; /* new connections of each edge in each batch; each has a key */
        int64_t interval;
};

struct swarm_host;

/* `index` below shape->hosts. */
MUST_CHECK int swarm_host_new(const struct swarm_shape *shape, uint32_t index, struct swarm_host **ret_host);
void swarm_host_free(struct swarm_host **host);
const char *swarm_host_name(const struct swarm_host *host);
uint64_t swarm_host_session(const struct swarm_host *host);
/* The next summary; it and its rows belong to the host and hold until the next call. */
const struct summary *swarm_host_next(struct swarm_host *host, int64_t now, bool full);
