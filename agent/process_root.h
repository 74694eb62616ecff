/* Files as a process sees them: resolved inside its root and nowhere else, whatever links say. They
 * are of another's making. */
#pragma once

#include "proto/base.h"

/* Opens a path of the process without blocking on it; O_RDONLY or O_PATH in `flags`. The descriptor,
 * which is closed on exec, or -errno. `proc` is "/proc" but in tests. */
MUST_CHECK int process_root_open(const char *proc, uint32_t pid, const char *path, int flags);
