#include "agent/uplink_child.h"

#include "agent/child.h"
#include "agent/privileges.h"
#include "proto/arena.h"
#include "proto/log.h"

#include <fcntl.h>
#include <malloc.h>
#include <nng/protocol/reqrep0/req.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* The coordinator holds a poll for 20 s. A request is sent again by nng after RESEND only, for a
 * shorter time would make duplicates of polls that are merely held. */
#define POLL_PATIENCE_NS (30 * NSEC_PER_SEC)
#define ACK_PATIENCE_NS (15 * NSEC_PER_SEC)
#define RESEND_MS 60000
#define TICK_NS (250 * NSEC_PER_MSEC)
#define REPLY_MAX (1u << 20)
#define THREAD_STACK (256u << 10)

static int note_pipe[2] = { -1, -1 };
static pthread_mutex_t failure_lock = PTHREAD_MUTEX_INITIALIZER;
static char failure[UPLINK_WHY_MAX];

/* Called on any thread. The pipe holds thousands of notes and there are never more than a handful. */
void link_note(uint32_t kind, uint32_t value)
{
        struct link_note note = { .kind = kind, .value = value };

        if (write(note_pipe[1], &note, sizeof(note)) != sizeof(note))
                abort();
}

static void tls_failed(const char *why)
{
        pthread_mutex_lock(&failure_lock);
        snprintf(failure, sizeof(failure), "%s", why);
        pthread_mutex_unlock(&failure_lock);
        link_note(LINK_NOTE_FAILED, 0);
}

static void pipe_changed(nng_pipe pipe, nng_pipe_ev event, void *data)
{
        (void)data;
        if (event == NNG_PIPE_EV_ADD_POST)
                link_note(LINK_NOTE_PIPE_UP, (uint32_t)nng_pipe_id(pipe));
        else if (event == NNG_PIPE_EV_REM_POST)
                link_note(LINK_NOTE_PIPE_DOWN, (uint32_t)nng_pipe_id(pipe));
}

static void noted(void *data, uint32_t events)
{
        struct link_child *child = data;
        struct link_note note;
        char why[UPLINK_WHY_MAX];

        (void)events;
        if (read(note_pipe[0], &note, sizeof(note)) != sizeof(note))
                return;
        switch (note.kind) {
        case LINK_NOTE_AIO:
                exchange_advance(&child->exchanges[note.value]);
                break;
        case LINK_NOTE_PIPE_UP:
                link_pipe_up(child, note.value);
                break;
        case LINK_NOTE_PIPE_DOWN:
                link_pipe_down(child, note.value);
                break;
        case LINK_NOTE_FAILED:
                pthread_mutex_lock(&failure_lock);
                memcpy(why, failure, sizeof(why));
                pthread_mutex_unlock(&failure_lock);
                link_failed(child, why);
                break;
        }
}

void link_tell(struct link_child *child, const struct uplink_event *event)
{
        if (send(child->fd, event, sizeof(*event), MSG_NOSIGNAL) != sizeof(*event))
                _exit(0); /* the agent is gone */
}

void link_tell_order(struct link_child *child, const struct wire_command *command)
{
        const struct action_dispatch *d = command->dispatch;
        const struct action_parameters *p = &d->parameters;
        struct uplink_order order = {
                .kind = UPLINK_ORDER,
                .id = command->id,
                .order = { .key_high = d->key.high,
                           .key_low = d->key.low,
                           .epoch = d->epoch,
                           .expires = d->expires,
                           .lease = d->lease,
                           .from = p->from,
                           .to = p->to,
                           .value = p->value,
                           .server = p->server,
                           .order = d->order,
                           .kind = d->kind,
                           .by_person = d->by_person,
                           .verified = d->verified,
                           .instances = p->instances,
                           .resource = p->resource,
                           .rate = p->rate,
                           .tier = p->tier,
                           .targets_count = (uint32_t)d->targets_count,
                           .cookies_count = (uint32_t)p->cookies_count },
        };

        snprintf(order.service, sizeof(order.service), "%s", d->service);
        memcpy(order.order.former, d->former.bytes, sizeof(order.order.former));
        memcpy(order.order.plan, d->plan.bytes, sizeof(order.order.plan));
        for (size_t i = 0; i < d->targets_count; i++)
                order.targets[i] = (struct uplink_target){ d->targets[i].started, d->targets[i].build, d->targets[i].pid, 0 };
        if (p->cookies_count)
                memcpy(order.order.cookies, p->cookies, p->cookies_count * sizeof(*p->cookies));
        link_witness(child, d, &order);
        if (send(child->fd, &order, sizeof(order), MSG_NOSIGNAL) != sizeof(order))
                _exit(0); /* the agent is gone */
}

