#include "coordinator/series.h"

#include "coordinator/graph.h"

#include <math.h>
#include <string.h>

static const struct {
        int64_t width;
        uint32_t cells;
} levels[SERIES_LEVELS] = {
        { 10 * NSEC_PER_SEC, 96 },
        { 60 * NSEC_PER_SEC, 152 },
        { 600 * NSEC_PER_SEC, 152 },
        { 3600 * NSEC_PER_SEC, 14 * 24 + 8 },
};

static int finest(const struct series *s)
{
        return s->by_minute ? 1 : 0;
}

static int end_level(const struct series *s)
{
        return s->by_minute ? 3 : SERIES_LEVELS;
}

void series_begin(struct series *s, bool counter)
{
        *s = (struct series){ .counter = counter };
}

static float *cells_new(struct core *core, uint32_t capacity)
{
        size_t size = capacity * sizeof(float);
        float *cells;

        if (core->series_used + size > core->options.memory_max / 4)
                return NULL;
        cells = core_alloc(core, size);
        if (cells)
                core->series_used += size;
        return cells;
}

static void cells_free(struct core *core, struct series_level *l)
{
        if (!l->cells)
                return;
        core_release(core, l->cells, l->capacity * sizeof(float));
        core->series_used -= l->capacity * sizeof(float);
        l->cells = NULL;
        l->capacity = 0;
}

void series_begin_like(struct core *core, struct series *s, bool counter, const struct series *like)
{
        *s = (struct series){ .counter = counter, .by_minute = like->by_minute, .begin = like->begin };
        for (int i = 0; i < SERIES_LEVELS; i++) {
                const struct series_level *from = &like->levels[i];
                struct series_level *to = &s->levels[i];

                to->newest = from->newest;
                to->count = from->count;
                if (!from->cells)
                        continue;
                to->cells = cells_new(core, from->capacity);
                to->capacity = to->cells ? from->capacity : 0;
                for (uint32_t k = 0; k < to->capacity; k++)
                        to->cells[k] = isnan(from->cells[k]) ? NAN : 0;
        }
}

void series_free(struct core *core, struct series *s)
{
        for (int i = 0; i < SERIES_LEVELS; i++)
                cells_free(core, &s->levels[i]);
        *s = (struct series){ .counter = s->counter, .by_minute = s->by_minute };
}

/* Makes the ring so long that it reaches back from `cell` to the first one, if it may. */
static void reach(struct core *core, struct series *s, int i, int64_t cell)
{
        struct series_level *l = &s->levels[i], old = *l;
        int64_t wanted = MIN(cell - s->begin / levels[i].width + 1, (int64_t)levels[i].cells);

        if (l->capacity >= wanted)
                return;
        l->capacity = MAX(l->capacity, 8u);
        while (l->capacity < wanted)
                l->capacity *= 2;
        l->capacity = MIN(l->capacity, levels[i].cells);
        l->cells = cells_new(core, l->capacity);
        if (!l->cells) {
                *l = old;
                return;
        }
        for (uint32_t k = 0; k < l->capacity; k++)
                l->cells[k] = NAN;
        for (int64_t k = old.newest - 1; k > old.newest - (int64_t)old.capacity && k >= 0; k--)
                l->cells[k % l->capacity] = old.cells[k % old.capacity];
        cells_free(core, &old);
}

/* The newest cell is done: it goes into the ring, with gaps for those after it that nothing was measured in. */
static void move_on(struct core *core, struct series *s, int i, int64_t cell)
{
        struct series_level *l = &s->levels[i];

        reach(core, s, i, cell);
        if (l->cells) {
                const int64_t n = l->capacity;

                l->cells[l->newest % n] = l->count == 0 ? NAN : (float)(s->counter ? l->sum : l->sum / l->count);
                for (int64_t k = MAX(l->newest + 1, cell - n); k < cell; k++)
                        l->cells[k % n] = NAN;
        }
        l->newest = cell;
        l->sum = 0;
        l->count = 0;
}

void series_add(struct core *core, struct series *s, int64_t at, double value)
{
        if (!isfinite(value) || at <= 0)
                return;
        if (s->begin == 0) {
                s->begin = at;
                for (int i = 0; i < SERIES_LEVELS; i++)
                        s->levels[i].newest = at / levels[i].width;
        }
        if (at / levels[finest(s)].width < s->levels[finest(s)].newest)
                return;
        for (int i = finest(s); i < end_level(s); i++) {
                struct series_level *l = &s->levels[i];

                if (at / levels[i].width > l->newest)
                        move_on(core, s, i, at / levels[i].width);
                l->sum += value;
                l->count++;
        }
}

static double newest_value(const struct series *s, const struct series_level *l)
{
        return l->count == 0 ? NAN : s->counter ? l->sum : l->sum / l->count;
}

/* The oldest cell of a level that may hold anything. */
static int64_t oldest_cell(const struct series *s, int i)
{
        const struct series_level *l = &s->levels[i];

        return MAX(l->newest - MAX((int64_t)l->capacity, INT64_C(1)) + 1, s->begin / levels[i].width);
}

