#include "coordinator/history.h"
#include "coordinator/graph.h"

#include <stdlib.h>
#include <string.h>

/* Width of a slice, and how long such slices are kept before they are merged into the next level. */
static const struct {
        int64_t width, kept;
} levels[HISTORY_LEVELS] = {
        { 10 * NSEC_PER_SEC, 600 * NSEC_PER_SEC },
        { 60 * NSEC_PER_SEC, 3 * 3600 * NSEC_PER_SEC },
        { 600 * NSEC_PER_SEC, 48 * 3600 * NSEC_PER_SEC },
        { 3600 * NSEC_PER_SEC, 30 * 24 * 3600 * NSEC_PER_SEC },
};

#define BIT_RTT (UINT64_C(1) << DELTA_VALUES)
#define BIT_TURNAROUND (UINT64_C(1) << (DELTA_VALUES + 1))

static void write_histogram(struct writer *w, const struct histogram *h)
{
        uint64_t used = 0, last = 0;

        for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
                used += h->count[i] != 0;
        write_varint(w, used);
        for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
                if (h->count[i] == 0)
                        continue;
                write_varint(w, i - last);
                write_varint(w, h->count[i]);
                last = i;
        }
}

static void read_histogram(struct reader *r, struct histogram *h)
{
        uint64_t used = read_varint(r), at = 0;

        memset(h, 0, sizeof(*h));
        for (uint64_t i = 0; !r->failed && i < used; i++) {
                at += read_varint(r);
                if (at >= HISTOGRAM_BUCKETS)
                        r->failed = true;
                else
                        h->count[at] = (uint32_t)read_varint(r);
        }
}

static void write_delta(struct writer *w, const struct delta *d, uint64_t *last_id)
{
        uint64_t present = (d->has_rtt ? BIT_RTT : 0) | (d->has_turnaround ? BIT_TURNAROUND : 0);

        for (size_t i = 0; i < DELTA_VALUES; i++)
                present |= d->value[i] ? UINT64_C(1) << i : 0;
        if (present == 0)
                return;
        write_varint(w, d->id - *last_id);
        *last_id = d->id;
        write_varint(w, present);
        for (size_t i = 0; i < DELTA_VALUES; i++)
                if (d->value[i])
                        write_signed(w, d->value[i]);
        if (d->has_rtt)
                write_histogram(w, &d->rtt);
        if (d->has_turnaround)
                write_histogram(w, &d->turnaround);
}

void slice_open(const struct slice *slice, struct slice_cursor *ret_cursor)
{
        *ret_cursor = (struct slice_cursor){ .reader = { slice->data, slice->data + slice->size, false } };
}

bool slice_next(struct slice_cursor *c, struct delta *d)
{
        uint64_t present;

        if (c->reader.failed || c->reader.data == c->reader.end)
                return false;
        c->id += read_varint(&c->reader);
        d->id = c->id;
        present = read_varint(&c->reader);
        for (size_t i = 0; i < DELTA_VALUES; i++)
                d->value[i] = present & UINT64_C(1) << i ? read_signed(&c->reader) : 0;
        d->has_rtt = present & BIT_RTT;
        d->has_turnaround = present & BIT_TURNAROUND;
        if (d->has_rtt)
                read_histogram(&c->reader, &d->rtt);
        if (d->has_turnaround)
                read_histogram(&c->reader, &d->turnaround);
        return !c->reader.failed;
}

void history_insert(struct core *core, struct slice *slice)
{
        struct history *h = &core->history;
        struct slice *after = h->newest;

        while (after && after->from > slice->from)
                after = after->older;
        slice->older = after;
        slice->newer = after ? after->newer : h->oldest;
        *(slice->newer ? &slice->newer->older : &h->newest) = slice;
        *(after ? &after->newer : &h->oldest) = slice;
        h->count++;
        h->bytes += sizeof(*slice) + slice->size;
        core->memory_used += sizeof(*slice) + slice->size;
}

static void slice_remove(struct core *core, struct slice *slice)
{
        struct history *h = &core->history;

        *(slice->newer ? &slice->newer->older : &h->newest) = slice->older;
        *(slice->older ? &slice->older->newer : &h->oldest) = slice->newer;
        h->count--;
        h->bytes -= sizeof(*slice) + slice->size;
        if (slice->saved &&
            core_reserve(core, (void **)&h->removed, h->removed_count, &h->removed_capacity, sizeof(*h->removed)) == 0)
                h->removed[h->removed_count++] = (struct slice_name){ slice->level, slice->from };
        core_release(core, slice, sizeof(*slice) + slice->size);
}

