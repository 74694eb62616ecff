/* What can be said of a row of numbers that were measured at equal distances: whether they rise, by how
 * much, whether they jumped. Non-parametric, since nothing is known of their distribution: the slope is
 * Theil and Sen's (P. K. Sen, Estimates of the regression coefficient based on Kendall's tau, JASA 63,
 * 1968), its significance Mann and Kendall's with the correction for ties (M. G. Kendall, Rank
 * Correlation Methods, 1975). NaN are gaps and are left out. Pure. */
#pragma once

#include "proto/base.h"

#define TREND_POINTS_MAX 48 /* pairs grow with the square */

struct trend {
        size_t points;      /* that are no gaps */
        double slope;       /* per step */
        double confidence;  /* that it rises: 1 − one-sided p; 1 − this: that it falls */
        double first, last; /* medians of the first and last quarter */
        double lowest, highest;
};

/* False if fewer than eight points are there, or of one half less than a half. */
bool trend_fit(const double *values, size_t count, struct trend *ret_trend);

/* Index of the point at which a jump begins, if there was one: two levels, before it and after it, describe
 * the values best (least absolute deviation). *ret_before and *ret_after are their medians. -1 if there
 * are too few points. The jump may take `width` points, which belong to neither. */
int trend_step(const double *values, size_t count, size_t width, double *ret_before, double *ret_after);

/* Of the points that are there; NaN for none. */
double trend_median(const double *values, size_t count);
double trend_mean(const double *values, size_t count);
/* The share of the points that are there for which the value is above (or below) `bound`; 0 for none. */
double trend_share_above(const double *values, size_t count, double bound);
double trend_share_below(const double *values, size_t count, double bound);
