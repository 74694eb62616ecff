#include "coordinator/trend.h"

#include <math.h>

static void swap(double *a, double *b)
{
        double t = *a;

        *a = *b;
        *b = t;
}

/* The k-th smallest; reorders the values so that none before it is larger (Hoare's selection, with Dijkstra's
 * partition in three: many values are equal). */
static double select_kth(double *v, size_t count, size_t k)
{
        size_t low = 0, high = count;

        while (high - low > 1) {
                double pivot = v[low + (high - low) / 2];
                size_t less = low, more = high;

                for (size_t i = low; i < more;)
                        if (v[i] < pivot)
                                swap(&v[less++], &v[i++]);
                        else if (v[i] > pivot)
                                swap(&v[i], &v[--more]);
                        else
                                i++;
                if (k < less)
                        high = less;
                else if (k >= more)
                        low = more;
                else
                        break;
        }
        return v[k];
}

static double median_of(double *values, size_t count)
{
        double upper, lower;

        if (count == 0)
                return NAN;
        upper = select_kth(values, count, count / 2);
        if (count % 2)
                return upper;
        lower = values[0];
        for (size_t i = 1; i < count / 2; i++)
                lower = fmax(lower, values[i]);
        return (lower + upper) / 2;
}

static void sort(double *v, size_t count)
{
        for (size_t i = 1; i < count; i++) {
                double x = v[i];
                size_t j = i;

                for (; j > 0 && v[j - 1] > x; j--)
                        v[j] = v[j - 1];
                v[j] = x;
        }
}

double trend_median(const double *values, size_t count)
{
        double there[512];
        size_t n = 0;

        for (size_t i = 0; i < count && n < ARRAY_SIZE(there); i++)
                if (!isnan(values[i]))
                        there[n++] = values[i];
        return median_of(there, n);
}

double trend_mean(const double *values, size_t count)
{
        double sum = 0;
        size_t n = 0;

        for (size_t i = 0; i < count; i++)
                if (!isnan(values[i])) {
                        sum += values[i];
                        n++;
                }
        return n ? sum / (double)n : NAN;
}

double trend_share_above(const double *values, size_t count, double bound)
{
        size_t n = 0, above = 0;

        for (size_t i = 0; i < count; i++)
                if (!isnan(values[i])) {
                        n++;
                        above += values[i] > bound;
                }
        return n ? (double)above / (double)n : 0;
}

double trend_share_below(const double *values, size_t count, double bound)
{
        size_t n = 0, below = 0;

        for (size_t i = 0; i < count; i++)
                if (!isnan(values[i])) {
                        n++;
                        below += values[i] < bound;
                }
        return n ? (double)below / (double)n : 0;
}

/* S has the variance n(n−1)(2n+5)/18, less the same of each group of equal values. */
static double variance(const double *sorted, size_t n)
{
        double v = (double)n * (double)(n - 1) * (double)(2 * n + 5);

        for (size_t i = 0, j; i < n; i = j) {
                double t;

                for (j = i + 1; j < n && sorted[j] == sorted[i]; j++)
                        ;
                t = (double)(j - i);
                v -= t * (t - 1) * (2 * t + 5);
        }
        return v / 18;
}

static bool fill(const double *values, size_t count, double *there, double *place, size_t *ret_n)
{
        size_t n = 0, early = 0;

        for (size_t i = 0; i < count; i++) {
                if (isnan(values[i]))
                        continue;
                there[n] = values[i];
                place[n++] = (double)i;
                early += i < count / 2;
        }
        *ret_n = n;
        return n >= 8 && 2 * early >= count / 2 && 2 * (n - early) >= count - count / 2;
}

bool trend_fit(const double *values, size_t count, struct trend *ret_trend)
{
        double there[TREND_POINTS_MAX] = { 0 }, place[TREND_POINTS_MAX] = { 0 }, sorted[TREND_POINTS_MAX] = { 0 };
        double slopes[TREND_POINTS_MAX * (TREND_POINTS_MAX - 1) / 2], s = 0, v, z;
        size_t n, pairs = 0, quarter;

        if (count > TREND_POINTS_MAX || !fill(values, count, there, place, &n))
                return false;
        for (size_t i = 0; i < n; i++) {
                sorted[i] = there[i];
                for (size_t j = i + 1; j < n; j++) {
                        s += (there[j] > there[i]) - (there[j] < there[i]);
                        slopes[pairs++] = (there[j] - there[i]) / (place[j] - place[i]);
                }
        }
        quarter = MAX(n / 4, (size_t)2);
        *ret_trend = (struct trend){ .points = n,
                                     .slope = median_of(slopes, pairs),
                                     .first = trend_median(there, quarter),
                                     .last = trend_median(there + n - quarter, quarter) };
        sort(sorted, n);
        ret_trend->lowest = sorted[0];
        ret_trend->highest = sorted[n - 1];
        v = variance(sorted, n);
        z = v <= 0 || s == 0 ? 0 : (s - (s > 0 ? 1 : -1)) / sqrt(v);
        ret_trend->confidence = 0.5 * erfc(-z / M_SQRT2);
        return true;
}

static double deviation(const double *values, size_t count, double from)
{
        double sum = 0;

        for (size_t i = 0; i < count; i++)
                if (!isnan(values[i]))
                        sum += fabs(values[i] - from);
        return sum;
}

int trend_step(const double *values, size_t count, size_t width, double *ret_before, double *ret_after)
{
        double least = INFINITY;
        int at = -1;

        for (size_t i = 3; i + width + 3 <= count; i++) {
                double before = trend_median(values, i), after = trend_median(values + i + width, count - i - width), sum;

                if (isnan(before) || isnan(after))
                        continue;
                sum = deviation(values, i, before) + deviation(values + i + width, count - i - width, after);
                for (size_t k = i; k < i + width; k++) /* on its way it may lie anywhere between them */
                        if (!isnan(values[k]))
                                sum += fmax(fmax(values[k] - fmax(before, after), fmin(before, after) - values[k]), 0);
                if (sum >= least)
                        continue;
                least = sum;
                at = (int)i;
                *ret_before = before;
                *ret_after = after;
        }
        return at;
}