/* Takes the writer's bytes over; an empty slice is none. */
static void slice_add(struct core *core, uint32_t level, int64_t from, int64_t to, const struct writer *w)
{
        struct slice *s;

        if (w->failed) {
                core->history.dropped++;
                return;
        }
        if (w->size == 0)
                return;
        s = malloc(sizeof(*s) + w->size);
        if (!s) {
                core->history.dropped++;
                return;
        }
        *s = (struct slice){ .from = from, .to = to, .level = level, .size = w->size };
        memcpy(s->data, w->data, w->size);
        history_insert(core, s);
}

static void edge_delta(const struct edge *e, struct delta *d)
{
        const uint64_t *now = (const uint64_t *)(const void *)&e->total, *then = (const uint64_t *)(const void *)&e->sliced;
        struct histogram before;

        d->id = e->id;
        d->value[0] = (int64_t)(e->open - e->sliced_open);
        for (size_t i = 0; i < COUNTERS_COUNT; i++)
                d->value[i + 1] = (int64_t)(now[i] - then[i]);
        d->has_rtt = d->has_turnaround = false;
        if (e->rtt) {
                buckets_expand(e->rtt, &d->rtt);
                buckets_expand(e->sliced_rtt, &before);
                histogram_subtract(&d->rtt, &before);
                d->has_rtt = !histogram_empty(&d->rtt);
        }
        if (e->turnaround) {
                buckets_expand(e->turnaround, &d->turnaround);
                buckets_expand(e->sliced_turnaround, &before);
                histogram_subtract(&d->turnaround, &before);
                d->has_turnaround = !histogram_empty(&d->turnaround);
        }
}

static void edge_mark_sliced(struct edge *e)
{
        e->sliced = e->total;
        e->sliced_open = e->open;
        buckets_free(&e->sliced_rtt);
        buckets_free(&e->sliced_turnaround);
        buckets_add(&e->sliced_rtt, e->rtt);
        buckets_add(&e->sliced_turnaround, e->turnaround);
}

void history_mark_sliced(struct core *core)
{
        for (uint32_t i = 0; i < core->edges_count; i++)
                edge_mark_sliced(core->edges[i]);
        core->history.sliced_until = core->now;
}

static int by_id(const void *a, const void *b)
{
        const struct edge *x = *(struct edge *const *)a, *y = *(struct edge *const *)b;

        return x->id < y->id ? -1 : x->id > y->id;
}

/* All edges by rising id; the caller frees it. */
static struct edge **edges_by_id(const struct core *core)
{
        struct edge **order = malloc(MAX(core->edges_count, 1u) * sizeof(struct edge *));

        if (!order)
                return NULL;
        if (core->edges_count > 0)
                memcpy(order, core->edges, core->edges_count * sizeof(struct edge *));
        /* Numbers rise, so they are nearly always in order. */
        for (uint32_t i = 1; i < core->edges_count; i++) {
                if (order[i - 1]->id > order[i]->id) {
                        qsort(order, core->edges_count, sizeof(struct edge *), by_id);
                        break;
                }
        }
        return order;
}

struct slicing {
        struct edge **order;
        struct writer writer;
        uint64_t last;
};

static void slicing_free(struct core *core)
{
        struct slicing *s = core->history.slicing;

        if (!s)
                return;
        writer_free(&s->writer);
        free(s->order);
        free_ptr(&core->history.slicing);
}

static void slice_edge(struct slicing *s, struct edge *e)
{
        size_t before = s->writer.size;
        struct delta d;

        edge_delta(e, &d);
        e->recent_attempts = 0.9 * e->recent_attempts + (double)(e->total.attempted - MIN(e->total.attempted, e->sliced.attempted));
        e->recent_failures = 0.9 * e->recent_failures +
                             (double)(counters_failed(&e->total) - MIN(counters_failed(&e->total), counters_failed(&e->sliced)));
        write_delta(&s->writer, &d, &s->last);
        if (s->writer.size != before)
                edge_mark_sliced(e);
}

