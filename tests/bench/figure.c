#include "tests/bench/figure.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RESAMPLES 2000
#define FIGURES_MAX 64

static struct figure figures[FIGURES_MAX];
static size_t figures_count;

void samples_add(struct samples *samples, double value)
{
        if (samples->count < SAMPLES_MAX)
                samples->values[samples->count++] = value;
}

static int compare(const void *a, const void *b)
{
        double x = *(const double *)a, y = *(const double *)b;

        return (x > y) - (x < y);
}

static double median_of(double *values, size_t count)
{
        qsort(values, count, sizeof(*values), compare);
        return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

struct estimate estimate_of(double value)
{
        return (struct estimate){ value, value, value, true };
}

struct estimate samples_estimate(const struct samples *samples)
{
        static double medians[RESAMPLES], drawn[SAMPLES_MAX];
        struct estimate e = { 0 };
        unsigned short seed[3] = { 1, 2, 3 };

        if (samples->count == 0)
                return e;
        for (size_t i = 0; i < RESAMPLES; i++) {
                for (size_t j = 0; j < samples->count; j++)
                        drawn[j] = samples->values[(size_t)nrand48(seed) % samples->count];
                medians[i] = median_of(drawn, samples->count);
        }
        qsort(medians, RESAMPLES, sizeof(*medians), compare);
        memcpy(drawn, samples->values, samples->count * sizeof(*drawn));
        e.median = median_of(drawn, samples->count);
        e.low = medians[RESAMPLES / 40];
        e.high = medians[RESAMPLES - 1 - RESAMPLES / 40];
        e.given = true;
        return e;
}

enum verdict figure_verdict(const struct figure *f)
{
        if (f->bound == 0 || !f->measured.given)
                return VERDICT_NOTE;
        if (f->same.given && f->same.high - f->same.low > f->bound)
                return VERDICT_INCONCLUSIVE;
        if (f->measured.high <= f->bound)
                return VERDICT_PASS;
        return f->measured.low > f->bound ? VERDICT_FAIL : VERDICT_INCONCLUSIVE;
}

static void interval(char *buffer, size_t size, const struct estimate *e, int digits)
{
        if (!e->given)
                snprintf(buffer, size, "-");
        else if (e->low == e->high)
                snprintf(buffer, size, "%.*f", digits, e->median);
        else
                snprintf(buffer, size, "%.*f [%.*f, %.*f]", digits, e->median, digits, e->low, digits, e->high);
}

static void print_row(const struct figure *f)
{
        static const char *const verdicts[] = { "pass", "FAIL", "inconclusive", "" };
        int digits = fabs(f->measured.median) >= 100 ? 0 : fabs(f->measured.median) >= 10 ? 1 : 2;
        char bound[32] = "", measured[64], same[64];

        if (f->bound != 0)
                snprintf(bound, sizeof(bound), "%g", f->bound);
        interval(measured, sizeof(measured), &f->measured, digits);
        interval(same, sizeof(same), &f->same, digits);
        printf("%-62s %-6s %6s  %-26s %-24s %-12s %s\n", f->name, f->unit, bound, measured, same, verdicts[figure_verdict(f)],
               f->note);
        fflush(stdout);
}

void figure_add(const struct figure *figure)
{
        if (figures_count < FIGURES_MAX)
                figures[figures_count++] = *figure;
        print_row(figure);
}

void figure_missing(const char *name, const char *why)
{
        struct figure f = { 0 };

        snprintf(f.name, sizeof(f.name), "%s", name);
        snprintf(f.note, sizeof(f.note), "not measured: %s", why);
        figure_add(&f);
}

int figures_print(void)
{
        int failed = 0;

        printf("\n%-62s %-6s %6s  %-26s %-24s %s\n", "figure", "unit", "bound", "measured [95 % interval]", "A/A interval",
               "verdict");
        for (size_t i = 0; i < figures_count; i++) {
                print_row(&figures[i]);
                failed += figure_verdict(&figures[i]) == VERDICT_FAIL;
        }
        return failed;
}
