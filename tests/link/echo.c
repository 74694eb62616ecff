/* An endpoint that answers each request with its own body, for the tests of the link:
 *   echo URL... [--tls DIR] [--hold MS] [--handshake MS] [--idle MS]
 * DIR holds ca.crt, coordinator.crt and coordinator.key. A body that begins with "hold" is answered
 * after --hold milliseconds, one with "close" is answered and its connection closed. SIGUSR1 prints
 * statistics to standard output, SIGHUP reads the certificates again, SIGTERM ends it. */
#include "coordinator/endpoint.h"
#include "proto/log.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

struct held {
        struct held *next;
        int64_t at;
        uint64_t token;
};

struct echo {
        struct loop *loop;
        struct endpoint *endpoint;
        struct loop_source *timer;
        struct held *held, **held_tail;
        int64_t hold_ns;
};

static void request(void *data, const struct endpoint_peer *peer, uint64_t token, const uint8_t *body, size_t size)
{
        struct echo *echo = data;

        if (size >= 4 && memcmp(body, "hold", 4) == 0) {
                struct held *held = calloc(1, sizeof(*held));
                if (!held)
                        abort();
                held->at = clock_monotonic() + echo->hold_ns;
                held->token = token;
                *echo->held_tail = held;
                echo->held_tail = &held->next;
                if (loop_set_timer(echo->timer, echo->held->at) < 0)
                        abort();
                return;
        }
        if (size >= 4 && memcmp(body, "name", 4) == 0) {
                const char *name = peer->name ? peer->name : peer->address;
                endpoint_reply(echo->endpoint, token, (const uint8_t *)name, strlen(name));
                return;
        }
        endpoint_reply(echo->endpoint, token, body, size);
        if (size >= 5 && memcmp(body, "close", 5) == 0)
                endpoint_close(echo->endpoint, peer->connection, "refused: it asked for that");
}

static void release(void *data, int64_t now)
{
        struct echo *echo = data;

        while (echo->held && echo->held->at <= now) {
                struct held *held = echo->held;
                echo->held = held->next;
                if (!echo->held)
                        echo->held_tail = &echo->held;
                endpoint_reply(echo->endpoint, held->token, (const uint8_t *)"held", 4);
                free(held);
        }
        if (echo->held && loop_set_timer(echo->timer, echo->held->at) < 0)
                abort();
}

static void on_signal(void *data, int number)
{
        struct echo *echo = data;
        struct endpoint_statistics s;
        struct rusage usage;

        if (number == SIGTERM) {
                loop_stop(echo->loop, 0);
                return;
        }
        if (number == SIGHUP) {
                const char *why = "done";
                int r = endpoint_reload(echo->endpoint, &why);
                printf("reloaded %d %s\n", r, r < 0 ? why : "");
                fflush(stdout);
                return;
        }
        endpoint_statistics(echo->endpoint, &s);
        getrusage(RUSAGE_SELF, &usage);
        printf("{\"accepted\": %llu, \"refused\": %llu, \"requests\": %llu, \"replies\": %llu, \"dropped_replies\": %llu, "
               "\"connections\": %u, \"cpu_us\": %lld}\n",
               (unsigned long long)s.accepted, (unsigned long long)s.refused, (unsigned long long)s.requests,
               (unsigned long long)s.replies, (unsigned long long)s.dropped_replies, s.connections,
               (long long)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 + usage.ru_utime.tv_usec +
                       usage.ru_stime.tv_usec);
        fflush(stdout);
}

int main(int argc, char **argv)
{
        static const struct endpoint_functions functions = { .request = request };
        struct echo echo = { .hold_ns = 100 * NSEC_PER_MSEC };
        struct loop_source *term, *usr1, *hup;
        struct endpoint_options options = { 0 };
        char ca[512], certificate[512], key[512];
        const char *why;

        echo.held_tail = &echo.held;
        for (int i = 1; i < argc - 1; i++) {
                if (strcmp(argv[i], "--tls") == 0) {
                        snprintf(ca, sizeof(ca), "%s/ca.crt", argv[i + 1]);
                        snprintf(certificate, sizeof(certificate), "%s/coordinator.crt", argv[i + 1]);
                        snprintf(key, sizeof(key), "%s/coordinator.key", argv[i + 1]);
                        options.ca_file = ca;
                        options.certificate_file = certificate;
                        options.key_file = key;
                }
                if (strcmp(argv[i], "--hold") == 0)
                        echo.hold_ns = atoll(argv[i + 1]) * NSEC_PER_MSEC;
                if (strcmp(argv[i], "--handshake") == 0)
                        options.handshake_ns = atoll(argv[i + 1]) * NSEC_PER_MSEC;
                if (strcmp(argv[i], "--idle") == 0)
                        options.idle_ns = atoll(argv[i + 1]) * NSEC_PER_MSEC;
        }
        if (loop_new(&echo.loop) < 0 || loop_add_timer(echo.loop, release, &echo, &echo.timer) < 0 ||
            loop_add_signal(echo.loop, SIGTERM, on_signal, &echo, &term) < 0 ||
            loop_add_signal(echo.loop, SIGUSR1, on_signal, &echo, &usr1) < 0 ||
            loop_add_signal(echo.loop, SIGHUP, on_signal, &echo, &hup) < 0)
                return 1;
        if (endpoint_new(echo.loop, &options, &functions, &echo, &echo.endpoint, &why) < 0) {
                log_error("echo", "%s", why);
                return 1;
        }
        for (int i = 1; i < argc; i++) {
                if (argv[i][0] == '-') {
                        i++;
                        continue;
                }
                if (endpoint_listen(echo.endpoint, argv[i], &why) < 0) {
                        log_error("echo", "%s", why);
                        return 1;
                }
                printf("listening %u\n", endpoint_port(echo.endpoint));
        }
        printf("ready\n");
        fflush(stdout);
        if (loop_run(echo.loop) < 0)
                return 1;
        while (echo.held) {
                struct held *held = echo.held;
                echo.held = held->next;
                free(held);
        }
        endpoint_free(&echo.endpoint);
        loop_free(&echo.loop);
        return 0;
}
