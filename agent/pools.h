/* Pools: the connections of one process to one server, as the last sweep found them. Bounded: past
 * POOLS_MAX those with the fewest connections are left out, and counted as lost. */
#pragma once

#include "bpf/event.h"
#include "proto/summary.h"

#define POOLS_MAX 4096

struct owners;
struct pools;
struct probe;
struct rows;
struct service;

MUST_CHECK int pools_new(struct probe *probe, struct rows *rows, struct owners *owners, struct pools **ret_pools);
void pools_free(struct pools **pools);

/* The services whose pools have declared limits, NULL for none: they stay the caller's, until the next call. */
void pools_declare(struct pools *pools, const struct service *services);

/* A sweep ended just now: takes over what it found. */
MUST_CHECK int pools_refresh(struct pools *pools, int64_t now);

/* The rows, until the next call of either; times on the wall clock of which `offset` is the distance to
 * the monotonic one. *ret_at is when they were looked at, monotonic; 0: no sweep yet. */
void pools_rows(struct pools *pools, int64_t offset, const struct summary_pool **ret_rows, size_t *ret_count, int64_t *ret_at);

/* Connections that found no room among the rows, since the beginning. */
uint64_t pools_lost(const struct pools *pools);
