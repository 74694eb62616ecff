#include "coordinator/forecast.h"

#include <math.h>

#define Z 1.645 /* of a two-sided interval of 90 % */
#define AHEAD_MAX (400 * 24 * 3600 * 1e9)
#define DAY (24 * 3600 * 1e9)

/* Standard deviations of the logarithm of the mean traffic: within what was seen; as much again later; and
 * of a day's rhythm, of which little was seen. */
#define DRIFT_NEAR 0.20
#define DRIFT_FAR 0.30
#define DRIFT_DAY 0.35
/* A path that traffic has only begun to take may be taken more soon: the earliest time is not that near its mean. */
#define DRIFT_GROWTH 0.7
#define GROWS_FOR (3600 * 1e9)

/* Before anything is known: leaks that are worth a forecast take hours, less than one in ten of them less than
 * one or more than two days. */
#define PRIOR (6 * 3600 * 1e9)
#define PRIOR_VARIANCE (1.4 * 1.4)

static const double least_of[] = { 0, 0, 0.56, 0.85, 1.03, 1.16, 1.27, 1.35, 1.42 };

/* The time in which so much traffic comes as in `time` while it was seen. */
static double in_rhythm(const struct forecast_count *c, double time)
{
        double part = DAY / FORECAST_AHEAD, sum = 0, at = 0;

        if (!c->rhythm_known)
                return time;
        for (int i = 0; i < FORECAST_AHEAD; i++)
                sum += c->ahead[i];
        if (!(sum > 0))
                return time;
        at = floor(time / (sum * part));
        time -= at * sum * part;
        at *= DAY;
        for (int i = 0; i < FORECAST_AHEAD && time > 0; i++) {
                double here = c->ahead[i] * part;

                if (here >= time)
                        return at + part * time / here;
                time -= here;
                at += part;
        }
        return at;
}

/* Of the logarithm of what happens meanwhile. */
static double drift(const struct forecast_count *c, double ahead)
{
        double ratio = fmin(ahead / c->span, 3) / 3, day = fmin(ahead / (DAY / 3), 1) * (1 - fmin(c->span / DAY, 1));

        if (c->rhythm_known)
                day *= 0.3;
        return DRIFT_NEAR * DRIFT_NEAR + DRIFT_FAR * DRIFT_FAR * ratio + DRIFT_DAY * DRIFT_DAY * day;
}

/* The variance of the logarithm of a gamma-distributed number is the trigamma function of its shape. */
static double trigamma(double x)
{
        return 1 / x + 1 / (2 * x * x) + 1 / (6 * x * x * x);
}

/* Mean and deviation of the logarithm of the time until r more, of which little is known while few were seen. */
static void time_until(const struct forecast_count *c, double each, double r, double *ret_mean, double *ret_deviation)
{
        double k = c->events + 0.5, likelihood, variance = trigamma(k);
        double weight = PRIOR_VARIANCE / (PRIOR_VARIANCE + variance);

        if (c->events == 0) {
                *ret_mean = log(PRIOR);
                *ret_deviation = sqrt(PRIOR_VARIANCE);
                return;
        }
        likelihood = log(each * r) + 0.5 / k;
        *ret_mean = weight * likelihood + (1 - weight) * log(PRIOR);
        *ret_deviation = sqrt(weight * variance + 1 / r + drift(c, exp(*ret_mean)));
}

static double first_of(unsigned processes, double r)
{
        unsigned n = MIN(processes, (unsigned)ARRAY_SIZE(least_of) - 1);

        return fmax(r - 0.7 * least_of[n] * sqrt(r), 0.5);
}

bool forecast_count(const struct forecast_count *c, int64_t now, struct forecast *ret)
{
        double each, low, high, mean, deviation, mean_high, deviation_high;

        if (!(c->events >= 0) || !isfinite(c->least) || !isfinite(c->most))
                return false;
        if (c->events > 0 && (!(c->seen > 0) || !(c->span > 0)))
                return false;
        high = first_of(c->processes, fmax(c->most, 0.5));
        each = c->events > 0 ? c->seen / (c->events + 0.5) / c->together : PRIOR / high;
        low = fmin(first_of(c->processes, fmax(c->least, 0.5)), high);
        if (each * low > AHEAD_MAX)
                return false;
        time_until(c, each, low, &mean, &deviation);
        deviation = sqrt(deviation * deviation + DRIFT_GROWTH * DRIFT_GROWTH * (1 - fmin(c->span / GROWS_FOR, 1)));
        time_until(c, each, high, &mean_high, &deviation_high);
        ret->earliest = now + (int64_t)fmin(in_rhythm(c, exp(mean - Z * deviation)), AHEAD_MAX);
        ret->likely = now + (int64_t)fmin(in_rhythm(c, exp((mean + mean_high) / 2)), AHEAD_MAX);
        ret->latest = now + (int64_t)fmin(in_rhythm(c, exp(mean_high + Z * deviation_high)), AHEAD_MAX);
        ret->rate = 3600e9 / each;
        ret->rate_low = ret->rate * exp(-Z / sqrt(c->events + 0.5));
        ret->rate_high = ret->rate * exp(Z / sqrt(c->events + 0.5));
        return true;
}
