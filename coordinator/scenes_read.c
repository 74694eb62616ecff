/* Predictions: in words, as a number when the plan is made, and as they read afterwards. What is read is what the agents
 * measure all the time, another channel than the one over which the action was ordered and answered.
 *
 * A change that restarts what it changes makes every count fall at once, and says nothing by that. So a prediction is
 * true once what is measured has kept within its bound for as long as the trouble took to show itself the first time,
 * or for most of the time that the prediction has, if that is less. */
#include "coordinator/incident.h"
#include "coordinator/measured.h"
#include "coordinator/scenes_internal.h"
#include "coordinator/shape.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STAYS_LEAST (30 * NSEC_PER_SEC)
#define CELLS_MOST 128

void scenes_describe(const struct signature_item *item, char *buffer, size_t size)
{
        bool by = item->given & PARAMETER_BIT(PARAMETER_BY);
        const struct amount *a = by ? &item->by : &item->value;
        const char *of = item->of == REFERENCE_USUAL          ? " of the usual"
                         : item->of == REFERENCE_SIGNAL       ? " of "
                         : item->of == REFERENCE_FORMER_BUILD ? " of the former build"
                                                              : "";

        snprintf(buffer, size, "%s %s%s %.6g%s%s%s, within %lld s", signal_name(item->signal), shape_name(item->shape),
                 by ? " by" : "", a->relative ? 100 * a->number : a->number, a->relative ? " %" : "", of,
                 item->of == REFERENCE_SIGNAL ? signal_name(item->of_signal) : "", (long long)(item->within / NSEC_PER_SEC));
}

static const struct incident *find(const struct core *core, uint64_t id)
{
        for (uint32_t k = 0; k < core->incidents_count; k++)
                if (core->incidents[k]->id == id)
                        return core->incidents[k];
        return NULL;
}

static bool is_about(const struct measured *x, const struct incident *i)
{
        return x->kind == i->kind && x->service == i->service && x->server == i->server && x->port == i->port;
}

/* Of what the incident is about, on this host. */
static bool is_of(const struct measured *x, const struct incident *i, const struct host *h)
{
        return x->host == h && is_about(x, i);
}

int scenes_gather(const struct core *core, const struct incident *i, struct scene_rows *rows)
{
        *rows = (struct scene_rows){ 0 };
        for (uint32_t k = 0; k < core->measured_count; k++) {
                const struct measured **more;

                if (!is_about(core->measured[k], i))
                        continue;
                if (rows->count == rows->capacity) {
                        rows->capacity = MAX(2 * rows->capacity, 16u);
                        more = reallocarray(rows->rows, rows->capacity, sizeof(*more));
                        if (!more) {
                                free(rows->rows);
                                return -ENOMEM;
                        }
                        rows->rows = more;
                }
                rows->rows[rows->count++] = core->measured[k];
        }
        return 0;
}

/* What was never anything but nought has no series; what is timed and was never seen has none either. */
static double present(const struct measured *x, enum signal signal)
{
        if (!measured_series(x, signal) && signal_unit(signal) != UNIT_TIME)
                return 0;
        return measured_last(x, signal);
}

enum signal scenes_signal(const struct incident *i, const struct signature_item *item)
{
        enum signal first = SIGNAL_NONE;

        if (item->signal != SIGNAL_NONE)
                return item->signal;
        for (uint32_t k = 0; k < i->evidence_count; k++)
                if (!i->evidence[k].against && i->evidence[k].signal < first)
                        first = i->evidence[k].signal;
        return first;
}

static double bound_of(const struct signature_item *item, const struct measured *x)
{
        double now = present(x, item->signal);

        switch (item->shape) {
        case SHAPE_BELOW:
        case SHAPE_ABOVE:
                if (item->of == REFERENCE_FORMER_BUILD)
                        return item->value.relative ? item->value.number * measured_former(x, item->signal) : NAN;
                return item->of == REFERENCE_NONE && !item->value.relative ? item->value.number : NAN;
        case SHAPE_FALLING:
        case SHAPE_STEP_DOWN:
                if (!(item->given & PARAMETER_BIT(PARAMETER_BY)) || item->of != REFERENCE_NONE)
                        return NAN;
                return item->by.relative ? now * (1 - item->by.number) : now - item->by.number;
        default:
                return NAN;
        }
}

double scenes_bound(const struct scene_rows *rows, const struct signature_item *item, const struct host *h,
                    const struct host_process *p)
{
        double most = NAN;

        if (item->signal == SIGNAL_NONE)
                return NAN;
        for (uint32_t k = 0; k < rows->count; k++) {
                const struct measured *x = rows->rows[k];

                if (x->host == h && (x->pid == 0 || x->pid == p->row.pid))
                        most = fmax(most, bound_of(item, x));
        }
        return most;
}

/* The largest value (`least`: the smallest) after `from`; NaN: there is a time of which nothing is known. */
static double extreme(const struct measured *x, enum signal signal, int64_t from, bool least)
{
        const struct series *s = measured_series(x, signal);
        struct series_cell cells[CELLS_MOST];
        int64_t covered = 0;
        double worst = NAN;
        size_t n;

        if (!s)
                return present(x, signal);
        n = series_cells(s, from, x->seen + 1, cells, ARRAY_SIZE(cells));
        for (size_t k = 0; k < n; k++) {
                double value = cells[k].value;

                if (s->counter)
                        value /= (double)cells[k].width / 1e9;
                worst = least ? fmin(worst, value) : fmax(worst, value);
                covered += cells[k].width;
        }
        return 2 * covered >= x->seen - from ? worst : NAN;
}

static int64_t stays(const struct incident *i, const struct remedy *m)
{
        int64_t most = m->plan.predicts.within / 5 * 4;

        return MAX(MIN(i->opened_at - i->onset_at, most), MIN(STAYS_LEAST, most));
}

void scenes_read(const struct core *core, const struct remedy *m, uint32_t target, struct reading *ret_reading)
{
        const struct host *h = host_find(core, m->plan.targets[target].host);
        const struct incident *i = find(core, m->plan.incident);
        double bound = m->plan.targets[target].bound, worst = NAN;
        bool rises = m->plan.predicts.rises, known = true;
        int64_t to = 0, length, from;
        enum signal signal;

        *ret_reading = (struct reading){ .remedy = m->id, .target = target, .from = m->applied_at };
        if (!h || !i || isnan(bound) || !host_fresh(core, h) || !signal_find(i->kind, m->plan.predicts.signal, &signal))
                return;
        length = stays(i, m);
        for (uint32_t k = 0; k < core->measured_count; k++)
                if (is_of(core->measured[k], i, h))
                        to = MAX(to, core->measured[k]->seen + host_skew(h));
        from = to - length;
        ret_reading->to = to;
        if (from < m->applied_at)
                return;
        ret_reading->from = from;
        for (uint32_t k = 0; k < core->measured_count && known; k++) {
                const struct measured *x = core->measured[k];
                int64_t begin = MAX(from, x->begin + host_skew(h));
                double value;

                /* What ended before it says nothing; nor does what has only just begun, beside others. */
                if (!is_of(x, i, h) || x->seen + host_skew(h) < to - STAYS_LEAST || 2 * (to - begin) < length)
                        continue;
                value = extreme(x, signal, begin - host_skew(h), rises);
                known = !isnan(value);
                worst = rises ? fmin(worst, value) : fmax(worst, value);
        }
        if (!known || isnan(worst) || !host_complete(core, h, from, to))
                return;
        ret_reading->verdict = (rises ? worst >= bound : worst <= bound) ? READING_YES : READING_NO;
}
