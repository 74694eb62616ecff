/* A swarm of simulated agents against a real coordinator, over the real protocol: each has a
 * connection of its own (Scalability Protocols, REQ over TCP) from a loopback address of its own,
 * sends a batch an interval, spread over it, and holds one long poll. It is the load of a benchmark,
 * so what it costs itself is not measured.
 *
 *   swarm PORT AGENTS SERVICES CALLS OPENED INTERVAL_MS [SECONDS]
 *
 * Ends after SECONDS or at SIGTERM with a line of totals on standard output; the status is 1 if any
 * agent was refused, cut off or left without an answer. */
#include "proto/arena.h"
#include "proto/wire.h"
#include "tests/bench/swarm_summary.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUEST_BATCH 0x80000001u
#define REQUEST_POLL 0x80000002u

struct agent {
        struct swarm_host *host;
        int fd;
        uint32_t index;
        int64_t due, sent_at;
        uint64_t acknowledged; /* commands */
        bool full, awaiting, greeted;
        uint8_t *in, *out;
        size_t in_length, in_size, out_length, out_sent;
};

static struct {
        struct swarm_shape shape;
        uint16_t port;
        struct arena *arena;
        uint64_t batches, acks, polls, commands, refusals, cut_off, resyncs;
        int64_t slowest;
        int epoll;
} swarm;

static volatile sig_atomic_t stopping;

static void on_signal(int number)
{
        stopping = number;
}

static int agent_open(struct agent *a)
{
        struct sockaddr_in from = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f010000u + a->index + 1) },
                           to = { .sin_family = AF_INET, .sin_port = htons(swarm.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        static const uint8_t greeting[8] = { 0, 'S', 'P', 0, 0, 0x30, 0, 0 };
        struct epoll_event event = { .events = EPOLLIN, .data.ptr = a };

        a->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (a->fd < 0 || bind(a->fd, (struct sockaddr *)&from, sizeof(from)) < 0 ||
            connect(a->fd, (struct sockaddr *)&to, sizeof(to)) < 0 || write(a->fd, greeting, 8) != 8 ||
            setsockopt(a->fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int)) < 0 ||
            epoll_ctl(swarm.epoll, EPOLL_CTL_ADD, a->fd, &event) < 0)
                return -errno;
        return 0;
}

static int agent_flush(struct agent *a)
{
        while (a->out_sent < a->out_length) {
                ssize_t n = send(a->fd, a->out + a->out_sent, a->out_length - a->out_sent, MSG_NOSIGNAL);

                if (n < 0)
                        return -errno;
                a->out_sent += (size_t)n;
        }
        a->out_length = a->out_sent = 0;
        return 0;
}

static int agent_send(struct agent *a, uint32_t id, const struct wire_request *request)
{
        uint8_t *body, header[12];
        size_t size;
        uint64_t length;
        uint32_t big = htonl(id);
        int r = wire_pack_request(request, &body, &size);

        if (r < 0)
                return r;
        length = size + 4;
        for (int i = 0; i < 8; i++)
                header[i] = (uint8_t)(length >> (8 * (7 - i)));
        memcpy(header + 8, &big, 4);
        a->out = realloc(a->out, size + sizeof(header));
        if (!a->out) {
                free(body);
                return -ENOMEM;
        }
        memcpy(a->out, header, sizeof(header));
        memcpy(a->out + sizeof(header), body, size);
        a->out_length = size + sizeof(header);
        free(body);
        return agent_flush(a);
}

static int agent_poll(struct agent *a)
{
        struct wire_request request = { .kind = WIRE_POLL,
                                        .poll = { .session = swarm_host_session(a->host),
                                                  .host = swarm_host_name(a->host),
                                                  .acknowledged = a->acknowledged } };

        return agent_send(a, REQUEST_POLL, &request);
}

static int agent_batch(struct agent *a, int64_t now)
{
        struct wire_request request = { .kind = WIRE_SUMMARY };

        request.summary = (struct summary *)swarm_host_next(a->host, clock_wall(), a->full);
        a->full = false;
        a->awaiting = true;
        a->sent_at = now;
        swarm.batches++;
        return agent_send(a, REQUEST_BATCH, &request);
}

static int agent_take(struct agent *a, uint32_t id, const uint8_t *body, size_t size)
{
        struct wire_reply reply;
        const char *why = "";
        int r;

        arena_reset(swarm.arena, 1 << 20);
        r = wire_unpack_reply(body, size, swarm.arena, &reply, &why);
        if (r < 0) {
                fprintf(stderr, "swarm: a reply that cannot be read: %s\n", why);
                return r;
        }
        if (reply.kind == WIRE_REFUSAL) {
                if (swarm.refusals++ == 0)
                        fprintf(stderr, "swarm: refused: %s\n", reply.refusal.reason);
                return -EPERM;
        }
        if (id == REQUEST_BATCH && reply.kind == WIRE_ACK) {
                swarm.acks++;
                swarm.slowest = MAX(swarm.slowest, clock_monotonic() - a->sent_at);
                a->awaiting = false;
                a->full |= reply.ack.resync;
                swarm.resyncs += reply.ack.resync;
                return 0;
        }
        if (id == REQUEST_POLL && reply.kind == WIRE_COMMANDS) {
                swarm.polls++;
                swarm.commands += reply.commands.count;
                for (size_t i = 0; i < reply.commands.count; i++)
                        a->acknowledged = MAX(a->acknowledged, reply.commands.commands[i].id);
                return agent_poll(a);
        }
        fprintf(stderr, "swarm: reply %d to request %x\n", (int)reply.kind, id);
        return -EPROTO;
}

