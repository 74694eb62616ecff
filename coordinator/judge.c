#include "coordinator/judge.h"

#include "coordinator/accumulate.h"
#include "coordinator/trend.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define POINTS 24       /* of a trend: enough for its test, few enough to be independent of each other */
#define POINTS_LEVEL 96 /* of a level */
#define COVERAGE 0.8
#define USUAL (24 * 3600 * NSEC_PER_SEC)
#define USUAL_LEAST (30 * 60 * NSEC_PER_SEC) /* of a subject that was not known for a day yet */
#define USUAL_POINTS 144
#define AS_BUSY 0.85 /* of what is asked for now is as much */
#define BUSY_LEAST (15 * 60 * NSEC_PER_SEC)
#define ABOUT 0.9
#define BUSY_NOW (10 * 60 * NSEC_PER_SEC)

static double per_second(enum signal signal, int64_t length, size_t points)
{
        enum signal_unit unit = signal_unit(signal);

        return unit == UNIT_RATE || unit == UNIT_BYTE_RATE || unit == UNIT_LOAD ? (double)points * 1e9 / (double)length : 1;
}

/* How many points a window of `length` can have that ends at `to`; 0 if it is not measured for so long. A point without
 * a measurement would be no gap. */
static size_t points_of(const struct measured *m, int64_t to, int64_t length, size_t count)
{
        if (m->begin == 0 || m->begin > to - length + length / 8)
                return 0;
        return m->every > 0 ? MIN(count, (size_t)MAX(length / (m->every + m->every / 2), (int64_t)1)) : count;
}

/* The window's points, in the signal's unit; false if too much is missing. A signal that never moved is
 * zero for as long as the subject was measured. */
static bool window(const struct measured *m, enum signal signal, int64_t to, int64_t length, double *values, size_t count,
                   size_t *ret_count)
{
        const struct series *s = measured_series(m, signal);
        double scale;

        count = points_of(m, to, length, count);
        if (count == 0)
                return false;
        if (!s) {
                if (m->seen < to - length / 4)
                        return false;
                for (size_t i = 0; i < count; i++)
                        values[i] = 0;
                *ret_count = count;
                return true;
        }
        if (series_window(s, to, length, values, count, ret_count) < COVERAGE)
                return false;
        scale = per_second(signal, length, *ret_count);
        for (size_t i = 0; i < *ret_count; i++)
                values[i] *= scale;
        return true;
}

static double sum_of(const double *values, size_t count)
{
        double sum = 0;

        for (size_t i = 0; i < count; i++)
                sum += isnan(values[i]) ? 0 : values[i];
        return sum;
}

static double amount_of(const struct amount *a, double base)
{
        return a->relative ? a->number * base : a->number;
}

static void rising(const struct measured *m, const struct signature_item *item, int64_t length, double sign, struct finding *f)
{
        double v[POINTS], rise;
        struct trend t;
        size_t n;

        if (!window(m, item->signal, f->to, length, v, POINTS, &n))
                return;
        for (size_t i = 0; i < n; i++)
                v[i] *= sign;
        if (!trend_fit(v, n, &t))
                return;
        rise = MAX(t.slope * (double)(n - 1), t.last - t.first);
        f->first = sign * t.first;
        f->last = sign * t.last;
        if (!(item->given & PARAMETER_BIT(PARAMETER_BY))) {
                /* It is to be as strong, in proportion, as something else: from the very beginning to the very end. */
                double ends = t.slope * (double)(MAX(n / 4, (size_t)2) - 1) / 2;

                f->first = sign * fmax(t.first - ends, t.lowest);
                f->last = sign * fmin(t.last + ends, t.highest);
        }
        f->confidence = t.confidence;
        f->verdict = t.confidence >= item->confidence && rise >= amount_of(&item->by, fabs(t.first)) ? VERDICT_YES : VERDICT_NO;
}

/* Answers take longer where more is asked for: a time is compared with those at which no less was. What an edge's client
 * is asked for is meant, as far as that is known: its requests may be more because it gets no answers. */
