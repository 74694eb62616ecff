/* What a service was like under its former build, at like load. */
#include "coordinator/measured_internal.h"
#include "coordinator/trend.h"

#include <math.h>

#define DAY (86400 * NSEC_PER_SEC)
#define NOW (600 * NSEC_PER_SEC)   /* whose load is to be like */
#define LEAST (600 * NSEC_PER_SEC) /* of the former build, to say anything of it */
#define LIKE 1.33

static double a_second(const struct series_cell *c, bool counts)
{
        return counts ? c->value / (double)c->width * NSEC_PER_SEC : c->value;
}

static double load_now(const struct series *load, int64_t now)
{
        struct series_cell cells[SERIES_CELLS_MAX];
        size_t n = series_cells(load, now - NOW, now + 1, cells, ARRAY_SIZE(cells));
        double sum = 0;

        for (size_t i = 0; i < n; i++)
                sum += a_second(&cells[i], true);
        return n ? sum / (double)n : NAN;
}

/* Whether the load was like that then. Both rows are newest first: *at goes along with the caller's. */
static bool was_like(const struct series_cell *loads, size_t count, size_t *at, int64_t when, double like)
{
        while (*at < count && loads[*at].at > when)
                (*at)++;
        return *at < count && loads[*at].at == when && a_second(&loads[*at], true) <= like * LIKE &&
               a_second(&loads[*at], true) >= like / LIKE;
}

double measured_former_level(const struct measured *m, enum signal signal)
{
        struct series_cell cells[SERIES_CELLS_MAX], loads[SERIES_CELLS_MAX];
        const struct series *load = m->series[SIGNAL_LOAD], *s = m->series[signal];
        double values[SERIES_CELLS_MAX], like = load ? load_now(load, m->seen) : NAN;
        size_t n, loads_count = 0, count = 0, load_at = 0;
        int64_t length = 0;

        if (!s || m->deployed_at == 0)
                return NAN;
        n = series_cells(s, m->deployed_at - DAY, m->deployed_at, cells, ARRAY_SIZE(cells));
        if (load)
                loads_count = series_cells(load, m->deployed_at - DAY, m->deployed_at, loads, ARRAY_SIZE(loads));
        for (size_t i = 0; i < n; i++) {
                if (cells[i].at + cells[i].width > m->deployed_at ||
                    (signal != SIGNAL_LOAD && !isnan(like) && !was_like(loads, loads_count, &load_at, cells[i].at, like)))
                        continue;
                values[count++] = a_second(&cells[i], measured_counts(signal) && signal_unit(signal) != UNIT_EVENTS);
                length += cells[i].width;
        }
        return length >= LEAST ? trend_median(values, count) : NAN;
}
