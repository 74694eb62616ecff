/* A coordinator without a graph, for the tests of the uplink: acknowledges summaries and holds polls.
 *   acker URL [--tls DIR] [--hold MS] [--refuse REASON] [--command]
 * Prints a line for each summary: "summary HOST NAME SEQUENCE", where NAME is the certificate's. With
 * --command the first poll is answered with a command at once, and its acknowledgement is printed. */
#include "coordinator/endpoint.h"
#include "proto/arena.h"
#include "proto/log.h"
#include "proto/wire.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HELD_MAX 4096

struct acker {
        struct loop *loop;
        struct endpoint *endpoint;
        struct arena *arena;
        struct loop_source *timer;
        struct {
                uint64_t token;
                int64_t at;
        } held[HELD_MAX];
        size_t held_count;
        int64_t hold_ns;
        const char *refuse;
        bool command;
};

static void reply(struct acker *acker, uint64_t token, const struct wire_reply *what)
{
        uint8_t *body;
        size_t size;

        if (wire_pack_reply(what, &body, &size) < 0)
                abort();
        endpoint_reply(acker->endpoint, token, body, size);
        free(body);
}

static void poll_request(struct acker *acker, uint64_t token, const struct wire_poll *poll)
{
        struct wire_command command = { .id = 7, .kind = WIRE_COMMAND_TIER, .service = "nginx", .tier = 2, .until = 5 };
        struct wire_reply commands = { .kind = WIRE_COMMANDS, .commands = { .commands = &command, .count = 1 } };

        if (acker->command && poll->acknowledged < 7) {
                reply(acker, token, &commands);
                return;
        }
        if (acker->command)
                printf("done %llu\n", (unsigned long long)poll->acknowledged);
        acker->command = false;
        if (acker->held_count == HELD_MAX)
                abort();
        acker->held[acker->held_count].token = token;
        acker->held[acker->held_count++].at = clock_monotonic() + acker->hold_ns;
}

static void request(void *data, const struct endpoint_peer *peer, uint64_t token, const uint8_t *body, size_t size)
{
        struct acker *acker = data;
        struct wire_request in;
        struct wire_reply out = { .kind = WIRE_REFUSAL, .refusal = { .reason = acker->refuse } };
        const char *why = "does not parse";

        arena_reset(acker->arena, 1 << 20);
        if (acker->refuse) {
                reply(acker, token, &out);
                endpoint_close(acker->endpoint, peer->connection, acker->refuse);
                return;
        }
        if (wire_unpack_request(body, size, acker->arena, &in, &why) < 0) {
                out.refusal.reason = why;
                reply(acker, token, &out);
                return;
        }
        if (in.kind == WIRE_POLL) {
                poll_request(acker, token, &in.poll);
        } else if (in.kind == WIRE_SUMMARY) {
                printf("summary %s %s %llu\n", in.summary->host, peer->name ? peer->name : "-",
                       (unsigned long long)in.summary->sequence);
                out = (struct wire_reply){
                        .kind = WIRE_ACK,
                        .ack = { .session = in.summary->session, .sequence = in.summary->sequence, .coordinator = 1 }
                };
                reply(acker, token, &out);
        }
        fflush(stdout);
}

static void release(void *data, int64_t now)
{
        static struct wire_command none;
        struct wire_reply commands = { .kind = WIRE_COMMANDS, .commands = { .commands = &none } };
        struct acker *acker = data;
        size_t kept = 0;

        for (size_t i = 0; i < acker->held_count; i++) {
                if (acker->held[i].at <= now)
                        reply(acker, acker->held[i].token, &commands);
                else
                        acker->held[kept++] = acker->held[i];
        }
        acker->held_count = kept;
        if (loop_set_timer(acker->timer, now + 100 * NSEC_PER_MSEC) < 0)
                abort();
}

static void on_signal(void *data, int number)
{
        (void)number;
        loop_stop(data, 0);
}

int main(int argc, char **argv)
{
        static const struct endpoint_functions functions = { .request = request };
        struct acker acker = { .hold_ns = 20 * NSEC_PER_SEC };
        struct endpoint_options options = { 0 };
        char ca[512], certificate[512], key[512];
        struct loop_source *term;
        const char *why;

        for (int i = 2; i < argc; i++) {
                if (strcmp(argv[i], "--command") == 0)
                        acker.command = true;
                if (i + 1 == argc)
                        break;
                if (strcmp(argv[i], "--tls") == 0) {
                        snprintf(ca, sizeof(ca), "%s/ca.crt", argv[i + 1]);
                        snprintf(certificate, sizeof(certificate), "%s/coordinator.crt", argv[i + 1]);
                        snprintf(key, sizeof(key), "%s/coordinator.key", argv[i + 1]);
                        options.ca_file = ca;
                        options.certificate_file = certificate;
                        options.key_file = key;
                }
                if (strcmp(argv[i], "--hold") == 0)
                        acker.hold_ns = atoll(argv[i + 1]) * NSEC_PER_MSEC;
                if (strcmp(argv[i], "--refuse") == 0)
                        acker.refuse = argv[i + 1];
        }
        if (argc < 2 || loop_new(&acker.loop) < 0 || loop_add_timer(acker.loop, release, &acker, &acker.timer) < 0 ||
            loop_add_signal(acker.loop, SIGTERM, on_signal, acker.loop, &term) < 0 || arena_new(64 << 20, &acker.arena) < 0 ||
            loop_set_timer(acker.timer, clock_monotonic()) < 0)
                return 1;
        if (endpoint_new(acker.loop, &options, &functions, &acker, &acker.endpoint, &why) < 0 ||
            endpoint_listen(acker.endpoint, argv[1], &why) < 0) {
                log_error("acker", "%s", why);
                return 1;
        }
        printf("ready %u\n", endpoint_port(acker.endpoint));
        fflush(stdout);
        if (loop_run(acker.loop) < 0)
                return 1;
        endpoint_free(&acker.endpoint);
        arena_free(&acker.arena);
        loop_free(&acker.loop);
        return 0;
}
