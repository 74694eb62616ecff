#include "coordinator/bytes.h"

#include <stdlib.h>
#include <string.h>

void writer_free(struct writer *w)
{
        free(w->data);
        *w = (struct writer){ 0 };
}

void write_raw(struct writer *w, const void *data, size_t size)
{
        if (w->failed || size == 0)
                return;
        if (w->capacity - w->size < size) {
                size_t capacity = MAX(2 * w->capacity, w->size + size + 64);
                uint8_t *new = realloc(w->data, capacity);

                if (!new) {
                        w->failed = true;
                        return;
                }
                w->data = new;
                w->capacity = capacity;
        }
        memcpy(w->data + w->size, data, size);
        w->size += size;
}

void write_varint(struct writer *w, uint64_t value)
{
        uint8_t buffer[10];
        size_t n = 0;

        for (; value >= 0x80; value >>= 7)
                buffer[n++] = (uint8_t)(value | 0x80);
        buffer[n++] = (uint8_t)value;
        write_raw(w, buffer, n);
}

void write_signed(struct writer *w, int64_t value)
{
        write_varint(w, (uint64_t)value << 1 ^ (value < 0 ? UINT64_MAX : 0));
}

void write_string(struct writer *w, const char *string)
{
        size_t length = strlen(string);

        write_varint(w, length);
        write_raw(w, string, length);
}

void write_counters(struct writer *w, const struct summary_counters *c)
{
        uint64_t present = 0, bit = 1;

#define X(name)                                                                                                                    \
        present |= c->name ? bit : 0;                                                                                              \
        bit <<= 1;
        SUMMARY_COUNTERS(X)
#undef X
        write_varint(w, present);
#define X(name)                                                                                                                    \
        if (c->name)                                                                                                               \
                write_varint(w, c->name);
        SUMMARY_COUNTERS(X)
#undef X
}

void write_buckets(struct writer *w, const struct buckets *b)
{
        write_varint(w, b ? b->count : 0);
        if (!b || b->count == 0)
                return;
        write_varint(w, b->first);
        for (unsigned i = 0; i < b->count; i++)
                write_varint(w, b->value[i]);
}

void read_raw(struct reader *r, void *data, size_t size)
{
        if (r->failed || (size_t)(r->end - r->data) < size) {
                r->failed = true;
                memset(data, 0, size);
                return;
        }
        memcpy(data, r->data, size);
        r->data += size;
}

uint64_t read_varint(struct reader *r)
{
        uint64_t value = 0;

        for (unsigned shift = 0; shift < 64; shift += 7) {
                if (r->failed || r->data == r->end)
                        break;
                value |= (uint64_t)(*r->data & 0x7f) << shift;
                if (!(*r->data++ & 0x80))
                        return value;
        }
        r->failed = true;
        return 0;
}

int64_t read_signed(struct reader *r)
{
        uint64_t value = read_varint(r);

        return (int64_t)(value >> 1 ^ (value & 1 ? UINT64_MAX : 0));
}

const char *read_string(struct reader *r, char *buffer, size_t size)
{
        uint64_t length = read_varint(r);

        if (length >= size)
                r->failed = true;
        if (r->failed)
                length = 0;
        read_raw(r, buffer, length);
        buffer[r->failed ? 0 : length] = 0;
        return buffer;
}

void read_counters(struct reader *r, struct summary_counters *ret_counters)
{
        uint64_t present = read_varint(r), bit = 1;

#define X(name)                                                                                                                    \
        ret_counters->name = present & bit ? read_varint(r) : 0;                                                                   \
        bit <<= 1;
        SUMMARY_COUNTERS(X)
#undef X
}

void read_buckets(struct reader *r, struct buckets **ret_buckets)
{
        uint64_t count = read_varint(r), first = count ? read_varint(r) : 0;
        struct histogram h = { 0 };

        if (count > HISTOGRAM_BUCKETS || first > HISTOGRAM_BUCKETS - count)
                r->failed = true;
        for (uint64_t i = 0; !r->failed && i < count; i++)
                h.count[first + i] = (uint32_t)read_varint(r);
        if (!r->failed)
                buckets_add_histogram(ret_buckets, &h);
}
