#include "coordinator/incident.h"

#include "coordinator/trend.h"

#include <math.h>
#include <string.h>

#define QUIET_FOR (30 * 60 * NSEC_PER_SEC)
#define ROUND (60 * NSEC_PER_SEC)
#define CAUSES_EVERY (300 * NSEC_PER_SEC)

const struct incident *incident_get(const struct core *core, uint32_t index)
{
        return index < core->incidents_count ? core->incidents[index] : NULL;
}

static void drop_evidence(struct core *core, struct incident *i)
{
        for (uint32_t k = 0; k < i->evidence_count; k++) {
                text_put(core, &i->evidence[k].says);
                text_put(core, &i->evidence[k].host);
        }
        core_release(core, i->evidence, i->evidence_count * sizeof(*i->evidence));
        i->evidence = NULL;
        i->evidence_count = 0;
}

static void drop(struct core *core, struct incident *i)
{
        for (uint32_t k = 0; k < i->subjects_count; k++) {
                text_put(core, &i->subjects[k].host);
                text_put(core, &i->subjects[k].build);
        }
        core_release(core, i->subjects, INCIDENT_SUBJECTS_MAX * sizeof(*i->subjects));
        drop_evidence(core, i);
        causes_drop(core, i);
        text_put(core, &i->signature);
        text_put(core, &i->title);
        service_put(core, &i->service);
        service_put(core, &i->server);
        core_release(core, i, sizeof(*i));
}

void incidents_free(struct core *core)
{
        for (uint32_t i = 0; i < core->incidents_count; i++)
                drop(core, core->incidents[i]);
        core_release(core, core->incidents, core->incidents_capacity * sizeof(*core->incidents));
        core->incidents = NULL;
        core->incidents_count = core->incidents_capacity = 0;
}

bool incident_is_open(const struct incident *i)
{
        return i->state != INCIDENT_RESOLVED && i->state != INCIDENT_HANDED_OVER;
}

static struct incident *find(const struct core *core, const struct signature *s, const struct measured *m)
{
        for (uint32_t k = core->incidents_count; k-- > 0;) {
                struct incident *i = core->incidents[k];

                if (incident_is_open(i) && i->service == m->service && i->server == m->server && i->port == m->port &&
                    strcmp(i->signature->data, s->name) == 0)
                        return i;
        }
        return NULL;
}

/* Makes room for one more; false if all are open. */
static bool make_room(struct core *core)
{
        if (core->incidents_count < INCIDENTS_MAX)
                return true;
        for (uint32_t k = 0; k < core->incidents_count; k++) {
                if (incident_is_open(core->incidents[k]))
                        continue;
                drop(core, core->incidents[k]);
                core->incidents_count--;
                memmove(core->incidents + k, core->incidents + k + 1, (core->incidents_count - k) * sizeof(*core->incidents));
                return true;
        }
        return false;
}

static struct incident *open_one(struct core *core, const struct signature *s, const struct measured *m, int64_t onset)
{
        struct incident *i;

        if (!make_room(core) || core_reserve(core, (void **)&core->incidents, core->incidents_count, &core->incidents_capacity,
                                             sizeof(*core->incidents)) < 0)
                return NULL;
        i = core_alloc(core, sizeof(*i));
        if (!i)
                return NULL;
        i->signature = text_get(core, s->name);
        i->title = text_get(core, s->title);
        i->subjects = core_alloc(core, INCIDENT_SUBJECTS_MAX * sizeof(*i->subjects));
        if (!i->signature || !i->title || !i->subjects) {
                text_put(core, &i->signature);
                text_put(core, &i->title);
                core_release(core, i->subjects, INCIDENT_SUBJECTS_MAX * sizeof(*i->subjects));
                core_release(core, i, sizeof(*i));
                return NULL;
        }
        i->id = ++core->next_incident;
        i->kind = m->kind;
        i->service = service_ref(m->service);
        i->server = m->server ? service_ref(m->server) : NULL;
        i->port = m->port;
        i->opened_at = core->now;
        i->onset_at = onset;
        i->limit = NAN;
        core->incidents[core->incidents_count++] = i;
        return i;
}

