/* A histogram of microseconds with half-octave buckets, the same as in bpf/event.h: bucket 2k holds
 * [2^k, 1.5·2^k), 2k+1 holds [1.5·2^k, 2^(k+1)), bucket 0 everything below 2, the last everything
 * above. Relative error of a percentile is at most a quarter. Counts are cumulative. */
#pragma once

#include "proto/base.h"

#define HISTOGRAM_BUCKETS 48

struct histogram {
        uint32_t count[HISTOGRAM_BUCKETS];
};

uint64_t histogram_total(const struct histogram *h);
void histogram_record(struct histogram *h, uint64_t microseconds);
void histogram_merge(struct histogram *into, const struct histogram *from);
/* The value below which `ratio` (0 to 1) of the samples lie, interpolated inside its bucket, in
 * microseconds; 0 when there are none. */
double histogram_quantile(const struct histogram *h, double ratio);
