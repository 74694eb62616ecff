#include "proto/loop.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum source_kind { SOURCE_FD, SOURCE_TIMER, SOURCE_SIGNAL };

struct loop_source {
        struct loop *loop;
        struct loop_source *next, *previous;
        enum source_kind kind;
        int fd;
        bool removed;
        union {
                loop_fd_function fd_function;
                loop_timer_function timer_function;
                loop_signal_function signal_function;
        };
        void *data;
};

struct loop {
        int epoll;
        bool stopping;
        int result;
        struct loop_source *sources;
        struct loop_source *removed; /* freed when no event of this round can name them any more */
};

int loop_new(struct loop **ret_loop)
{
        struct loop *loop = calloc(1, sizeof(*loop));

        if (!loop)
                return -ENOMEM;
        loop->epoll = epoll_create1(EPOLL_CLOEXEC);
        if (loop->epoll < 0) {
                int r = -errno;
                free(loop);
                return r;
        }
        *ret_loop = loop;
        return 0;
}

static void collect(struct loop *loop)
{
        while (loop->removed) {
                struct loop_source *source = loop->removed;
                loop->removed = source->next;
                free(source);
        }
}

void loop_free(struct loop **loop)
{
        if (!*loop)
                return;
        while ((*loop)->sources) {
                struct loop_source *source = (*loop)->sources;
                loop_remove(&source);
        }
        collect(*loop);
        close((*loop)->epoll);
        free(*loop);
        *loop = NULL;
}

/* On failure the descriptor of a timer or signal is closed: it is the loop's own. */
static int add(struct loop *loop, enum source_kind kind, int fd, uint32_t events, void *data, struct loop_source **ret_source)
{
        struct loop_source *source = calloc(1, sizeof(*source));
        struct epoll_event event = { .events = events, .data.ptr = source };

        if (!source || epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
                int r = source ? -errno : -ENOMEM;
                free(source);
                if (kind != SOURCE_FD)
                        close(fd);
                return r;
        }
        source->loop = loop;
        source->kind = kind;
        source->fd = fd;
        source->data = data;
        source->next = loop->sources;
        if (source->next)
                source->next->previous = source;
        loop->sources = source;
        *ret_source = source;
        return 0;
}

int loop_add_fd(struct loop *loop, int fd, uint32_t events, loop_fd_function function, void *data, struct loop_source **ret_source)
{
        int r = add(loop, SOURCE_FD, fd, events, data, ret_source);

        if (r == 0)
                (*ret_source)->fd_function = function;
        return r;
}

int loop_modify_fd(struct loop_source *source, uint32_t events)
{
        struct epoll_event event = { .events = events, .data.ptr = source };

        return epoll_ctl(source->loop->epoll, EPOLL_CTL_MOD, source->fd, &event) < 0 ? -errno : 0;
}

int loop_add_timer(struct loop *loop, loop_timer_function function, void *data, struct loop_source **ret_source)
{
        int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
        int r;

        if (fd < 0)
                return -errno;
        r = add(loop, SOURCE_TIMER, fd, EPOLLIN, data, ret_source);
        if (r == 0)
                (*ret_source)->timer_function = function;
        return r;
}

int loop_set_timer(struct loop_source *source, int64_t at_monotonic)
{
        struct itimerspec spec = { 0 };

        if (at_monotonic >= 0) {
                at_monotonic = MAX(at_monotonic, 1); /* zero would disarm */
                spec.it_value.tv_sec = at_monotonic / NSEC_PER_SEC;
                spec.it_value.tv_nsec = at_monotonic % NSEC_PER_SEC;
        }
        return timerfd_settime(source->fd, TFD_TIMER_ABSTIME, &spec, NULL) < 0 ? -errno : 0;
}

int loop_add_signal(struct loop *loop, int signal_number, loop_signal_function function, void *data,
                    struct loop_source **ret_source)
{
        sigset_t set;
        int fd, r;

        sigemptyset(&set);
        sigaddset(&set, signal_number);
        if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
                return -errno;
        fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
        if (fd < 0)
                return -errno;
        r = add(loop, SOURCE_SIGNAL, fd, EPOLLIN, data, ret_source);
        if (r == 0)
                (*ret_source)->signal_function = function;
        return r;
}

void loop_remove(struct loop_source **source)
{
        struct loop_source *s = *source;
        struct loop *loop;

        *source = NULL;
        if (!s || s->removed)
                return;
        loop = s->loop;
        s->removed = true;
        epoll_ctl(loop->epoll, EPOLL_CTL_DEL, s->fd, NULL);
        if (s->kind != SOURCE_FD)
                close(s->fd);
        if (s->previous)
                s->previous->next = s->next;
        else
                loop->sources = s->next;
        if (s->next)
                s->next->previous = s->previous;
        s->next = loop->removed;
        loop->removed = s;
}

static void dispatch(struct loop_source *source, uint32_t events)
{
        struct signalfd_siginfo info;
        uint64_t expirations;

        switch (source->kind) {
        case SOURCE_FD:
                source->fd_function(source->data, events);
                break;
        case SOURCE_TIMER:
                if (read(source->fd, &expirations, sizeof(expirations)) == sizeof(expirations))
                        source->timer_function(source->data, clock_monotonic());
                break;
        case SOURCE_SIGNAL:
                while (!source->removed && read(source->fd, &info, sizeof(info)) == sizeof(info))
                        source->signal_function(source->data, (int)info.ssi_signo);
                break;
        }
}

int loop_run(struct loop *loop)
{
        struct epoll_event events[64];

        loop->stopping = false;
        while (!loop->stopping) {
                int n = epoll_wait(loop->epoll, events, ARRAY_SIZE(events), -1);

                if (n < 0 && errno != EINTR)
                        return -errno;
                for (int i = 0; i < n && !loop->stopping; i++) {
                        struct loop_source *source = events[i].data.ptr;
                        if (!source->removed)
                                dispatch(source, events[i].events);
                }
                collect(loop);
        }
        return loop->result;
}

void loop_stop(struct loop *loop, int result)
{
        loop->stopping = true;
        loop->result = result;
}
