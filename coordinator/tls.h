/* TLS for the endpoint: certificates from files, sessions on non-blocking sockets, and the reason
 * when one fails. TLS 1.2 at least (stock nng brings mbed TLS, which ends there), 1.3 where the peer
 * can; a peer without a certificate from our CA does not get in. No renegotiation, no resumption: a
 * replaced CA takes effect on the next connection.
 *
 * A context may be freed while sessions of it live. Sessions allocate nothing before tls_new(),
 * which the endpoint calls when the first byte has arrived. Writing to a peer that is gone raises
 * SIGPIPE unless it is ignored: endpoint_new() does that. */
#pragma once

#include "proto/base.h"

struct tls_context;
struct tls_session;

#define TLS_NAME_MAX 253

/* -errno with a sentence that names the file, written into `why`. */
MUST_CHECK int tls_context_new(const char *ca_file, const char *certificate_file, const char *key_file,
                               struct tls_context **ret_context, char *why, size_t why_size);
void tls_context_free(struct tls_context **context);

MUST_CHECK int tls_new(struct tls_context *context, int fd, struct tls_session **ret_session);
/* Says good-bye (without waiting) if the session is sound; the socket stays open. */
void tls_goodbye(struct tls_session *session);
void tls_free(struct tls_session **session);

/* 0 when done, -EAGAIN with what to wait for (EPOLLIN or EPOLLOUT) in *ret_events, -ECONNRESET when
 * the peer hung up, -EPROTO with a sentence that lives as long as the session. */
MUST_CHECK int tls_handshake(struct tls_session *session, uint32_t *ret_events, const char **ret_why);
/* The peer's name from its certificate: the first dNSName, else the common name. -EINVAL if it has
 * none or one with characters that no host name has. */
MUST_CHECK int tls_peer_name(struct tls_session *session, char ret_name[TLS_NAME_MAX + 1]);

/* Bytes, 0 at the end, -EAGAIN, -ECONNRESET, -EPROTO with a sentence. Reading needs room for a
 * record (16 KiB), so that nothing stays behind in the session where epoll does not see it. */
MUST_CHECK int64_t tls_read(struct tls_session *session, uint8_t *buffer, size_t size, const char **ret_why);
MUST_CHECK int64_t tls_write(struct tls_session *session, const uint8_t *buffer, size_t size, const char **ret_why);
