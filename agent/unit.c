#include "agent/unit.h"

#include "agent/command.h"
#include "agent/config_services.h"
#include "agent/driver.h"
#include "agent/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SYSTEMCTL "/usr/bin/systemctl"
#define READY_NS (20 * NSEC_PER_SEC)
#define LISTEN_STATE 0x0au /* TCP_LISTEN, as /proc/net/tcp has it */

static int64_t timeout_of(const struct action_call *call)
{
        return driver_timeout(driver_commands_of(call));
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
        int64_t timeout = service->restart_safe.drain_timeout ? service->restart_safe.drain_timeout : timeout_of(call);
        int r = service->restart_safe.drain_argv.count ? command_run(&service->restart_safe.drain_argv, timeout, NULL, 0) : 0;

        return r == 0 ? 0 : failed(call, "the command that drains", r);
}

int unit_restart(struct action_call *call, const char *unit)
{
        const char *const argv[] = { SYSTEMCTL, "restart", "--", unit, NULL };
        int r = command_run_list(argv, timeout_of(call), NULL, 0);

        return r == 0 ? 0 : failed(call, "systemctl restart", r);
}

int unit_main_pid(struct action_call *call, const char *unit, uint32_t *ret_pid)
{
        const char *const argv[] = { SYSTEMCTL, "show", "--property=MainPID", "--value", "--", unit, NULL };
        char text[64];
        int r = command_run_list(argv, timeout_of(call), text, sizeof(text));
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

int unit_reload_all(struct action_call *call)
{
        static const char *const argv[] = { SYSTEMCTL, "daemon-reload", NULL };
        int r = command_run_list(argv, timeout_of(call), NULL, 0);

        return r == 0 ? 0 : failed(call, "systemctl daemon-reload", r);
}

int unit_has_drop_in(struct action_call *call, const char *unit, const char *path)
{
        const char *const argv[] = { SYSTEMCTL, "show", "--property=DropInPaths", "--value", "--", unit, NULL };
        char text[4096], *rest = text, *word;
        int r = command_run_list(argv, timeout_of(call), text, sizeof(text));

        if (r != 0)
                return failed(call, "systemctl show", r);
        while ((word = strsep(&rest, " \n")))
                if (strcmp(word, path) == 0)
                        return 0;
        action_say(call, "the link is no drop-in of the unit");
        return -ENOENT;
}

int unit_of_process(uint32_t pid, char ret_unit[CGROUP_NAME_SIZE])
{
        char path[64], text[4096], *line, *save = NULL;
        struct cgroup_workload w;

        snprintf(path, sizeof(path), "/proc/%u/cgroup", pid);
        if (text_read_file(path, text, sizeof(text)) <= 0)
                return -ESRCH;
        *ret_unit = '\0';
        for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
                const char *folder = strstr(line, ":/");

                if (!folder || !(text_starts(line, "0::") || strstr(line, ":name=systemd:/")))
                        continue;
                cgroup_parse(folder + 1, &w);
                if (w.host_unit[0])
                        snprintf(ret_unit, CGROUP_NAME_SIZE, "%s", w.host_unit);
        }
        return 0;
}

int unit_process_began(uint32_t pid, int64_t *ret_wall)
{
        unsigned long long ticks;
        char path[64], text[1024], *rest;
        struct timespec boot;
        ssize_t n;

        snprintf(path, sizeof(path), "/proc/%u/stat", pid);
        n = text_read_file(path, text, sizeof(text));
        if (n < 0)
                return (int)n;
        rest = strrchr(text, ')');
        if (!rest ||
            sscanf(rest + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*u %*d %llu", &ticks) != 1)
                return -EBADMSG;
        clock_gettime(CLOCK_BOOTTIME, &boot);
        *ret_wall =
                clock_wall() - (boot.tv_sec * NSEC_PER_SEC + boot.tv_nsec) + (int64_t)ticks * (NSEC_PER_SEC / sysconf(_SC_CLK_TCK));
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
