/* Runs nights through the core and says what it found, a line each and a table at the end:
 *   battery KIND FIRST COUNT     KIND: payment, variant, leak, healthy; seeds FIRST, FIRST + 2 ...
 * TRACE=SECONDS in the environment prints what is measured so often, WHY=1 what is said of incidents that
 * are wrong. */
#include "tests/detect/judged.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static double hours(int64_t ns)
{
        return (double)ns / 3600e9;
}

static void print(const struct judged *j)
{
        printf("%-5llu %-34.34s", (unsigned long long)j->seed, j->story);
        if (j->onset)
                printf(" onset %.2fh breach +%.2fh (%.2f) limit %llu", hours(j->onset - j->from), hours(j->breach - j->onset),
                       hours(j->target - j->onset), (unsigned long long)j->limit);
        for (size_t i = 0; i < j->seen_count; i++) {
                const struct judged_incident *x = &j->seen[i];

                printf(" | %s%s %s", x->right ? "" : "WRONG ", x->signature, x->service);
                if (j->onset)
                        printf(" at %.0f%%", 100 * (double)(x->opened - j->onset) / (double)(j->breach - j->onset));
                else
                        printf(" at %.2fh", hours(x->opened - j->from));
                if (x->latest)
                        printf(" [%.2f %.2f %.2f]", hours(x->earliest - j->onset), hours(x->likely - j->onset),
                               hours(x->latest - j->onset));
        }
        if (j->onset)
                printf(" %s %s %.0f%%", j->found ? j->in_time ? "ok" : "LATE" : "MISSED", j->covered ? "in" : "OUT",
                       100 * j->statements_right);
        printf(" (%.2f s)\n", j->seconds);
}

int main(int argc, char **argv)
{
        const char *trace = getenv("TRACE");
        struct judged_options options = { .trace = trace ? atoi(trace) * NSEC_PER_SEC : 0 };
        struct judged_sum sum = { 0 };
        struct signature_set *set;

        if (argc != 4 || judged_signatures(&set) < 0)
                return 2;
        for (uint64_t n = 0; n < strtoull(argv[3], NULL, 10); n++) {
                struct judged j;

                if (judged_night(argv[1], strtoull(argv[2], NULL, 10) + 2 * n, set, &options, &j) < 0)
                        return 2;
                print(&j);
                fflush(stdout);
                judged_add(&sum, &j);
        }
        judged_print(argv[1], &sum);
        return 0;
}