static struct incident_subject *subject_of(struct incident *i, const struct measured *m)
{
        struct incident_subject *subject;

        for (uint32_t k = 0; k < i->subjects_count; k++) {
                subject = &i->subjects[k];
                if (subject->pid == m->pid && subject->started == m->started && subject->host == m->host->name)
                        return subject;
        }
        if (i->subjects_count == INCIDENT_SUBJECTS_MAX) {
                i->subjects_left_out++;
                return NULL;
        }
        subject = &i->subjects[i->subjects_count++];
        *subject = (struct incident_subject){
                .host = text_ref(m->host->name), .build = m->build ? text_ref(m->build) : NULL, .pid = m->pid, .started = m->started
        };
        return subject;
}

static void keep_evidence(struct core *core, struct incident *i, const struct signature *s, const struct measured *m,
                          const struct judgement *j)
{
        uint32_t count = 0;

        for (size_t k = 0; k < s->evidence_count; k++)
                count += j->evidence[k].verdict == VERDICT_YES;
        for (size_t k = 0; k < s->against_count; k++)
                count += j->against[k].item != NULL;
        drop_evidence(core, i);
        i->evidence = core_alloc(core, count * sizeof(*i->evidence));
        if (!i->evidence)
                return;
        for (size_t k = 0; k < s->evidence_count; k++)
                if (j->evidence[k].verdict == VERDICT_YES)
                        i->evidence[i->evidence_count++] = (struct incident_evidence){ .signal = s->evidence[k].item.signal,
                                                                                       .finding = j->evidence[k],
                                                                                       .item = s->evidence[k].item };
        for (size_t k = 0; k < s->against_count; k++)
                if (j->against[k].item)
                        i->evidence[i->evidence_count++] = (struct incident_evidence){ .against = true,
                                                                                       .signal = s->against[k].item.signal,
                                                                                       .finding = j->against[k],
                                                                                       .item = s->against[k].item,
                                                                                       .says = text_get(core, s->against[k].says) };
        for (uint32_t k = 0; k < i->evidence_count; k++) {
                i->evidence[k].finding.item = NULL;
                i->evidence[k].host = text_ref(m->host->name);
                i->evidence[k].pid = m->pid;
        }
}

/* The largest value of the last half hour; NaN if there is none. */
static double recent_peak(const struct measured *m, enum signal signal)
{
        const struct series *s = measured_series(m, signal);
        double v[180], most = NAN;
        size_t n;

        if (!s || series_window(s, m->seen, 15 * 60 * NSEC_PER_SEC, v, ARRAY_SIZE(v), &n) <= 0)
                return NAN;
        for (size_t k = 0; k < n; k++)
                if (!isnan(v[k]))
                        most = fmax(most, v[k]);
        return most;
}

/* What is open reaches the limit at a busy moment first; what a pool merely keeps in reserve is room still. */
static bool forecast_pool(const struct measured *m, const struct judgement *j, double limit, struct forecast *ret)
{
        double open = measured_last(m, SIGNAL_OPEN), peak = recent_peak(m, SIGNAL_OPEN), lost = measured_last(m, SIGNAL_LOST);
        double reserve = measured_last(m, SIGNAL_HELD) - lost;

        if (isnan(open) || isnan(peak) || isnan(reserve))
                return false;
        return forecast_count(lost - fmax(j->evidence[j->strongest].first, 0), j->onset, m->seen, limit - fmax(peak, open),
                              limit - open + fmax(reserve, 0), ret);
}

static void set_forecast(struct incident *i, const struct signature *s, const struct measured *m, const struct judgement *j,
                         struct incident_subject *subject)
{
        double now = measured_last(m, s->breach), rise = now - MAX(j->evidence[j->strongest].first, 0);
        struct forecast forecast;
        bool known;