/* A step: what every edge gained since the last slice. */
static bool slice_edges(struct core *core, uint32_t *cursor)
{
        struct history *h = &core->history;
        uint32_t i;
        bool more;

        if (*cursor == 0) {
                h->slicing = calloc(1, sizeof(*h->slicing));
                if (!h->slicing)
                        return false;
                h->slicing->order = edges_by_id(core);
                if (!h->slicing->order) {
                        slicing_free(core);
                        return false;
                }
        }
        more = work_portion(core, core->edges_count, cursor, &i);
        for (; i < *cursor; i++)
                slice_edge(h->slicing, h->slicing->order[i]);
        if (more)
                return true;
        slice_add(core, 0, h->sliced_until, core->now, &h->slicing->writer);
        h->sliced_until = core->now;
        slicing_free(core);
        return false;
}

static void add_delta(struct delta *into, const struct delta *from)
{
        for (size_t i = 0; i < DELTA_VALUES; i++)
                into->value[i] += from->value[i];
        if (from->has_rtt) {
                if (!into->has_rtt)
                        into->rtt = from->rtt;
                else
                        histogram_merge(&into->rtt, &from->rtt);
                into->has_rtt = true;
        }
        if (from->has_turnaround) {
                if (!into->has_turnaround)
                        into->turnaround = from->turnaround;
                else
                        histogram_merge(&into->turnaround, &from->turnaround);
                into->has_turnaround = true;
        }
}

#define MERGE_MAX 512
#define MERGE_PORTION 4096 /* entries read */
#define MERGES_A_TICK 4

/* Neighbours that become one slice of the next level. */
struct merger {
        struct slice *first;
        size_t count;
        struct slice_cursor *cursors;
        struct delta *heads; /* of those that are live; the one past the last is the sum */
        bool *live;
        struct writer writer;
        uint64_t last;
        int64_t to;
};

static void merger_free(struct core *core)
{
        struct merger *m = core->history.merger;

        if (!m)
                return;
        free(m->cursors);
        free(m->heads);
        free(m->live);
        writer_free(&m->writer);
        free_ptr(&core->history.merger);
}

static void merger_new(struct core *core, struct slice *first, size_t count)
{
        struct merger *m = core->history.merger = calloc(1, sizeof(*m));

        if (!m)
                return;
        *m = (struct merger){ .first = first,
                              .count = count,
                              .cursors = calloc(count, sizeof(*m->cursors)),
                              .heads = calloc(count + 1, sizeof(*m->heads)),
                              .live = calloc(count, sizeof(*m->live)),
                              .to = first->to };
        if (!m->cursors || !m->heads || !m->live) {
                merger_free(core);
                return;
        }
        for (size_t i = 0; i < count; i++, first = first->newer) {
                slice_open(first, &m->cursors[i]);
                m->live[i] = slice_next(&m->cursors[i], &m->heads[i]);
                m->to = MAX(m->to, first->to);
        }
}

/* Adds up what all say of the lowest id; returns the entries read, 0 at the end. */
static uint32_t merge_lowest(struct merger *m)
{
        struct delta *sum = &m->heads[m->count];
        uint64_t id = UINT64_MAX;
        uint32_t read = 0;

        for (size_t i = 0; i < m->count; i++)
                if (m->live[i])
                        id = MIN(id, m->heads[i].id);
        if (id == UINT64_MAX)
                return 0;
        memset(sum->value, 0, sizeof(sum->value));
        sum->id = id;
        sum->has_rtt = sum->has_turnaround = false;
        for (size_t i = 0; i < m->count; i++) {
                if (!m->live[i] || m->heads[i].id != id)
                        continue;
                add_delta(sum, &m->heads[i]);
                m->live[i] = slice_next(&m->cursors[i], &m->heads[i]);
                read++;
        }
        write_delta(&m->writer, sum, &m->last);
        return read;
}

static bool merge_portion(struct merger *m)
{
        uint32_t read = 0, n;

        while (read < MERGE_PORTION) {
                n = merge_lowest(m);
                if (n == 0)
                        return false;
                read += n;
        }
        return true;
}

static void merge_end(struct core *core)
{
        struct merger *m = core->history.merger;
        struct slice *s = m->first;
        int64_t from = s->from;
        uint32_t level = s->level;

        if (!m->writer.failed) {
                for (size_t i = 0; i < m->count; i++) {
                        struct slice *next = s->newer;
                        slice_remove(core, s);
                        s = next;
                }
                slice_add(core, level + 1, from, m->to, &m->writer);
        }
        merger_free(core);
}

