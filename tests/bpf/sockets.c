#include "tests/bpf/sockets.h"

#include "tests/bpf/rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define DEADLINE_MS 5000

static socklen_t address_set(struct sockaddr_storage *to, int family, const char *address, uint16_t port)
{
        struct sockaddr_in6 *v6 = (void *)to;
        struct sockaddr_in *v4 = (void *)to;

        memset(to, 0, sizeof(*to));
        to->ss_family = (sa_family_t)family;
        if (family == AF_INET6) {
                v6->sin6_port = htons(port);
                assert_int_equal(inet_pton(AF_INET6, address, &v6->sin6_addr), 1);
                return sizeof(*v6);
        }
        v4->sin_port = htons(port);
        assert_int_equal(inet_pton(AF_INET, address, &v4->sin_addr), 1);
        return sizeof(*v4);
}

static int family_of(const char *address)
{
        return strchr(address, ':') ? AF_INET6 : AF_INET;
}

static void wait_for(int fd, short events)
{
        struct pollfd p = { .fd = fd, .events = events };

        if (poll(&p, 1, DEADLINE_MS) != 1)
                fail_msg("a socket was not ready in time");
}

int tcp_listen(const char *address, uint16_t port, int backlog)
{
        int family = family_of(address), one = 1, fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        struct sockaddr_storage to;
        socklen_t size = address_set(&to, family, address, port);

        assert_true(fd >= 0);
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
        if (bind(fd, (void *)&to, size) < 0 || listen(fd, backlog) < 0)
                fail_msg("cannot listen on %s port %u: %s", address, port, strerror(errno));
        return fd;
}

int tcp_begin(int family, const char *address, uint16_t port, int user_timeout_ms, int *ret_error)
{
        int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        struct sockaddr_storage to;
        socklen_t size = address_set(&to, family, address, port);

        if (fd < 0)
                fail_msg("no socket: %s", strerror(errno));
        if (user_timeout_ms)
                setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &user_timeout_ms, sizeof(user_timeout_ms));
        *ret_error = connect(fd, (void *)&to, size) < 0 ? errno : 0;
        return fd;
}

int tcp_outcome(int fd)
{
        socklen_t size = sizeof(int);
        int error = 0;

        wait_for(fd, POLLOUT);
        assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size), 0);
        return error;
}

int tcp_connect(const char *address, uint16_t port)
{
        int error, fd = tcp_begin(family_of(address), address, port, 0, &error);

        if (error == EINPROGRESS)
                error = tcp_outcome(fd);
        if (error)
                fail_msg("cannot connect to %s port %u: %s", address, port, strerror(error));
        fcntl(fd, F_SETFL, 0);
        return fd;
}

int tcp_accept(int listener)
{
        int fd;

        wait_for(listener, POLLIN);
        fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0)
                fail_msg("accept: %s", strerror(errno));
        return fd;
}

struct pair tcp_pair(int listener, const char *address, uint16_t port)
{
        struct pair pair;

        pair.client = tcp_connect(address, port);
        pair.server = tcp_accept(listener);
        return pair;
}

void tcp_send(int fd, size_t n)
{
        static const char block[16384];

        while (n > 0) {
                ssize_t m;

                wait_for(fd, POLLOUT);
                m = send(fd, block, MIN(n, sizeof(block)), MSG_NOSIGNAL);
                if (m <= 0)
                        fail_msg("send: %s", strerror(errno));
                n -= (size_t)m;
        }
}

void tcp_receive(int fd, size_t n)
{
        char block[16384];

        while (n > 0) {
                ssize_t m;

                wait_for(fd, POLLIN);
                m = recv(fd, block, MIN(n, sizeof(block)), 0);
                if (m <= 0)
                        fail_msg("recv: %s", m ? strerror(errno) : "ended");
                n -= (size_t)m;
        }
}

void tcp_pass(int from, int to, size_t n)
{
        for (size_t m; n > 0; n -= m) {
                m = MIN(n, (size_t)16384);
                tcp_send(from, m);
                tcp_receive(to, m);
        }
}

void tcp_receive_end(int fd)
{
        char byte;

        wait_for(fd, POLLIN);
        assert_int_equal(recv(fd, &byte, 1, 0), 0);
}

void pair_close(struct pair *pair)
{
        close(pair->client);
        tcp_receive_end(pair->server);
        close(pair->server);
}

void tcp_reset(int fd)
{
        struct linger linger = { .l_onoff = 1, .l_linger = 0 };

        assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
        close(fd);
}
