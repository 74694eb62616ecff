/* A coordinator and an agent as users run them, in the benchmark's own namespaces, and questions to
 * them by the command line. */
#pragma once

#include "proto/base.h"
#include <sys/types.h>

struct product {
        const char *build, *folder;
        pid_t coordinator, agent;
        char memory_group[128]; /* of the agent, where the kernel can account for it; else "" */
};

MUST_CHECK int product_coordinator(struct product *product, const char *state, const char **ret_why);
MUST_CHECK int product_agent(struct product *product, const char **ret_why);
void product_end(struct product *product);

/* Runs `nightshift` with the arguments (up to 16) and takes its output, which the caller frees. The
 * time is from its start to its end. -EREMOTEIO if it fails. */
MUST_CHECK int product_ask(const struct product *product, const char *const *arguments, char **ret_output, size_t *ret_size,
                           int64_t *ret_took);
/* A number of `status`, such as "edges". */
MUST_CHECK int product_status(const struct product *product, const char *key, uint64_t *ret_value, int64_t *ret_took);
/* Open connections of all edges to a port from `port` to `last`. */
MUST_CHECK int product_open(const struct product *product, uint16_t port, uint16_t last, uint64_t *ret_open);
/* Kernel memory charged to the agent: maps and slab and all else it made the kernel hold. -ENOTSUP. */
MUST_CHECK int product_kernel_memory(const struct product *product, uint64_t *ret_bytes);
