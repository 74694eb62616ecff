/* Samples, what may be said of them, and the table of figures that `make bench` ends with.
 *
 * An estimate is the median of the samples with a 95 % interval from 2,000 bootstrap resamples; the
 * seed is fixed, so the same samples give the same interval. A figure has an upper bound and passes
 * when the whole interval lies below it, fails when the whole interval lies above, and is
 * inconclusive otherwise, and always when its A/A interval (the same measurement with nothing
 * changed) is wider than the bound. */
#pragma once

#include "proto/base.h"

#define SAMPLES_MAX 4096

struct samples {
        double values[SAMPLES_MAX];
        size_t count;
};
void samples_add(struct samples *samples, double value);

struct estimate {
        double low, median, high;
        bool given;
};
struct estimate samples_estimate(const struct samples *samples);
struct estimate estimate_of(double value);

enum verdict { VERDICT_PASS, VERDICT_FAIL, VERDICT_INCONCLUSIVE, VERDICT_NOTE };

struct figure {
        char name[96];
        char unit[16];
        double bound;                   /* upper; 0 for a figure without one */
        struct estimate measured, same; /* `same` is the A/A */
        char note[192];
};

/* Adds a row; prints it at once, so that a long run shows how far it is. */
void figure_add(const struct figure *figure);
/* A row that could not be measured, and why. */
void figure_missing(const char *name, const char *why);
/* The table; returns how many figures failed. */
int figures_print(void);
enum verdict figure_verdict(const struct figure *figure);
