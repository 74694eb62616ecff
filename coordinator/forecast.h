/* When a count that grows will reach its limit, as an interval. Pure.
 *
 * The model: events (connections that leak) come at a rate that is not known and drifts. After k events
 * in a time T the rate is gamma-distributed with shape k + 1/2 (Jeffreys' prior for a Poisson rate; A.
 * Gelman et al., Bayesian Data Analysis, 3rd ed., 2.6 and 2.8); the time until R more events is
 * gamma-distributed with shape R for each rate. The ratio of both is close to log-normal with a variance
 * of 1/R + 1/(k + 1/2). Traffic drifts meanwhile: what is added for that grows with how far ahead the
 * forecast reaches beyond what was seen. */
#pragma once

#include "proto/base.h"

struct forecast {
        int64_t earliest, likely, latest; /* bounds of a 90 % interval */
        double rate_low, rate, rate_high; /* events per hour, likewise */
};

/* `events` (more than none) happened from `onset` to `now`; `least` to `most` more are one too many. False
 * if nothing can be said. */
bool forecast_count(double events, int64_t onset, int64_t now, double least, double most, struct forecast *ret_forecast);
