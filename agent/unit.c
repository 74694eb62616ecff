#include "agent/unit.h"

#include "agent/command.h"
#include "agent/config_services.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SYSTEMCTL "/usr/bin/systemctl"
#define READY_NS (20 * NSEC_PER_SEC)
#define TIMEOUT_NS (60 * NSEC_PER_SEC)
#define LISTEN_STATE 0x0au /* TCP_LISTEN, as /proc/net/tcp has it */

int64_t unit_timeout(const struct service *service)
{
        return service->rollback.timeout ? service->rollback.timeout : TIMEOUT_NS;
}

static int failed(struct action_call *call, const char *what, int r)
{
        if (r < 0)
                action_say(call, "%s: %s", what, strerror(-r));
        else
                action_say(call, "%s ended with %d", what, r);
        return r < 0 ? r : -EIO;
}

int unit_drain(struct action_call *call)
{
        const struct service *service = call->service;
        int64_t timeout = service->restart_safe.drain_timeout ? service->restart_safe.drain_timeout : unit_timeout(service);
        int r = service->restart_safe.drain_argv.count ? command_run(&service->restart_safe.drain_argv, timeout, NULL, 0) : 0;

        return r == 0 ? 0 : failed(call, "the command that drains", r);
}

int unit_restart(struct action_call *call, const char *unit)
{
        const char *const argv[] = { SYSTEMCTL, "restart", "--", unit, NULL };
        int r = command_run_list(argv, unit_timeout(call->service), NULL, 0);

        return r == 0 ? 0 : failed(call, "systemctl restart", r);
}

int unit_main_pid(struct action_call *call, const char *unit, uint32_t *ret_pid)
{
        const char *const argv[] = { SYSTEMCTL, "show", "--property=MainPID", "--value", "--", unit, NULL };
        char text[64];
        int r = command_run_list(argv, unit_timeout(call->service), text, sizeof(text));
        unsigned pid;

        if (r != 0)
                return failed(call, "systemctl show", r);
        if (sscanf(text, "%u", &pid) != 1 || pid == 0) {
                action_say(call, "the unit does not run");
                return -ESRCH;
        }
        *ret_pid = pid;
        return 0;
}

/* True if something listens on the port in the network of the process. */
static bool listens(uint32_t pid, uint16_t port)
{
        static const char *const tables[] = { "tcp", "tcp6" };
        bool found = false;

        for (size_t i = 0; i < ARRAY_SIZE(tables) && !found; i++) {
                char path[64], line[512];
                FILE *file;

                snprintf(path, sizeof(path), "/proc/%u/net/%s", pid, tables[i]);
                file = fopen(path, "re");
                while (file && !found && fgets(line, sizeof(line), file)) {
                        unsigned local, state;

                        found = sscanf(line, " %*d: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x", &local, &state) == 2 && local == port &&
                                state == LISTEN_STATE;
                }
                if (file)
                        fclose(file);
        }
        return found;
}

int unit_await_ready(struct action_call *call, const char *unit)
{
        const struct service *service = call->service;
        int64_t end = clock_monotonic() + (service->restart_safe.ready_within ? service->restart_safe.ready_within : READY_NS);
        struct timespec nap = { .tv_nsec = 50 * NSEC_PER_MSEC };
        uint32_t pid;

        if (!service->restart_safe.ready_port)
                return 0;
        do {
                int r = unit_main_pid(call, unit, &pid);

                if (r == 0 && listens(pid, (uint16_t)service->restart_safe.ready_port)) {
                        call->detail[0] = '\0';
                        return 0;
                }
                if (r < 0 && r != -ESRCH)
                        return r;
                nanosleep(&nap, NULL);
        } while (clock_monotonic() < end);
        action_say(call, "the service was not ready in time");
        return -ETIMEDOUT;
}
