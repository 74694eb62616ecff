/* Where a benchmark runs: a network namespace of its own, so that ports and loopback are its own; a
 * mount namespace with tracefs, which Debian's tools want; and a folder for files that goes with it. */
#pragma once

#include "proto/base.h"

MUST_CHECK int world_enter(const char **ret_why);
/* Brings loopback up in the current network namespace. */
MUST_CHECK int world_loopback_up(void);
