/* The `services` of the agent's configuration: how each is recognised, and what may be done to it.
 * Read by tables of their own (config_field.h), since they are nested deeper than other keys. What is optional and
 * absent is NULL or 0. */
#pragma once

#include "agent/config_pools.h"
#include "agent/config_servers.h"
#include "agent/identity.h"
#include "proto/yaml_config.h"

/* Commands of the operator's, by which a driver does what it does. */
struct service_commands {
        struct yaml_config_strings state, change, undo, verify;
        int64_t timeout; /* of each, and of what systemctl does for the same action; 0: 60 s */
};

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
                struct service_commands commands;
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
                struct service_commands commands;
                bool present;
        } scale;
        struct {
                char *driver, *unit;
                int64_t max; /* of a template's instances; 0: the unit is none */
                struct service_commands commands;
                bool present;
        } suspend;
        struct {
                int64_t within;
                int64_t cpu, memory, io; /* the lowest limits: thousandths of a core, bytes, bytes a second; 0: none may be set */
                char *device;            /* of io */
                bool present;
        } limit;
        struct {
                int64_t idle; /* open connections that were silent for so long may be closed; 0: none */
                bool present;
        } close;
        struct {
                int64_t within;
                int64_t rate; /* the lowest */
                struct config_servers servers;
                bool present;
        } shed;
        struct {
                int64_t within;
                bool present;
        } observe;
        struct config_pools pools;
};

/* A `custom` reader of struct yaml_config_key. *head is the first service or NULL. */
MUST_CHECK int config_services_read(struct yaml_config_reader *reader, struct yaml_node_s *node, const char *path,
                                    struct service **head);
void config_services_free(struct service **head);
/* Writes the keys of a service as part of a manual page. */
void config_services_manual(void);
