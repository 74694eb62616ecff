/* One connection's life, as the client asks for it in its first bytes and as both ends carry it out. */
#pragma once

#include "tests/exact/truth.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

enum exchange_how {
        HOW_CLIENT_CLOSES,
        HOW_SERVER_CLOSES,
        HOW_HALF_CLOSE,    /* the client says its end, then reads the rest */
        HOW_BOTH_CLOSE,    /* both at about the same time */
        HOW_SERVER_RESETS, /* linger 0 */
        HOW_SERVER_UNREAD, /* the server closes with data unread */
        HOW_CLIENT_RESETS, /* linger 0 */
        HOW_CLIENT_UNREAD, /* the client closes with data unread */
        HOW_CLIENT_FULL,   /* the client fills its socket and resets: written and never delivered */
        HOW_DISCONNECT,    /* connect() to AF_UNSPEC, and the socket lives on */
        HOW_MAX,
};

#define EXCHANGE_MAGIC 0x4e53
struct exchange_header {
        uint16_t magic;
        uint8_t how;
        uint8_t server_sends, server_receives; /* enum transfer_* */
        uint8_t pad[3];
        uint32_t upload, download; /* bytes after the header */
};

/* "a.b.c.d:port", "[v6]:port"; a mapped address gives an AF_INET6 socket. */
socklen_t exchange_address(const char *text, struct sockaddr_storage *ret);
uint16_t exchange_port(const struct sockaddr_storage *address);

/* A TCP socket with time-outs of 60 s, so that a lost connection fails the test and does not hang it. */
int exchange_socket(int family);
void exchange_linger0(int fd);

/* The server's end of one accepted connection; closes fd and counts into `e`. */
void exchange_serve(int fd, struct truth_edge *e);
/* The client's end, from an open connection to its end; counts all but the opening. With
 * HOW_DISCONNECT, and only then, fd is still a socket afterwards. */
void exchange_run(int fd, const struct exchange_header *header, int sends, int receives, struct truth_edge *e);
