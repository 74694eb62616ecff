#include "agent/uplink_internal.h"

#include <arpa/inet.h>
#include <nng/nng.h>
#include <nng/supplemental/tls/engine.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

/* nng hands no pointer of ours to its engine, so the one identity of this process lives here. */
static SSL_CTX *context;
static char server_name[256], own_name[128];
static void (*tell_failed)(const char *why);

struct nng_tls_engine_conn {
        SSL *ssl;
        bool handshaken, told;
        char why[512]; /* from the check of the coordinator's certificate */
};

/* Bytes go through nng's connection below, which the BIO keeps as its data. */
static int below(BIO *bio, int r, size_t n)
{
        BIO_clear_retry_flags(bio);
        if (r == 0)
                return (int)n;
        if (r == NNG_EAGAIN) {
                BIO_set_flags(bio, BIO_FLAGS_SHOULD_RETRY | BIO_get_flags(bio));
                return -1;
        }
        return 0;
}

static int below_write(BIO *bio, const char *data, int size)
{
        size_t n = (size_t)size;
        int r = nng_tls_engine_send(BIO_get_data(bio), (const uint8_t *)data, &n);

        r = below(bio, r, n);
        if (BIO_should_retry(bio))
                BIO_set_retry_write(bio);
        return r;
}

static int below_read(BIO *bio, char *data, int size)
{
        size_t n = (size_t)size;
        int r = nng_tls_engine_recv(BIO_get_data(bio), (uint8_t *)data, &n);

        r = below(bio, r, n);
        if (BIO_should_retry(bio))
                BIO_set_retry_read(bio);
        return r;
}

static long below_control(BIO *bio, int command, long number, void *pointer)
{
        (void)bio, (void)number, (void)pointer;
        return command == BIO_CTRL_FLUSH;
}

static BIO *below_new(void *connection)
{
        static BIO_METHOD *method;
        BIO *bio;

        if (!method) {
                method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "nng");
                if (!method)
                        return NULL;
                BIO_meth_set_write(method, below_write);
                BIO_meth_set_read(method, below_read);
                BIO_meth_set_ctrl(method, below_control);
        }
        bio = BIO_new(method);
        if (bio) {
                BIO_set_data(bio, connection);
                BIO_set_init(bio, 1);
        }
        return bio;
}

static int verify(int ok, X509_STORE_CTX *store)
{
        SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
        struct nng_tls_engine_conn *connection = SSL_get_app_data(ssl);
        X509 *certificate = X509_STORE_CTX_get_current_cert(store);
        int error = X509_STORE_CTX_get_error(store);
        char subject[128] = "";

        if (ok || connection->why[0])
                return ok;
        if (certificate)
                X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, subject, sizeof(subject));
        if (error == X509_V_ERR_HOSTNAME_MISMATCH || error == X509_V_ERR_IP_ADDRESS_MISMATCH)
                snprintf(connection->why, sizeof(connection->why),
                         "the coordinator's certificate (%s) is not for %s, the name we dial", subject, server_name);
        else
                snprintf(connection->why, sizeof(connection->why), "the coordinator's certificate (%s) is not accepted: %s",
                         subject, X509_verify_cert_error_string(error));
        return 0;
}

static void tell(struct nng_tls_engine_conn *connection)
{
        unsigned long error = ERR_peek_error();
        int reason = ERR_GET_REASON(error);
        const char *text = ERR_reason_error_string(error);
        const char *alert = text ? strstr(text, "alert ") : NULL; /* "tlsv1 alert unknown ca" */
        char why[600];

        if (connection->told || !error)
                return;
        connection->told = true;
        if (connection->why[0])
                snprintf(why, sizeof(why), "%s", connection->why);
        else if (reason == SSL_R_WRONG_VERSION_NUMBER)
                snprintf(why, sizeof(why), "the other side does not speak TLS");
        else if (reason >= SSL_AD_REASON_OFFSET)
                snprintf(why, sizeof(why), "the coordinator refuses our certificate (%s): %s", own_name,
                         alert ? alert + 6 : "without a reason");
        else
                snprintf(why, sizeof(why), "TLS with the coordinator fails: %s", text ? text : "unknown reason");
        tell_failed(why);
}

static int convert(struct nng_tls_engine_conn *connection, int n)
{
        int kind = SSL_get_error(connection->ssl, n);

        if (kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE)
                return NNG_EAGAIN;
        if (kind == SSL_ERROR_SSL && ERR_GET_REASON(ERR_peek_error()) != SSL_R_UNEXPECTED_EOF_WHILE_READING) {
                tell(connection);
                ERR_clear_error();
                return NNG_ECRYPTO;
        }
        ERR_clear_error();
        return NNG_ECLOSED;
}

static int connection_init(nng_tls_engine_conn *connection, void *lower, nng_tls_engine_config *config)
{
        BIO *bio = below_new(lower);
        struct in6_addr ignored;
        bool numeric = strchr(server_name, ':') || inet_pton(AF_INET, server_name, &ignored) == 1;

        (void)config;
        connection->ssl = SSL_new(context);
        if (!connection->ssl || !bio) {
                BIO_free(bio);
                return NNG_ENOMEM;
        }
        SSL_set_bio(connection->ssl, bio, bio);
        SSL_set_app_data(connection->ssl, connection);
        SSL_set_connect_state(connection->ssl);
        if (numeric)
                return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(connection->ssl), server_name) == 1 ? 0 : NNG_EINVAL;
        if (SSL_set1_host(connection->ssl, server_name) != 1 || SSL_set_tlsext_host_name(connection->ssl, server_name) != 1)
                return NNG_EINVAL;
        return 0;
}

