#include "coordinator/endpoint_internal.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* After so long without an acknowledgement, or with a window of zero, a peer counts as gone. */
#define PEER_SILENT_MS 20000

static int fail(int r, char *why, size_t size, const char *url, const char *sentence)
{
        snprintf(why, size, "listen address %s: %s", url, sentence);
        return r;
}

/* "1.2.3.4:80", "[::1]:80", "*:80", "localhost:80" */
static int parse_address(const char *text, struct sockaddr_storage *ret_address, socklen_t *ret_length)
{
        struct sockaddr_in *v4 = (struct sockaddr_in *)ret_address;
        struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret_address;
        const char *colon = strrchr(text, ':');
        char host[64], *end;
        unsigned long port;
        size_t length;

        if (!colon || colon[1] < '0' || colon[1] > '9')
                return -EINVAL;
        port = strtoul(colon + 1, &end, 10);
        length = (size_t)(colon - text);
        if (*end || port > UINT16_MAX || length == 0 || length >= sizeof(host))
                return -EINVAL;
        memset(ret_address, 0, sizeof(*ret_address));
        if (text[0] == '[') {
                if (text[length - 1] != ']')
                        return -EINVAL;
                memcpy(host, text + 1, length - 2);
                host[length - 2] = '\0';
                if (inet_pton(AF_INET6, host, &v6->sin6_addr) != 1)
                        return -EINVAL;
                v6->sin6_family = AF_INET6;
                v6->sin6_port = htons((uint16_t)port);
                *ret_length = sizeof(*v6);
                return 0;
        }
        memcpy(host, text, length);
        host[length] = '\0';
        if (strcmp(host, "localhost") == 0)
                strcpy(host, "127.0.0.1");
        if (strcmp(host, "*") == 0)
                strcpy(host, "0.0.0.0");
        if (inet_pton(AF_INET, host, &v4->sin_addr) != 1)
                return -EINVAL;
        v4->sin_family = AF_INET;
        v4->sin_port = htons((uint16_t)port);
        *ret_length = sizeof(*v4);
        return 0;
}

static bool is_loopback(const struct sockaddr_storage *address)
{
        if (address->ss_family == AF_INET)
                return ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr) >> 24 == 127;
        return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)address)->sin6_addr);
}

static int listen_tcp(const char *url, const char *rest, struct listener *listener, char *why, size_t why_size)
{
        struct sockaddr_storage address;
        socklen_t length;
        CLEANUP_FD int fd = -1;
        int one = 1;

        if (parse_address(rest, &address, &length) < 0)
                return fail(-EINVAL, why, why_size, url, "expected ADDRESS:PORT, with an IPv6 address in brackets");
        if (!listener->secure && !is_loopback(&address))
                return fail(-EINVAL, why, why_size, url,
                            "plain tcp:// is for loopback only, others could read and forge it; use tls+tcp:// with "
                            "certificates from `nightshift ca init`");
        fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return fail(-errno, why, why_size, url, strerror(errno));
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
        if (bind(fd, (struct sockaddr *)&address, length) < 0 || listen(fd, SOMAXCONN) < 0)
                return fail(-errno, why, why_size, url,
                            errno == EADDRINUSE ? "another program listens there already" : strerror(errno));
        if (getsockname(fd, (struct sockaddr *)&address, &length) == 0)
                listener->port = ntohs(((struct sockaddr_in *)&address)->sin_port); /* same place in both families */
        listener->fd = TAKE_FD(fd);
        return 0;
}

/* A socket file that nobody listens on is what a killed coordinator leaves behind. */
static int remove_stale(const struct sockaddr_un *address)
{
        CLEANUP_FD int fd = -1;
        struct stat st;

        if (lstat(address->sun_path, &st) < 0)
                return errno == ENOENT ? 0 : -errno;
        if (!S_ISSOCK(st.st_mode))
                return -EEXIST;
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -errno;
        if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 || errno == EAGAIN)
                return -EADDRINUSE;
        return unlink(address->sun_path) < 0 && errno != ENOENT ? -errno : 0;
}

