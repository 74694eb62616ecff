#include "agent/command.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static _Noreturn void become(char *const *argv, int output, pid_t parent)
{
        static char *const environment[] = { (char *)"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                                             (char *)"LC_ALL=C.UTF-8", NULL };
        sigset_t none;
        int null;

        setpgid(0, 0);
        /* It must not go on when the step is ended from outside. */
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        if (getppid() != parent)
                _exit(127);
        for (int i = 1; i < NSIG; i++)
                signal(i, SIG_DFL);
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        null = open("/dev/null", O_RDWR | O_CLOEXEC);
        if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(output < 0 ? null : output, STDOUT_FILENO) < 0 || chdir("/") < 0)
                _exit(127);
        umask(022);
        close_range(3, ~0u, CLOSE_RANGE_CLOEXEC);
        execve(argv[0], argv, environment);
        _exit(127);
}

static int left_ms(int64_t end)
{
        int64_t left = end - clock_monotonic();

        return left <= 0 ? 0 : (int)MIN(left / NSEC_PER_MSEC + 1, (int64_t)INT32_MAX);
}

/* Until the end of what it writes, which may be after its own: a grandchild may hold the pipe. */
static int collect(int fd, int pidfd, char *output, size_t size, int64_t end)
{
        size_t used = 0;
        bool more = false;

        for (;;) {
                struct pollfd wait[] = { { .fd = fd, .events = POLLIN }, { .fd = pidfd, .events = POLLIN } };
                char spill[4096];
                ssize_t n;

                if (poll(wait, 2, left_ms(end)) <= 0)
                        return -ETIMEDOUT;
                if (!(wait[0].revents & (POLLIN | POLLHUP)))
                        break; /* it ended, and the pipe is empty */
                n = used + 1 < size ? read(fd, output + used, size - 1 - used) : read(fd, spill, sizeof(spill));
                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        break;
                if (used + 1 < size)
                        used += (size_t)n;
                else
                        more = true;
        }
        output[used] = '\0';
        return more ? -E2BIG : 0;
}

static int run(char *const *argv, int64_t timeout_ns, char *output, size_t size)
{
        CLEANUP_FD int pidfd = -1, reader = -1;
        int64_t end = clock_monotonic() + timeout_ns;
        int pair[2] = { -1, -1 }, status, r = 0;
        pid_t parent = getpid(), child;
        struct pollfd wait;

        if (output && pipe2(pair, O_CLOEXEC) < 0)
                return -errno;
        reader = pair[0];
        child = fork();
        if (child == 0)
                become(argv, pair[1], parent);
        fd_close(&pair[1]);
        if (child < 0)
                return -errno;
        pidfd = (int)syscall(SYS_pidfd_open, child, 0);
        if (pidfd < 0)
                r = -errno;
        if (r == 0 && output)
                r = collect(reader, pidfd, output, size, end);
        wait = (struct pollfd){ .fd = pidfd, .events = POLLIN };
        if ((r == 0 || r == -E2BIG) && poll(&wait, 1, left_ms(end)) <= 0)
                r = -ETIMEDOUT;
        if (r < 0 && r != -E2BIG)
                kill(child, SIGKILL);
        if (r == -ETIMEDOUT)
                kill(-child, SIGKILL); /* what it started, too */
        while (waitpid(child, &status, 0) < 0)
                if (errno != EINTR)
                        return -errno;
        if (r < 0)
                return r;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int command_run_list(const char *const *argv, int64_t timeout_ns, char *output, size_t size)
{
        return run((char *const *)argv, timeout_ns, output, size);
}

int command_run(const struct yaml_config_strings *argv, int64_t timeout_ns, char *output, size_t size)
{
        CLEANUP_FREE char **list = calloc(argv->count + 1, sizeof(*list));

        if (!list)
                return -ENOMEM;
        memcpy(list, argv->items, argv->count * sizeof(*list));
        return run(list, timeout_ns, output, size);
}
