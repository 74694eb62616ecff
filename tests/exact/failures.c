/* Clients whose attempts do not open, and one whose connections die while they are open. What became of
 * an attempt is what connect() or SO_ERROR said; but who is told of an error by poll() and closes while
 * the kernel is still trying (an ICMP error that came inside connect() itself does that) aborts. */
#include "tests/exact/exchange.h"
#include "tests/exact/generator.h"
#include "tests/exact/transfer.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct target {
        struct sockaddr_storage to;
        socklen_t size;
        struct truth_edge *edge;
};

static struct target target_read(int argc, char **argv)
{
        struct target t;

        t.size = exchange_address(option(argc, argv, "to", ""), &t.to);
        t.edge = truth_edge(truth_self(), option(argc, argv, "server", ""), exchange_port(&t.to));
        return t;
}

static void account(struct truth_edge *e, int error, bool at_once)
{
        if (at_once && (error == ENETUNREACH || error == EHOSTUNREACH)) {
                atomic_fetch_add(&e->silent, 1);
                return;
        }
        atomic_fetch_add(&e->attempted, 1);
        switch (error) {
        case ECONNREFUSED:
                atomic_fetch_add(&e->refused, 1);
                break;
        case ETIMEDOUT:
                atomic_fetch_add(&e->timed_out, 1);
                break;
        case EHOSTUNREACH:
        case ENETUNREACH:
                atomic_fetch_add(&e->unreachable, 1);
                break;
        case EADDRNOTAVAIL:
                atomic_fetch_add(&e->no_port, 1);
                break;
        default:
                errno = error;
                die("an attempt that should have failed ended otherwise");
        }
}

static bool still_trying(int fd)
{
        struct tcp_info info;
        socklen_t n = sizeof(info);

        /* The error is set a moment before the state. TCP_INFO reads the state, then takes the lock under which
         * both are set: the second look is the one that counts. */
        return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &n) == 0 && getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &n) == 0 &&
               info.tcpi_state == TCP_SYN_SENT;
}

/* Keeps up to --parallel attempts in the air. Each is begun without blocking, since a time-out takes
 * seconds; every fourth blocks when only one is in the air. */
int mode_fail(int argc, char **argv)
{
        struct target t = target_read(argc, argv);
        long count = option_number(argc, argv, "count", 1), parallel = option_number(argc, argv, "parallel", 1), in_air = 0;
        struct pollfd *p = calloc((size_t)parallel, sizeof(*p));

        for (long begun = 0; begun < count || in_air > 0;) {
                while (begun < count && in_air < parallel) {
                        int fd = exchange_socket(t.to.ss_family), error = 0;
                        bool blocking = parallel == 1 && begun % 4 == 0;

                        if (!blocking)
                                fcntl(fd, F_SETFL, O_NONBLOCK);
                        begun++;
                        if (connect(fd, (void *)&t.to, t.size) < 0)
                                error = errno;
                        if (error == EINPROGRESS && !blocking) {
                                p[in_air++] = (struct pollfd){ .fd = fd, .events = POLLOUT };
                                continue;
                        }
                        account(t.edge, error, error == ENETUNREACH || error == EHOSTUNREACH ? !blocking : false);
                        close(fd);
                }
                if (in_air > 0 && poll(p, (nfds_t)in_air, 60000) <= 0)
                        die("attempts hang");
                for (long i = 0; i < in_air;) {
                        int error = 0;
                        socklen_t n = sizeof(error);

                        if (p[i].revents == 0) {
                                i++;
                                continue;
                        }
                        getsockopt(p[i].fd, SOL_SOCKET, SO_ERROR, &error, &n);
                        if (still_trying(p[i].fd)) {
                                atomic_fetch_add(&t.edge->attempted, 1);
                                atomic_fetch_add(&t.edge->aborted, 1);
                        } else {
                                account(t.edge, error, false);
                        }
                        close(p[i].fd);
                        p[i] = p[--in_air];
                }
        }
        free(p);
        return 0;
}

static int begin(const struct target *t)
{
        int fd = exchange_socket(t->to.ss_family);

        fcntl(fd, F_SETFL, O_NONBLOCK);
        if (connect(fd, (const void *)&t->to, t->size) == 0 || errno != EINPROGRESS)
                die("an attempt to be aborted did not begin");
        return fd;
}

static void abort_killed(const struct target *t)
{
        int ends[2], status;
        char byte;
        pid_t pid;

        if (pipe(ends) < 0)
                die("pipe");
        pid = fork();
        if (pid == 0) {
                begin(t);
                (void)!write(ends[1], "x", 1);
                for (;;)
                        pause();
        }
        close(ends[1]);
        if (read(ends[0], &byte, 1) != 1 || kill(pid, SIGKILL) < 0 || waitpid(pid, &status, 0) != pid)
                die("the child to be killed");
        close(ends[0]);
}

/* The target must be one that never answers, or an attempt may open before it is given up. */
int mode_abort(int argc, char **argv)
{
        struct target t = target_read(argc, argv);
        const char *how = option(argc, argv, "how", "close");
        long count = option_number(argc, argv, "count", 1);

        for (long i = 0; i < count; i++) {
                if (strcmp(how, "kill") == 0) {
                        abort_killed(&t);
                } else if (strcmp(how, "timeout") == 0) {
                        const struct timeval limit = { .tv_usec = 5000 };
                        int fd = exchange_socket(t.to.ss_family);

                        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
                        if (connect(fd, (void *)&t.to, t.size) == 0 || errno != EINPROGRESS)
                                die("an attempt that should have timed out in the application");
                        close(fd);
                } else {
                        int fd = begin(&t);

                        if (i % 3 == 0)
                                usleep(500);
                        close(fd);
                }
                atomic_fetch_add(&t.edge->attempted, 1);
                atomic_fetch_add(&t.edge->aborted, 1);
        }
        return 0;
}

int mode_hang(int argc, char **argv)
{
        struct target t = target_read(argc, argv);
        long count = option_number(argc, argv, "count", 10);
        int timeout = (int)option_number(argc, argv, "timeout", 1500), *fds = calloc((size_t)count, sizeof(*fds));
        struct exchange_header h = { .magic = EXCHANGE_MAGIC, .how = HOW_CLIENT_CLOSES, .upload = 1000000 };
        char line[16];

        for (long i = 0; i < count; i++) {
                fds[i] = exchange_socket(t.to.ss_family);
                setsockopt(fds[i], IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, sizeof(timeout));
                if (connect(fds[i], (void *)&t.to, t.size) < 0 || send(fds[i], &h, sizeof(h), 0) != sizeof(h))
                        die("connect");
                atomic_fetch_add(&t.edge->attempted, 1);
                atomic_fetch_add(&t.edge->opened, 1);
                atomic_fetch_add(&t.edge->sent, sizeof(h));
                truth_most(&t.edge->most_sent, sizeof(h) + 777);
        }
        puts("ready");
        fflush(stdout);
        if (fgets(line, sizeof(line), stdin) == NULL)
                die("nobody said go");
        for (long i = 0; i < count; i++) {
                transfer_send(fds[i], 777, SEND_WRITE);
                atomic_fetch_add(&t.edge->sent, 777);
        }
        for (long i = 0; i < count; i++) {
                int r = transfer_end(fds[i]);

                if (r != -ETIMEDOUT)
                        die("a dead connection ended with %d", r);
                close(fds[i]);
                atomic_fetch_add(&t.edge->closed, 1);
                atomic_fetch_add(&t.edge->timed_out_open, 1);
        }
        free(fds);
        return 0;
}