static enum signal asked_by(const struct measured *m)
{
        return measured_series(m, SIGNAL_LOAD) ? SIGNAL_LOAD : SIGNAL_REQUESTS;
}

/* How much is asked for now; NaN if that is not known, or does not matter for the signal. */
static double busy_now(const struct measured *m, enum signal signal, int64_t to)
{
        double values[10];
        size_t n;

        if ((signal != SIGNAL_TURNAROUND_P50 && signal != SIGNAL_TURNAROUND_P99) || !measured_series(m, asked_by(m)) ||
            !window(m, asked_by(m), to, BUSY_NOW, values, ARRAY_SIZE(values), &n))
                return NAN;
        return trend_mean(values, n);
}

/* Leaves the times out at which less was asked for; false if it was hardly ever as busy, so that nothing is known of how
 * long that takes. */
static bool leave_out_quiet_times(const struct measured *m, const struct measured_usual *u, int64_t span, double *values)
{
        double load[USUAL_POINTS], least = AS_BUSY * u->busy / per_second(asked_by(m), span, u->extent.points);
        size_t there = 0;

        if (series_read(measured_series(m, asked_by(m)), &u->extent, load) < COVERAGE)
                return true;
        for (size_t i = 0; i < u->extent.points; i++) {
                if (load[i] < least)
                        values[i] = NAN;
                there += !isnan(values[i]);
        }
        return (int64_t)there * span >= BUSY_LEAST * (int64_t)u->extent.points;
}

static double read_usual(const struct measured *m, const struct measured_usual *u, int64_t span)
{
        double values[USUAL_POINTS];

        if (series_read(measured_series(m, u->signal), &u->extent, values) < COVERAGE ||
            (!isnan(u->busy) && !leave_out_quiet_times(m, u, span, values)))
                return NAN;
        return trend_median(values, u->extent.points);
}

static bool is_same_usual(const struct measured_usual *a, const struct measured_usual *b)
{
        return a->extent.points > 0 && a->extent.end == b->extent.end && a->extent.level == b->extent.level &&
               a->extent.cells == b->extent.cells && a->extent.points == b->extent.points &&
               (isnan(a->busy) ? isnan(b->busy) : fabs(a->busy - b->busy) <= a->busy / 20);
}

/* The median of the day before the window, in the signal's unit; NaN if that is not known. */
static double usual(const struct measured *m, enum signal signal, int64_t to, int64_t length)
{
        const struct series *s = measured_series(m, signal);
        int64_t span = MIN(USUAL, to - length - m->begin);
        size_t count = span < USUAL_LEAST ? 0 : points_of(m, to - length, span, USUAL_POINTS);
        struct measured_usual *known = s && count > 0 ? measured_usual(m, signal, length) : NULL, read;

        if (count == 0)
                return NAN;
        if (!s) /* what never moved is zero */
                return m->seen < to - length - span / 4 ? NAN : 0;
        read = (struct measured_usual){ .signal = signal,
                                        .before = length,
                                        .extent = series_extent(s, to - length, span, count),
                                        .busy = busy_now(m, signal, to) };
        if (known && is_same_usual(known, &read)) {
                read = *known;
        } else {
                read.median = read_usual(m, &read, span);
                if (known)
                        *known = read;
        }
        return read.median * per_second(signal, span, read.extent.points);
}

/* What the value is compared with at each point of the window; false if that is not known. */
static bool bounds(const struct measured *m, const struct signature_item *item, int64_t length, double *bound, size_t points,
                   struct finding *f)
{
        size_t n;

