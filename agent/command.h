/* Runs a command of the operator's: an argument vector from the host's own file, never a shell, with an environment
 * of a PATH alone, "/" as its folder and no descriptors but the standard ones. Blocks; for steps of actions. */
#pragma once

#include "proto/yaml_config.h"

/* The exit status; 128 + the number of the signal that ended it; -ETIMEDOUT (it and its group were killed); -errno.
 * Standard output goes to `output`, of which the first size-1 bytes are kept and terminated; -E2BIG if there was
 * more. NULL: it is thrown away. */
MUST_CHECK int command_run(const struct yaml_config_strings *argv, int64_t timeout_ns, char *output, size_t size);
/* The same for arguments that are built in, ended by NULL. */
MUST_CHECK int command_run_list(const char *const *argv, int64_t timeout_ns, char *output, size_t size);