        subject->value = now;
        subject->limit = s->breach_limit != SIGNAL_NONE ? measured_last(m, s->breach_limit) : s->breach_at;
        if (!(subject->limit > 0) || !isfinite(now))
                return;
        if (m->kind == SUBJECT_POOL && s->breach == SIGNAL_LOST)
                known = forecast_pool(m, j, subject->limit, &forecast);
        else
                known = forecast_count(rise, j->onset, m->seen, subject->limit - now, subject->limit - now, &forecast);
        if (!known || (i->has_breach && i->breach.likely < forecast.likely && m->heard == i->fired_at))
                return;
        i->breach = forecast;
        i->has_breach = true;
        i->limit = subject->limit;
}

static void raise(struct core *core, const struct signature *s, const struct measured *m, const struct judgement *j)
{
        struct incident *i = find(core, s, m);
        struct incident_subject *subject;

        if (!i)
                i = open_one(core, s, m, j->onset);
        if (!i)
                return;
        subject = subject_of(i, m);
        if (subject) {
                if (subject->onset == 0)
                        subject->onset = j->onset;
                subject->fired = m->seen;
                if (s->breach != SIGNAL_NONE)
                        set_forecast(i, s, m, j, subject);
        }
        i->onset_at = MIN(i->onset_at, j->onset);
        i->fired_at = MAX(i->fired_at, core->now);
        keep_evidence(core, i, s, m, j);
}

/* While it fires: what is known of its causes grows. */
static void find_causes(struct core *core)
{
        for (uint32_t k = 0; k < core->incidents_count; k++) {
                struct incident *i = core->incidents[k];

                if (!incident_is_open(i) || i->fired_at <= i->caused_at ||
                    (i->caused_at && i->caused_at + CAUSES_EVERY > core->now))
                        continue;
                i->caused_at = core->now;
                causes_find(core, i);
        }
}

static void expire(struct core *core)
{
        for (uint32_t k = 0; k < core->incidents_count; k++) {
                struct incident *i = core->incidents[k];

                if (i->state == INCIDENT_OPEN && i->fired_at + QUIET_FOR < core->now) {
                        i->state = INCIDENT_RESOLVED;
                        i->resolved_at = core->now;
                }
        }
}

/* A trend or a level of what never moved cannot be: most subjects are done with here. */
static bool can_fire(const struct signature *s, const struct measured *m)
{
        bool any = false;

        for (size_t i = 0; i < s->evidence_count; i++) {
                const struct signature_item *item = &s->evidence[i].item;

                if (i > 0 && s->evidence[i].group != s->evidence[i - 1].group) {
                        if (!any)
                                return false;
                        any = false;
                }
                any = any || measured_series(m, item->signal) || item->shape == SHAPE_BELOW || item->shape == SHAPE_STEADY;
        }
        return any;
}

bool incidents_detect(struct core *core, uint32_t *cursor)
{
        uint32_t from;
        bool more;

        if (!core->signatures) {
                *cursor = 0;
                return false;
        }
        more = work_portion(core, core->measured_count, cursor, &from);
        for (uint32_t k = from; k < *cursor; k++) {
                struct measured *m = core->measured[k];

                if (m->judged + ROUND > core->now || m->seen <= m->judged_seen)
                        continue;
                m->judged = core->now;
                m->judged_seen = m->seen;
                for (size_t i = 0; i < signatures_count(core->signatures); i++) {
                        const struct signature *s = signatures_get(core->signatures, i);
                        struct judgement j;

                        if (s->subject != m->kind || !can_fire(s, m))
                                continue;
                        judge(s, m, m->seen, &j);
                        if (j.fires)
                                raise(core, s, m, &j);
                }
        }
        if (!more) {
                find_causes(core);
                expire(core);
        }
        return more;
}