        switch (item->of) {
        case REFERENCE_NONE:
                f->reference = item->value.number;
                for (size_t i = 0; i < points; i++)
                        bound[i] = item->value.number;
                return true;
        case REFERENCE_SIGNAL:
                /* What was never measured is not known, and no limit of nought. */
                if (!measured_series(m, item->of_signal) || !window(m, item->of_signal, f->to, length, bound, points, &n) ||
                    n != points)
                        return false;
                for (size_t i = 0; i < points; i++)
                        bound[i] *= item->value.number;
                f->reference = trend_mean(bound, points);
                return true;
        case REFERENCE_USUAL:
                f->reference = usual(m, item->signal, f->to, length) * item->value.number;
                for (size_t i = 0; i < points; i++)
                        bound[i] = f->reference;
                return !isnan(f->reference);
        case REFERENCE_FORMER_BUILD:
                f->reference = measured_former(m, item->signal) * item->value.number;
                for (size_t i = 0; i < points; i++)
                        bound[i] = f->reference;
                return !isnan(f->reference);
        }
        return false;
}

static void level(const struct measured *m, const struct signature_item *item, int64_t length, bool above, struct finding *f)
{
        double v[POINTS_LEVEL], bound[POINTS_LEVEL], share;
        size_t n, held = 0, there = 0;

        if (!window(m, item->signal, f->to, length, v, POINTS_LEVEL, &n) || !bounds(m, item, length, bound, n, f))
                return;
        if (signal_unit(item->signal) == UNIT_EVENTS) { /* one number for the whole window */
                double sum = sum_of(v, n), most = item->of == REFERENCE_SIGNAL ? sum_of(bound, n) : f->reference;

                f->last = sum;
                f->reference = most;
                f->verdict = (above ? sum > most : sum < most) ? VERDICT_YES : VERDICT_NO;
                return;
        }
        for (size_t i = 0; i < n; i++) {
                if (isnan(v[i]) || isnan(bound[i]))
                        continue;
                there++;
                held += above ? v[i] > bound[i] : v[i] < bound[i];
        }
        share = there ? (double)held / (double)there : 0;
        f->first = v[0];
        f->last = trend_median(v + n - MIN(n, (size_t)4), MIN(n, (size_t)4));
        f->verdict = share >= item->share - 1e-9 ? VERDICT_YES : VERDICT_NO;
}

/* Nine of ten points lie within a quarter of the step around its level, at the end as at the beginning: a
 * slope is no step, though two levels describe it well enough. */
static bool is_level(const double *values, size_t count, double level, double step)
{
        size_t third = MAX(count / 3, (size_t)1);

        return trend_share_above(values, count, level - step / 4) >= 0.9 &&
               trend_share_below(values, count, level + step / 4) >= 0.9 &&
               fabs(trend_median(values + count - third, third) - trend_median(values, third)) <= step / 5;
}

/* The step lies before the window in which the new level has stayed. */
static void step(const struct measured *m, const struct signature_item *item, int64_t length, double sign, struct finding *f)
{
        int64_t whole = 2 * length + item->within;
        double v[TREND_POINTS_MAX], before, after, rise;
        size_t n, width;
        int at;

        if (!window(m, item->signal, f->to, whole, v, TREND_POINTS_MAX, &n))
                return;
        for (size_t i = 0; i < n; i++)
                v[i] *= sign;
        width = (size_t)(item->within * (int64_t)n / whole);
        at = trend_step(v, n, width, &before, &after);
        if (at < 0 || n == 0)
                return;
        rise = after - before;
        f->first = sign * before;
        f->last = sign * after;
        f->from = f->to - whole + whole * at / (int64_t)n;
        f->verdict = rise >= amount_of(&item->by, fabs(before)) && rise > 0 && is_level(v, (size_t)at, before, rise) &&
                                     is_level(v + at + width, n - (size_t)at - width, after, rise)
                             ? VERDICT_YES
                             : VERDICT_NO;
}

static void steady(const struct measured *m, const struct signature_item *item, int64_t length, struct finding *f)
{
        double v[POINTS];
        struct trend t;
        size_t n;

        if (!window(m, item->signal, f->to, length, v, POINTS, &n) || !trend_fit(v, n, &t))
                return;
        f->first = t.first;
        f->last = t.last;
        f->verdict = t.highest - t.lowest <= amount_of(&item->by, fabs(t.first)) ? VERDICT_YES : VERDICT_NO;
}

