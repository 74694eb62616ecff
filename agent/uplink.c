#include "agent/uplink_internal.h"
#include "proto/log.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define START_MS 10000
#define AGAIN_NS NSEC_PER_SEC /* before a child that died is forked again; doubles */
#define AGAIN_MAX_NS (30 * NSEC_PER_SEC)
#define UNCONNECTED_GRACE_NS (500 * NSEC_PER_MSEC)
#define EVENTS_BURST 32
#define STEADY_NS (60 * NSEC_PER_SEC)

/* A summary that was not acknowledged: kept here too, so that a new child can send it again. */
struct held {
        uint64_t sequence;
        uint8_t *message;
        size_t size;
};

struct uplink {
        struct uplink_options options;
        uint64_t session, done;
        pid_t child;
        int fd, pidfd;
        struct held held[UPLINK_HELD_MAX];
        struct loop *loop;
        struct loop_source *fd_source, *pidfd_source, *again;
        int64_t again_ns, forked;
        bool connected;
        uplink_function function;
        void *data;
        uplink_order_function on_order;
        void *order_data;
        char why[UPLINK_WHY_MAX];
};

static int send_frame(struct uplink *uplink, const struct uplink_frame *frame, const uint8_t *message, size_t size)
{
        struct iovec parts[] = { { .iov_base = (void *)frame, .iov_len = sizeof(*frame) },
                                 { .iov_base = (void *)message, .iov_len = size } };
        union {
                struct cmsghdr header;
                char space[CMSG_SPACE(sizeof(int))];
        } control = { 0 };
        struct msghdr header = { .msg_iov = parts, .msg_iovlen = size ? 2 : 1 };
        CLEANUP_FD int memfd = -1;

        if (uplink->fd < 0)
                return -ENOTCONN;
        if (frame->in_memfd) {
                memfd = memfd_create("nightshift-summary", MFD_CLOEXEC | MFD_ALLOW_SEALING);
                if (memfd < 0)
                        return -errno;
                for (size_t at = 0; at < size;) {
                        ssize_t n = write(memfd, message + at, size - at);
                        if (n < 0)
                                return -errno;
                        at += (size_t)n;
                }
                if (fcntl(memfd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
                        return -errno;
                header.msg_iovlen = 1;
                header.msg_control = &control;
                header.msg_controllen = sizeof(control);
                control.header =
                        (struct cmsghdr){ .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int)) };
                memcpy(CMSG_DATA(&control.header), &memfd, sizeof(int));
        }
        return sendmsg(uplink->fd, &header, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

static int send_held(struct uplink *uplink, const struct held *held)
{
        struct uplink_frame frame = { .kind = UPLINK_FRAME_SUMMARY,
                                      .in_memfd = held->size > UPLINK_INLINE_MAX,
                                      .number = held->sequence,
                                      .size = held->size };

        return send_frame(uplink, &frame, held->message, held->size);
}

static void release(struct held *held)
{
        free(held->message);
        *held = (struct held){ 0 };
}

/* Waits for the child's first line. */
static int await_start(struct uplink *uplink)
{
        struct pollfd wait = { .fd = uplink->fd, .events = POLLIN };
        ssize_t n;

        if (poll(&wait, 1, START_MS) != 1) {
                snprintf(uplink->why, sizeof(uplink->why), "the uplink's process does not start");
                return -ETIMEDOUT;
        }
        n = recv(uplink->fd, uplink->why, sizeof(uplink->why) - 1, 0);
        if (n <= 0) {
                snprintf(uplink->why, sizeof(uplink->why), "the uplink's process ended while it started");
                return -EPIPE;
        }
        uplink->why[n] = '\0';
        return uplink->why[0] ? -EINVAL : 0;
}

static void reap(struct uplink *uplink)
{
        int status;

        fd_close(&uplink->fd);
        fd_close(&uplink->pidfd);
        if (uplink->child > 0) {
                kill(uplink->child, SIGKILL);
                while (waitpid(uplink->child, &status, 0) < 0 && errno == EINTR)
                        ;
        }
        uplink->child = 0;
}

static int start(struct uplink *uplink)
{
        int pair[2], r;
        pid_t child;

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
                return -errno;
        child = fork();
        if (child == 0) {
                close(pair[0]);
                uplink_child(&uplink->options, uplink->session, pair[1]);
        }
        close(pair[1]);
        if (child < 0) {
                r = -errno;
                close(pair[0]);
                return r;
        }
        uplink->fd = pair[0];
        uplink->child = child;
        uplink->forked = clock_monotonic();
        uplink->pidfd = (int)syscall(SYS_pidfd_open, child, 0);
        /* Under valgrind there is none (it knows no such call): the child's end is then seen on `fd`. */
        r = uplink->pidfd < 0 && errno != ENOSYS ? -errno : await_start(uplink);
        if (r < 0)
                reap(uplink);
        return r;
}

static char *copy(const char *text, int *r)
{
        char *result = text ? strdup(text) : NULL;

        if (text && !result)
                *r = -ENOMEM;
        return result;
}

int uplink_fork(const struct uplink_options *options, uint64_t session, struct uplink **ret_uplink, const char **ret_why)
{
        static char why[UPLINK_WHY_MAX];
        struct uplink *uplink;
        struct uplink_url url;
        int r;

        r = uplink_parse_url(options->url, &url, ret_why);
        if (r < 0)
                return r;
        *ret_why = why;
        if (url.secure && (!options->ca_file || !options->certificate_file || !options->key_file)) {
                snprintf(why, sizeof(why),
                         "a tls+tcp:// coordinator needs a CA, a certificate and its key; make them with "
                         "`nightshift ca issue`");
                return -EINVAL;
        }
        snprintf(why, sizeof(why), "out of memory");
        uplink = calloc(1, sizeof(*uplink));
        if (!uplink)
                return -ENOMEM;
        uplink->fd = uplink->pidfd = -1;
        uplink->session = session;
        uplink->again_ns = AGAIN_NS;
        uplink->options = (struct uplink_options){
                .url = copy(options->url, &r),
                .host = copy(options->host, &r),
                .ca_file = copy(options->ca_file, &r),
                .certificate_file = copy(options->certificate_file, &r),
                .key_file = copy(options->key_file, &r),
                .user = copy(options->user, &r),
                .audit_keys = options->audit_keys,
                .audit_keys_count = options->audit_keys_count,
                .checkpoint = options->checkpoint,
        };
        if (r == 0) {
                r = start(uplink);
                if (r < 0)
                        snprintf(why, sizeof(why), "%s", uplink->why[0] ? uplink->why : strerror(-r));
        }
        if (r < 0)
                uplink_free(&uplink, 0);
        else
                *ret_uplink = uplink;
        return r;
}

static void forward(struct uplink *uplink, const struct uplink_event *event)
{
        if (uplink->function)
                uplink->function(uplink->data, event);
}

/* Terminated, and without control characters. */
static bool is_name(const char *text, size_t size)
{
        size_t length = strnlen(text, size);

        for (size_t i = 0; i < length; i++)
                if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
                        return false;
        return length < size;
}

/* Only numbers and one bounded name come from the child, and each is checked here. */
static bool is_valid(const struct uplink *uplink, const struct uplink_event *event)
{
        if (event->kind < UPLINK_CONNECTED || event->kind > UPLINK_COMMAND || !is_name(event->service, sizeof(event->service)))
                return false;
        if (event->kind == UPLINK_ACKNOWLEDGED)
                return event->session == uplink->session;
        if (event->kind == UPLINK_COMMAND)
                return event->command == WIRE_COMMAND_KEY_THRESHOLD ||
                       (event->command == WIRE_COMMAND_TIER && event->tier >= 1 && event->tier <= 3);
        return true;
}

static void died(void *data, uint32_t events);

/* What is in it beyond that is the executor's to check. */
static bool is_valid_order(const struct uplink_order *order)
{
        return order->kind == UPLINK_ORDER && order->service[0] && is_name(order->service, sizeof(order->service)) &&
               order->order.targets_count <= ACTION_TARGETS_MAX && order->order.cookies_count <= ACTION_COOKIES_MAX &&
               order->verdict >= UPLINK_ORDER_GOOD && order->verdict <= UPLINK_ORDER_UNPROVEN &&
               order->checkpoint_size <= sizeof(order->checkpoint) && is_name(order->why, sizeof(order->why));
}

void uplink_end_child(struct uplink *uplink)
{
        if (uplink->child > 0)
                kill(uplink->child, SIGKILL);
        loop_remove(&uplink->fd_source); /* its end is seen on the pidfd */
        if (uplink->pidfd < 0)
                died(uplink, EPOLLIN);
}

/* Returns false when there is nothing more to read. */
static bool receive(struct uplink *uplink)
{
        union {
                struct uplink_event event;
                struct uplink_order order;
        } message;
        struct uplink_event event;
        ssize_t n = recv(uplink->fd, &message, sizeof(message), MSG_DONTWAIT | MSG_TRUNC);

        if (n < 0 && errno == EAGAIN)
                return false;
        if (n == sizeof(message.order) && is_valid_order(&message.order)) {
                if (uplink->on_order)
                        uplink->on_order(uplink->order_data, &message.order);
                return true;
        }
        event = message.event;
        if (n != sizeof(event) || !is_valid(uplink, &event)) {
                if (n > 0)
                        log_error("uplink", "its process sent what it should not: it is ended");
                uplink_end_child(uplink);
                return false;
        }
        if (event.kind == UPLINK_ACKNOWLEDGED)
                for (size_t i = 0; i < UPLINK_HELD_MAX; i++)
                        if (uplink->held[i].message && uplink->held[i].sequence == event.sequence)
                                release(&uplink->held[i]);
        if (event.kind == UPLINK_CONNECTED || event.kind == UPLINK_DISCONNECTED)
                uplink->connected = event.kind == UPLINK_CONNECTED;
        forward(uplink, &event);
        return true;
}

static void readable(void *data, uint32_t events)
{
        struct uplink *uplink = data;

        (void)events;
        /* A child that was taken over could go on for ever: the rest of the agent gets its turn. */
        for (int i = 0; i < EVENTS_BURST && uplink->fd_source && receive(uplink); i++)
                ;
}

static void died(void *data, uint32_t events)
{
        struct uplink *uplink = data;
        struct uplink_event event = { .kind = UPLINK_DISCONNECTED };

        (void)events;
        if (clock_monotonic() - uplink->forked > STEADY_NS)
                uplink->again_ns = AGAIN_NS;
        log_error("uplink", "its process ended; it is started again in %lld s", (long long)(uplink->again_ns / NSEC_PER_SEC));
        loop_remove(&uplink->fd_source);
        loop_remove(&uplink->pidfd_source);
        reap(uplink);
        if (loop_set_timer(uplink->again, clock_monotonic() + uplink->again_ns) < 0)
                log_error("uplink", "cannot set a timer: this agent stays without its uplink");
        uplink->again_ns = MIN(uplink->again_ns * 2, AGAIN_MAX_NS);
        if (uplink->connected) {
                uplink->connected = false;
                forward(uplink, &event);
        }
}

static int watch(struct uplink *uplink)
{
        int r = loop_add_fd(uplink->loop, uplink->fd, EPOLLIN, readable, uplink, &uplink->fd_source);

        if (r == 0 && uplink->pidfd >= 0)
                r = loop_add_fd(uplink->loop, uplink->pidfd, EPOLLIN, died, uplink, &uplink->pidfd_source);
        return r;
}

static void start_again(void *data, int64_t now)
{
        struct uplink *uplink = data;
        int r = start(uplink);

        if (r == 0)
                r = watch(uplink);
        for (size_t i = 0; r == 0 && i < UPLINK_HELD_MAX; i++)
                if (uplink->held[i].message)
                        r = send_held(uplink, &uplink->held[i]);
        if (r == 0 && uplink->done)
                r = uplink_done(uplink, uplink->done);
        if (r == 0)
                return;
        log_error("uplink", "cannot start its process again: %s", uplink->why[0] ? uplink->why : strerror(-r));
        loop_remove(&uplink->fd_source);
        loop_remove(&uplink->pidfd_source);
        reap(uplink);
        if (loop_set_timer(uplink->again, now + uplink->again_ns) < 0)
                log_error("uplink", "cannot set a timer: this agent stays without its uplink");
}

int uplink_attach(struct uplink *uplink, struct loop *loop, uplink_function function, void *data)
{
        int r = loop_add_timer(loop, start_again, uplink, &uplink->again);

        uplink->loop = loop;
        uplink->function = function;
        uplink->data = data;
        return r < 0 ? r : watch(uplink);
}

void uplink_on_order(struct uplink *uplink, uplink_order_function function, void *data)
{
        uplink->on_order = function;
        uplink->order_data = data;
}

static bool holds_any(const struct uplink *uplink)
{
        for (size_t i = 0; i < UPLINK_HELD_MAX; i++)
                if (uplink->held[i].message)
                        return true;
        return false;
}

void uplink_free(struct uplink **uplink, int64_t grace_ns)
{
        struct uplink *u = *uplink;
        int64_t end, left;

        if (!u)
                return;
        u->function = NULL;
        end = clock_monotonic() + (u->connected ? grace_ns : MIN(grace_ns, UNCONNECTED_GRACE_NS));
        while (u->fd >= 0 && holds_any(u) && (left = end - clock_monotonic()) > 0) {
                struct pollfd wait = { .fd = u->fd, .events = POLLIN };
                struct uplink_event event;

                if (poll(&wait, 1, (int)(left / NSEC_PER_MSEC) + 1) < 1)
                        continue;
                if (recv(u->fd, &event, sizeof(event), MSG_DONTWAIT) != sizeof(event))
                        break;
                for (size_t i = 0; event.kind == UPLINK_ACKNOWLEDGED && i < UPLINK_HELD_MAX; i++)
                        if (u->held[i].sequence == event.sequence)
                                release(&u->held[i]);
        }
        loop_remove(&u->fd_source);
        loop_remove(&u->pidfd_source);
        loop_remove(&u->again);
        reap(u);
        for (size_t i = 0; i < UPLINK_HELD_MAX; i++)
                release(&u->held[i]);
        free((char *)u->options.url);
        free((char *)u->options.host);
        free((char *)u->options.ca_file);
        free((char *)u->options.certificate_file);
        free((char *)u->options.key_file);
        free((char *)u->options.user);
        free(u);
        *uplink = NULL;
}

int uplink_send(struct uplink *uplink, uint64_t sequence, const uint8_t *message, size_t size)
{
        struct held *held = NULL;
        int r;

        if (size == 0 || size > WIRE_MESSAGE_MAX)
                return -E2BIG;
        for (size_t i = 0; i < UPLINK_HELD_MAX && !held; i++)
                if (!uplink->held[i].message)
                        held = &uplink->held[i];
        if (!held)
                return -EAGAIN;
        held->message = malloc(size);
        if (!held->message)
                return -ENOMEM;
        memcpy(held->message, message, size);
        held->size = size;
        held->sequence = sequence;
        if (uplink->fd < 0)
                return 0; /* the next child sends it */
        r = send_held(uplink, held);
        if (r == -EPIPE || r == -ECONNRESET)
                return 0; /* likewise: its end is about to be noticed */
        if (r < 0)
                release(held);
        return r;
}

int uplink_done(struct uplink *uplink, uint64_t id)
{
        struct uplink_frame frame = { .kind = UPLINK_FRAME_DONE, .number = id };
        int r;

        uplink->done = MAX(uplink->done, id);
        r = send_frame(uplink, &frame, NULL, 0);
        return r == -ENOTCONN || r == -EPIPE || r == -ECONNRESET ? 0 : r;
}

void uplink_kept(struct uplink *uplink, const struct uplink_order *order)
{
        struct checkpoint_file *kept = &uplink->options.checkpoint;

        *kept = (struct checkpoint_file){ .size = order->checkpoint_size, .log_size = order->log_size };
        memcpy(kept->note, order->checkpoint, order->checkpoint_size);
}

bool uplink_has_checkpoint(const struct uplink *uplink)
{
        return uplink->options.checkpoint.size > 0;
}

int uplink_pid(const struct uplink *uplink)
{
        return uplink->child;
}
