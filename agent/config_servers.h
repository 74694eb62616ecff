/* The servers that a service's connections may be kept from: each a service by its name, as the coordinator calls it,
 * with the addresses and the port behind which it is reached from this host. */
#pragma once

#include "proto/yaml_config.h"

#define CONFIG_SERVERS_MAX 64 /* of one service */
#define CONFIG_SERVER_ADDRESSES_MAX 16

struct config_list;

struct config_server {
        char *service;
        struct yaml_config_strings addresses;
        int64_t port;
};

struct config_servers {
        struct config_server *items;
        size_t count;
};

extern const struct config_list config_servers_list;

/* By the action_text_digest() of its name; NULL if there is none, or more than one. */
const struct config_server *config_servers_find(const struct config_servers *servers, uint64_t digest);
