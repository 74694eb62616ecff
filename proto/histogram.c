#include "proto/histogram.h"

uint64_t histogram_total(const struct histogram *h)
{
        uint64_t total = 0;

        for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
                total += h->count[i];
        return total;
}

static size_t bucket_of(uint64_t v)
{
        unsigned k;
        size_t i;

        if (v < 2)
                return 0;
        k = 63u - (unsigned)__builtin_clzll(v);
        i = 2 * k + ((v >> (k - 1)) & 1);
        return MIN(i, (size_t)HISTOGRAM_BUCKETS - 1);
}

static double bucket_low(size_t i)
{
        double base = (double)(UINT64_C(1) << (i / 2));

        if (i < 2)
                return i == 0 ? 0 : 1.5;
        return i % 2 ? 1.5 * base : base;
}

void histogram_record(struct histogram *h, uint64_t microseconds)
{
        h->count[bucket_of(microseconds)]++;
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
        for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
                into->count[i] += from->count[i];
}

double histogram_quantile(const struct histogram *h, double ratio)
{
        uint64_t total = histogram_total(h);
        double target = ratio * (double)total, before = 0;

        if (total == 0)
                return 0;
        for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
                double here = h->count[i];

                if (here > 0 && before + here >= target) {
                        double low = bucket_low(i), high = i == 0 ? 2 : bucket_low(i + 1);
                        return low + (high - low) * (target - before) / here;
                }
                before += here;
        }
        return bucket_low(HISTOGRAM_BUCKETS - 1);
}