static void bursts(const struct measured *m, const struct signature_item *item, int64_t length, struct finding *f)
{
        double v[POINTS_LEVEL], bound[POINTS_LEVEL];
        uint32_t count = 0;
        bool up = false;
        size_t n;

        if (!window(m, item->signal, f->to, length, v, POINTS_LEVEL, &n) || !bounds(m, item, length, bound, n, f))
                return;
        for (size_t i = 0; i < n; i++) {
                if (isnan(v[i]) || isnan(bound[i]))
                        continue;
                count += up && v[i] <= bound[i];
                up = v[i] > bound[i];
        }
        f->last = count;
        f->verdict = count >= item->count ? VERDICT_YES : VERDICT_NO;
}

#define APART (30 * NSEC_PER_SEC) /* what comes within it comes at once */
#define TIMES_MAX 256

static int compare_times(const void *a, const void *b)
{
        int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

        return (x > y) - (x < y);
}

/* Each time once, however many processes saw it. */
static uint32_t times_of(int64_t *times, size_t count)
{
        uint32_t n = 0;
        int64_t last = 0;

        qsort(times, count, sizeof(*times), compare_times);
        for (size_t i = 0; i < count; i++)
                if (n == 0 || times[i] >= last + APART) {
                        last = times[i];
                        n++;
                }
        return n;
}

bool judge_accumulated(const struct measured *m, const struct signature_item *item, int64_t settle, struct accumulated *ret)
{
        const struct series *s = measured_series(m, item->signal);

        /* Up to the latest measurement, and with it. */
        return s && accumulated(s, MAX(m->seen - item->window, MAX(m->started, m->begin) + settle), m->seen + 1, item->within,
                                m->every, ret);
}

static void accumulating(const struct measured *m, const struct signature_item *item, int64_t settle, struct finding *f)
{
        double base = 0, rise = 0, firsts = 0, by = item->by.number;
        size_t risen = 0;
        int64_t times[TIMES_MAX], first = INT64_MAX;
        size_t count = 0;

        if (item->of == REFERENCE_SIGNAL)
                by *= measured_last(m, item->of_signal);
        if (isnan(by))
                return;
        f->verdict = VERDICT_NO;
        for (const struct measured *x = m->group ? m->group->first : m; x; x = x->next_of_group) {
                struct accumulated a;

                if (x->seen < f->to - MEASURED_TOGETHER || !judge_accumulated(x, item, settle, &a) || a.rise < 1)
                        continue;
                base += a.base;
                rise += a.rise;
                firsts += a.first_rise;
                risen++;
                first = MIN(first, a.first);
                for (size_t i = 0; i < a.times_count && count < TIMES_MAX; i++)
                        times[count++] = a.times[i];
        }
        if (item->of == REFERENCE_NONE)
                by = amount_of(&item->by, base);
        f->first = base;
        f->last = base + rise;
        f->after_first = rise - firsts + (double)risen - 1;
        f->reference = by;
        if (rise < by)
                return;
        f->times = times_of(times, count);
        if (f->times < item->count)
                return;
        f->from = first;
        f->verdict = VERDICT_YES;
}

static void find(const struct signature *s, const struct measured *m, const struct signature_item *item, int64_t length,
                 int64_t now, struct finding *f)
{
        *f = (struct finding){ .item = item, .from = now - length, .to = now, .reference = NAN, .first = NAN, .last = NAN };
        switch (item->shape) {
        case SHAPE_RISING:
                return rising(m, item, length, 1, f);
        case SHAPE_FALLING:
                return rising(m, item, length, -1, f);
        case SHAPE_ABOVE:
                return level(m, item, length, true, f);
        case SHAPE_BELOW:
                return level(m, item, length, false, f);
        case SHAPE_STEP_UP:
                return step(m, item, length, 1, f);
        case SHAPE_STEP_DOWN:
                return step(m, item, length, -1, f);
        case SHAPE_STEADY:
                return steady(m, item, length, f);
        case SHAPE_BURSTS:
                return bursts(m, item, length, f);
        case SHAPE_ACCUMULATING:
                return accumulating(m, item, s->settle, f);
        default:
                return;
        }
}

