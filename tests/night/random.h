/* Randomness for the generators: everything follows from a seed, on every machine. Each part of a night
 * has a stream of its own, so that what one part draws does not move another.
 *
 * Sources: xoshiro256** (Blackman and Vigna, 2018), seeded by splitmix64; Poisson and binomial by inversion up to a
 * mean of 12, above by PTRS and BTRS (Hörmann, "The transformed rejection method for generating Poisson random
 * variables" and "The generation of binomial random variates", 1993). */
#pragma once

#include "proto/base.h"
#include "proto/histogram.h"

struct random {
        uint64_t s[4];
};

void random_seed(struct random *r, uint64_t seed, uint64_t stream);
uint64_t random_bits(struct random *r);
uint64_t random_below(struct random *r, uint64_t below); /* below > 0 */
double random_unit(struct random *r);                    /* 0 < u < 1 */
double random_between(struct random *r, double low, double high);
bool random_chance(struct random *r, double p);
double random_normal(struct random *r);
double random_exponential(struct random *r, double mean);
uint32_t random_poisson(struct random *r, double mean);
uint32_t random_binomial(struct random *r, uint32_t n, double p);

/* A log-normal duration by its median in seconds and the deviation of its logarithm. */
struct duration {
        double median, sigma;
};

double duration_mean(const struct duration *d);
double duration_draw(struct random *r, const struct duration *d);
/* What is left of one that an observer meets in progress: such ones are longer than the usual. */
double duration_left(struct random *r, const struct duration *d);
/* Adds n of them to a histogram of microseconds. */
void duration_record(struct random *r, const struct duration *d, uint32_t n, struct histogram *into);
