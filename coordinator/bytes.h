/* The compact form in which history and the store's records are kept: varints (LEB128), zigzag for
 * signed values, strings with their length. A writer latches want of memory, a reader latches the
 * first thing that does not fit; both are checked once at the end. */
#pragma once

#include "coordinator/counters.h"

struct writer {
        uint8_t *data;
        size_t size, capacity;
        bool failed;
};

void writer_free(struct writer *w);
void write_raw(struct writer *w, const void *data, size_t size);
void write_varint(struct writer *w, uint64_t value);
void write_signed(struct writer *w, int64_t value);
void write_string(struct writer *w, const char *string);
void write_counters(struct writer *w, const struct summary_counters *c);
void write_buckets(struct writer *w, const struct buckets *b);

struct reader {
        const uint8_t *data, *end;
        bool failed;
};

void read_raw(struct reader *r, void *data, size_t size);
uint64_t read_varint(struct reader *r);
int64_t read_signed(struct reader *r);
/* Ends with NUL in `buffer`; longer strings fail. Returns `buffer`. */
const char *read_string(struct reader *r, char *buffer, size_t size);
void read_counters(struct reader *r, struct summary_counters *ret_counters);
void read_buckets(struct reader *r, struct buckets **ret_buckets);