/* Whether what speaks against a piece of evidence really explains it: a trend without an amount of its own
 * must be about as strong, in proportion, as the one it explains. */
static bool explains(const struct finding *against, const struct finding *evidence)
{
        if (against->verdict != VERDICT_YES)
                return false;
        if (against->item->given & PARAMETER_BIT(PARAMETER_BY) ||
            (against->item->shape != SHAPE_RISING && against->item->shape != SHAPE_FALLING))
                return true;
        return (against->last + 1e-9) / (against->first + 1e-9) >= ABOUT * (evidence->last + 1) / (evidence->first + 1);
}

static bool is_explained(const struct signature *s, const struct measured *m, const struct finding *evidence, int64_t now,
                         struct judgement *j)
{
        bool explained = false;

        for (size_t i = 0; i < s->against_count; i++) {
                const struct signature_against *a = &s->against[i];
                struct finding *f = &j->against[i];

                if (a->explains == SIGNAL_NONE || a->explains != evidence->item->signal)
                        continue;
                find(s, m, &a->item, a->item.window ? a->item.window : evidence->to - evidence->from, now, f);
                if (!explains(f, evidence)) {
                        if (f->verdict == VERDICT_YES)
                                f->verdict = VERDICT_NO;
                        continue;
                }
                explained = true;
        }
        return explained;
}

/* The latest moment before which the signal was no higher than at the beginning of the window; of events, when the first
 * was told. */
static int64_t onset_of(const struct measured *m, const struct finding *f)
{
        const struct series *s = measured_series(m, f->item->signal);
        int64_t length = f->to - f->from, onset = f->from;
        double v[POINTS_LEVEL], low;
        size_t n;

        if (s && f->item->shape == SHAPE_ABOVE && signal_unit(f->item->signal) == UNIT_EVENTS &&
            series_window(s, f->to, length, v, POINTS_LEVEL, &n) > 0) {
                for (size_t i = 0; i < n; i++)
                        if (v[i] > 0)
                                return f->from + length * (int64_t)(i + 1) / (int64_t)n;
        }
        if (!s || f->item->shape != SHAPE_RISING || series_window(s, f->to, length, v, POINTS_LEVEL, &n) <= 0)
                return f->from;
        low = f->first + (f->last - f->first) * 0.1;
        for (size_t i = 0; i < n; i++)
                if (!isnan(v[i]) && v[i] <= low)
                        onset = f->from + length * (int64_t)(i + 1) / (int64_t)n;
        return onset;
}

void judge(const struct signature *s, const struct measured *m, int64_t now, struct judgement *ret)
{
        bool all = true, thin = false;

        memset(ret, 0, sizeof(*ret));
        if (m->kind != s->subject)
                return;
        for (size_t i = 0; i < s->evidence_count;) {
                uint32_t group = s->evidence[i].group;
                bool any = false, any_unknown = false;

                for (; i < s->evidence_count && s->evidence[i].group == group; i++) {
                        struct finding *f = &ret->evidence[i];

                        find(s, m, &s->evidence[i].item, s->evidence[i].item.window, now, f);
                        any_unknown |= f->verdict == VERDICT_UNKNOWN;
                        if (f->verdict != VERDICT_YES || is_explained(s, m, f, now, ret))
                                continue;
                        if (!any && group == 0)
                                ret->strongest = i;
                        any = true;
                }
                all &= any;
                thin |= !any && any_unknown;
                if (!any && !any_unknown)
                        return;
        }
        if (!all) {
                ret->thin = thin;
                return;
        }
        for (size_t i = 0; i < s->against_count; i++) {
                if (s->against[i].explains != SIGNAL_NONE)
                        continue;
                find(s, m, &s->against[i].item, s->against[i].item.window, now, &ret->against[i]);
                if (ret->against[i].verdict == VERDICT_YES)
                        return;
        }
        if (s->settle && now - (m->started ? m->started : m->begin) < s->settle)
                return;
        ret->fires = true;
        ret->onset = onset_of(m, &ret->evidence[ret->strongest]);
}
