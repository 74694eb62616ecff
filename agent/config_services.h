/* The `services` of the agent's configuration: how each is recognised, and what may be done to it.
 * Read by a table of their own, since they are nested deeper than other keys; errors name file, line,
 * key and what was expected like all others. What is optional and absent is NULL or 0. */
#pragma once

#include "agent/config_pools.h"
#include "agent/identity.h"
#include "proto/yaml_config.h"

struct service {
        struct service_match match; /* first, so that the list of matches is the list of services */
        char *name;
        struct {
                struct yaml_config_strings drain_argv;
                int64_t drain_timeout;
                int64_t ready_port;
                int64_t ready_within;
                bool present;
        } restart_safe;
        struct {
                char *barriers, *driver, *link, *releases, *unit;
                struct yaml_config_strings state_argv, do_argv, undo_argv, verify_argv;
                int64_t timeout; /* of each command and of a restart */
                bool present;
        } rollback;
        struct {
                int64_t within; /* the longest lease */
                bool present;
        } freeze;
        struct {
                char *unit;
                bool present;
        } restart;
        struct {
                char *driver, *unit;
                int64_t min, max;
                bool present;
        } scale;
        struct config_pools pools;
};

/* A `custom` reader of struct yaml_config_key. *head is the first service or NULL. */
MUST_CHECK int config_services_read(struct yaml_config_reader *reader, struct yaml_node_s *node, const char *path,
                                    struct service **head);
void config_services_free(struct service **head);
/* Writes the keys of a service as part of a manual page. */
void config_services_manual(void);
