/* What 1,000 agents cost the coordinator, and how long a large graph takes to export. */
#include "tests/bench/cost.h"
#include "tests/bench/figure.h"
#include "tests/bench/process.h"
#include "tests/bench/product.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXPORTS 11

static void add(const char *name, const char *unit, double bound, struct estimate e, const char *note)
{
        struct figure f = { .bound = bound, .measured = e };

        snprintf(f.name, sizeof(f.name), "%s", name);
        snprintf(f.unit, sizeof(f.unit), "%s", unit);
        snprintf(f.note, sizeof(f.note), "%s", note);
        figure_add(&f);
}

static int swarm_start(const struct product *p, const char *agents, const char *services, const char *calls, const char *opened,
                       const char *log, pid_t *ret_pid)
{
        static char program[256];
        const char *const arguments[] = { program, "7337", agents, services, calls, opened, "10000", NULL };

        snprintf(program, sizeof(program), "%s/tests/bench/swarm", p->build);
        return process_start(arguments, -1, 0, log, ret_pid);
}

static int wait_for(const struct product *p, const char *key, uint64_t least, pid_t swarm, uint64_t *ret_value)
{
        int64_t took;

        for (int i = 0; i < 600 && process_alive(swarm) && process_alive(p->coordinator); i++) {
                if (product_status(p, key, ret_value, &took) == 0 && *ret_value >= least)
                        return 0;
                sleep_ns(100 * NSEC_PER_MSEC);
        }
        return -ETIMEDOUT;
}

static void last_line(const char *path, char *line, size_t size)
{
        FILE *f = fopen(path, "r");
        char next[160];

        snprintf(line, size, "no word from the swarm");
        while (f && fgets(next, sizeof(next), f)) {
                next[strcspn(next, "\n")] = '\0';
                snprintf(line, size, "%s", next);
        }
        if (f)
                fclose(f);
}

/* 1,000 agents of 50 edges, a batch every 10 s and a long poll each. */
static void thousand(const struct cost_options *options)
{
        static const char name[] = "coordinator: processor time, 1,000 agents",
                          space[] = "coordinator: resident memory, 1,000 agents";
        static struct samples samples;
        struct product p = { .build = options->build, .folder = options->folder };
        const char *why = NULL;
        char log[256], note[192];
        uint64_t edges = 0;
        pid_t swarm = 0;
        int r = product_coordinator(&p, "coordinator-thousand", &why);

        snprintf(log, sizeof(log), "%s/swarm.log", options->folder);
        if (r == 0)
                r = swarm_start(&p, "1000", "1", "25", "2", log, &swarm);
        if (r == 0) {
                why = "the graph does not become whole";
                r = wait_for(&p, "edges", 25000, swarm, &edges);
        }
        if (r < 0) {
                if (swarm)
                        last_line(log, note, sizeof(note));
                figure_missing(name, swarm ? note : why);
                figure_missing(space, why);
        } else {
                samples.count = 0;
                sleep_ns(10 * NSEC_PER_SEC);
                for (uint32_t i = 0; i < MAX(options->seconds / 10, 2u); i++) {
                        int64_t cpu = process_cpu(p.coordinator), from = clock_monotonic();

                        sleep_ns(10 * NSEC_PER_SEC);
                        samples_add(&samples,
                                    100.0 * (double)(process_cpu(p.coordinator) - cpu) / (double)(clock_monotonic() - from));
                }
                edges = process_resident(p.coordinator);
                kill(swarm, SIGTERM);
                waitpid(swarm, NULL, 0);
                swarm = 0;
                last_line(log, note, sizeof(note));
                add(name, "%", 10, samples_estimate(&samples), note);
                add(space, "MiB", 200, estimate_of((double)edges / (1 << 20)), "");
        }
        process_end(&swarm);
        product_end(&p);
}

