#include "coordinator/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#define CERTIFICATES_MAX (32 << 10) /* bytes of a peer's chain */

struct tls_context {
        SSL_CTX *ssl;
};

struct tls_session {
        SSL *ssl;
        bool failed;
        char why[256];
};

static int fail(int r, char *why, size_t size, const char *what, const char *file)
{
        /* The first one knows what the system said, the last one what was wrong with the contents. */
        unsigned long error = ERR_SYSTEM_ERROR(ERR_peek_error()) ? ERR_peek_error() : ERR_peek_last_error();
        const char *reason = ERR_SYSTEM_ERROR(error) ? strerror(ERR_GET_REASON(error)) : ERR_reason_error_string(error);

        snprintf(why, size, "%s %s: %s", what, file ? file : "(none given)", reason ? reason : "not usable");
        ERR_clear_error();
        return r;
}

/* Notes whose certificate was found wanting, and how; OpenSSL forgets both when it fails. */
static int verify(int ok, X509_STORE_CTX *store)
{
        SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
        struct tls_session *session = SSL_get_app_data(ssl);
        X509 *certificate = X509_STORE_CTX_get_current_cert(store);
        char subject[128] = "";

        if (ok || session->why[0])
                return ok;
        if (certificate)
                X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, subject, sizeof(subject));
        snprintf(session->why, sizeof(session->why), "refused: its certificate%s%s: %s", subject[0] ? " for " : "", subject,
                 X509_verify_cert_error_string(X509_STORE_CTX_get_error(store)));
        return 0;
}

int tls_context_new(const char *ca_file, const char *certificate_file, const char *key_file, struct tls_context **ret_context,
                    char *why, size_t why_size)
{
        struct tls_context *context = calloc(1, sizeof(*context));
        SSL_CTX *ssl = SSL_CTX_new(TLS_server_method());
        int r = 0;

        ERR_clear_error();
        if (!context || !ssl) {
                r = fail(-ENOMEM, why, why_size, "TLS", "cannot start");
        } else if (!ca_file || SSL_CTX_load_verify_file(ssl, ca_file) != 1) {
                r = fail(-EINVAL, why, why_size, "CA certificate", ca_file);
        } else if (!certificate_file || SSL_CTX_use_certificate_chain_file(ssl, certificate_file) != 1) {
                r = fail(-EINVAL, why, why_size, "certificate", certificate_file);
        } else if (!key_file || SSL_CTX_use_PrivateKey_file(ssl, key_file, SSL_FILETYPE_PEM) != 1) {
                r = fail(-EINVAL, why, why_size, "private key", key_file);
        }
        if (r < 0) {
                SSL_CTX_free(ssl);
                free(context);
                return r;
        }
        SSL_CTX_set_min_proto_version(ssl, TLS1_2_VERSION);
        SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE);
        SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
        SSL_CTX_set_num_tickets(ssl, 0);
        SSL_CTX_set_mode(ssl, SSL_MODE_NO_AUTO_CHAIN | SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
        SSL_CTX_set_max_cert_list(ssl, CERTIFICATES_MAX);
        SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, verify);
        SSL_CTX_set_verify_depth(ssl, 4);
        context->ssl = ssl;
        *ret_context = context;
        return 0;
}

void tls_context_free(struct tls_context **context)
{
        if (!*context)
                return;
        SSL_CTX_free((*context)->ssl); /* sessions hold references of their own */
        free(*context);
        *context = NULL;
}

int tls_new(struct tls_context *context, int fd, struct tls_session **ret_session)
{
        struct tls_session *session = calloc(1, sizeof(*session));

        if (!session)
                return -ENOMEM;
        session->ssl = SSL_new(context->ssl);
        if (!session->ssl || SSL_set_fd(session->ssl, fd) != 1) {
                tls_free(&session);
                ERR_clear_error();
                return -ENOMEM;
        }
        SSL_set_app_data(session->ssl, session);
        SSL_set_accept_state(session->ssl);
        *ret_session = session;
        return 0;
}

void tls_goodbye(struct tls_session *session)
{
        if (!session->failed)
                SSL_shutdown(session->ssl);
        ERR_clear_error();
}

void tls_free(struct tls_session **session)
{
        if (!*session)
                return;
        SSL_free((*session)->ssl);
        free(*session);
        *session = NULL;
}