/* Also called for connections that were never made: their state is zero. */
static void connection_fini(nng_tls_engine_conn *connection)
{
        if (!connection->ssl)
                return;
        SSL_free(connection->ssl);
        connection->ssl = NULL;
}

static void connection_close(nng_tls_engine_conn *connection)
{
        ERR_clear_error();
        if (connection->ssl && connection->handshaken)
                SSL_shutdown(connection->ssl);
        ERR_clear_error();
}

static int connection_handshake(nng_tls_engine_conn *connection)
{
        int n;

        ERR_clear_error();
        n = SSL_do_handshake(connection->ssl);
        connection->handshaken = n == 1;
        return n == 1 ? 0 : convert(connection, n);
}

static int connection_receive(nng_tls_engine_conn *connection, uint8_t *data, size_t *size)
{
        int n;

        ERR_clear_error();
        n = SSL_read(connection->ssl, data, (int)MIN(*size, (size_t)1 << 30));
        if (n <= 0)
                return convert(connection, n);
        *size = (size_t)n;
        return 0;
}

static int connection_send(nng_tls_engine_conn *connection, const uint8_t *data, size_t *size)
{
        int n;

        ERR_clear_error();
        n = SSL_write(connection->ssl, data, (int)MIN(*size, (size_t)1 << 30));
        if (n <= 0)
                return convert(connection, n);
        *size = (size_t)n;
        return 0;
}

static bool connection_verified(nng_tls_engine_conn *connection)
{
        return connection->handshaken;
}

/* The configuration is ours already; what nng would set is accepted and ignored. */
static int config_init(nng_tls_engine_config *config, nng_tls_mode mode)
{
        (void)config;
        return mode == NNG_TLS_MODE_CLIENT ? 0 : NNG_ENOTSUP;
}

static void config_fini(nng_tls_engine_config *config)
{
        (void)config;
}

static int config_server(nng_tls_engine_config *config, const char *name)
{
        (void)config, (void)name;
        return 0;
}

static int config_auth(nng_tls_engine_config *config, nng_tls_auth_mode mode)
{
        (void)config, (void)mode;
        return 0;
}

static int config_chain(nng_tls_engine_config *config, const char *chain, const char *revoked)
{
        (void)config, (void)chain, (void)revoked;
        return NNG_ENOTSUP;
}

static int config_own(nng_tls_engine_config *config, const char *certificate, const char *key, const char *password)
{
        (void)config, (void)certificate, (void)key, (void)password;
        return NNG_ENOTSUP;
}

static int config_version(nng_tls_engine_config *config, nng_tls_version low, nng_tls_version high)
{
        (void)config, (void)low, (void)high;
        return 0;
}

int uplink_tls_register(void)
{
        static nng_tls_engine_config_ops config_ops = {
                .size = sizeof(uint64_t),
                .init = config_init,
                .fini = config_fini,
                .server = config_server,
                .auth = config_auth,
                .ca_chain = config_chain,
                .own_cert = config_own,
                .version = config_version,
        };
        static nng_tls_engine_conn_ops connection_ops = {
                .size = sizeof(struct nng_tls_engine_conn),
                .init = connection_init,
                .fini = connection_fini,
                .close = connection_close,
                .handshake = connection_handshake,
                .recv = connection_receive,
                .send = connection_send,
                .verified = connection_verified,
        };
        static const nng_tls_engine engine = {
                .version = NNG_TLS_ENGINE_VERSION,
                .config_ops = &config_ops,
                .conn_ops = &connection_ops,
                .name = "openssl",
                .description = "OpenSSL for the uplink",
        };

        return nng_tls_engine_register(&engine) == 0 ? 0 : -ENOTSUP;
}

static int fail(char *why, size_t size, const char *what, const char *file)
{
        /* The first one knows what the system said, the last one what was wrong with the contents. */
        unsigned long error = ERR_SYSTEM_ERROR(ERR_peek_error()) ? ERR_peek_error() : ERR_peek_last_error();
        const char *reason = ERR_SYSTEM_ERROR(error) ? strerror(ERR_GET_REASON(error)) : ERR_reason_error_string(error);

        snprintf(why, size, "%s %s: %s", what, file, reason ? reason : "not usable");
        ERR_clear_error();
        SSL_CTX_free(context);
        context = NULL;
        return -EINVAL;
}

int uplink_tls_new(const struct uplink_options *options, const char *server, void (*failed)(const char *why), char *why,
                   size_t why_size)
{
        context = SSL_CTX_new(TLS_client_method());
        if (!context)
                return fail(why, why_size, "TLS", "cannot start");
        if (SSL_CTX_load_verify_file(context, options->ca_file) != 1)
                return fail(why, why_size, "CA certificate", options->ca_file);
        if (SSL_CTX_use_certificate_chain_file(context, options->certificate_file) != 1)
                return fail(why, why_size, "certificate", options->certificate_file);
        if (SSL_CTX_use_PrivateKey_file(context, options->key_file, SSL_FILETYPE_PEM) != 1)
                return fail(why, why_size, "private key", options->key_file);
        X509_NAME_get_text_by_NID(X509_get_subject_name(SSL_CTX_get0_certificate(context)), NID_commonName, own_name,
                                  sizeof(own_name));
        SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
        SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET);
        SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, verify);
        snprintf(server_name, sizeof(server_name), "%s", server);
        tell_failed = failed;
        return 0;
}
