#include "coordinator/accumulate.h"

#include <math.h>
#include <string.h>

/* A mean over a long cell is hardly ever a whole number. */
static double whole(double v)
{
        return v < 64 ? floor(v + 0.05) : v;
}

/* One step down, seen from now: what is above `value` came after `at`. */
static void step_down(struct accumulated *a, double *level, double value, int64_t at)
{
        if (value >= *level)
                return;
        a->first_rise = *level - value;
        *level = value;
        if (a->last == 0)
                a->last = at;
        a->first = at;
        if (a->times_count < ACCUMULATED_TIMES_MAX)
                a->times[a->times_count++] = at;
}

bool accumulated(const struct series *s, int64_t from, int64_t to, int64_t within, int64_t every, struct accumulated *ret)
{
        struct series_cell cells[SERIES_CELLS_MAX];
        size_t n = series_cells(s, MAX(from, to - within), to, cells, ARRAY_SIZE(cells));
        int64_t seen = 0; /* of the last `within`: cells are longer the older they are */
        struct accumulated a = { 0 };
        double top = INFINITY, level;

        if (n == 0 || cells[0].at + cells[0].width < to - MAX(3 * every, (int64_t)(30 * NSEC_PER_SEC)))
                return false;
        for (size_t i = 0; i < n; i++) {
                top = fmin(top, cells[i].value);
                seen += MAX(every, cells[i].width);
        }
        if (seen < within / 2)
                return false;
        top = level = whole(top);
        if (top > 0) { /* else nothing is left of whatever came, and that is so nearly always */
                size_t recent = n;

                n = series_cells(s, from, to, cells, ARRAY_SIZE(cells));
                for (size_t i = recent; i < n; i++)
                        step_down(&a, &level, whole(cells[i].value), cells[i].at + cells[i].width);
        }
        a.base = level;
        a.rise = top - level;
        *ret = a;
        return true;
}
