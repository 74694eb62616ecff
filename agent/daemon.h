/* The agent as a service of the system: what starts and ends in which order, signals, the watchdog and
 * the configuration that is read again. Order matters: the link's child is forked before anything
 * privileged is loaded and before any thread exists. Logs its own failures. */
#pragma once

#include "agent/config.h"
#include "agent/host.h"
#include "agent/options.h"

/* Zero but for the options. */
struct daemon {
        struct options options;
        struct config config;
        struct host host;
        struct loop *loop;
        struct executor *executor;
        struct uplink *uplink;
        struct probe *probe;
        struct agent *agent;
        struct loop_source *watchdog;
};

/* Until SIGTERM or SIGINT: 0; -errno if it could not start, or not go on. */
MUST_CHECK int daemon_run(struct daemon *daemon);
