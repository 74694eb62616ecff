/* Runs nights through the core and says what caused what it found, a line each:
 *   causes KIND FIRST COUNT     KIND: payment, variant, leak; seeds FIRST, FIRST + 2 ... */
#include "coordinator/core.h"
#include "coordinator/incident.h"
#include "tests/night/night.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double hours(int64_t ns)
{
        return (double)ns / 3600e9;
}

static int night_of(const char *kind, uint64_t seed, struct night **ret)
{
        return strcmp(kind, "payment") == 0   ? night_payment(seed, NULL, ret)
               : strcmp(kind, "variant") == 0 ? night_variant(seed, NULL, ret)
                                              : night_leak(seed, NULL, ret);
}

static struct core *run(const struct signature_set *set, struct night *night)
{
        const struct summary *s;
        struct core *core = NULL;
        struct wire_ack ack;
        const char *host;
        int64_t now, tick = 0;

        if (core_new(&(struct core_options){ .coordinator = 1 }, &core) < 0)
                abort();
        core_set_signatures(core, set);
        while (night_next(night, &now, &host, &s)) {
                for (; tick && tick + 10 * NSEC_PER_SEC <= now; tick += 10 * NSEC_PER_SEC)
                        core_tick(core, tick + 10 * NSEC_PER_SEC);
                if (!tick)
                        tick = now;
                if (core_summary(core, now, host, s, &ack) < 0)
                        abort();
        }
        return core;
}

static bool is_cause(const struct core *core, const struct incident_cause *c, const struct night_deployment *d)
{
        const struct deployment *found = c->deployment ? deployment_find(core, c->deployment) : NULL;

        return found && strcmp(found->service->data, d->service) == 0 && llabs(found->at - d->start) < 120 * NSEC_PER_SEC;
}

int main(int argc, char **argv)
{
        static const char *const wanted[] = { "", "connection-pool-leak", "close-wait-leak", "file-descriptor-leak",
                                              "memory-leak" };
        const char *built_in[] = { SIGNATURES_BUILT_IN };
        struct yaml_config_error *error = calloc(1, 4096);
        int found = 0, with = 0, right = 0, without = 0, blamed = 0, wrong = 0;
        struct signature_set *set = NULL;

        if (argc != 4 || !error || signatures_load(built_in, 1, &set, error) < 0)
                return 2;
        for (uint64_t n = 0; n < strtoull(argv[3], NULL, 10); n++) {
                uint64_t seed = strtoull(argv[2], NULL, 10) + 2 * n;
                const struct night_truth *t;
                const struct incident *i = NULL;
                struct night *night = NULL;
                struct core *core;
                const char *verdict = "none named";

                if (night_of(argv[1], seed, &night) < 0)
                        return 2;
                core = run(set, night);
                t = night_truth(night);
                for (uint32_t k = 0; !i && incident_get(core, k); k++) {
                        const struct incident *x = incident_get(core, k);

                        if (strcmp(x->signature->data, wanted[t->fault]) == 0 && strcmp(x->service->name, t->service) == 0 &&
                            t->onset && x->opened_at > t->onset)
                                i = x;
                }
                printf("%-5llu %-50.50s", (unsigned long long)seed, t->story);
                if (i) {
                        const struct incident_cause *c = i->causes_count && !i->causes[0].ruled_out ? i->causes : NULL;
                        const struct night_deployment *d = t->cause >= 0 ? &t->deployments[t->cause] : NULL;
                        struct conditions k;
                        int64_t before = d ? d->start : i->onset_at;

                        found++;
                        for (size_t m = 0; !d && m < t->deployments_count; m++)
                                if (strcmp(t->deployments[m].service, t->service) == 0 && t->deployments[m].start < i->onset_at)
                                        before = t->deployments[m].start;
                        conditions_find(core, i, before, &k);
                        with += d != NULL;
                        without += d == NULL;
                        if (c && c->deployment && d && is_cause(core, c, d))
                                right++, verdict = "right";
                        else if (c && c->deployment && d)
                                wrong++, verdict = "WRONG";
                        else if (c && c->deployment)
                                blamed++, verdict = "BLAMED";
                        else if (d)
                                verdict = "MISSED";
                        printf(" %s onset %+.2fh slept %.2fh load %.2f growth %.2f rise %.1f risen %.1f", verdict,
                               hours(i->onset_at - t->onset), d ? hours(t->onset - d->start) : NAN, k.load / k.usual, k.growth,
                               k.rise, k.risen);
                        for (uint32_t m = 0; m < i->causes_count && (getenv("WHY") || verdict[0] < 'a'); m++)
                                printf("\n      %s %s %.2f: %s", cause_name(i->causes[m].kind), i->causes[m].ref->data,
                                       i->causes[m].confidence, i->causes[m].why->data);
                }
                printf("\n");
                fflush(stdout);
                core_free(&core);
                night_free(&night);
        }
        printf("found %d; with a deployment %d: right %d, wrong %d; without %d: blamed %d\n", found, with, right, wrong, without,
               blamed);
        signatures_free(&set);
        free(error);
        return 0;
}