static void tick(void *data, int64_t now)
{
        struct link_child *child = data;
        bool more;

        child->ticking = false;
        more = link_watch(child, now);
        for (size_t i = 0; i < ARRAY_SIZE(child->exchanges); i++)
                more |= exchange_watch(&child->exchanges[i], now);
        if (more)
                link_need_tick(child);
}

void link_need_tick(struct link_child *child)
{
        if (child->ticking)
                return;
        child->ticking = true;
        if (loop_set_timer(child->tick, clock_monotonic() + TICK_NS) < 0)
                _exit(1);
}

/* A summary of the agent's: inline behind the frame, or in a memfd. NULL if it is not what was said. */
static uint8_t *take_summary(const struct uplink_frame *frame, const uint8_t *rest, size_t rest_size, int memfd)
{
        uint8_t *message;

        if (frame->size == 0 || frame->size > WIRE_MESSAGE_MAX || (!frame->in_memfd && frame->size != rest_size))
                return NULL;
        message = malloc(frame->size);
        if (!message)
                return NULL;
        if (!frame->in_memfd)
                memcpy(message, rest, frame->size);
        else if (pread(memfd, message, frame->size, 0) != (ssize_t)frame->size) {
                free(message);
                return NULL;
        }
        return message;
}

static void handle(struct link_child *child, const struct uplink_frame *frame, const uint8_t *rest, size_t rest_size, int memfd)
{
        struct exchange *poll = &child->exchanges[LINK_POLL];
        uint8_t *message;

        if (frame->kind == UPLINK_FRAME_DONE) {
                child->commands_done = MAX(child->commands_done, frame->number);
                if (poll->state == EXCHANGE_RESTING && child->commands_done >= child->commands_seen)
                        link_poll(child);
                return;
        }
        for (size_t i = 0; frame->kind == UPLINK_FRAME_SUMMARY && i < UPLINK_HELD_MAX; i++) {
                struct exchange *exchange = &child->exchanges[i];
                if (exchange->state != EXCHANGE_IDLE)
                        continue;
                message = take_summary(frame, rest, rest_size, memfd);
                if (!message)
                        break;
                exchange->sequence = frame->number;
                exchange_start(exchange, message, frame->size);
                return;
        }
        log_error("uplink", "the agent sent what cannot be taken");
        _exit(1); /* a new child is given what is held */
}

static void from_agent(void *data, uint32_t events)
{
        static uint8_t buffer[sizeof(struct uplink_frame) + UPLINK_INLINE_MAX];
        union {
                struct cmsghdr header;
                char space[CMSG_SPACE(sizeof(int))];
        } control;
        struct iovec part = { .iov_base = buffer, .iov_len = sizeof(buffer) };
        struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
        struct link_child *child = data;
        CLEANUP_FD int memfd = -1;
        struct uplink_frame frame;
        ssize_t n = recvmsg(child->fd, &header, MSG_CMSG_CLOEXEC);

        (void)events;
        if (n < (ssize_t)sizeof(frame))
                _exit(0); /* the agent is gone */
        if (header.msg_controllen >= sizeof(struct cmsghdr) && control.header.cmsg_type == SCM_RIGHTS)
                memcpy(&memfd, CMSG_DATA(&control.header), sizeof(int));
        memcpy(&frame, buffer, sizeof(frame));
        handle(child, &frame, buffer + sizeof(frame), (size_t)n - sizeof(frame), memfd);
}

