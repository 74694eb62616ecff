/* What the audit log costs: an entry that is on the disk, and the check of ten thousand. */
#include "tests/bench/cost.h"
#include "tests/bench/figure.h"
#include "tests/bench/process.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ENTRIES 10000
#define RUNS 5

/* Wall time of a program that ends by itself with 0; -1 otherwise. */
static int64_t run(const char *const *arguments, const char *log)
{
        int64_t start = clock_monotonic();
        int status = -1;
        pid_t pid = 0;

        if (process_start(arguments, -1, 0, log, &pid) < 0 || waitpid(pid, &status, 0) != pid)
                return -1;
        return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? clock_monotonic() - start : -1;
}

/* Each twentieth append, and the worst of all; -1: the log is not as it should be. */
static int read_appends(const char *log, struct samples *samples, double *ret_worst, double *ret_syncs)
{
        unsigned long long value, syncs = 0, worst = 0;
        FILE *file = fopen(log, "re");
        size_t lines = 0;
        char line[512], *end;

        while (file && fgets(line, sizeof(line), file)) {
                if (sscanf(line, "syncs %llu", &syncs) == 1)
                        break;
                value = strtoull(line, &end, 10);
                if (end == line || *end != '\n')
                        continue; /* what it logs */
                worst = MAX(worst, value);
                if (lines++ % 20 == 0)
                        samples_add(samples, (double)value / (double)NSEC_PER_MSEC);
        }
        if (file)
                fclose(file);
        *ret_worst = (double)worst / (double)NSEC_PER_MSEC;
        *ret_syncs = (double)syncs / ENTRIES;
        return lines == ENTRIES ? 0 : -1;
}

void cost_audit(const struct cost_options *options)
{
        static struct samples appends, verifies;
        struct figure append = { .name = "audit: an entry on the disk", .unit = "ms", .bound = 10 };
        struct figure syncs = { .name = "audit: fsyncs of an entry", .unit = "", .bound = 1 };
        struct figure verify = { .name = "audit: 10,000 entries verified", .unit = "s", .bound = 2 };
        char program[256], writer[256], folder[256], audit[280], log[256], count[16], worst_text[64];
        const char *const write[] = { writer, folder, count, NULL };
        const char *const check[] = { program, "audit", "verify", audit, NULL };
        double worst, syncs_each;

        snprintf(program, sizeof(program), "%s/nightshift", options->build);
        snprintf(writer, sizeof(writer), "%s/tests/bench/audit", options->build);
        snprintf(folder, sizeof(folder), "%s/audit-XXXXXX", options->folder);
        snprintf(log, sizeof(log), "%s/audit.log", options->folder);
        snprintf(count, sizeof(count), "%d", ENTRIES);
        if (!mkdtemp(folder) || run(write, log) < 0 || read_appends(log, &appends, &worst, &syncs_each) < 0) {
                figure_missing(append.name, "the log could not be written");
                return;
        }
        append.measured = samples_estimate(&appends);
        snprintf(worst_text, sizeof(worst_text), "the slowest of 10,000: %.1f ms", worst);
        snprintf(append.note, sizeof(append.note), "%s", worst_text);
        figure_add(&append);
        syncs.measured = estimate_of(syncs_each);
        figure_add(&syncs);
        snprintf(audit, sizeof(audit), "%s/audit", folder);
        for (int i = 0; i < RUNS; i++) {
                int64_t took = run(check, log);

                if (took < 0) {
                        figure_missing(verify.name, "it was not verified");
                        return;
                }
                samples_add(&verifies, (double)took / (double)NSEC_PER_SEC);
        }
        verify.measured = samples_estimate(&verifies);
        snprintf(verify.note, sizeof(verify.note), "every signature, on all processors");
        figure_add(&verify);
}
