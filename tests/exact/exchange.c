#include "tests/exact/exchange.h"
#include "tests/exact/transfer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

socklen_t exchange_address(const char *text, struct sockaddr_storage *ret)
{
        struct sockaddr_in *in = (struct sockaddr_in *)ret;
        struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret;
        char host[64];
        const char *colon = strrchr(text, ':');
        size_t n = colon != NULL ? (size_t)(colon - text) : 0;

        memset(ret, 0, sizeof(*ret));
        if (n < 3 || n >= sizeof(host))
                die("not an address: %s", text);
        memcpy(host, text, n);
        host[n] = 0;
        if (host[0] == '[') {
                host[n - 1] = 0;
                in6->sin6_family = AF_INET6;
                in6->sin6_port = htons((uint16_t)atoi(colon + 1));
                if (inet_pton(AF_INET6, host + 1, &in6->sin6_addr) != 1)
                        die("not an address: %s", text);
                return sizeof(*in6);
        }
        in->sin_family = AF_INET;
        in->sin_port = htons((uint16_t)atoi(colon + 1));
        if (inet_pton(AF_INET, host, &in->sin_addr) != 1)
                die("not an address: %s", text);
        return sizeof(*in);
}

uint16_t exchange_port(const struct sockaddr_storage *address)
{
        return ntohs(((const struct sockaddr_in *)address)->sin_port);
}

int exchange_socket(int family)
{
        static const struct timeval limit = { .tv_sec = 60 };
        int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0 ||
            setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0)
                die("socket");
        return fd;
}

void exchange_linger0(int fd)
{
        static const struct linger zero = { .l_onoff = 1 };

        if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &zero, sizeof(zero)) < 0)
                die("linger");
}

static void finish(int fd)
{
        if (fd >= 0 && close(fd) < 0)
                die("close");
}

static void expect(int have, int want, const char *what)
{
        if (have != want)
                die("%s: got %d, expected %d", what, have, want);
}

#define ADD(e, name, n) atomic_fetch_add(&(e)->name, (uint64_t)(n))

void exchange_serve(int fd, struct truth_edge *e)
{
        struct exchange_header h;
        struct pollfd p = { .fd = fd };
        int unread = 0;

        ADD(e, opened, 1);
        if (recv(fd, &h, sizeof(h), MSG_WAITALL) != sizeof(h) || h.magic != EXCHANGE_MAGIC)
                die("a connection that is none of ours");
        ADD(e, received, sizeof(h));
        switch (h.how) {
        case HOW_CLIENT_FULL:
                if (poll(&p, 1, 60000) != 1 || ioctl(fd, FIONREAD, &unread) < 0)
                        die("no reset came");
                ADD(e, received, unread);
                ADD(e, unread, unread);
                truth_most(&e->most_received, sizeof(h) + (uint64_t)unread);
                ADD(e, reset_by_peer, 1);
                break;
        case HOW_SERVER_UNREAD:
                transfer_arrived(fd, h.upload);
                ADD(e, received, h.upload);
                truth_most(&e->most_received, sizeof(h) + h.upload);
                ADD(e, unread, h.upload);
                ADD(e, reset_by_self, 1);
                break;
        default:
                transfer_receive(fd, h.upload, h.server_receives);
                ADD(e, received, h.upload);
                if (h.how == HOW_HALF_CLOSE)
                        expect(transfer_end(fd), 0, "the client's end");
                transfer_send(fd, h.download, h.server_sends);
                ADD(e, sent, h.download);
                truth_most(&e->most_received, sizeof(h) + h.upload + 1); /* a last byte may follow */
                truth_most(&e->most_sent, h.download);
                if (h.how == HOW_CLIENT_CLOSES)
                        expect(transfer_end(fd), 0, "the client's end");
                if (h.how == HOW_CLIENT_RESETS || h.how == HOW_CLIENT_UNREAD || h.how == HOW_DISCONNECT) {
                        expect(transfer_end(fd), -ECONNRESET, "the client's reset");
                        ADD(e, reset_by_peer, 1);
                }
                if (h.how == HOW_SERVER_RESETS) {
                        transfer_receive(fd, 1, RECEIVE_READ);
                        ADD(e, received, 1);
                        ADD(e, reset_by_self, 1);
                        exchange_linger0(fd);
                }
        }
        finish(fd);
        ADD(e, closed, 1);
}

void exchange_run(int fd, const struct exchange_header *header, int sends, int receives, struct truth_edge *e)
{
        const struct exchange_header *h = header;
        struct sockaddr none = { .sa_family = AF_UNSPEC };
        size_t sent = sizeof(*h), received = h->how == HOW_CLIENT_FULL || h->how == HOW_SERVER_UNREAD ? 0 : h->download;

        if (send(fd, h, sizeof(*h), MSG_NOSIGNAL) != sizeof(*h))
                die("sending the header");
        if (h->how == HOW_CLIENT_FULL) {
                sent += transfer_fill(fd);
        } else {
                transfer_send(fd, h->upload, sends);
                sent += h->upload;
        }
        ADD(e, sent, sent);
        truth_most(&e->most_sent, sent + 1); /* a last byte may follow */
        truth_most(&e->most_received, received);
        if (h->how == HOW_HALF_CLOSE && shutdown(fd, SHUT_WR) < 0)
                die("shutdown");
        switch (h->how) {
        case HOW_CLIENT_FULL:
        case HOW_SERVER_UNREAD:
                break;
        case HOW_CLIENT_UNREAD:
                transfer_arrived(fd, h->download);
                transfer_receive(fd, h->download / 2, receives);
                ADD(e, received, h->download);
                ADD(e, unread, h->download - h->download / 2);
                break;
        default:
                transfer_receive(fd, h->download, receives);
                ADD(e, received, h->download);
        }
        switch (h->how) {
        case HOW_SERVER_CLOSES:
        case HOW_HALF_CLOSE:
                expect(transfer_end(fd), 0, "the server's end");
                break;
        case HOW_SERVER_RESETS:
                transfer_send(fd, 1, SEND_WRITE);
                ADD(e, sent, 1);
                /* fall through */
        case HOW_SERVER_UNREAD:
                expect(transfer_end(fd), -ECONNRESET, "the server's reset");
                ADD(e, reset_by_peer, 1);
                break;
        case HOW_CLIENT_FULL:
        case HOW_CLIENT_RESETS:
                exchange_linger0(fd);
                /* fall through */
        case HOW_CLIENT_UNREAD:
                ADD(e, reset_by_self, 1);
                break;
        case HOW_DISCONNECT:
                if (connect(fd, &none, sizeof(none)) < 0)
                        die("disconnect");
                ADD(e, reset_by_self, 1);
                ADD(e, closed, 1);
                return;
        }
        finish(fd);
        ADD(e, closed, 1);
}