/* Why a session failed, in words that name the next step where there is one. */
static const char *explain(struct tls_session *session, unsigned long error)
{
        int reason = ERR_GET_REASON(error);
        const char *text = ERR_reason_error_string(error);

        if (session->why[0]) /* from verify() */
                return session->why;
        if (reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE)
                return "refused: it presents no certificate; make one with `nightshift ca issue`";
        if (reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_HTTP_REQUEST || reason == SSL_R_HTTPS_PROXY_REQUEST ||
            reason == SSL_R_UNEXPECTED_MESSAGE || reason == SSL_R_BAD_PROTOCOL_VERSION_NUMBER)
                return "refused: does not speak TLS; its URL should begin with tls+tcp://";
        if (reason == SSL_R_UNSUPPORTED_PROTOCOL || reason == SSL_R_VERSION_TOO_LOW)
                return "refused: speaks a version of TLS older than 1.2";
        if (reason >= SSL_AD_REASON_OFFSET) {
                const char *alert = text ? strstr(text, "alert ") : NULL; /* "tlsv1 alert unknown ca" */
                snprintf(session->why, sizeof(session->why), "it refused us: %s", alert ? alert + 6 : "unknown alert");
                return session->why;
        }
        snprintf(session->why, sizeof(session->why), "refused: TLS: %s", text ? text : "broken");
        return session->why;
}

/* Converts OpenSSL's result `n` of an operation, once. */
static int convert(struct tls_session *session, int n, uint32_t *ret_events, const char **ret_why)
{
        int kind = SSL_get_error(session->ssl, n), saved = errno;
        unsigned long error = ERR_peek_error();

        *ret_events = kind == SSL_ERROR_WANT_WRITE ? EPOLLOUT : EPOLLIN;
        if (kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE)
                return -EAGAIN;
        session->failed = true;
        if (kind == SSL_ERROR_ZERO_RETURN)
                return 0;
        if (kind == SSL_ERROR_SYSCALL || ERR_GET_REASON(error) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
                ERR_clear_error();
                return kind == SSL_ERROR_SYSCALL && saved ? -saved : -ECONNRESET;
        }
        *ret_why = explain(session, error);
        ERR_clear_error();
        return -EPROTO;
}

int tls_handshake(struct tls_session *session, uint32_t *ret_events, const char **ret_why)
{
        int n, r;

        ERR_clear_error();
        errno = 0;
        n = SSL_do_handshake(session->ssl);
        if (n == 1)
                return 0;
        r = convert(session, n, ret_events, ret_why);
        return r == 0 ? -ECONNRESET : r;
}

static bool is_host_name(const char *name, size_t length)
{
        static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";

        return length > 0 && length <= TLS_NAME_MAX && memchr(name, '\0', length) == NULL && strspn(name, allowed) == length;
}

static int take_name(const ASN1_STRING *string, char ret_name[TLS_NAME_MAX + 1])
{
        const char *data = (const char *)ASN1_STRING_get0_data(string);
        int length = ASN1_STRING_length(string);
        char copy[TLS_NAME_MAX + 2];

        if (length <= 0 || length > TLS_NAME_MAX)
                return -EINVAL;
        memcpy(copy, data, (size_t)length);
        copy[length] = '\0';
        if (!is_host_name(copy, (size_t)length))
                return -EINVAL;
        memcpy(ret_name, copy, (size_t)length + 1);
        return 0;
}

int tls_peer_name(struct tls_session *session, char ret_name[TLS_NAME_MAX + 1])
{
        X509 *certificate = SSL_get0_peer_certificate(session->ssl);
        GENERAL_NAMES *names;
        bool found = false;
        int r = -EINVAL, at;

        if (!certificate)
                return -EINVAL;
        names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
        for (int i = 0; names && !found && i < sk_GENERAL_NAME_num(names); i++) {
                const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
                found = name->type == GEN_DNS;
                if (found)
                        r = take_name(name->d.dNSName, ret_name);
        }
        GENERAL_NAMES_free(names);
        at = found ? -1 : X509_NAME_get_index_by_NID(X509_get_subject_name(certificate), NID_commonName, -1);
        if (at >= 0)
                r = take_name(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(X509_get_subject_name(certificate), at)), ret_name);
        ERR_clear_error();
        return r;
}

int64_t tls_read(struct tls_session *session, uint8_t *buffer, size_t size, const char **ret_why)
{
        uint32_t events;
        int n;

        ERR_clear_error();
        errno = 0;
        n = SSL_read(session->ssl, buffer, (int)MIN(size, (size_t)1 << 30));
        return n > 0 ? n : convert(session, n, &events, ret_why);
}

int64_t tls_write(struct tls_session *session, const uint8_t *buffer, size_t size, const char **ret_why)
{
        uint32_t events;
        int n, r;

        ERR_clear_error();
        errno = 0;
        n = SSL_write(session->ssl, buffer, (int)MIN(size, (size_t)1 << 30));
        if (n > 0)
                return n;
        r = convert(session, n, &events, ret_why);
        return r == 0 ? -ECONNRESET : r;
}
