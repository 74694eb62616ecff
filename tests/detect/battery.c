/* Runs nights through the core and says what it found, a line each:
 *   battery KIND FIRST COUNT     KIND: payment, variant, leak, healthy; seeds FIRST, FIRST + 2 ... */
#include "coordinator/core.h"
#include "coordinator/incident.h"
#include "tests/night/night.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double hours(int64_t ns)
{
        return (double)ns / 3600e9;
}

struct seen {
        int64_t opened, onset, earliest, likely, latest;
        char signature[64], service[64];
};

static int night_of(const char *kind, uint64_t seed, struct night **ret)
{
        if (strcmp(kind, "payment") == 0)
                return night_payment(seed, NULL, ret);
        if (strcmp(kind, "variant") == 0)
                return night_variant(seed, NULL, ret);
        if (strcmp(kind, "leak") == 0)
                return night_leak(seed, NULL, ret);
        return night_healthy(seed, NULL, ret);
}

int main(int argc, char **argv)
{
        const char *built_in[] = { SIGNATURES_BUILT_IN };
        struct signature_set *set = NULL;
        struct yaml_config_error *error = calloc(1, 4096);
        uint64_t first, count;
        int found = 0, in_time = 0, covered = 0, total = 0, wrong = 0;

        if (argc != 4 || signatures_load(built_in, 1, &set, error) < 0)
                return 2;
        first = strtoull(argv[2], NULL, 10);
        count = strtoull(argv[3], NULL, 10);
        for (uint64_t n = 0; n < count; n++) {
                uint64_t seed = first + 2 * n;
                struct night *night = NULL;
                const struct night_truth *t;
                const struct summary *s;
                struct core *core = NULL;
                struct seen seen[16];
                size_t seen_count = 0;
                const char *host;
                int64_t now, tick = 0, traced = 0;
                struct wire_ack ack;
                bool good = false;
                clock_t began = clock();

                if (night_of(argv[1], seed, &night) < 0 || core_new(&(struct core_options){ .coordinator = 1 }, &core) < 0)
                        return 2;
                core_set_signatures(core, set);
                while (night_next(night, &now, &host, &s)) {
                        for (; tick && tick + 10 * NSEC_PER_SEC <= now; tick += 10 * NSEC_PER_SEC)
                                core_tick(core, tick + 10 * NSEC_PER_SEC);
                        if (!tick)
                                tick = now;
                        if (core_summary(core, now, host, s, &ack) < 0)
                                return 3;
                        if (getenv("TRACE") && now >= traced) {
                                for (uint32_t i = 0; measured_get(core, i); i++) {
                                        const struct measured *m = measured_get(core, i);

                                        if (m->kind == SUBJECT_POOL && measured_last(m, SIGNAL_OPEN) > 1)
                                                printf("%.3f %s %u open %.1f held %.1f lost %.1f limit %.0f\n",
                                                       hours(now - NIGHT_T0), m->host->name->data, m->pid,
                                                       measured_last(m, SIGNAL_OPEN), measured_last(m, SIGNAL_HELD),
                                                       measured_last(m, SIGNAL_LOST), measured_last(m, SIGNAL_LIMIT));
                                }
                                traced = now + atoi(getenv("TRACE")) * NSEC_PER_SEC;
                        }
                        for (uint32_t i = (uint32_t)seen_count; incident_get(core, i) && seen_count < 16; i++) {
                                const struct incident *x = incident_get(core, i);
                                struct seen *y = &seen[seen_count++];

                                y->opened = x->opened_at, y->onset = x->onset_at;
                                y->earliest = x->has_breach ? x->breach.earliest : 0;
                                y->likely = x->has_breach ? x->breach.likely : 0;
                                y->latest = x->has_breach ? x->breach.latest : 0;
                                snprintf(y->signature, sizeof(y->signature), "%s", x->signature->data);
                                snprintf(y->service, sizeof(y->service), "%s", x->service->name);
                        }
                }
                t = night_truth(night);
                total++;
                printf("%-5llu %-42.42s", (unsigned long long)seed, t->story);
                if (t->onset)
                        printf(" onset %.2fh breach +%.2fh limit %llu", hours(t->onset - t->from),
                               t->breach ? hours(t->breach - t->onset) : NAN, (unsigned long long)t->limit_value);
                for (size_t i = 0; i < seen_count; i++) {
                        double part = t->breach ? (double)(seen[i].opened - t->onset) / (double)(t->breach - t->onset) : NAN;
                        static const char *const wanted[] = { "", "connection-pool-leak", "close-wait-leak", "file-descriptor-leak",
                                                              "memory-leak" };
                        bool asked = strcmp(seen[i].signature, wanted[t->fault]) == 0;
                        bool right = asked && t->onset && seen[i].opened > t->onset && strcmp(seen[i].service, t->service) == 0;

                        printf(" | %s %s at %.0f%% [%.2f %.2f %.2f]%s", seen[i].signature, seen[i].service, 100 * part,
                               hours(seen[i].earliest - t->onset), hours(seen[i].likely - t->onset),
                               hours(seen[i].latest - t->onset),
                               seen[i].latest && seen[i].earliest <= t->breach && t->breach <= seen[i].latest ? " in" : " OUT");
                        if (right && !good) {
                                good = true;
                                found++;
                                in_time += part <= 0.25;
                                covered += seen[i].latest && seen[i].earliest <= t->breach && t->breach <= seen[i].latest;
                        } else if (!right && (!asked || seen[i].opened < t->onset || !t->onset)) {
                                wrong++;
                        }
                }
                printf(" (%.2f s)\n", (double)(clock() - began) / CLOCKS_PER_SEC);
                fflush(stdout);
                core_free(&core);
                night_free(&night);
        }
        printf("%d nights: found %d, in the first quarter %d, breach in the interval %d, wrong %d\n", total, found, in_time,
               covered, wrong);
        return 0;
}
