/* Servers: one that does what each client asks for, and one that never accepts. */
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
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define LISTEN_MAX 16
static struct pollfd listeners[LISTEN_MAX];
static struct truth_edge *edges[LISTEN_MAX];
static int listeners_count;

static int listen_on(const char *text, int backlog, uint16_t *ret_port)
{
        static const int one = 1;
        struct sockaddr_storage a;
        socklen_t n = exchange_address(text, &a);
        int fd = socket(a.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 || bind(fd, (void *)&a, n) < 0 ||
            listen(fd, backlog) < 0)
                die("cannot listen on %s", text);
        *ret_port = exchange_port(&a);
        return fd;
}

static void work(void)
{
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;) {
                if (poll(listeners, (nfds_t)listeners_count, -1) < 0)
                        die("poll");
                for (int i = 0; i < listeners_count; i++) {
                        static const struct timeval limit = { .tv_sec = 60 };
                        int fd;

                        if (!(listeners[i].revents & POLLIN))
                                continue;
                        fd = accept4(listeners[i].fd, NULL, NULL, SOCK_CLOEXEC);
                        if (fd < 0)
                                continue;
                        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
                        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
                        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
                        exchange_serve(fd, edges[i]);
                }
        }
}

int mode_serve(int argc, char **argv)
{
        char *list = strdup(option(argc, argv, "listen", ""));
        long workers = option_number(argc, argv, "workers", 8);
        uint16_t port;
        int status;

        for (char *one = strtok(list, ","); one != NULL && listeners_count < LISTEN_MAX; one = strtok(NULL, ",")) {
                int fd = listen_on(one, 4096, &port);

                /* Several processes poll the same listener, and only one of them gets the connection. */
                if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
                        die("listen");
                edges[listeners_count] = truth_edge("*", truth_self(), port);
                listeners[listeners_count++] = (struct pollfd){ .fd = fd, .events = POLLIN };
        }
        for (long i = 0; i < workers; i++) {
                if (fork() == 0)
                        work();
        }
        puts("ready");
        fflush(stdout);
        /* A worker that dies does so because the truth is lost; nobody else ends. */
        wait(&status);
        die("a worker ended with status %x", status);
}

/* Half of the connections stay open and are reset when the listener goes, the other half close first;
 * none is ever accepted. Both ends are this process. */
int mode_mute(int argc, char **argv)
{
        long count = option_number(argc, argv, "count", 10);
        const char *text = option(argc, argv, "listen", "");
        struct sockaddr_storage a;
        socklen_t size = exchange_address(text, &a);
        uint16_t port;
        int listener = listen_on(text, (int)count + 16, &port);
        struct truth_edge *e = truth_edge(truth_self(), truth_self(), port);
        int *fds = calloc((size_t)count, sizeof(*fds));

        for (long i = 0; i < count; i++) {
                fds[i] = exchange_socket(a.ss_family);
                if (connect(fds[i], (void *)&a, size) < 0)
                        die("connect to %s", text);
                atomic_fetch_add(&e->attempted, 1);
                atomic_fetch_add(&e->opened, 1);
                transfer_send(fds[i], 10, SEND_WRITE);
                atomic_fetch_add(&e->sent, 10);
                truth_most(&e->most_sent, 10);
        }
        for (long i = 0; i < count; i += 2) {
                /* Waits for the FIN's acknowledgement: the reset that follows then finds no connection. */
                setsockopt(fds[i], SOL_SOCKET, SO_LINGER, &(struct linger){ 1, 5 }, sizeof(struct linger));
                close(fds[i]);
                atomic_fetch_add(&e->closed, 1);
        }
        close(listener);
        for (long i = 1; i < count; i += 2) {
                if (transfer_end(fds[i]) != -ECONNRESET)
                        die("a connection that was never accepted was not reset");
                close(fds[i]);
                atomic_fetch_add(&e->closed, 1);
                atomic_fetch_add(&e->reset_by_peer, 1);
        }
        free(fds);
        return 0;
}