/* Takes what has arrived: the greeting, then messages of length, id and body. */
static int agent_read(struct agent *a)
{
        ssize_t n;

        if (a->in_size - a->in_length < 65536) {
                a->in_size = a->in_length + 65536;
                a->in = realloc(a->in, a->in_size);
                if (!a->in)
                        return -ENOMEM;
        }
        n = recv(a->fd, a->in + a->in_length, a->in_size - a->in_length, MSG_DONTWAIT);
        if (n <= 0)
                return n < 0 && errno == EAGAIN ? 0 : -ECONNRESET;
        a->in_length += (size_t)n;
        for (;;) {
                uint64_t length = 0;
                uint32_t id;
                int r;

                if (a->in_length < (a->greeted ? 12 : 8))
                        return 0;
                if (!a->greeted) {
                        if (memcmp(a->in, "\0SP\0\0\x31", 6) != 0)
                                return -EPROTO;
                        a->greeted = true;
                        length = 0;
                } else {
                        for (int i = 0; i < 8; i++)
                                length = length << 8 | a->in[i];
                        if (length < 4)
                                return -EPROTO;
                        if (a->in_length < 8 + length)
                                return 0;
                        memcpy(&id, a->in + 8, 4);
                        r = agent_take(a, ntohl(id), a->in + 12, length - 4);
                        if (r < 0)
                                return r;
                }
                a->in_length -= 8 + length;
                memmove(a->in, a->in + 8 + length, a->in_length);
        }
}

static void agent_close(struct agent *a)
{
        if (a->fd >= 0)
                close(a->fd);
        a->fd = -1;
        swarm.cut_off++;
}

static int swarm_open(struct agent *agents)
{
        for (uint32_t i = 0; i < swarm.shape.hosts; i++) {
                struct agent *a = &agents[i];
                int r;

                a->index = i;
                a->full = true;
                a->fd = -1;
                r = swarm_host_new(&swarm.shape, i, &a->host);
                if (r == 0)
                        r = agent_open(a);
                if (r == 0)
                        r = agent_poll(a);
                if (r < 0) {
                        fprintf(stderr, "swarm: agent %u does not connect: %s\n", i, strerror(-r));
                        return r;
                }
                a->due = clock_monotonic() + swarm.shape.interval * i / swarm.shape.hosts;
        }
        return 0;
}

/* Sends the batches that are due; a batch whose predecessor was not acknowledged is left out. */
static void swarm_send(struct agent *agents, int64_t now, uint64_t *late)
{
        for (uint32_t i = 0; i < swarm.shape.hosts; i++) {
                struct agent *a = &agents[i];

                if (a->fd < 0 || now < a->due)
                        continue;
                a->due += swarm.shape.interval;
                if (a->awaiting)
                        (*late)++;
                else if (agent_batch(a, now) < 0)
                        agent_close(a);
        }
}

static void swarm_run(struct agent *agents, int64_t end, uint64_t *late)
{
        struct epoll_event events[256];

        while (!stopping) {
                int64_t now = clock_monotonic();
                int n;

                if (now >= end)
                        break;
                swarm_send(agents, now, late);
                n = epoll_wait(swarm.epoll, events, ARRAY_SIZE(events), 5);
                for (int i = 0; i < n; i++) {
                        struct agent *a = events[i].data.ptr;
                        int r = a->fd >= 0 ? agent_read(a) : 0;

                        if (r < 0) {
                                fprintf(stderr, "swarm: agent %u: %s\n", a->index, strerror(-r));
                                agent_close(a);
                        }
                }
        }
}

int main(int argc, char **argv)
{
        struct rlimit files = { 20000, 20000 };
        struct agent *agents;
        uint64_t late = 0;

        if (argc < 7) {
                fprintf(stderr, "usage: swarm PORT AGENTS SERVICES CALLS OPENED INTERVAL_MS [SECONDS]\n");
                return 2;
        }
        swarm.port = (uint16_t)atoi(argv[1]);
        swarm.shape = (struct swarm_shape){ .hosts = (uint32_t)atoi(argv[2]),
                                            .services_per_host = (uint32_t)atoi(argv[3]),
                                            .calls_per_service = (uint32_t)atoi(argv[4]),
                                            .opened_per_batch = (uint32_t)atoi(argv[5]),
                                            .interval = atoi(argv[6]) * NSEC_PER_MSEC };
        (void)setrlimit(RLIMIT_NOFILE, &files);
        signal(SIGTERM, on_signal);
        signal(SIGINT, on_signal);
        swarm.epoll = epoll_create1(EPOLL_CLOEXEC);
        agents = calloc(swarm.shape.hosts, sizeof(*agents));
        if (!agents || swarm.epoll < 0 || arena_new(16 << 20, &swarm.arena) < 0 || swarm_open(agents) < 0)
                return 1;
        swarm_run(agents, argc > 7 ? clock_monotonic() + atoi(argv[7]) * NSEC_PER_SEC : INT64_MAX, &late);
        printf("batches %llu acknowledged %llu late %llu polls %llu commands %llu resyncs %llu refused %llu cut_off %llu "
               "slowest_ms %.1f\n",
               (unsigned long long)swarm.batches, (unsigned long long)swarm.acks, (unsigned long long)late,
               (unsigned long long)swarm.polls, (unsigned long long)swarm.commands, (unsigned long long)swarm.resyncs,
               (unsigned long long)swarm.refusals, (unsigned long long)swarm.cut_off, (double)swarm.slowest / NSEC_PER_MSEC);
        return swarm.refusals || swarm.cut_off || late ? 1 : 0;
}
