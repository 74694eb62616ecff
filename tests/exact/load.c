/* Clients whose connections open, one after the other, and storms of short processes that run them. */
#include "tests/exact/exchange.h"
#include "tests/exact/generator.h"
#include "tests/exact/transfer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define TARGETS_MAX 16
struct load {
        struct sockaddr_storage to[TARGETS_MAX];
        socklen_t size[TARGETS_MAX];
        struct truth_edge *edges[TARGETS_MAX];
        unsigned targets, seed;
        int first, last; /* of enum exchange_how */
        unsigned bytes, ports_low, ports_high, port;
        int again;             /* a socket that was disconnected and may be used again, or -1 */
        unsigned again_target; /* a socket that was mapped cannot go back to IPv6 */
};

static unsigned draw(struct load *l, unsigned below)
{
        l->seed = l->seed * 1103515245u + 12345u;
        return (l->seed >> 8) % below;
}

static unsigned draw_size(struct load *l, unsigned most)
{
        switch (draw(l, 8)) {
        case 0:
                return 0;
        case 1:
                return 1;
        case 2:
                return draw(l, most + 1);
        default:
                return draw(l, (most < 2000 ? most : 2000) + 1);
        }
}

static void bind_port(struct load *l, int fd, int family)
{
        static const int one = 1;
        struct sockaddr_storage a = { .ss_family = (sa_family_t)family };

        if (l->ports_low == 0)
                return;
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
        for (unsigned i = 0; i <= l->ports_high - l->ports_low; i++) {
                ((struct sockaddr_in *)&a)->sin_port =
                        htons((uint16_t)(l->ports_low + l->port++ % (l->ports_high - l->ports_low + 1)));
                if (bind(fd, (void *)&a, family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6)) == 0)
                        return;
        }
        die("no port to bind in %u-%u", l->ports_low, l->ports_high);
}

static void connect_one(struct load *l)
{
        unsigned t = draw(l, l->targets);
        struct truth_edge *e = l->edges[t];
        int family = l->to[t].ss_family, fd, r, delay;
        struct exchange_header h = {
                .magic = EXCHANGE_MAGIC,
                .how = (uint8_t)(l->first + (int)draw(l, (unsigned)(l->last - l->first + 1))),
                .server_sends = (uint8_t)draw(l, SEND_MAX),
                .server_receives = (uint8_t)draw(l, RECEIVE_MAX),
                .upload = draw_size(l, l->bytes),
                .download = draw_size(l, l->bytes),
        };

        /* What is to lie unread must be some, and fit into a receive buffer. */
        if (h.how == HOW_SERVER_UNREAD)
                h.upload = h.upload % 16384 + 1;
        if (h.how == HOW_CLIENT_UNREAD)
                h.download = h.download % 16384 + 1;
        /* Filling a socket moves megabytes; once in a while is enough. */
        if (h.how == HOW_CLIENT_FULL && draw(l, 64) != 0)
                h.how = HOW_CLIENT_RESETS;
        /* A client that resets does so after the server's answer: a reset destroys what is still unread. */
        if (h.how == HOW_CLIENT_RESETS || h.how == HOW_DISCONNECT)
                h.download++;

        for (;;) {
                fd = l->again >= 0 && l->again_target == t ? l->again : exchange_socket(family);
                if (fd == l->again)
                        l->again = -1;
                else
                        bind_port(l, fd, family);
                r = connect(fd, (void *)&l->to[t], l->size[t]);
                if (r == 0)
                        break;
                /* With few ports all may be taken at the moment: a failed attempt like others, and again.
                 * Bound to its own port, a connection's pair may still be in TIME_WAIT: nothing was tried. */
                if (errno != EADDRNOTAVAIL)
                        die("connect to port %u", exchange_port(&l->to[t]));
                if (l->ports_low == 0) {
                        atomic_fetch_add(&e->attempted, 1);
                        atomic_fetch_add(&e->no_port, 1);
                }
                close(fd);
                usleep(1000);
        }
        atomic_fetch_add(&e->attempted, 1);
        atomic_fetch_add(&e->opened, 1);
        /* Nagle's wait for a delayed acknowledgement is 40 ms; a few of them suffice. */
        delay = draw(l, 256) == 0;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ !delay }, sizeof(int));
        exchange_run(fd, &h, (int)draw(l, SEND_MAX), (int)draw(l, RECEIVE_MAX), e);
        if (h.how == HOW_DISCONNECT) {
                if (l->again >= 0)
                        close(l->again);
                l->again = fd;
                l->again_target = t;
        }
}

static void read_mix(struct load *l, const char *mix)
{
        l->first = 0;
        l->last = HOW_MAX - 1;
        if (strcmp(mix, "plain") == 0)
                l->last = HOW_BOTH_CLOSE;
        else if (strcmp(mix, "quick") == 0)
                l->last = HOW_SERVER_CLOSES;
        else if (strcmp(mix, "all") != 0 && sscanf(mix, "%d-%d", &l->first, &l->last) != 2)
                die("not a mix: %s", mix);
}

int mode_load(int argc, char **argv)
{
        struct load l = { .again = -1 };
        char *list = strdup(option(argc, argv, "to", ""));
        long count = option_number(argc, argv, "count", 1);

        l.seed = (unsigned)option_number(argc, argv, "seed", 1);
        l.bytes = (unsigned)option_number(argc, argv, "bytes", 2000);
        sscanf(option(argc, argv, "ports", ""), "%u-%u", &l.ports_low, &l.ports_high);
        read_mix(&l, option(argc, argv, "mix", "all"));
        for (char *one = strtok(list, ","); one != NULL && l.targets < TARGETS_MAX; one = strtok(NULL, ",")) {
                l.size[l.targets] = exchange_address(one, &l.to[l.targets]);
                l.edges[l.targets] = truth_edge(truth_self(), option(argc, argv, "server", ""), exchange_port(&l.to[l.targets]));
                l.targets++;
        }
        if (l.targets == 0)
                die("--to is missing");
        for (long i = 0; i < count; i++)
                connect_one(&l);
        free(list);
        return 0;
}

int mode_storm(int argc, char **argv)
{
        char *list = strdup(option(argc, argv, "exec", "")), *files[16], seed[16], *job[64];
        long jobs = option_number(argc, argv, "jobs", 100), parallel = option_number(argc, argv, "parallel", 4), running = 0;
        long first = option_number(argc, argv, "seed", 1);
        unsigned files_count = 0;
        int n = 1, status;
        extern char **environ;

        for (char *one = strtok(list, ","); one != NULL && files_count < 16; one = strtok(NULL, ","))
                files[files_count++] = one;
        for (int i = 0, seen = 0; i < argc && n < 60; i++) {
                if (seen)
                        job[n++] = argv[i];
                seen = seen || strcmp(argv[i], "--") == 0;
        }
        job[n++] = "--seed";
        job[n++] = seed;
        job[n] = NULL;
        if (files_count == 0)
                die("--exec is missing");
        for (long i = 0; i < jobs || running > 0;) {
                pid_t pid;

                if (i < jobs && running < parallel) {
                        snprintf(seed, sizeof(seed), "%ld", first + i);
                        job[0] = files[i % files_count];
                        errno = posix_spawn(&pid, job[0], NULL, NULL, job, environ);
                        if (errno != 0)
                                die("cannot start %s", job[0]);
                        running++;
                        i++;
                        continue;
                }
                if (wait(&status) < 0 || status != 0)
                        die("a job ended with status %x", status);
                running--;
        }
        free(list);
        return 0;
}
