#include "coordinator/forecast.h"

#include <math.h>

#define Z 1.645    /* of a two-sided interval of 90 % */
#define DRIFT 0.35 /* standard deviation of the logarithm of the traffic, an hour or so later */
#define AHEAD_MAX (400 * 24 * 3600 * 1e9)

bool forecast_count(double events, int64_t onset, int64_t now, double remaining, struct forecast *ret)
{
        double seen = (double)(now - onset), k = events + 0.5, r = fmax(remaining, 0.5), ahead, ratio, deviation;

        if (!(events > 0) || seen <= 0 || !isfinite(remaining))
                return false;
        ahead = seen * r / k;
        if (ahead > AHEAD_MAX)
                return false;
        ratio = fmin(r / k, 8);
        deviation = sqrt(1 / r + 1 / k + DRIFT * DRIFT * (0.25 + 0.75 * fmin(ratio, 1)));
        ret->likely = now + (int64_t)ahead;
        ret->earliest = now + (int64_t)(ahead * exp(-Z * deviation));
        ret->latest = now + (int64_t)fmin(ahead * exp(Z * deviation), AHEAD_MAX);
        ret->rate = k / seen * 3600e9;
        ret->rate_low = ret->rate * exp(-Z / sqrt(k));
        ret->rate_high = ret->rate * exp(Z / sqrt(k));
        return true;
}
