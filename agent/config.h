/* The agent's configuration: one table in config.c gives keys, types, defaults, ranges and help; the
 * command line goes over the file. A file that is wrong is refused with file, line, key and what was
 * expected. */
#pragma once

#include "agent/identity.h"
#include "proto/note.h"
#include "proto/yaml_config.h"

#define CONFIG_DEFAULT_FILE "/etc/nightshift/agent.yaml"
#define CONFIG_AUDIT_KEYS_MAX 8

struct options;

struct config {
        char *coordinator;
        char *host;
        char *state_dir;
        int64_t interval;
        uint32_t tier; /* 1: connections, 2: turnarounds */
        struct {
                char *ca, *certificate, *key;
        } tls;
        struct {
                int64_t actions_per_hour, concurrent, attempts;
                int64_t cooldown;
        } limits;
        struct {
                int64_t connections, edges, listeners, processes, flows, pools;
        } probe;
        uint32_t allow; /* bits 1 << enum action_kind */
        char *stop_file;
        struct note_key audit_keys[CONFIG_AUDIT_KEYS_MAX]; /* of the coordinator's audit log */
        size_t audit_keys_count;
        struct summary_label *labels;
        size_t labels_count;
        struct service *services;
};

/* Reads `path`, or the default file if it is there and `path` is NULL. */
MUST_CHECK int config_load(const char *path, struct config *ret_config, struct yaml_config_error *ret_error);
/* Lets the command line go over the file. */
MUST_CHECK int config_override(struct config *config, const struct options *options);
/* Says which changed settings only count at the next start. */
void config_log_fixed(const struct config *before, const struct config *after);
void config_free(struct config *config);
/* The mappings of services, in the order of the file. */
const struct service_match *config_matches(const struct config *config);
/* The manual page's part on the file. */
void config_manual(void);
