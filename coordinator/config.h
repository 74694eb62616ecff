/* What the coordinator was told: defaults, then the configuration file, then the command line. One
 * table drives all three and the manual pages. */
#pragma once

#include "coordinator/policy.h"
#include "proto/yaml_config.h"

#define CONFIG_FILE_DEFAULT "/etc/nightshift/coordinator.yaml"

/* Where notices are posted to; nowhere without a URL. */
struct webhook_config {
        char *url, *url_file, *authorization_file, *ca, *template;
        int64_t timeout;
};

/* How people hear of what happens. */
struct people_config {
        char *tickets_directory; /* NULL: in the state folder */
        uint32_t tickets_most;
        struct webhook_config tickets_webhook, pages_webhook;
        struct yaml_config_strings pages_command;
        int64_t pages_after, pages_repeat, pages_breach_within, pages_timeout;
        int64_t notices_keep;
        uint32_t notices_most;
        uint64_t notices_bytes;
};

struct config {
        struct yaml_config_strings listen, signatures;
        char *control, *http, *state_dir;
        char *ca, *certificate, *key;
        uint64_t memory;
        int64_t forget_after, stale_after, save_every;
        int64_t connections, connections_per_peer, requests_per_connection;
        uint64_t request_size;
        char *log_level;
        struct policy policy;
        struct people_config people;
};

/* All of them, those of the policy included; -ENOMEM. */
MUST_CHECK int config_keys(const struct yaml_config_key **ret_keys, size_t *ret_count);

/* Reads options and file. -EINVAL with a sentence in *ret_error: wrong usage. 1: --help or --version
 * was answered, nothing is to be done. On failure `ret_config` holds nothing. */
MUST_CHECK int config_read(int argc, char **argv, struct config *ret_config, struct yaml_config_error *ret_error);
/* The file again, for SIGHUP; the command line still has the last word. */
MUST_CHECK int config_reload(struct config *ret_config, struct yaml_config_error *ret_error);
/* The file that is read, whether it is there or not. */
const char *config_file(void);
void config_free(struct config *config);
