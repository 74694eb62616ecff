#include "agent/executor.h"

#include "agent/config.h"
#include "agent/journal.h"
#include "proto/log.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define EVENTS_BURST 64

struct executor {
        pid_t pid;
        int fd, pidfd;
        struct loop_source *fd_source, *pidfd_source;
        executor_function function;
        void (*died)(void *data);
        void *data;
};

int executor_fork(const struct options *options, const struct config *config, struct executor **ret_executor, const char **ret_why)
{
        struct executor *executor;
        int pair[2], r;

        *ret_executor = NULL;
        if (!config->allow && !journal_exists(config->state_dir))
                return 0;
        *ret_why = "cannot fork it";
        executor = calloc(1, sizeof(*executor));
        if (!executor)
                return -ENOMEM;
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
                r = -errno;
                free(executor);
                return r;
        }
        executor->pid = fork();
        if (executor->pid == 0) {
                close(pair[0]);
                executor_child(options, config, pair[1]);
        }
        close(pair[1]);
        executor->fd = pair[0];
        executor->pidfd = executor->pid < 0 ? -1 : (int)syscall(SYS_pidfd_open, executor->pid, 0);
        if (executor->pidfd < 0) {
                r = -errno;
                executor_free(&executor, 0);
                return r;
        }
        *ret_executor = executor;
        return 0;
}

/* True if what it says can be: it has no reason to lie, but it is not us. */
static bool is_valid(const struct executor_event *e)
{
        return (e->kind == 0 || (e->kind < ACTION_KINDS && e->state >= ACTION_CHECKED && e->state < ACTION_STATES)) &&
               e->reason < ACTION_REASONS && e->verdict < ACTION_VERDICTS && memchr(e->detail, '\0', sizeof(e->detail)) != NULL;
}

static void readable(void *data, uint32_t events)
{
        struct executor *executor = data;
        struct executor_event event;

        (void)events;
        for (int i = 0; i < EVENTS_BURST && executor->fd_source; i++) {
                ssize_t n = recv(executor->fd, &event, sizeof(event), MSG_DONTWAIT | MSG_TRUNC);

                if (n < 0 && (errno == EAGAIN || errno == EINTR))
                        return;
                if (n != sizeof(event) || !is_valid(&event)) {
                        loop_remove(&executor->fd_source); /* its end is seen on the pidfd */
                        if (n > 0)
                                kill(executor->pid, SIGKILL);
                        return;
                }
                executor->function(executor->data, &event);
        }
}

static void ended(void *data, uint32_t events)
{
        struct executor *executor = data;

        (void)events;
        loop_remove(&executor->pidfd_source);
        loop_remove(&executor->fd_source);
        executor->died(executor->data);
}

int executor_attach(struct executor *executor, struct loop *loop, executor_function function, void (*died)(void *data), void *data)
{
        int r;

        executor->function = function;
        executor->died = died;
        executor->data = data;
        r = loop_add_fd(loop, executor->fd, EPOLLIN, readable, executor, &executor->fd_source);
        return r < 0 ? r : loop_add_fd(loop, executor->pidfd, EPOLLIN, ended, executor, &executor->pidfd_source);
}

static int post(struct executor *executor, const struct executor_request *request)
{
        return send(executor->fd, request, sizeof(*request), MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int executor_send(struct executor *executor, const struct executor_order *order)
{
        struct executor_request request = { .kind = EXECUTOR_ORDER, .order = *order };

        return post(executor, &request);
}

void executor_reload(struct executor *executor)
{
        struct executor_request request = { .kind = EXECUTOR_RELOAD };
        int r = post(executor, &request);

        if (r < 0)
                log_error("executor", "it was not told to read the configuration again: %s", strerror(-r));
}

int executor_pid(const struct executor *executor)
{
        return executor ? executor->pid : 0;
}

void executor_free(struct executor **executor, int64_t grace_ns)
{
        struct executor *e = *executor;
        struct pollfd wait;

        if (!e)
                return;
        loop_remove(&e->fd_source);
        loop_remove(&e->pidfd_source);
        fd_close(&e->fd); /* which it takes as the end */
        wait = (struct pollfd){ .fd = e->pidfd, .events = POLLIN };
        if (e->pidfd >= 0 && poll(&wait, 1, (int)(grace_ns / NSEC_PER_MSEC)) == 1)
                (void)waitpid(e->pid, NULL, 0);
        else if (e->pid > 0)
                log_warning("executor", "it still undoes what was done here, and ends when that is over");
        fd_close(&e->pidfd);
        free(e);
        *executor = NULL;
}
