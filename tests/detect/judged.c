#include "tests/detect/judged.h"

#include "coordinator/core.h"
#include "coordinator/incident.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *const wanted[] = {
        [NIGHT_HEALTHY] = "",
        [NIGHT_POOL_LEAK] = "connection-pool-leak",
        [NIGHT_CLOSE_WAIT_LEAK] = "close-wait-leak",
        [NIGHT_FILE_LEAK] = "file-descriptor-leak",
        [NIGHT_MEMORY_LEAK] = "memory-leak",
};

int judged_signatures(struct signature_set **ret_set)
{
        const char *built_in[] = { SIGNATURES_BUILT_IN };
        struct yaml_config_error *error = calloc(1, 4096);
        int r = error ? signatures_load(built_in, 1, ret_set, error) : -ENOMEM;

        free(error);
        return r;
}

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

static void trace(const struct core *core, int64_t now)
{
        for (uint32_t i = 0; measured_get(core, i); i++) {
                const struct measured *m = measured_get(core, i);

                if (m->kind == SUBJECT_PROCESS)
                        printf("%.3f %s %s %u files %.1f of %.0f rss %.1f\n", (double)(now - NIGHT_T0) / 3600e9,
                               m->host->name->data, m->service->name, m->pid, measured_last(m, SIGNAL_OPEN_FILES),
                               measured_last(m, SIGNAL_OPEN_FILES_LIMIT), measured_last(m, SIGNAL_RSS) / 1048576);
                if (m->kind == SUBJECT_EDGE || m->kind == SUBJECT_SERVICE)
                        printf("%.3f %s %s -> %s p50 %.4f p99 %.4f requests %.1f load %.0f attempts %.0f failed %.0f\n",
                               (double)(now - NIGHT_T0) / 3600e9, m->host->name->data, m->service->name,
                               m->server ? m->server->name : "", measured_last(m, SIGNAL_TURNAROUND_P50),
                               measured_last(m, SIGNAL_TURNAROUND_P99), measured_last(m, SIGNAL_REQUESTS) / 60,
                               measured_last(m, SIGNAL_LOAD), measured_last(m, SIGNAL_ATTEMPTS), measured_last(m, SIGNAL_FAILED));
                if (m->kind == SUBJECT_POOL && measured_last(m, SIGNAL_OPEN) > 1)
                        printf("%.3f %s %s %u open %.1f busy %.1f held %.1f lost %.1f half %.1f limit %.0f fewest %.0f load %.0f\n",
                               (double)(now - NIGHT_T0) / 3600e9, m->host->name->data, m->service->name, m->pid,
                               measured_last(m, SIGNAL_OPEN), measured_last(m, SIGNAL_BUSY), measured_last(m, SIGNAL_HELD),
                               measured_last(m, SIGNAL_LOST), measured_last(m, SIGNAL_CLOSE_WAIT), measured_last(m, SIGNAL_LIMIT),
                               m->fewest, measured_last(m, SIGNAL_LOAD));
        }
}

static void tell(const struct incident *x)
{
        char at[16];

        snprintf(at, sizeof(at), "%.2f", (double)(x->opened_at - x->onset_at) / 60e9);
        printf("      %s %s -> %s, %s min after its onset\n", x->signature->data, x->service->name,
               x->server ? x->server->name : "", at);
        for (uint32_t k = 0; k < x->evidence_count; k++)
                printf("      %s%s %s %.4g, %.4g\n", x->evidence[k].against ? "against: " : "", signal_name(x->evidence[k].signal),
                       shape_name(x->evidence[k].item.shape), x->evidence[k].finding.last, x->evidence[k].finding.reference);
        for (uint32_t k = 0; k < x->causes_count; k++)
                printf("      %s %s %.2f: %s\n", cause_name(x->causes[k].kind), x->causes[k].ref->data, x->causes[k].confidence,
                       x->causes[k].why->data);
}

static void take(struct judged *j, const struct night_truth *t, const struct incident *x)
{
        struct judged_incident *y = &j->seen[j->seen_count++];

        *y = (struct judged_incident){ .opened = x->opened_at, .onset = x->onset_at };
        if (x->has_breach) {
                y->earliest = x->breach.earliest;
                y->likely = x->breach.likely;
                y->latest = x->breach.latest;
        }
        snprintf(y->signature, sizeof(y->signature), "%s", x->signature->data);
        snprintf(y->service, sizeof(y->service), "%s", x->service->name);
        y->right = !j->found && t->onset && x->opened_at > t->onset && strcmp(y->signature, wanted[t->fault]) == 0 &&
                   strcmp(y->service, t->service) == 0;
        if (!y->right) {
                if (getenv("WHY"))
                        tell(x);
                j->wrong++;
                return;
        }
        j->found = true;
        j->in_time = 4 * (y->opened - t->onset) <= j->breach - t->onset;
        if (y->latest && j->target > y->opened)
                j->late = log((double)(j->target - y->opened) / (double)(y->likely - y->opened));
        j->covered = y->latest && y->earliest <= j->target && j->target <= y->latest;
}

