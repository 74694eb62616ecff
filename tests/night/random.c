#include "tests/night/random.h"

#include <math.h>

static uint64_t splitmix(uint64_t *x)
{
        uint64_t z = *x += UINT64_C(0x9e3779b97f4a7c15);

        z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
        return z ^ z >> 31;
}

void random_seed(struct random *r, uint64_t seed, uint64_t stream)
{
        uint64_t x = seed, y;

        y = splitmix(&x) ^ stream * UINT64_C(0xd1342543de82ef95);
        for (int i = 0; i < 4; i++)
                r->s[i] = splitmix(&y);
}

static uint64_t rotated(uint64_t x, int k)
{
        return x << k | x >> (64 - k);
}

uint64_t random_bits(struct random *r)
{
        uint64_t *s = r->s, result = rotated(s[1] * 5, 7) * 9, t = s[1] << 17;

        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = rotated(s[3], 45);
        return result;
}

uint64_t random_below(struct random *r, uint64_t below)
{
        return (uint64_t)((unsigned __int128)random_bits(r) * below >> 64);
}

double random_unit(struct random *r)
{
        return ((double)(random_bits(r) >> 12) + 0.5) * 0x1p-52;
}

double random_between(struct random *r, double low, double high)
{
        return low + (high - low) * random_unit(r);
}

bool random_chance(struct random *r, double p)
{
        return p > 0 && random_unit(r) < p;
}

#define QUANTILES 1024

/* Beyond `from`: Marsaglia, "Generating a variable from the tail of the normal distribution", 1964. */
static double normal_tail(struct random *r, double from)
{
        double x;

        do
                x = sqrt(from * from - 2 * log(random_unit(r)));
        while (random_unit(r) * x > from);
        return x;
}

static void normal_table(double *quantiles)
{
        for (int i = 1; i < QUANTILES; i++) {
                double low = -8, high = 8, p = (double)i / QUANTILES;

                while (high - low > 1e-12) {
                        double mid = (low + high) / 2;

                        *(0.5 * erfc(-mid * M_SQRT1_2) < p ? &low : &high) = mid;
                }
                quantiles[i] = low;
        }
}

/* Between its quantiles the law is as good as straight; not in its ends. */
double random_normal(struct random *r)
{
        static double quantiles[QUANTILES];
        double u = random_unit(r) * QUANTILES;
        int i = (int)u;

        if (quantiles[1] == 0)
                normal_table(quantiles);
        if (i < 8 || i >= QUANTILES - 8) {
                double z = normal_tail(r, -quantiles[8]);

                return i < 8 ? -z : z;
        }
        return quantiles[i] + (u - i) * (quantiles[i + 1] - quantiles[i]);
}

double random_exponential(struct random *r, double mean)
{
        return -mean * log(random_unit(r));
}

static double log_factorial(double k)
{
        static const double small[] = { 0,
                                        0,
                                        0.69314718055994529,
                                        1.791759469228055,
                                        3.1780538303479458,
                                        4.7874917427820458,
                                        6.5792512120101012,
                                        8.5251613610654147,
                                        10.604602902745251,
                                        12.801827480081469 };

        if (k < 10)
                return small[(int)k];
        return (k + 0.5) * log(k) - k + 0.91893853320467274 + 1 / (12 * k) - 1 / (360 * k * k * k);
}

/* PTRS */
static uint32_t poisson_large(struct random *r, double mean)
{
        double slam = sqrt(mean), loglam = log(mean), b = 0.931 + 2.53 * slam, a = -0.059 + 0.02483 * b;
        double invalpha = 1.1239 + 1.1328 / (b - 3.4), vr = 0.9277 - 3.6224 / (b - 2);

        for (;;) {
                double u = random_unit(r) - 0.5, v = random_unit(r), us = 0.5 - fabs(u);
                double k = floor((2 * a / us + b) * u + mean + 0.43);

                if (us >= 0.07 && v <= vr)
                        return (uint32_t)k;
                if (k < 0 || (us < 0.013 && v > us))
                        continue;
                if (log(v) + log(invalpha) - log(a / (us * us) + b) <= -mean + k * loglam - log_factorial(k))
                        return (uint32_t)k;
        }
}

uint32_t random_poisson(struct random *r, double mean)
{
        double p, u;
        uint32_t k = 0;

        if (!(mean > 0))
                return 0;
        if (mean > 12)
                return poisson_large(r, mean);
        p = exp(-mean);
        u = random_unit(r);
        while (u > p && k < 200) {
                u -= p;
                p *= mean / ++k;
        }
        return k;
}

/* BTRS */
static uint32_t binomial_large(struct random *r, uint32_t n, double p)
{
        double q = 1 - p, spq = sqrt(n * p * q), b = 1.15 + 2.53 * spq, a = -0.0873 + 0.0248 * b + 0.01 * p, c = n * p + 0.5;
        double vr = 0.92 - 4.2 / b, alpha = (2.83 + 5.1 / b) * spq, m = floor((n + 1) * p), odds = log(p / q);
        double most = log_factorial(m) + log_factorial(n - m);

        for (;;) {
                double u = random_unit(r) - 0.5, v = random_unit(r), us = 0.5 - fabs(u), k = floor((2 * a / us + b) * u + c);

                if (k < 0 || k > n)
                        continue;
                if (us >= 0.07 && v <= vr)
                        return (uint32_t)k;
                if (log(v * alpha / (a / (us * us) + b)) <= most - log_factorial(k) - log_factorial(n - k) + (k - m) * odds)
                        return (uint32_t)k;
        }
}

uint32_t random_binomial(struct random *r, uint32_t n, double p)
{
        double term, u, odds;
        uint32_t k = 0;

        if (n == 0 || !(p > 0))
                return 0;
        if (p >= 1)
                return n;
        if (p > 0.5)
                return n - random_binomial(r, n, 1 - p);
        if (n * p > 12)
                return binomial_large(r, n, p);
        term = exp(n * log1p(-p));
        u = random_unit(r);
        odds = p / (1 - p);
        while (u > term && k < n) {
                u -= term;
                k++;
                term *= odds * (n - k + 1) / k;
        }
        return k;
}
