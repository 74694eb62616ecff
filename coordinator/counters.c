#include "coordinator/counters.h"

#include <stdlib.h>
#include <string.h>

void counters_add(struct summary_counters *into, const struct summary_counters *from)
{
#define X(name) into->name += from->name;
        SUMMARY_COUNTERS(X)
#undef X
}

void counters_subtract(struct summary_counters *into, const struct summary_counters *from)
{
#define X(name) into->name -= MIN(into->name, from->name);
        SUMMARY_COUNTERS(X)
#undef X
}

struct summary_counters counters_advance(struct summary_counters *known, const struct summary_counters *seen)
{
        struct summary_counters increase = { 0 };

#define X(name)                                                                                                                    \
        if (seen->name > known->name) {                                                                                            \
                increase.name = seen->name - known->name;                                                                          \
                known->name = seen->name;                                                                                          \
        }
        SUMMARY_COUNTERS(X)
#undef X
        return increase;
}

bool counters_zero(const struct summary_counters *c)
{
        static const struct summary_counters zero;

        return memcmp(c, &zero, sizeof(zero)) == 0;
}

struct summary_counters counters_mirror(const struct summary_counters *c)
{
        struct summary_counters m = *c;

        m.sent = c->received;
        m.received = c->sent;
        m.reset_by_peer = c->reset_by_self;
        m.reset_by_self = c->reset_by_peer;
        m.datagrams_sent = c->datagrams_received;
        m.datagrams_received = c->datagrams_sent;
        m.unread = 0; /* of the server's own process */
        return m;
}

uint64_t counters_failed(const struct summary_counters *c)
{
        return c->refused + c->timed_out + c->unreachable + c->aborted + c->no_port;
}

struct summary_counters counters_failures(const struct summary_counters *c)
{
        return (struct summary_counters){ .attempted = counters_failed(c),
                                          .refused = c->refused,
                                          .timed_out = c->timed_out,
                                          .unreachable = c->unreachable,
                                          .aborted = c->aborted,
                                          .no_port = c->no_port };
}

uint64_t counters_open(const struct summary_counters *c)
{
        return c->adopted + c->opened - MIN(c->adopted + c->opened, c->closed);
}

void buckets_free(struct buckets **buckets)
{
        free(*buckets);
        *buckets = NULL;
}

size_t buckets_bytes(const struct buckets *buckets)
{
        return buckets ? sizeof(*buckets) + buckets->count * sizeof(buckets->value[0]) : 0;
}

/* Makes room for buckets [first, end); false when memory is short. */
static bool buckets_reach(struct buckets **buckets, unsigned first, unsigned end)
{
        struct buckets *old = *buckets, *new;

        if (old && first >= old->first && end <= (unsigned)old->first + old->count)
                return true;
        if (old) {
                first = MIN(first, (unsigned)old->first);
                end = MAX(end, (unsigned)old->first + old->count);
        }
        new = calloc(1, sizeof(*new) + (end - first) * sizeof(new->value[0]));
        if (!new)
                return false;
        new->first = (uint8_t)first;
        new->count = (uint8_t)(end - first);
        if (old)
                memcpy(new->value + (old->first - first), old->value, old->count * sizeof(old->value[0]));
        free(old);
        *buckets = new;
        return true;
}

void buckets_add_histogram(struct buckets **into, const struct histogram *from)
{
        unsigned first = 0, end = HISTOGRAM_BUCKETS;

        while (first < end && from->count[first] == 0)
                first++;
        while (end > first && from->count[end - 1] == 0)
                end--;
        if (first == end || !buckets_reach(into, first, end))
                return;
        for (unsigned i = first; i < end; i++)
                (*into)->value[i - (*into)->first] += from->count[i];
}

void buckets_add(struct buckets **into, const struct buckets *from)
{
        if (!from || !buckets_reach(into, from->first, (unsigned)from->first + from->count))
                return;
        for (unsigned i = 0; i < from->count; i++)
                (*into)->value[i + from->first - (*into)->first] += from->value[i];
}

void buckets_expand(const struct buckets *from, struct histogram *ret_histogram)
{
        memset(ret_histogram, 0, sizeof(*ret_histogram));
        histogram_add_buckets(ret_histogram, from);
}

void buckets_advance(struct buckets **known, const struct histogram *seen, struct histogram *ret_increase)
{
        struct histogram old;

        buckets_expand(*known, &old);
        for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
                ret_increase->count[i] = seen->count[i] - MIN(seen->count[i], old.count[i]);
        buckets_add_histogram(known, ret_increase);
}

void histogram_add_buckets(struct histogram *into, const struct buckets *from)
{
        for (unsigned i = 0; from && i < from->count; i++)
                into->count[from->first + i] += from->value[i];
}

void histogram_subtract(struct histogram *into, const struct histogram *from)
{
        for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
                into->count[i] -= MIN(into->count[i], from->count[i]);
}

bool histogram_empty(const struct histogram *h)
{
        static const struct histogram zero;

        return memcmp(h, &zero, sizeof(zero)) == 0;
}