static void fill(struct judged *j, const struct night_truth *t)
{
        snprintf(j->story, sizeof(j->story), "%s", t->story);
        j->faulty = t->onset != 0;
        j->from = t->from;
        j->onset = t->onset;
        j->breach = t->breach ? t->breach : t->horizon;
        j->target = t->breach_left_alone ? t->breach_left_alone : j->breach;
        j->limit = t->limit_value;
}

int judged_night(const char *kind, uint64_t seed, const struct signature_set *set, const struct judged_options *options,
                 struct judged *ret)
{
        struct judged j = { .seed = seed, .late = NAN };
        struct night *night = NULL;
        const struct night_truth *t;
        struct core *core = NULL;
        const struct summary *s;
        const char *host;
        int64_t now = 0, tick = 0, traced = 0, asked = 0;
        double statements = 0, right = 0;
        struct wire_ack ack;
        clock_t began = clock();
        int r = night_of(kind, seed, &night);

        if (r < 0)
                return r;
        r = core_new(&(struct core_options){ .coordinator = 1 }, &core);
        if (r < 0) {
                night_free(&night);
                return r;
        }
        core_set_signatures(core, set);
        t = night_truth(night);
        fill(&j, t);
        while (night_next(night, &now, &host, &s)) {
                for (; tick && tick + 10 * NSEC_PER_SEC <= now; tick += 10 * NSEC_PER_SEC)
                        core_tick(core, tick + 10 * NSEC_PER_SEC);
                if (!tick)
                        tick = now;
                r = core_summary(core, now, host, s, &ack);
                if (r < 0)
                        break;
                if (options->trace && now >= traced) {
                        trace(core, now);
                        traced = now + options->trace;
                }
                while (j.seen_count < JUDGED_INCIDENTS && incident_get(core, (uint32_t)j.seen_count))
                        take(&j, t, incident_get(core, (uint32_t)j.seen_count));
                if (j.found && now >= asked + 60 * NSEC_PER_SEC && now < MIN(j.target, j.breach)) {
                        for (size_t i = 0; i < j.seen_count; i++) {
                                const struct incident *x = incident_get(core, (uint32_t)i);

                                if (!j.seen[i].right || !x->has_breach)
                                        continue;
                                statements++;
                                right += x->breach.earliest <= j.target && j.target <= x->breach.latest;
                        }
                        asked = now;
                }
        }
        j.statements_right = statements > 0 ? right / statements : 0;
        j.days = (double)(now - j.from) / 86400e9;
        j.seconds = (double)(clock() - began) / CLOCKS_PER_SEC;
        core_free(&core);
        night_free(&night);
        if (r < 0)
                return r;
        *ret = j;
        return 0;
}

void judged_add(struct judged_sum *sum, const struct judged *j)
{
        sum->nights++;
        sum->faulty += j->faulty;
        sum->found += j->found;
        sum->in_time += j->in_time;
        sum->covered += j->covered;
        sum->wrong += j->wrong;
        sum->nights_wrong += j->wrong > 0;
        sum->statements_right += j->statements_right;
        if (!isnan(j->late) && sum->late_count < (int)ARRAY_SIZE(sum->late))
                sum->late[sum->late_count++] = j->late;
        sum->seconds += j->seconds;
        sum->days += j->days;
}

static int compare(const void *a, const void *b)
{
        double x = *(const double *)a, y = *(const double *)b;

        return (x > y) - (x < y);
}

static double quantile(const struct judged_sum *s, double q)
{
        double v[ARRAY_SIZE(s->late)];

        if (s->late_count == 0)
                return NAN;
        memcpy(v, s->late, (size_t)s->late_count * sizeof(*v));
        qsort(v, (size_t)s->late_count, sizeof(*v), compare);
        return exp(v[(size_t)(q * (s->late_count - 1) + 0.5)]);
}

void judged_print(const char *kind, const struct judged_sum *s)
{
        printf("%-8s %d nights, %.0f days, %.0f s of CPU:", kind, s->nights, s->days, s->seconds);
        if (s->faulty > 0)
                printf(" found %d (%.1f %%), in the first quarter %d (%.1f %%), breach in the first interval %d (%.1f %% of those "
                       "found), in later ones %.1f %%,",
                       s->found, 100.0 * s->found / s->faulty, s->in_time, 100.0 * s->in_time / s->faulty, s->covered,
                       s->found ? 100.0 * s->covered / s->found : 0, s->found ? 100 * s->statements_right / s->found : 0);
        if (s->late_count)
                printf(" truth / likely: 5 %% %.2f, median %.2f, 95 %% %.2f,", quantile(s, 0.05), quantile(s, 0.5),
                       quantile(s, 0.95));
        printf(" %d wrong incidents in %d nights\n", s->wrong, s->nights_wrong);
}
