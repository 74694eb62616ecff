/* What the coordinator was told: defaults, then the configuration file, then the command line. One
 * table drives all three and the manual pages. */
#pragma once

#include "proto/yaml_config.h"

#define CONFIG_FILE_DEFAULT "/etc/nightshift/coordinator.yaml"

struct config {
        struct yaml_config_strings listen, signatures;
        char *control, *http, *state_dir;
        char *ca, *certificate, *key;
        uint64_t memory;
        int64_t forget_after, stale_after, save_every;
        int64_t connections, connections_per_peer, requests_per_connection;
        uint64_t request_size;
        char *log_level;
};

extern const struct yaml_config_key config_keys[];
extern const size_t config_keys_count;

/* Reads options and file. -EINVAL with a sentence in *ret_error: wrong usage. 1: --help or --version
 * was answered, nothing is to be done. On failure `ret_config` holds nothing. */
MUST_CHECK int config_read(int argc, char **argv, struct config *ret_config, struct yaml_config_error *ret_error);
/* The file again, for SIGHUP; the command line still has the last word. */
MUST_CHECK int config_reload(struct config *ret_config, struct yaml_config_error *ret_error);
/* The file that is read, whether it is there or not. */
const char *config_file(void);
void config_free(struct config *config);
