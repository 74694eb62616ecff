/* When what an incident is about will break, and how much of it there is. */
#include "coordinator/incident_internal.h"

#include "coordinator/measured.h"

#include <math.h>

/* The largest value of the last quarter of an hour; NaN if there is none. */
static double recent_peak(const struct measured *m, enum signal signal)
{
        const struct series *s = measured_series(m, signal);
        double v[96], most = NAN;
        size_t n;

        if (!s || series_window(s, m->seen, 15 * 60 * NSEC_PER_SEC, v, ARRAY_SIZE(v), &n) <= 0)
                return NAN;
        for (size_t k = 0; k < n; k++)
                if (!isnan(v[k]))
                        most = fmax(most, v[k]);
        return most;
}

/* How many more one subject can have. What is open reaches the limit at a busy moment first; what a pool
 * merely keeps in reserve is room still, unless others may take it. */
static bool room(const struct signature *s, const struct measured *m, double *ret_least, double *ret_most)
{
        double limit = s->breach_limit != SIGNAL_NONE ? measured_last(m, s->breach_limit) : s->breach_at;
        double now = measured_last(m, s->breach), open, peak;

        if (!(limit > 0) || !isfinite(now))
                return false;
        *ret_least = *ret_most = limit - now;
        if (m->kind != SUBJECT_POOL || s->breach != SIGNAL_LOST)
                return true;
        open = measured_last(m, SIGNAL_OPEN);
        peak = recent_peak(m, SIGNAL_OPEN);
        if (isnan(open) || isnan(peak))
                return false;
        *ret_least = limit - fmax(peak, open);
        if (m->limit_is_shared)
                *ret_most = limit - open;
        return true;
}

/* What yesterday says of the traffic to come, by what there was while it was seen. */
static void rhythm(const struct measured_group *g, int64_t from, int64_t to, struct forecast_count *c)
{
        struct series_cell cells[SERIES_CELLS_MAX];
        size_t n = series_cells(&g->load, from, to, cells, ARRAY_SIZE(cells)), there = 0;
        double sum = 0, width = 0, mean, before = 0;

        for (size_t i = 0; i < n; i++) {
                sum += cells[i].value;
                width += (double)cells[i].width;
        }
        if (!(sum > 0) || series_window(&g->load, to, 86400 * NSEC_PER_SEC, c->ahead, FORECAST_AHEAD, &n) < 0.9 ||
            n != FORECAST_AHEAD)
                return;
        mean = sum / width * 600e9;
        for (size_t i = 0; i < n; i++)
                if (!isnan(c->ahead[i])) {
                        before += c->ahead[i];
                        there++;
                }
        for (size_t i = 0; i < n; i++)
                c->ahead[i] = (isnan(c->ahead[i]) ? before / (double)there : c->ahead[i]) / mean;
        c->rhythm_known = true;
}

static bool forecast(const struct signature *s, const struct measured *m, const struct judgement *j, struct forecast *ret)
{
        const struct finding *f = &j->evidence[j->strongest];
        struct forecast_count c = { .events = f->after_first, .least = INFINITY, .most = INFINITY, .together = 1 };
        unsigned others = 0;

        /* What came within the last `within` does not count yet. */
        c.span = (double)(f->to - f->item->within - f->from);
        if (f->item->shape != SHAPE_ACCUMULATING || !m->group)
                return false;
        for (const struct measured *x = m->group->first; x; x = x->next_of_group) {
                double least, most;

                if (x->seen < f->to - MEASURED_TOGETHER || !room(s, x, &least, &most))
                        continue;
                c.seen += fmax((double)(f->to - f->item->within - MAX(f->from, x->started)), 0);
                c.least = fmin(c.least, least);
                c.most = fmin(c.most, most);
                others++;
        }
        c.processes = m->limit_is_shared ? 1 : others;
        c.together = m->limit_is_shared ? others : 1;
        rhythm(m->group, f->from, f->to, &c);
        return forecast_count(&c, f->to, ret);
}

void incident_set_breach(struct incident *i, const struct signature *s, const struct measured *m, const struct judgement *j,
                         struct incident_subject *subject)
{
        subject->value = measured_last(m, s->breach);
        subject->limit = s->breach_limit != SIGNAL_NONE ? measured_last(m, s->breach_limit) : s->breach_at;
        if (!forecast(s, m, j, &i->breach))
                return;
        i->has_breach = true;
        i->limit = subject->limit;
}