/* A process that asks for `status` again and again, and reports the slowest answer when told to end. */
static pid_t asker(const struct product *p, int report)
{
        pid_t pid = fork();

        if (pid == 0) {
                int64_t slowest[2] = { 0, 0 }, took;
                uint64_t edges;
                sigset_t set;

                prctl(PR_SET_PDEATHSIG, SIGKILL);
                sigemptyset(&set);
                sigaddset(&set, SIGUSR1);
                sigprocmask(SIG_BLOCK, &set, NULL);
                for (;;) {
                        struct timespec wait = { .tv_nsec = 20 * NSEC_PER_MSEC };

                        if (product_status(p, "edges", &edges, &took) < 0)
                                _exit(1);
                        slowest[0] = MAX(slowest[0], took);
                        slowest[1]++;
                        if (sigtimedwait(&set, NULL, &wait) == SIGUSR1)
                                break;
                }
                _exit(write(report, slowest, sizeof(slowest)) == sizeof(slowest) ? 0 : 1);
        }
        return pid;
}

static int exports(const struct product *p, const char *format, struct samples *samples, size_t *ret_size)
{
        const char *const arguments[] = { "graph", "--format", format, NULL };

        for (int i = 0; i < EXPORTS; i++) {
                char *output;
                int64_t took;
                int r = product_ask(p, arguments, &output, ret_size, &took);

                if (r < 0)
                        return r;
                free(output);
                samples_add(samples, (double)took / NSEC_PER_MSEC);
        }
        return 0;
}

static void export_as(const struct product *p, const char *format, double bound)
{
        static struct samples samples;
        char name[96], note[64];
        size_t size = 0;
        int r;

        samples.count = 0;
        snprintf(name, sizeof(name), "export of 10,000 services and 100,000 edges as %s", format);
        r = exports(p, format, &samples, &size);
        if (r < 0) {
                figure_missing(name, strerror(-r));
                return;
        }
        snprintf(note, sizeof(note), "%.1f MiB, command line included", (double)size / (1 << 20));
        add(name, "ms", bound, samples_estimate(&samples), note);
}

static void large(const struct cost_options *options)
{
        static const char status[] = "status, at its slowest during the exports";
        struct product p = { .build = options->build, .folder = options->folder };
        const char *why = NULL;
        char log[256], note[192];
        uint64_t edges = 0;
        int64_t slowest[2];
        int pipes[2] = { -1, -1 };
        pid_t swarm = 0, asking = 0;
        int r = product_coordinator(&p, "coordinator-large", &why);

        snprintf(log, sizeof(log), "%s/swarm-large.log", options->folder);
        if (r == 0)
                r = swarm_start(&p, "1000", "10", "10", "1", log, &swarm);
        if (r == 0) {
                why = "the graph does not become whole";
                r = wait_for(&p, "edges", 100000, swarm, &edges);
        }
        if (r == 0)
                r = pipe(pipes) < 0 ? -errno : 0;
        if (r < 0) {
                snprintf(note, sizeof(note), "%s (%llu edges)", why, (unsigned long long)edges);
                figure_missing("export of a large graph", note);
        } else {
                asking = asker(&p, pipes[1]);
                export_as(&p, "dot", 250);
                export_as(&p, "json", 1000);
                kill(asking, SIGUSR1);
                close(pipes[1]);
                if (read(pipes[0], slowest, sizeof(slowest)) == sizeof(slowest)) {
                        snprintf(note, sizeof(note), "of %lld, command line included; %llu edges", (long long)slowest[1],
                                 (unsigned long long)edges);
                        add(status, "ms", 50, estimate_of((double)slowest[0] / NSEC_PER_MSEC), note);
                } else {
                        figure_missing(status, "an answer failed");
                }
                close(pipes[0]);
                process_end(&asking);
        }
        process_end(&swarm);
        product_end(&p);
}

void cost_scale(const struct cost_options *options)
{
        thousand(options);
        large(options);
}
