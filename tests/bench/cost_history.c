/* A fortnight of 10,000 edges: what it takes in memory, and whether it is there after a restart. */
#include "tests/bench/cost.h"
#include "tests/bench/figure.h"
#include "tests/bench/process.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int run(const char *const *arguments, const char *log)
{
        pid_t pid = 0;
        int status = -1;

        if (process_start(arguments, -1, 0, log, &pid) < 0 || waitpid(pid, &status, 0) != pid)
                return -1;
        return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

static void add(const char *name, const char *unit, double bound, double value, const char *note)
{
        struct figure f = { .bound = bound, .measured = estimate_of(value) };

        snprintf(f.name, sizeof(f.name), "%s", name);
        snprintf(f.unit, sizeof(f.unit), "%s", unit);
        snprintf(f.note, sizeof(f.note), "%s", note);
        figure_add(&f);
}

void cost_history(const struct cost_options *options)
{
        static const char space[] = "history: resident memory, 10,000 edges for 14 days",
                          moments[] = "history: moments that a restart loses", restart[] = "history: restart with all of it";
        unsigned long long edges, grown, history, stored;
        char program[256], folder[256], log[256], note[160];
        const char *const arguments[] = { program, folder, NULL };
        unsigned asked, wrong;
        long long took;
        FILE *f;

        snprintf(program, sizeof(program), "%s/tests/bench/fortnight", options->build);
        snprintf(folder, sizeof(folder), "%s/fortnight", options->folder);
        snprintf(log, sizeof(log), "%s/fortnight.log", options->folder);
        if (mkdir(folder, 0700) < 0 || run(arguments, log) < 0 || !(f = fopen(log, "r"))) {
                figure_missing(space, "the fortnight ended early; --keep keeps its log");
                return;
        }
        /* Its complaints about single moments come first. */
        while (fscanf(f, "%llu %llu %llu %llu %lld %u %u\n", &edges, &grown, &history, &stored, &took, &asked, &wrong) != 7)
                if (fscanf(f, "%*[^\n]\n") == EOF) {
                        fclose(f);
                        figure_missing(space, "the fortnight said nothing");
                        return;
                }
        fclose(f);
        if (edges != 10000) {
                snprintf(note, sizeof(note), "the graph has %llu edges", edges);
                figure_missing(space, note);
                return;
        }
        snprintf(note, sizeof(note), "%.0f MiB of it slices; %.0f MiB in the store", (double)history / (1 << 20),
                 (double)stored / (1 << 20));
        add(space, "MiB", 512, (double)grown / (1 << 20), note);
        snprintf(note, sizeof(note), "of %u that were asked for", asked);
        add(moments, "", 0.5, wrong, note);
        add(restart, "s", 0, (double)took / 1000, "");
}
