/* When a count that grows will reach its limit, as an interval. Pure.
 *
 * The model: events (connections that leak) come at a rate that is not known and drifts. After k events
 * in a time T the rate is gamma-distributed with shape k + 1/2 (Jeffreys' prior for a Poisson rate; A.
 * Gelman et al., Bayesian Data Analysis, 3rd ed., 2.6 and 2.8); the time until R more events is
 * gamma-distributed with shape R for each rate. The ratio of both is close to log-normal with a variance
 * of 1/R + 1/(k + 1/2). Traffic drifts meanwhile: what is added for that grows with how far ahead the
 * forecast reaches beyond what was seen, up to what a day's rhythm amounts to.
 *
 * Where the traffic of the day before is known, time is counted in it: a leak climbs with the requests that
 * take its path, and those have their hours.
 *
 * Of several processes that leak alike the first one to reach its limit counts. Of N sums that are about
 * normal the least lies E(N) deviations below their mean (H. A. David, Order Statistics, 2.3). */
#pragma once

#include "proto/base.h"

struct forecast {
        int64_t earliest, likely, latest; /* bounds of a 90 % interval */
        double rate_low, rate, rate_high; /* events per hour, likewise */
};

#define FORECAST_AHEAD 144 /* parts of a day, of ten minutes each */

struct forecast_count {
        double events;      /* that were seen after the first; 0: only what is usual can be said, */
        double seen;        /* in so many nanoseconds, those of all processes together */
        double span;        /* how long ago the first was */
        double least, most; /* so many more are one too many: the bounds of what is known of that */
        unsigned processes; /* that may be the first to reach it; 1 if what they have is shared */
        bool rhythm_known;
        double ahead[FORECAST_AHEAD]; /* traffic in each of the coming parts of a day; 1: as while it was seen */
        double together;              /* events of so many processes count; 1 if each has a limit of its own */
};

/* False if nothing can be said. */
bool forecast_count(const struct forecast_count *count, int64_t now, struct forecast *ret_forecast);
