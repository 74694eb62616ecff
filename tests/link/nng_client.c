/* Stock nng as a client: exchanges COUNT requests of SIZE bytes over CONTEXTS contexts with URL and
 * checks that each reply is its request.
 *   nng_client URL COUNT CONTEXTS SIZE [--tls DIR CERTIFICATE KEY]
 * CERTIFICATE and KEY are names in DIR, beside ca.crt; this uses the TLS that libnng brings. Prints
 * the rate; ends with 1 on the first error. */
#include <nng/nng.h>
#include <nng/protocol/reqrep0/req.h>
#include <nng/supplemental/tls/tls.h>
#include <nng/transport/tls/tls.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static nng_socket sock;
static long count, size;

static double now(void)
{
        struct timespec ts;
        clock_gettime(CLOCK_MONOTONIC, &ts);
        return ts.tv_sec + ts.tv_nsec / 1e9;
}

static void check(int r, const char *what)
{
        if (r != 0) {
                fprintf(stderr, "nng_client: %s: %s\n", what, nng_strerror(r));
                exit(1);
        }
}

static void *worker(void *argument)
{
        long share = (long)argument, n = (size_t)size > sizeof(share) ? size : (long)sizeof(share);
        unsigned char *body = malloc((size_t)n);
        nng_aio *aio;
        nng_ctx ctx;

        memset(body, 'x', (size_t)n);
        check(nng_aio_alloc(&aio, NULL, NULL), "aio");
        nng_aio_set_timeout(aio, 30000);
        check(nng_ctx_open(&ctx, sock), "context");
        for (long i = 0; i < share; i++) {
                nng_msg *msg;
                check(nng_msg_alloc(&msg, 0), "message");
                memcpy(body, &i, sizeof(i));
                check(nng_msg_append(msg, body, (size_t)n), "message");
                nng_aio_set_msg(aio, msg);
                nng_ctx_send(ctx, aio);
                nng_aio_wait(aio);
                check(nng_aio_result(aio), "send");
                nng_ctx_recv(ctx, aio);
                nng_aio_wait(aio);
                check(nng_aio_result(aio), "receive");
                msg = nng_aio_get_msg(aio);
                if (nng_msg_len(msg) != (size_t)n || memcmp(nng_msg_body(msg), body, (size_t)n) != 0) {
                        fprintf(stderr, "nng_client: a reply is not its request\n");
                        exit(1);
                }
                nng_msg_free(msg);
        }
        nng_ctx_close(ctx);
        nng_aio_free(aio);
        free(body);
        return NULL;
}

int main(int argc, char **argv)
{
        pthread_t threads[64];
        nng_dialer dialer;
        int contexts;
        double start;

        if (argc < 5)
                return 2;
        count = atol(argv[2]);
        contexts = atoi(argv[3]);
        size = atol(argv[4]);
        if (contexts < 1 || contexts > 64)
                return 2;
        check(nng_req0_open(&sock), "socket");
        check(nng_dialer_create(&dialer, sock, argv[1]), "dialer");
        if (argc >= 9) {
                char ca[512], certificate[512], key[512], both[1024];
                nng_tls_config *tls;
                FILE *in, *out;
                int c;

                snprintf(ca, sizeof(ca), "%s/ca.crt", argv[6]);
                snprintf(certificate, sizeof(certificate), "%s/%s", argv[6], argv[7]);
                snprintf(key, sizeof(key), "%s/%s", argv[6], argv[8]);
                snprintf(both, sizeof(both), "/tmp/nng_client.%d.pem", (int)getpid());
                out = fopen(both, "w");
                for (int i = 0; i < 2; i++) {
                        in = fopen(i ? key : certificate, "r");
                        if (!in || !out)
                                return 1;
                        while ((c = getc(in)) != EOF)
                                putc(c, out);
                        fclose(in);
                }
                fclose(out);
                check(nng_tls_config_alloc(&tls, NNG_TLS_MODE_CLIENT), "TLS");
                check(nng_tls_config_ca_file(tls, ca), "CA");
                check(nng_tls_config_cert_key_file(tls, both, NULL), "certificate");
                check(nng_tls_config_server_name(tls, "localhost"), "server name");
                check(nng_tls_config_auth_mode(tls, NNG_TLS_AUTH_MODE_REQUIRED), "mode");
                check(nng_dialer_set_ptr(dialer, NNG_OPT_TLS_CONFIG, tls), "TLS");
                remove(both);
        }
        check(nng_dialer_start(dialer, 0), "dial");
        start = now();
        for (long i = 0; i < contexts; i++)
                if (pthread_create(&threads[i], NULL, worker, (void *)(count / contexts + (i < count % contexts))) != 0)
                        return 1;
        for (int i = 0; i < contexts; i++)
                pthread_join(threads[i], NULL);
        printf("%ld requests in %.2f s: %.0f/s\n", count, now() - start, count / (now() - start));
        nng_close(sock);
        return 0;
}
