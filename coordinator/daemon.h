/* The daemon: joins endpoint, core, store and the two ways of asking on one loop. It decides nothing;
 * it carries bytes to the core, answers back, and time on. Everything in it lives from daemon_new()
 * to daemon_free(); a failure to start comes with a sentence. */
#pragma once

#include "coordinator/config.h"

struct daemon;

MUST_CHECK int daemon_new(struct config *config, struct daemon **ret_daemon, struct yaml_config_error *ret_error);
/* Until SIGTERM or SIGINT; state is saved before it returns. */
MUST_CHECK int daemon_run(struct daemon *daemon);
void daemon_free(struct daemon **daemon);
