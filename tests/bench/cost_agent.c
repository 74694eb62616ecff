/* What the agent itself costs: processor time at 1,000 connections a second, and memory with 50,000
 * sockets tracked; and the same of a peer. */
#include "tests/bench/connect.h"
#include "tests/bench/cost.h"
#include "tests/bench/figure.h"
#include "tests/bench/process.h"
#include "tests/bench/product.h"
#include "tests/bench/toggle.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define RATE 1000
#define WINDOW_S 20 /* one turn of the turnarounds tier's duty cycle */
#define HOLDERS 3
#define PAIRS 8334 /* of sockets a holder: 50,004 sockets in all, under 20,000 files a process */
#define HOLD_PORT 19100

static pid_t pacer(uint32_t seconds)
{
        pid_t pid = fork();

        if (pid == 0) {
                struct connects *connects = NULL;
                int r;

                prctl(PR_SET_PDEATHSIG, SIGKILL);
                r = connects_new(19002, &connects);
                if (r == 0)
                        r = connects_pace(connects, RATE, seconds * NSEC_PER_SEC);
                _exit(r < 0 ? 1 : 0);
        }
        return pid;
}

static void ratio(const char *name, double bound, pid_t pid, uint32_t windows, uint32_t window_s)
{
        static struct samples samples;
        struct figure f = { .bound = bound, .unit = "%" };
        pid_t load = pacer((windows + 1) * window_s);

        samples.count = 0;
        sleep_ns(5 * NSEC_PER_SEC);
        for (uint32_t i = 0; i < windows; i++) {
                int64_t cpu = process_cpu(pid), from = clock_monotonic(), to;

                sleep_ns(window_s * NSEC_PER_SEC);
                to = clock_monotonic();
                samples_add(&samples, 100.0 * (double)(process_cpu(pid) - cpu) / (double)(to - from));
        }
        snprintf(f.name, sizeof(f.name), "%s", name);
        if (!process_alive(load) || !process_alive(pid)) {
                figure_missing(name, "it or its load ended early");
        } else {
                f.measured = samples_estimate(&samples);
                snprintf(f.note, sizeof(f.note), "%u windows of %u s", windows, window_s);
                figure_add(&f);
        }
        process_end(&load);
}

/* A process that holds connections to itself, both ends. It tells when they are all there. */
static pid_t holder(int index, int ready)
{
        pid_t pid = fork();

        if (pid == 0) {
                struct sockaddr_in a = { .sin_family = AF_INET,
                                         .sin_port = htons((uint16_t)(HOLD_PORT + index)),
                                         .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
                int listener = socket(AF_INET, SOCK_STREAM, 0);

                prctl(PR_SET_PDEATHSIG, SIGKILL);
                if (bind(listener, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(listener, 128) < 0)
                        _exit(1);
                for (int i = 0; i < PAIRS; i++) {
                        int fd = socket(AF_INET, SOCK_STREAM, 0);

                        if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || accept(listener, NULL, NULL) < 0)
                                _exit(1);
                }
                if (write(ready, "r", 1) != 1)
                        _exit(1);
                for (;;)
                        pause();
        }
        return pid;
}

static int holders_start(pid_t holders[HOLDERS])
{
        int pipes[2], r = 0;
        char byte;

        if (pipe(pipes) < 0)
                return -errno;
        for (int i = 0; i < HOLDERS; i++)
                holders[i] = holder(i, pipes[1]);
        close(pipes[1]);
        for (int i = 0; i < HOLDERS; i++)
                if (read(pipes[0], &byte, 1) != 1)
                        r = -EMFILE;
        close(pipes[0]);
        return r;
}

static void bytes(const char *name, double bound, uint64_t value, const char *note)
{
        struct figure f = { .bound = bound, .unit = "MiB", .measured = estimate_of((double)value / (1 << 20)) };

        snprintf(f.name, sizeof(f.name), "%s", name);
        snprintf(f.note, sizeof(f.note), "%s", note);
        figure_add(&f);
}

static void memory(struct product *p)
{
        static const char resident[] = "agent: resident memory, 50,000 sockets", kernel[] = "agent: maps and slab, 50,000 sockets";
        pid_t holders[HOLDERS] = { 0 };
        uint64_t open = 0, charged;
        char note[160];
        int r = holders_start(holders);

        for (int i = 0; r == 0 && i < 300 && open < HOLDERS * PAIRS; i++) {
                sleep_ns(200 * NSEC_PER_MSEC);
                r = product_open(p, HOLD_PORT, HOLD_PORT + HOLDERS - 1, &open);
        }
        if (r < 0) {
                figure_missing(resident, strerror(-r));
                figure_missing(kernel, strerror(-r));
        } else {
                sleep_ns(12 * NSEC_PER_SEC); /* a whole interval, with its sweep */
                snprintf(note, sizeof(note), "%llu connections shown open", (unsigned long long)open);
                if (open != HOLDERS * PAIRS)
                        figure_missing(resident, note);
                bytes(resident, open == HOLDERS * PAIRS ? 32 : 0, process_resident(p->agent), note);
                snprintf(note, sizeof(note), "maps alone %.1f MiB", (double)process_map_bytes(p->agent) / (1 << 20));
                if (product_kernel_memory(p, &charged) == 0)
                        bytes(kernel, 48, charged, note);
                else
                        bytes("agent: maps alone, 50,000 sockets", 48, process_map_bytes(p->agent),
                              "no memory cgroup to account for slab");
        }
        for (int i = 0; i < HOLDERS; i++)
                process_end(&holders[i]);
}

static void peer(const struct cost_options *options)
{
        static const char *const arguments[] = { "tcplife", NULL };
        static const char name[] = "tcplife: processor time, 1,000 connections/s";
        struct toggle *toggle = NULL;
        const char *why = NULL;
        int r = toggle_peer(arguments, &toggle, &why);

        if (r == 0)
                r = toggle_set(toggle, TOGGLE_ON);
        if (r < 0) {
                figure_missing(name, why ? why : strerror(-r));
        } else {
                ratio(name, 0, toggle_process(toggle), MAX(options->seconds / WINDOW_S / 2, 1u), WINDOW_S);
                bytes("tcplife: resident memory", 0, process_resident(toggle_process(toggle)),
                      "it keeps no connections older than itself");
        }
        toggle_free(&toggle);
}

void cost_agent(const struct cost_options *options)
{
        struct product p = { .build = options->build, .folder = options->folder };
        const char *why = NULL;
        int r = product_coordinator(&p, "coordinator-cost", &why);

        if (r == 0)
                r = product_agent(&p, &why);
        if (r < 0) {
                figure_missing("the agent's own cost", why ? why : strerror(-r));
        } else {
                sleep_ns(10 * NSEC_PER_SEC);
                ratio("agent: processor time, 1,000 connections/s", 1, p.agent, MAX(options->seconds / WINDOW_S, 1u), WINDOW_S);
                memory(&p);
        }
        product_end(&p);
        peer(options);
}