static int listen_ipc(const char *url, const char *path, struct listener *listener, char *why, size_t why_size)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        CLEANUP_FD int fd = -1;
        struct stat st;
        mode_t mask;
        int r;

        if (path[0] != '/' || strlen(path) >= sizeof(address.sun_path))
                return fail(-EINVAL, why, why_size, url, "expected an absolute path of at most 107 bytes");
        strcpy(address.sun_path, path);
        r = remove_stale(&address);
        if (r < 0)
                return fail(r, why, why_size, url,
                            r == -EADDRINUSE ? "another coordinator listens there already"
                            : r == -EEXIST   ? "there is a file in its place that is no socket"
                                             : strerror(-r));
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return fail(-errno, why, why_size, url, strerror(errno));
        mask = umask(0177); /* at no moment may others connect */
        r = bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
        umask(mask);
        if (r < 0)
                return fail(r, why, why_size, url, strerror(-r));
        if (listen(fd, SOMAXCONN) < 0 || lstat(path, &st) < 0)
                return fail(-errno, why, why_size, url, strerror(errno));
        listener->path = strdup(path);
        if (!listener->path)
                return fail(-ENOMEM, why, why_size, url, strerror(ENOMEM));
        listener->path_device = st.st_dev;
        listener->path_inode = st.st_ino;
        listener->fd = TAKE_FD(fd);
        return 0;
}

int socket_listen(const char *url, struct listener *listener, char *why, size_t why_size)
{
        listener->fd = -1;
        if (strncmp(url, "ipc://", 6) == 0) {
                listener->local = true;
                return listen_ipc(url, url + 6, listener, why, why_size);
        }
        if (strncmp(url, "tls+tcp://", 10) == 0) {
                listener->secure = true;
                return listen_tcp(url, url + 10, listener, why, why_size);
        }
        if (strncmp(url, "tcp://", 6) == 0)
                return listen_tcp(url, url + 6, listener, why, why_size);
        return fail(-EINVAL, why, why_size, url, "expected tls+tcp://ADDRESS:PORT, tcp://127.0.0.1:PORT or ipc://PATH");
}

const char *endpoint_url_expected(const char *url)
{
        bool secure = strncmp(url, "tls+tcp://", 10) == 0;
        struct sockaddr_storage address;
        socklen_t length;

        if (strncmp(url, "ipc://", 6) == 0 && url[6])
                return NULL;
        if ((!secure && strncmp(url, "tcp://", 6) != 0) || parse_address(url + (secure ? 10 : 6), &address, &length) < 0)
                return "tls+tcp://ADDRESS:PORT, or tcp://127.0.0.1:PORT on loopback";
        return secure || is_loopback(&address) ? NULL : "tls+tcp://ADDRESS:PORT beyond loopback, where others can read and forge";
}

void socket_unlisten(struct listener *listener)
{
        struct stat st;

        fd_close(&listener->fd);
        if (listener->path && lstat(listener->path, &st) == 0 && st.st_dev == listener->path_device &&
            st.st_ino == listener->path_inode)
                unlink(listener->path);
        free(listener->path);
        listener->path = NULL;
}

void socket_accepted(int fd, const struct sockaddr *address, char *ret_text, size_t text_size)
{
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
        int one = 1, idle = 20, interval = 5, count = 3, silent = PEER_SILENT_MS;
        char host[INET6_ADDRSTRLEN] = "?";

        if (address->sa_family != AF_INET && address->sa_family != AF_INET6) {
                snprintf(ret_text, text_size, "control");
                return;
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
        setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
        setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(interval));
        setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count));
        setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &silent, sizeof(silent));
        if (address->sa_family == AF_INET) {
                inet_ntop(AF_INET, &v4->sin_addr, host, sizeof(host));
                snprintf(ret_text, text_size, "%s:%u", host, ntohs(v4->sin_port));
        } else if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
                inet_ntop(AF_INET, &v6->sin6_addr.s6_addr[12], host, sizeof(host));
                snprintf(ret_text, text_size, "%s:%u", host, ntohs(v6->sin6_port));
        } else {
                inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof(host));
                snprintf(ret_text, text_size, "[%s]:%u", host, ntohs(v6->sin6_port));
        }
}