/* A child that is forked later finds the agent's maps and ring buffers in its memory. */
static void forget_mappings(void)
{
        FILE *maps = fopen("/proc/self/maps", "re");
        uintptr_t from[64], to[64];
        size_t count = 0;
        char line[512];

        while (maps && count < ARRAY_SIZE(from) && fgets(line, sizeof(line), maps))
                if (strstr(line, "anon_inode:") && sscanf(line, "%lx-%lx", &from[count], &to[count]) == 2)
                        count++;
        if (maps)
                fclose(maps);
        for (size_t i = 0; i < count; i++)
                munmap((void *)from[i], to[i] - from[i]);
}

static _Noreturn void give_up(int fd, const char *why)
{
        if (send(fd, why, strlen(why), MSG_NOSIGNAL) < 0)
                _exit(2);
        _exit(1);
}

/* Everything that needs the agent's rights, and then their end. */
static void prepare(struct link_child *child)
{
        const struct uplink_options *options = child->options;
        char text[UPLINK_WHY_MAX];
        pthread_attr_t attributes;
        const char *why;
        int r;

        if (uplink_parse_url(options->url, &child->url, &why) < 0)
                give_up(child->fd, why);
        if (child->url.secure && uplink_tls_new(options, child->url.host, tls_failed, text, sizeof(text)) < 0)
                give_up(child->fd, text);
        if (privileges_drop_all(options->user, &why) < 0)
                give_up(child->fd, why);
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0); /* a change of user clears it */
        r = privileges_restrict_calls(&why);
        if (r == -ENOTSUP)
                log_notice("uplink", "%s", why);
        else if (r < 0)
                give_up(child->fd, why);
        /* nng starts threads by the number of cores: keep each one small. */
        mallopt(M_ARENA_MAX, 1);
        if (pthread_attr_init(&attributes) == 0 && pthread_attr_setstacksize(&attributes, THREAD_STACK) == 0)
                pthread_setattr_default_np(&attributes);
}

static int set_up(struct link_child *child)
{
        struct loop_source *source;
        int r;

        if (pipe2(note_pipe, O_CLOEXEC) < 0)
                return -errno;
        r = loop_new(&child->loop);
        if (r == 0)
                r = loop_add_timer(child->loop, tick, child, &child->tick);
        if (r == 0)
                r = loop_add_fd(child->loop, child->fd, EPOLLIN, from_agent, child, &source);
        if (r == 0)
                r = loop_add_fd(child->loop, note_pipe[0], EPOLLIN, noted, child, &source);
        if (r == 0)
                r = arena_new(REPLY_MAX * 2, &child->arena);
        if (r < 0)
                return r;
        if (nng_req0_open(&child->socket) != 0 || nng_socket_set_ms(child->socket, NNG_OPT_REQ_RESENDTIME, RESEND_MS) != 0 ||
            nng_socket_set_size(child->socket, NNG_OPT_RECVMAXSZ, REPLY_MAX) != 0 ||
            nng_pipe_notify(child->socket, NNG_PIPE_EV_ADD_POST, pipe_changed, NULL) != 0 ||
            nng_pipe_notify(child->socket, NNG_PIPE_EV_REM_POST, pipe_changed, NULL) != 0)
                return -ENOMEM;
        for (uint32_t i = 0; r == 0 && i < ARRAY_SIZE(child->exchanges); i++)
                r = exchange_open(&child->exchanges[i], child, i, i == LINK_POLL ? POLL_PATIENCE_NS : ACK_PATIENCE_NS);
        return r == 0 && child->url.secure ? uplink_tls_register() : r;
}

void uplink_child(const struct uplink_options *options, uint64_t session, int fd)
{
        static struct link_child child;
        int r;

        fd = child_leave_agent(fd, "nightshift-link");
        forget_mappings();
        child = (struct link_child){ .options = options, .session = session, .fd = fd, .kept = options->checkpoint };
        prepare(&child);
        r = set_up(&child);
        if (r < 0)
                give_up(fd, strerror(-r));
        if (send(fd, "", 1, MSG_NOSIGNAL) != 1)
                _exit(1);
        child.unconnected_since = clock_monotonic();
        link_dial(&child);
        link_poll(&child);
        if (loop_run(child.loop) < 0)
                _exit(1);
        _exit(0);
}
