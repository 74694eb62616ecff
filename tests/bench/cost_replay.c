/* How long a recorded night takes to replay. */
#include "tests/bench/cost.h"
#include "tests/bench/figure.h"
#include "tests/bench/process.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define RUNS 3

/* Processor time of a program that ends by itself with 0; -1 otherwise. */
static int64_t run(const char *const *arguments, const char *log)
{
        pid_t pid = 0, ended;
        int64_t cpu = 0;
        int status = -1;

        if (process_start(arguments, -1, 0, log, &pid) < 0)
                return -1;
        while ((ended = waitpid(pid, &status, WNOHANG)) == 0) {
                cpu = MAX(cpu, process_cpu(pid));
                sleep_ns(20 * NSEC_PER_MSEC);
        }
        return ended == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0 ? cpu : -1;
}

/* 24 hours of 100 services on 20 hosts, a summary of each every 10 s. */
void cost_replay(const struct cost_options *options)
{
        static const char name[] = "replay: processor time, a night of 24 h and 100 services";
        static struct samples samples;
        struct figure f = { .unit = "s", .bound = 10 };
        char night[256], program[256], recording[256], log[256];
        const char *const write[] = { night, recording, NULL };
        const char *const replay[] = { program, "replay", recording, "--verb", "edges", NULL };

        snprintf(night, sizeof(night), "%s/tests/bench/night", options->build);
        snprintf(program, sizeof(program), "%s/nightshift", options->build);
        snprintf(recording, sizeof(recording), "%s/night.rec", options->folder);
        snprintf(log, sizeof(log), "%s/replay.log", options->folder);
        samples.count = 0;
        if (run(write, log) < 0) {
                figure_missing(name, "the night could not be written");
                return;
        }
        for (int i = 0; i < RUNS; i++) {
                int64_t cpu = run(replay, log);

                if (cpu < 0) {
                        figure_missing(name, "the replay failed");
                        unlink(recording);
                        return;
                }
                samples_add(&samples, (double)cpu / (double)NSEC_PER_SEC);
        }
        unlink(recording);
        snprintf(f.name, sizeof(f.name), "%s", name);
        f.measured = samples_estimate(&samples);
        snprintf(f.note, sizeof(f.note), "172,800 summaries, 400 edges");
        figure_add(&f);
}
