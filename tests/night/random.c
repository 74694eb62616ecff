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

/* Polar (Marsaglia and Bray, 1964). */
static double normal_exact(struct random *r)
{
        double u, v, q;

        do {
                u = 2 * random_unit(r) - 1;
                v = 2 * random_unit(r) - 1;
                q = u * u + v * v;
        } while (q >= 1 || q == 0);
        return u * sqrt(-2 * log(q) / q);
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
                double z;

                do
                        z = normal_exact(r);
                while (fabs(z) < -quantiles[8]);
                return i < 8 ? -fabs(z) : fabs(z);
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

uint32_t random_binomial(struct random *r, uint32_t n, double p)
{
        double mean = n * p, q;
        uint32_t k = 0;

        if (n == 0 || !(p > 0))
                return 0;
        if (p >= 1)
                return n;
        if (p > 0.5)
                return n - random_binomial(r, n, 1 - p);
        if (mean < 12) {
                double term = exp(n * log1p(-p)), u = random_unit(r), odds = p / (1 - p);

                while (u > term && k < n) {
                        u -= term;
                        k++;
                        term *= odds * (n - k + 1) / k;
                }
                return k;
        }
        if (mean > 400) {
                double x = floor(mean + sqrt(mean * (1 - p)) * random_normal(r) + 0.5);

                return x < 0 ? 0 : x > n ? n : (uint32_t)x;
        }
        q = log1p(-p);
        for (double at = floor(log(random_unit(r)) / q); at < n; at += 1 + floor(log(random_unit(r)) / q))
                k++;
        return k;
}
