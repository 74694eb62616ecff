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

/* A level to read many cells of. */
struct level_reader {
        const struct series_level *level;
        int64_t oldest; /* number of the first cell that may be there */
        double newest;  /* value */
};

static struct level_reader read_level(const struct series *s, int i)
{
        const struct series_level *l = &s->levels[i];
        int64_t kept = MIN((int64_t)l->capacity, (int64_t)levels[i].cells);

        return (struct level_reader){ .level = l,
                                      .oldest = MAX(s->begin / levels[i].width, l->newest - MAX(kept - 1, (int64_t)0)),
                                      .newest = s->begin == 0 || l->count == 0 ? NAN
                                                : s->counter                   ? l->sum
                                                                               : l->sum / l->count };
}

/* Numbers fit 32 bits for as long as a cell of ten seconds has one, which is 1300 years. */
static double read_cell(const struct level_reader *r, int64_t number)
{
        if (number > r->level->newest || number < r->oldest)
                return NAN;
        return number == r->level->newest ? r->newest : (double)r->level->cells[(uint32_t)number % r->level->capacity];
}

/* The finest level whose ring spans the window. */
static int level_for(const struct series *s, int64_t length)
{
        int i = finest(s);

        while (i + 1 < end_level(s) && levels[i].width * (int64_t)(levels[i].cells - 2) < length)
                i++;
        return i;
}

double series_window(const struct series *s, int64_t to, int64_t length, double *values, size_t count, size_t *ret_count)
{
        int i = level_for(s, length);
        int64_t width = levels[i].width, end = to / width, cells = MAX(length / width, 1), done = 0;
        size_t points = MIN(count, (size_t)cells), there = 0;
        struct level_reader r = read_level(s, i);

        /* The cell that `to` lies in has only begun; it counts if something was measured in it. */
        if (isnan(read_cell(&r, end)))
                end--;
        for (size_t p = 0; p < points; p++) {
                int64_t upto = cells * (int64_t)(p + 1) / (int64_t)points;
                double sum = 0;
                int n = 0;

                for (; done < upto; done++) {
                        double v = read_cell(&r, end - cells + 1 + done);

                        if (isnan(v))
                                continue;
                        sum += v;
                        n++;
                }
                values[p] = n == 0 ? NAN : s->counter ? sum : sum / n;
                there += n > 0;
        }
        *ret_count = points;
        return points ? (double)there / (double)points : 0;
}

size_t series_cells(const struct series *s, int64_t from, int64_t to, struct series_cell *cells, size_t count)
{
        size_t n = 0;

        if (s->begin == 0)
                return 0;
        from = MAX(from, s->begin);
        for (int i = finest(s); i < end_level(s) && to > from; i++) {
                int64_t width = levels[i].width, oldest = s->levels[i].newest - (int64_t)levels[i].cells + 1;
                struct level_reader r = read_level(s, i);

                for (int64_t k = MIN((to - 1) / width, s->levels[i].newest); k >= oldest && (k + 1) * width > from && n < count;
                     k--) {
                        double v = read_cell(&r, k);

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
        struct level_reader r = read_level(s, level);

        if (s->begin == 0)
                return NAN;
        for (int64_t k = newest; k >= newest - age / levels[level].width; k--) {
                double v = read_cell(&r, k);

                if (!isnan(v))
                        return v;
        }
        return NAN;
}
