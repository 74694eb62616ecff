#include "tests/bench/toggle.h"

#include "agent/probe.h"
#include "tests/bench/process.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define SWEEP_MS 1000
#define PRIORITY (-15)

struct toggle {
        const char *const *arguments; /* of a peer; NULL for our probes */
        pid_t pid;
        int control;
};

static void ignore_event(void *data, const struct event_header *event)
{
        (void)data;
        (void)event;
}

static int probe_set(struct probe **probe, enum toggle_state state, const char **ret_why)
{
        int r;

        if (state == TOGGLE_OFF) {
                probe_free(probe);
                return 0;
        }
        if (!*probe) {
                r = probe_new(&(struct probe_options){ 0 }, probe, ret_why);
                if (r < 0)
                        return r;
                r = probe_start(*probe, ignore_event, NULL);
                if (r < 0) {
                        *ret_why = "the probes do not start";
                        return r;
                }
        }
        r = probe_turnarounds(*probe, state == TOGGLE_RAISED);
        if (r < 0)
                *ret_why = "the turnarounds tier cannot be switched";
        return state == TOGGLE_RAISED ? r : 0;
}

/* The process that holds the probes. */
static void hold(int control)
{
        struct probe *probe = NULL;
        int64_t sweep_at = 0;

        for (;;) {
                struct pollfd fds[2] = { { .fd = control, .events = POLLIN },
                                         { .fd = probe ? probe_fd(probe) : -1, .events = POLLIN } };
                uint64_t files, sockets;
                int8_t command;
                const char *why = NULL;

                if (poll(fds, 2, probe ? SWEEP_MS / 4 : -1) < 0 && errno != EINTR)
                        _exit(1);
                if (fds[0].revents) {
                        int32_t answer;

                        if (read(control, &command, 1) != 1)
                                break;
                        answer = probe_set(&probe, (enum toggle_state)command, &why);
                        if (answer < 0)
                                fprintf(stderr, "probes: %s (%s)\n", why ? why : "?", strerror(-answer));
                        if (write(control, &answer, sizeof(answer)) != sizeof(answer))
                                break;
                        sweep_at = clock_monotonic() + SWEEP_MS * NSEC_PER_MSEC;
                }
                if (probe && fds[1].revents && probe_drain(probe) < 0)
                        break;
                if (probe && clock_monotonic() >= sweep_at) {
                        if (probe_sweep(probe, &files, &sockets) < 0 || probe_drain(probe) < 0)
                                break;
                        sweep_at = clock_monotonic() + SWEEP_MS * NSEC_PER_MSEC;
                }
        }
        probe_free(&probe);
        _exit(0);
}

int toggle_probe(struct toggle **ret_toggle, const char **ret_why)
{
        int pair[2], r;
        struct toggle *t = calloc(1, sizeof(*t));

        if (!t)
                return -ENOMEM;
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
                r = -errno;
                free(t);
                return r;
        }
        t->pid = fork();
        if (t->pid == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                close(pair[0]);
                setsid();
                process_prefer(-1, PRIORITY); /* it must not wait for the load that it is measured with */
                hold(pair[1]);
        }
        close(pair[1]);
        t->control = pair[0];
        r = toggle_set(t, TOGGLE_ON);
        if (r < 0) {
                *ret_why = "the probes do not load here";
                toggle_free(&t);
                return r;
        }
        r = toggle_set(t, TOGGLE_OFF);
        *ret_toggle = t;
        return r;
}

int toggle_peer(const char *const *arguments, struct toggle **ret_toggle, const char **ret_why)
{
        struct toggle *t = calloc(1, sizeof(*t));
        int r;

        if (!t)
                return -ENOMEM;
        t->arguments = arguments;
        t->control = -1;
        r = toggle_set(t, TOGGLE_ON);
        if (r < 0) {
                *ret_why = r == -ENOENT ? "it is not installed" : "it attaches nothing on this kernel";
                toggle_free(&t);
                return r;
        }
        r = toggle_set(t, TOGGLE_OFF);
        *ret_toggle = t;
        return r;
}

