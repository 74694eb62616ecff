/* The coordinator's listening side: speaks nng's wire protocol (Scalability Protocols, REP) over
 * TCP, TLS and IPC on our own epoll loop, so that unmodified nng agents and the CLI can talk to it
 * and nobody on the network can hurt it. The TCP mapping and the request/reply protocol are from the
 * SP RFCs (sp-tcp-mapping-01, sp-request-reply-01); IPC frames carry one more leading byte, 1.
 *
 * Owns listeners and connections. Every limit below is enforced before memory is spent: the length
 * of a message before it is read, handshakes and idle time by deadline, unread replies by bytes.
 * A peer that breaks a rule is closed with one rate-limited log line that names it and the rule; no
 * peer can make another one wait for more than one message. */
#pragma once

#include "proto/base.h"
#include "proto/loop.h"

struct endpoint;

/* Zero means the default. */
struct endpoint_options {
        uint32_t connections_max;                          /* 16384 */
        uint32_t connections_per_peer;                     /* 16, by certificate name */
        uint32_t requests_per_connection;                  /* 64 in flight */
        uint64_t request_bytes_max;                        /* 4 MiB */
        uint64_t pending_reply_bytes_max;                  /* 8 MiB a network connection; local ones are unlimited */
        int64_t handshake_ns;                              /* 10 s, for TLS and SP together */
        int64_t idle_ns;                                   /* 90 s without a byte; local connections may idle */
        const char *ca_file, *certificate_file, *key_file; /* for tls+tcp */
};

/* Who sent a request. */
struct endpoint_peer {
        uint64_t connection; /* never reused */
        const char *name;    /* from the peer's certificate; NULL without one */
        const char *address; /* "10.0.0.1:4711", or "control" */
        bool local;          /* control socket: guarded by file permissions */
        uint32_t uid;        /* of the process at its other end, as the kernel says; UINT32_MAX where it is not local */
        bool loopback;       /* plain TCP on loopback: unauthenticated, this machine */
};

/* `token` names the request until it is answered or `gone` was called for its connection. The body
 * is valid during the call only. */
struct endpoint_functions {
        void (*request)(void *data, const struct endpoint_peer *peer, uint64_t token, const uint8_t *body, size_t size);
        void (*gone)(void *data, uint64_t connection);
};

MUST_CHECK int endpoint_new(struct loop *loop, const struct endpoint_options *options, const struct endpoint_functions *functions,
                            void *data, struct endpoint **ret_endpoint, const char **ret_why);
void endpoint_free(struct endpoint **endpoint);

/* tcp://ADDRESS:PORT (loopback only), tls+tcp://ADDRESS:PORT, ipc://PATH (mode 0600, group readable
 * where the caller changes it). -EINVAL, -EADDRINUSE, -EACCES ... with a sentence. */
/* NULL if `url` is one to listen on, else what was expected in its place. */
const char *endpoint_url_expected(const char *url);
MUST_CHECK int endpoint_listen(struct endpoint *endpoint, const char *url, const char **ret_why);

/* The port of the listener added last: for tests that let the kernel choose. */
uint16_t endpoint_port(const struct endpoint *endpoint);

/* Copies the body. -ENOENT if the request's peer is gone: nothing to do, and no error. */
int endpoint_reply(struct endpoint *endpoint, uint64_t token, const uint8_t *body, size_t size);
/* The same without a copy: takes the mapping over, in every case, and ends it by munmap(). */
int endpoint_reply_mapped(struct endpoint *endpoint, uint64_t token, uint8_t *mapping, size_t size);

/* Closes a connection after its last reply was flushed, with a log line that says why. */
void endpoint_close(struct endpoint *endpoint, uint64_t connection, const char *why);

/* Reads certificate, key and CA again; on failure the old ones stay. */
MUST_CHECK int endpoint_reload(struct endpoint *endpoint, const char **ret_why);

struct endpoint_statistics {
        uint64_t accepted, refused, requests, replies, dropped_replies;
        uint32_t connections;
};
void endpoint_statistics(const struct endpoint *endpoint, struct endpoint_statistics *ret_statistics);
