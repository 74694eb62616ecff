#include "coordinator/forecast.h"

#include <math.h>

#define Z 1.645    /* of a two-sided interval of 90 % */
#define DRIFT 0.35 /* standard deviation of the logarithm of the traffic, an hour or so later */
#define AHEAD_MAX (400 * 24 * 3600 * 1e9)

/* Of the logarithm of the time until r more, after k. */
static double deviation(double r, double k)
{
        double ratio = fmin(r / k, 1);

        return sqrt(1 / r + 1 / k + DRIFT * DRIFT * (0.25 + 0.75 * ratio));
}

bool forecast_count(double events, int64_t onset, int64_t now, double least, double most, struct forecast *ret)
{
        double seen = (double)(now - onset), k = events + 0.5, low = fmax(least, 0.5), high = fmax(most, low), likely;

        if (!(events > 0) || seen <= 0 || !isfinite(low) || !isfinite(high))
                return false;
        likely = sqrt(low * high);
        if (seen * low / k > AHEAD_MAX)
                return false;
        ret->likely = now + (int64_t)fmin(seen * likely / k, AHEAD_MAX);
        ret->earliest = now + (int64_t)(seen * low / k * exp(-Z * deviation(low, k)));
        ret->latest = now + (int64_t)fmin(seen * high / k * exp(Z * deviation(high, k)), AHEAD_MAX);
        ret->rate = k / seen * 3600e9;
        ret->rate_low = ret->rate * exp(-Z / sqrt(k));
        ret->rate_high = ret->rate * exp(Z / sqrt(k));
        return true;
}