void toggle_free(struct toggle **toggle)
{
        struct toggle *t = *toggle;

        if (!t)
                return;
        if (t->control >= 0)
                close(t->control);
        if (t->pid > 0 && t->arguments)
                process_end(&t->pid);
        else if (t->pid > 0)
                waitpid(t->pid, NULL, 0);
        free(t);
        *toggle = NULL;
}

/* Calls `function` with the id of each program that the process holds, directly or by a link; a link
 * says that it is attached. */
static void each_program(pid_t pid, void (*function)(unsigned id, bool attached, void *data), void *data)
{
        unsigned seen[256];
        size_t count = 0;
        char path[64], line[160];
        struct dirent *entry;
        DIR *files;

        snprintf(path, sizeof(path), "/proc/%d/fdinfo", (int)pid);
        files = opendir(path);
        while (files && (entry = readdir(files))) {
                unsigned id = 0;
                bool is_link = false, known = false;
                FILE *f;

                snprintf(path, sizeof(path), "/proc/%d/fdinfo/%.16s", (int)pid, entry->d_name);
                f = entry->d_name[0] == '.' ? NULL : fopen(path, "r");
                while (f && fgets(line, sizeof(line), f)) {
                        sscanf(line, "prog_id: %u", &id);
                        is_link |= strncmp(line, "link_id:", 8) == 0;
                }
                if (f)
                        fclose(f);
                for (size_t i = 0; i < count; i++)
                        known |= seen[i] == id;
                if (id && is_link)
                        function(id, true, data);
                else if (id && !known && count < ARRAY_SIZE(seen)) {
                        seen[count++] = id;
                        function(id, false, data);
                }
        }
        if (files)
                closedir(files);
}

static void count_attached(unsigned id, bool attached, void *data)
{
        (void)id;
        *(int *)data += attached;
}

static void add_time(unsigned id, bool attached, void *data)
{
        struct kernel_time *sum = data;
        struct bpf_prog_info info = { 0 };
        uint32_t size = sizeof(info);
        int fd = attached ? -1 : bpf_prog_get_fd_by_id(id);

        if (fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &size) == 0) {
                sum->ns += info.run_time_ns;
                sum->runs += info.run_cnt;
        }
        if (fd >= 0)
                close(fd);
}

static int peer_on(struct toggle *t)
{
        int r = process_start(t->arguments, -1, PRIORITY, NULL, &t->pid), attached = 0, before;

        if (r < 0)
                return r;
        /* Attached, and no more to come for 100 ms. */
        for (int i = 0; i < 100 && process_alive(t->pid); i++) {
                before = attached;
                attached = 0;
                sleep_ns(100 * NSEC_PER_MSEC);
                each_program(t->pid, count_attached, &attached);
                if (attached && attached == before)
                        return 0;
        }
        r = process_alive(t->pid) ? -ETIMEDOUT : -ENOTSUP;
        if (r == -ENOTSUP) {
                siginfo_t info = { 0 };

                if (waitid(P_PID, (id_t)t->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_status == 127)
                        r = -ENOENT;
        }
        process_end(&t->pid);
        return r;
}

int toggle_set(struct toggle *t, enum toggle_state state)
{
        int8_t command = (int8_t)state;
        int32_t answer;

        if (t->arguments) {
                process_end(&t->pid);
                return state == TOGGLE_OFF ? 0 : peer_on(t);
        }
        if (write(t->control, &command, 1) != 1 || read(t->control, &answer, sizeof(answer)) != sizeof(answer))
                return -EPIPE;
        return answer;
}

int kernel_time_enable(int *ret_fd)
{
        int fd = bpf_enable_stats(BPF_STATS_RUN_TIME);

        if (fd < 0)
                return fd;
        *ret_fd = fd;
        return 0;
}

struct kernel_time toggle_kernel_time(const struct toggle *t)
{
        struct kernel_time sum = { 0 };

        each_program(t->pid, add_time, &sum);
        return sum;
}

pid_t toggle_process(const struct toggle *t)
{
        return t->pid;
}
