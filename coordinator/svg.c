#include "coordinator/svg.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEADLINE (15 * NSEC_PER_SEC)

extern char **environ;

struct svg {
        pid_t pid;
        int output, pidfd;
        struct loop_source *end, *deadline;
        svg_function function;
        void *data;
        bool late;
};

static int spawn(int input, int output, pid_t *ret_pid)
{
        char *argv[] = { (char *)"dot", (char *)"-Tsvg", NULL };
        posix_spawn_file_actions_t actions;
        posix_spawnattr_t attributes;
        sigset_t none;
        int r;

        sigemptyset(&none);
        if (posix_spawn_file_actions_init(&actions) != 0)
                return -ENOMEM;
        if (posix_spawnattr_init(&attributes) != 0) {
                posix_spawn_file_actions_destroy(&actions);
                return -ENOMEM;
        }
        posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
        posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
        posix_spawnattr_setsigmask(&attributes, &none);
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
        r = -posix_spawnp(ret_pid, "dot", &actions, &attributes, argv, environ);
        posix_spawnattr_destroy(&attributes);
        posix_spawn_file_actions_destroy(&actions);
        return r;
}

static int write_all(int fd, const char *data, size_t size)
{
        while (size > 0) {
                ssize_t n = write(fd, data, size);

                if (n < 0)
                        return -errno;
                data += n;
                size -= (size_t)n;
        }
        return lseek(fd, 0, SEEK_SET) < 0 ? -errno : 0;
}

static void on_end(void *data, uint32_t events)
{
        struct svg *svg = data;
        struct stat st;
        int status = 0, r = 0;

        (void)events;
        if (waitpid(svg->pid, &status, 0) == svg->pid)
                svg->pid = -1;
        if (svg->late)
                r = -ETIMEDOUT;
        else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
                r = WIFEXITED(status) && WEXITSTATUS(status) == 127 ? -ENOENT : -EIO;
        else if (fstat(svg->output, &st) < 0 || st.st_size == 0 || lseek(svg->output, 0, SEEK_SET) < 0)
                r = -EIO;
        svg->function(svg->data, r, &svg->output, r == 0 ? (size_t)st.st_size : 0);
}

static void on_deadline(void *data, int64_t now)
{
        struct svg *svg = data;

        (void)now;
        svg->late = true;
        kill(svg->pid, SIGKILL);
}

int svg_start(struct loop *loop, const char *dot, size_t size, svg_function function, void *data, struct svg **ret_svg)
{
        CLEANUP_FD int input = memfd_create("graph.dot", MFD_CLOEXEC);
        struct svg *svg = calloc(1, sizeof(*svg));
        int r;

        if (!svg)
                return -ENOMEM;
        *svg = (struct svg){ .pid = -1, .pidfd = -1, .function = function, .data = data };
        svg->output = memfd_create("graph.svg", MFD_CLOEXEC);
        r = input < 0 || svg->output < 0 ? -errno : write_all(input, dot, size);
        if (r == 0)
                r = spawn(input, svg->output, &svg->pid);
        if (r == 0) {
                svg->pidfd = (int)syscall(SYS_pidfd_open, svg->pid, 0);
                r = svg->pidfd < 0 ? -errno : loop_add_fd(loop, svg->pidfd, EPOLLIN, on_end, svg, &svg->end);
        }
        if (r == 0)
                r = loop_add_timer(loop, on_deadline, svg, &svg->deadline);
        if (r == 0)
                r = loop_set_timer(svg->deadline, clock_monotonic() + DEADLINE);
        if (r < 0)
                svg_free(&svg);
        else
                *ret_svg = svg;
        return r;
}

void svg_free(struct svg **svg)
{
        struct svg *s = *svg;

        *svg = NULL;
        if (!s)
                return;
        loop_remove(&s->end);
        loop_remove(&s->deadline);
        if (s->pid > 0) {
                kill(s->pid, SIGKILL);
                while (waitpid(s->pid, NULL, 0) < 0 && errno == EINTR)
                        ;
        }
        fd_close(&s->pidfd);
        fd_close(&s->output);
        free(s);
}
