/* The unit of a service: drained, restarted, and ready again, through systemctl(1). For steps of actions: all of them
 * block, and set the call's sentence where they fail. The unit is always one of the host's own file. */
#pragma once

#include "agent/action.h"
#include "agent/cgroup_path.h"

/* Runs what the file declares for before a restart, if anything. */
MUST_CHECK int unit_drain(struct action_call *call);
MUST_CHECK int unit_restart(struct action_call *call, const char *unit);
/* The main process of the unit; -ESRCH: it does not run. */
MUST_CHECK int unit_main_pid(struct action_call *call, const char *unit, uint32_t *ret_pid);
/* Waits until the service is ready, as the file declares it; 0 at once where it does not. */
MUST_CHECK int unit_await_ready(struct action_call *call, const char *unit);
/* Makes systemd read its files again. */
MUST_CHECK int unit_reload_all(struct action_call *call);
/* 0 if `path` is one of the drop-ins that systemd has for the unit. */
MUST_CHECK int unit_has_drop_in(struct action_call *call, const char *unit, const char *path);
/* The unit of this host's own manager in which a process is, whatever names it was given inside; "" if in none. -ESRCH. */
MUST_CHECK int unit_of_process(uint32_t pid, char ret_unit[CGROUP_NAME_SIZE]);
/* When a process began, on the wall clock. */
MUST_CHECK int unit_process_began(uint32_t pid, int64_t *ret_wall);
