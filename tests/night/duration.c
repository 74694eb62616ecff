#include "tests/night/random.h"

#include <math.h>

double duration_mean(const struct duration *d)
{
        return d->median * exp(d->sigma * d->sigma / 2);
}

double duration_draw(struct random *r, const struct duration *d)
{
        return d->median * exp(d->sigma * random_normal(r));
}

/* Met in progress: length-biased, which for a log-normal is another with its median moved by σ². */
double duration_left(struct random *r, const struct duration *d)
{
        return random_unit(r) * d->median * exp(d->sigma * d->sigma + d->sigma * random_normal(r));
}

static double below(const struct duration *d, double seconds)
{
        return seconds <= 0 ? 0 : 0.5 * erfc(-log(seconds / d->median) / d->sigma * M_SQRT1_2);
}

static double bucket_end(size_t i)
{
        double base = (double)(UINT64_C(1) << (i / 2));

        return i == 0 ? 2e-6 : (i % 2 ? 2 * base : 1.5 * base) * 1e-6;
}

/* Many at once: bucket by bucket, each a binomial share of what is left. */
static void record_many(struct random *r, const struct duration *d, uint32_t n, struct histogram *into)
{
        double done = 0;

        for (size_t i = 0; n > 0 && i < HISTOGRAM_BUCKETS; i++) {
                double upto = i + 1 == HISTOGRAM_BUCKETS ? 1 : below(d, bucket_end(i));
                uint32_t here;

                if (upto - done < 1e-9)
                        continue;
                here = done >= 1 - 1e-12 ? n : random_binomial(r, n, (upto - done) / (1 - done));
                into->count[i] += here;
                n -= here;
                done = upto;
        }
}

/* The bucket straight from the logarithm: log2(1.5) parts an octave. */
void duration_record(struct random *r, const struct duration *d, uint32_t n, struct histogram *into)
{
        double low = log2(d->median * 1e6), slope = d->sigma * M_LOG2E;

        if (n > 256) {
                record_many(r, d, n, into);
                return;
        }
        for (; n > 0; n--) {
                double octaves = low + slope * random_normal(r), whole = floor(octaves);
                double bucket = octaves < 1 ? 0 : 2 * whole + (octaves - whole >= 0.58496250072115618);

                into->count[(size_t)fmin(bucket, HISTOGRAM_BUCKETS - 1)]++;
        }
}
