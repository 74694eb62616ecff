/* An agent without probes, for the tests of the uplink: sends a summary every --every milliseconds
 * and prints what comes back, with the monotonic time in milliseconds.
 *   uplinker URL HOST [--tls DIR NAME] [--every MS] [--count N] [--edges N] [--user USER]
 * DIR holds ca.crt and NAME.crt, NAME.key. Ends when --count summaries are acknowledged, or on
 * SIGTERM; prints "child PID" first. */
#include "agent/uplink.h"
#include "proto/log.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct uplinker {
        struct loop *loop;
        struct uplink *uplink;
        struct loop_source *timer;
        const char *host;
        uint64_t sequence, acknowledged, count;
        int64_t every_ns;
        size_t edges;
};

static void on_event(void *data, const struct uplink_event *event)
{
        static const char *const names[] = { "?", "connected", "disconnected", "acknowledged", "command" };
        struct uplinker *u = data;

        printf("%s %llu at %lld %s\n", names[event->kind],
               (unsigned long long)(event->kind == UPLINK_COMMAND ? event->id : event->sequence),
               (long long)(clock_monotonic() / NSEC_PER_MSEC), event->service);
        fflush(stdout);
        if (event->kind == UPLINK_COMMAND && uplink_done(u->uplink, event->id) < 0)
                abort();
        if (event->kind == UPLINK_ACKNOWLEDGED && ++u->acknowledged == u->count)
                loop_stop(u->loop, 0);
}

static void send_one(void *data, int64_t now)
{
        struct uplinker *u = data;
        struct summary summary = {
                .session = 42,
                .sequence = u->sequence + 1,
                .session_started = 1,
                .at = clock_wall(),
                .interval = u->every_ns,
                .host = u->host,
                .host_id = "id",
                .boot_id = "boot",
                .kernel = "k",
                .agent_version = "0",
                .full = true,
        };
        struct wire_request request = { .kind = WIRE_SUMMARY, .summary = &summary };
        struct summary_identity identity = {
                .id = 1, .kind = IDENTITY_UNIT, .service = "s", .instance = "", .executable = "e", .cgroup = "/", .version = ""
        };
        uint8_t *message;
        size_t size;
        int r;

        summary.identities = &identity;
        summary.identities_count = 1;
        summary.edges = calloc(u->edges + 1, sizeof(*summary.edges));
        summary.edges_count = u->edges;
        for (size_t i = 0; i < u->edges; i++)
                summary.edges[i] = (struct summary_edge){ .id = i + 1,
                                                          .identity = 1,
                                                          .role = ROLE_CLIENT,
                                                          .transport = TRANSPORT_TCP,
                                                          .remote = { { [10] = 0xff, 0xff, 10, 0, 0, 1 } },
                                                          .remote_port = 80,
                                                          .first_seen = 1,
                                                          .last_seen = 2 };
        if (u->sequence < u->count || u->count == 0) {
                r = wire_pack_request(&request, &message, &size);
                if (r < 0) {
                        fprintf(stderr, "pack: %s\n", strerror(-r));
                        exit(1);
                }
                r = uplink_send(u->uplink, summary.sequence, message, size);
                free(message);
                if (r == 0)
                        u->sequence++;
                else if (r != -EAGAIN) {
                        fprintf(stderr, "send: %s\n", strerror(-r));
                        exit(1);
                }
        }
        free(summary.edges);
        if (loop_set_timer(u->timer, now + u->every_ns) < 0)
                abort();
}

static void on_signal(void *data, int number)
{
        (void)number;
        loop_stop(((struct uplinker *)data)->loop, 0);
}

int main(int argc, char **argv)
{
        struct uplink_options options = { 0 };
        struct uplinker u = { .every_ns = 200 * NSEC_PER_MSEC, .edges = 10 };
        char ca[512], certificate[512], key[512];
        struct loop_source *term;
        const char *why;
        int64_t start;
        int r;

        if (argc < 3)
                return 2;
        options.url = argv[1];
        options.host = u.host = argv[2];
        for (int i = 3; i < argc - 1; i++) {
                if (strcmp(argv[i], "--tls") == 0 && i + 2 < argc) {
                        snprintf(ca, sizeof(ca), "%s/ca.crt", argv[i + 1]);
                        snprintf(certificate, sizeof(certificate), "%s/%s.crt", argv[i + 1], argv[i + 2]);
                        snprintf(key, sizeof(key), "%s/%s.key", argv[i + 1], argv[i + 2]);
                        options.ca_file = ca;
                        options.certificate_file = certificate;
                        options.key_file = key;
                }
                if (strcmp(argv[i], "--every") == 0)
                        u.every_ns = atoll(argv[i + 1]) * NSEC_PER_MSEC;
                if (strcmp(argv[i], "--count") == 0)
                        u.count = strtoull(argv[i + 1], NULL, 10);
                if (strcmp(argv[i], "--edges") == 0)
                        u.edges = strtoul(argv[i + 1], NULL, 10);
                if (strcmp(argv[i], "--user") == 0)
                        options.user = argv[i + 1];
        }
        r = uplink_fork(&options, 42, &u.uplink, &why);
        if (r < 0) {
                log_error("uplinker", "%s", why);
                return 1;
        }
        if (loop_new(&u.loop) < 0 || loop_add_timer(u.loop, send_one, &u, &u.timer) < 0 ||
            loop_add_signal(u.loop, SIGTERM, on_signal, &u, &term) < 0 || uplink_attach(u.uplink, u.loop, on_event, &u) < 0 ||
            loop_set_timer(u.timer, clock_monotonic()) < 0)
                return 1;
        printf("ready %d\n", getpid());
        fflush(stdout);
        if (loop_run(u.loop) < 0)
                return 1;
        start = clock_monotonic();
        uplink_free(&u.uplink, 5 * NSEC_PER_SEC);
        printf("ended after %lld ms\n", (long long)((clock_monotonic() - start) / NSEC_PER_MSEC));
        loop_free(&u.loop);
        return 0;
}
