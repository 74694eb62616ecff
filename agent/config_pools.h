/* The `pools` of a service in the agent's configuration: how many connections the service's own pool may
 * have, a process, to servers on a port. A client's limit is in its code and cannot be read from outside,
 * so it is declared. Errors name file, line, key and what was expected, like those of all other keys. */
#pragma once

#include "proto/yaml_config.h"

#define CONFIG_POOLS_MAX 64 /* of one service */

struct config_list;
struct service;
struct summary_identity;

struct config_pool {
        uint16_t port;
        uint32_t max;
};

struct config_pools {
        struct config_pool *items;
        size_t count;
};

/* Reads, frees and describes them. */
extern const struct config_list config_pools_list;
/* What is declared for the pools of `identity` to `port`; 0: nothing. `services` may be NULL. */
uint32_t config_pools_max(const struct service *services, const struct summary_identity *identity, uint16_t port);
