#include "coordinator/page_command.h"
#include "proto/loop.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct page_command {
        struct loop *loop;
        struct loop_source *timer, *source;
        page_command_done done;
        void *data;
        pid_t pid; /* 0: none */
        int child; /* pidfd */
        bool late;
};

static void finish(struct page_command *c)
{
        loop_remove(&c->source);
        fd_close(&c->child);
        (void)!loop_set_timer(c->timer, -1);
        c->pid = 0;
}

static void on_end(void *data, uint32_t events)
{
        struct page_command *c = data;
        char why[96] = "";
        int status = 0;
        bool late = c->late;

        (void)events;
        if (waitpid(c->pid, &status, WNOHANG) != c->pid)
                return;
        /* What it left running is none of ours, but holds nothing of ours either. */
        finish(c);
        if (late)
                snprintf(why, sizeof(why), "the command took too long and was killed");
        else if (WIFSIGNALED(status))
                snprintf(why, sizeof(why), "the command was killed by signal %d", WTERMSIG(status));
        else if (WEXITSTATUS(status))
                snprintf(why, sizeof(why), "the command ended with status %d", WEXITSTATUS(status));
        c->done(c->data, *why ? DELIVERY_FAILED : DELIVERY_DONE, why);
}

static void on_timer(void *data, int64_t now)
{
        struct page_command *c = data;

        (void)now;
        if (!c->pid)
                return;
        c->late = true;
        kill(-c->pid, SIGKILL);
}

int page_command_new(struct loop *loop, page_command_done done, void *data, struct page_command **ret_command)
{
        struct page_command *c = calloc(1, sizeof(*c));
        int r;

        if (!c)
                return -ENOMEM;
        *c = (struct page_command){ .loop = loop, .done = done, .data = data, .child = -1 };
        r = loop_add_timer(loop, on_timer, c, &c->timer);
        if (r < 0) {
                free(c);
                return r;
        }
        *ret_command = c;
        return 0;
}

void page_command_free(struct page_command **command)
{
        struct page_command *c = *command;

        *command = NULL;
        if (!c)
                return;
        if (c->pid) {
                kill(-c->pid, SIGKILL);
                waitpid(c->pid, NULL, 0);
        }
        finish(c);
        loop_remove(&c->timer);
        free(c);
}

/* A file in memory with the page, to be read from its beginning. */
static int input_of(const char *body, size_t size)
{
        int fd = memfd_create("nightshift-page", MFD_CLOEXEC);

        while (fd >= 0 && size > 0) {
                ssize_t n = write(fd, body, size);

                if (n <= 0) {
                        fd_close(&fd);
                        return -ENOSPC;
                }
                body += n;
                size -= (size_t)n;
        }
        if (fd < 0)
                return -errno;
        if (lseek(fd, 0, SEEK_SET) < 0)
                fd_close(&fd);
        return fd;
}

static int spawn(const struct yaml_config_strings *argv, int input, pid_t *ret_pid)
{
        static char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        char *environment[] = { path, NULL };
        CLEANUP_FREE char **arguments = calloc(argv->count + 1, sizeof(char *));
        posix_spawn_file_actions_t actions;
        posix_spawnattr_t attributes;
        sigset_t none, all;
        int r;

        if (!arguments)
                return -ENOMEM;
        memcpy(arguments, argv->items, argv->count * sizeof(char *));
        sigemptyset(&none);
        sigfillset(&all);
        r = posix_spawn_file_actions_init(&actions);
        if (r)
                return -r;
        r = posix_spawnattr_init(&attributes);
        if (r) {
                posix_spawn_file_actions_destroy(&actions);
                return -r;
        }
        r = posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
        if (!r)
                r = posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
        /* Ours close by themselves; those that libraries open need not. */
        if (!r)
                r = posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
        if (!r)
                r = posix_spawn_file_actions_addchdir_np(&actions, "/");
        /* What the loop blocks and ignores for itself must end a child. */
        if (!r)
                r = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
        if (!r)
                r = posix_spawnattr_setsigmask(&attributes, &none);
        if (!r)
                r = posix_spawnattr_setsigdefault(&attributes, &all);
        if (!r)
                r = posix_spawn(ret_pid, arguments[0], &actions, &attributes, arguments, environment);
        posix_spawnattr_destroy(&attributes);
        posix_spawn_file_actions_destroy(&actions);
        return -r;
}

int page_command_begin(struct page_command *c, const struct yaml_config_strings *argv, const char *body, size_t size,
                       int64_t timeout)
{
        CLEANUP_FD int input = -1;
        int r;

        if (c->pid)
                return -EBUSY;
        input = input_of(body, size);
        if (input < 0)
                return input;
        r = spawn(argv, input, &c->pid);
        if (r < 0) {
                c->pid = 0;
                return r;
        }
        c->late = false;
        c->child = (int)syscall(SYS_pidfd_open, c->pid, 0);
        r = c->child < 0 ? -errno : loop_add_fd(c->loop, c->child, EPOLLIN, on_end, c, &c->source);
        if (r == 0)
                r = loop_set_timer(c->timer, clock_monotonic() + timeout);
        if (r < 0) {
                kill(-c->pid, SIGKILL);
                waitpid(c->pid, NULL, 0);
                finish(c);
        }
        return r;
}