/* Begins to merge one group of slices that is old enough, or drops one that is too old; false if
 * there is none. */
static bool age_once(struct core *core)
{
        for (struct slice *s = core->history.oldest; s; s = s->newer) {
                struct slice *end = s;
                int64_t width, group;
                size_t count = 0;

                if (s->to + levels[s->level].kept > core->now)
                        continue;
                if (s->level == HISTORY_LEVELS - 1) {
                        core->history.begin = s->to;
                        slice_remove(core, s);
                        return true;
                }
                width = levels[s->level + 1].width;
                group = (s->to - 1) / width;
                while (end && end->level == s->level && (end->to - 1) / width == group && count < MERGE_MAX) {
                        if (end->to + levels[end->level].kept > core->now)
                                break;
                        count++;
                        end = end->newer;
                }
                /* The rest of the group is not old enough yet. */
                if (end && end->level == s->level && (end->to - 1) / width == group && count < MERGE_MAX)
                        continue;
                merger_new(core, s, count);
                return true;
        }
        return false;
}

/* A step: makes old slices coarser. */
static bool age_slices(struct core *core, uint32_t *cursor)
{
        if (core->history.merger) {
                if (!merge_portion(core->history.merger))
                        merge_end(core);
                return true;
        }
        return (*cursor)++ < MERGES_A_TICK && age_once(core);
}

void history_cut(struct core *core)
{
        if (core->history.begin == 0)
                core->history.begin = core->history.sliced_until = core->now;
        work_add(core, slice_edges);
}

void history_add(struct core *core)
{
        struct history *h = &core->history;
        int64_t now = core->now;

        if (h->begin == 0)
                h->begin = h->sliced_until = now;
        /* Between slices nobody needs the graph but those who ask for it, and they put it together. */
        if (now - h->sliced_until >= levels[0].width) {
                assembly_add(core);
                work_add(core, slice_edges);
                work_add(core, age_slices);
        }
}

void history_shrink(struct core *core, uint64_t bytes)
{
        while (core->history.oldest && core->memory_used + bytes > core->options.memory_max) {
                core->history.begin = core->history.oldest->to;
                core->history.dropped++;
                slice_remove(core, core->history.oldest);
        }
}

void history_free(struct core *core)
{
        slicing_free(core);
        merger_free(core);
        while (core->history.oldest) {
                core->history.oldest->saved = false;
                slice_remove(core, core->history.oldest);
        }
        core_release(core, core->history.removed, core->history.removed_capacity * sizeof(*core->history.removed));
        core->history.removed = NULL;
}

static struct edge *find_by_id(struct edge **order, uint32_t count, uint64_t id, uint32_t *hint)
{
        uint32_t low = *hint, high = count;

        while (low < high) {
                uint32_t middle = low + (high - low) / 2;
                if (order[middle]->id < id)
                        low = middle + 1;
                else
                        high = middle;
        }
        *hint = low;
        return low < count && order[low]->id == id ? order[low] : NULL;
}

int history_since(struct core *core, int64_t t, struct delta **ret_deltas, int64_t *ret_t)
{
        CLEANUP_FREE struct edge **order = edges_by_id(core);
        CLEANUP_FREE struct delta *sums = calloc(MAX(core->edges_count, 1u), sizeof(*sums));
        CLEANUP_FREE struct delta *d = calloc(1, sizeof(*d));
        int64_t boundary = core->history.sliced_until;

        if (!order || !sums || !d)
                return -ENOMEM;
        for (uint32_t i = 0; i < core->edges_count; i++)
                edge_delta(core->edges[i], &sums[i]);
        for (const struct slice *s = core->history.newest; s && s->to > t; s = s->older) {
                struct slice_cursor cursor;
                uint32_t hint = 0;

                slice_open(s, &cursor);
                while (slice_next(&cursor, d)) {
                        const struct edge *e = find_by_id(order, core->edges_count, d->id, &hint);
                        if (e)
                                add_delta(&sums[e->index], d);
                }
                boundary = s->from;
        }
        *ret_deltas = TAKE_PTR(sums);
        *ret_t = MIN(boundary, MAX(t, core->history.begin));
        return 0;
}
