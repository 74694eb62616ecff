/* The addresses of this host: those of its interfaces, and those on which connections were accepted,
 * each with its network namespace. Loopback and link-local addresses are left out: they mean another
 * machine elsewhere. Bounded by ADDRESSES_MAX. */
#pragma once

#include "proto/summary.h"

#define ADDRESSES_MAX 4096

struct addresses;

/* `proc` is "/proc" but in tests. */
MUST_CHECK int addresses_new(const char *proc, struct addresses **ret_addresses);
void addresses_free(struct addresses **addresses);

/* An address met in a namespace. Known ones cost a look-up. */
void addresses_learn(struct addresses *addresses, const uint8_t address[16], uint32_t netns, int64_t now);
/* A process (0: unknown) lives in this namespace: its interfaces are read through it, without entering
 * it, at once or with the next refresh, and each minute. */
void addresses_learn_namespace(struct addresses *addresses, uint32_t netns, uint32_t pid, int64_t now);
/* Reads the interfaces of the agent's own namespace and of a few others, and forgets what was not met
 * for an hour. */
void addresses_refresh(struct addresses *addresses, int64_t now);

const struct summary_address *addresses_list(const struct addresses *addresses, size_t *ret_count);