static double cell(const struct series *s, int i, int64_t number)
{
        const struct series_level *l = &s->levels[i];

        if (number == l->newest && number >= s->begin / levels[i].width)
                return newest_value(s, l);
        return number < l->newest && number >= oldest_cell(s, i) ? (double)l->cells[number % l->capacity] : NAN;
}

/* Sums the cells before `upto` from *at on, and moves there; returns how many there were. What a walk over a window
 * does most: the place in the ring goes with it, since a division at each cell costs more than all the rest. */
struct walk {
        const struct series *series;
        const struct series_level *level;
        int64_t at, oldest;
        uint32_t place; /* of `at` in the ring, from `oldest` on */
};

static struct walk walk_begin(const struct series *s, int i, int64_t at)
{
        struct walk w = { .series = s, .level = &s->levels[i], .at = at, .oldest = oldest_cell(s, i) };

        w.place = w.level->capacity ? (uint32_t)(MAX(at, w.oldest) % w.level->capacity) : 0;
        return w;
}

static int walk_sum(struct walk *w, int64_t upto, double *ret_sum)
{
        const struct series_level *l = w->level;
        double sum = 0;
        int n = 0;

        w->at = MAX(w->at, MIN(w->oldest, upto));
        for (; w->at < MIN(upto, l->newest); w->at++) {
                double v = l->cells[w->place];

                w->place = w->place + 1 == l->capacity ? 0 : w->place + 1;
                if (isnan(v))
                        continue;
                sum += v;
                n++;
        }
        if (w->at < upto && w->at == l->newest && l->count > 0) {
                sum += newest_value(w->series, l);
                n++;
        }
        w->at = MAX(w->at, upto);
        *ret_sum = sum;
        return n;
}

/* The finest level whose ring spans the window. */
static int level_for(const struct series *s, int64_t length)
{
        int i = finest(s);

        while (i + 1 < end_level(s) && levels[i].width * (int64_t)(levels[i].cells - 2) < length)
                i++;
        return i;
}

static struct series_extent extent(const struct series *s, int64_t to, int64_t length, size_t count)
{
        int i = level_for(s, length);
        int64_t cells = MAX(length / levels[i].width, 1);

        return (struct series_extent){ .end = to / levels[i].width,
                                       .cells = (uint32_t)cells,
                                       .points = (uint32_t)MIN(count, (size_t)cells),
                                       .level = (uint8_t)i };
}

struct series_extent series_extent(const struct series *s, int64_t to, int64_t length, size_t count)
{
        struct series_extent x = extent(s, to, length, count);

        x.end = MIN(x.end, s->levels[x.level].newest - 1);
        return x;
}

double series_read(const struct series *s, const struct series_extent *x, double *values)
{
        int64_t first = x->end - x->cells + 1;
        struct walk walk = walk_begin(s, x->level, first);
        size_t there = 0;

        for (size_t p = 0; p < x->points; p++) {
                double sum;
                int n = s->begin ? walk_sum(&walk, first + x->cells * (int64_t)(p + 1) / x->points, &sum) : 0;

                values[p] = n == 0 ? NAN : s->counter ? sum : sum / n;
                there += n > 0;
        }
        return x->points ? (double)there / (double)x->points : 0;
}

double series_window(const struct series *s, int64_t to, int64_t length, double *values, size_t count, size_t *ret_count)
{
        struct series_extent x = extent(s, to, length, count);

        /* The cell that `to` lies in has only begun; it counts if something was measured in it. */
        if (s->begin == 0 || isnan(cell(s, x.level, x.end)))
                x.end--;
        *ret_count = x.points;
        return series_read(s, &x, values);
}

size_t series_cells(const struct series *s, int64_t from, int64_t to, struct series_cell *cells, size_t count)
{
        size_t n = 0;

        if (s->begin == 0)
                return 0;
        from = MAX(from, s->begin);
        for (int i = finest(s); i < end_level(s) && to > from; i++) {
                const struct series_level *l = &s->levels[i];
                int64_t width = levels[i].width, oldest = l->newest - (int64_t)levels[i].cells + 1;
                int64_t k = MIN((to - 1) / width, l->newest), last = MAX(oldest_cell(s, i), from / width);
                uint32_t place = l->capacity ? (uint32_t)(MAX(k, INT64_C(0)) % l->capacity) : 0;

                for (; k >= last && (k + 1) * width > from && n < count; k--) {
                        double v = k == l->newest ? newest_value(s, l) : (double)l->cells[place];

                        place = place == 0 ? l->capacity - 1 : place - 1;
                        if (!isnan(v))
                                cells[n++] = (struct series_cell){ k * width, width, v };
                }
                to = MIN(to, oldest * width);
        }
        return n;
}

double series_last(const struct series *s, int64_t now, int64_t age)
{
        int level = finest(s);
        int64_t newest = now / levels[level].width;

        if (s->begin == 0)
                return NAN;
        for (int64_t k = newest; k >= newest - age / levels[level].width; k--) {
                double v = cell(s, level, k);

                if (!isnan(v))
                        return v;
        }
        return NAN;
}
