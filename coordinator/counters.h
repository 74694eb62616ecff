/* Arithmetic on the counters of a summary, and histograms kept small. */
#pragma once

#include "proto/histogram.h"
#include "proto/summary.h"

#define COUNTERS_COUNT (sizeof(struct summary_counters) / sizeof(uint64_t))

void counters_add(struct summary_counters *into, const struct summary_counters *from);
/* into − from, never below zero. */
void counters_subtract(struct summary_counters *into, const struct summary_counters *from);
/* Raises *known to `seen` and returns by how much; what would go back stays. */
struct summary_counters counters_advance(struct summary_counters *known, const struct summary_counters *seen);
bool counters_zero(const struct summary_counters *c);
/* A server's counts as its client would see them. */
struct summary_counters counters_mirror(const struct summary_counters *c);
/* Attempts that never opened. */
uint64_t counters_failed(const struct summary_counters *c);
/* Of `c`: what belongs to attempts that never opened, and the rest. */
struct summary_counters counters_failures(const struct summary_counters *c);
uint64_t counters_open(const struct summary_counters *c);

/* The part of a histogram between its first and its last bucket in use. NULL is empty. */
struct buckets {
        uint8_t first, count;
        uint32_t value[];
};

void buckets_free(struct buckets **buckets);
/* Adds; on want of memory the samples are dropped. `delta` may be negative in effect only through
 * buckets_subtract(). */
void buckets_add_histogram(struct buckets **into, const struct histogram *from);
void buckets_add(struct buckets **into, const struct buckets *from);
void buckets_expand(const struct buckets *from, struct histogram *ret_histogram);
/* Raises *known to `seen` and writes the increase. */
void buckets_advance(struct buckets **known, const struct histogram *seen, struct histogram *ret_increase);
void histogram_add_buckets(struct histogram *into, const struct buckets *from);
void histogram_subtract(struct histogram *into, const struct histogram *from);
bool histogram_empty(const struct histogram *h);
size_t buckets_bytes(const struct buckets *buckets);
