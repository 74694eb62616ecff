/* Real sockets for the tests of the BPF objects. Nothing here waits longer than five seconds; whatever
 * goes wrong fails the test. Addresses are text, IPv4 or IPv6. */
#pragma once

#include "proto/base.h"

int tcp_listen(const char *address, uint16_t port, int backlog);
/* Connects, and waits until it is open. */
int tcp_connect(const char *address, uint16_t port);
/* Begins to connect without blocking: fd, *ret_error is 0 or what connect() said (EINPROGRESS too). */
int tcp_begin(int family, const char *address, uint16_t port, int user_timeout_ms, int *ret_error);
/* What became of it: 0 or the error. */
int tcp_outcome(int fd);
int tcp_accept(int listener);

struct pair {
        int client, server;
};
struct pair tcp_pair(int listener, const char *address, uint16_t port);
/* Sends n bytes and reads them at the other end. */
void tcp_pass(int from, int to, size_t n);
void tcp_send(int fd, size_t n);
void tcp_receive(int fd, size_t n);
/* Reads until the peer's end. */
void tcp_receive_end(int fd);
/* The client's end first, then the server's, both orderly. */
void pair_close(struct pair *pair);
/* Ends by a reset. */
void tcp_reset(int fd);
