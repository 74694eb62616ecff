#include "coordinator/incident.h"

#include "coordinator/measured.h"
#include "coordinator/raise.h"
#include "coordinator/trend.h"

#include <math.h>
#include <string.h>

#define QUIET_FOR (30 * 60 * NSEC_PER_SEC)
#define SAME_WITHIN (2 * 86400 * NSEC_PER_SEC) /* what comes back sooner is the same */
#define ROUND (30 * NSEC_PER_SEC)
#define CAUSES_EVERY (300 * NSEC_PER_SEC)
#define CAUSES_SOON (60 * NSEC_PER_SEC) /* while an incident is young each minute tells more */

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

static void drop_subjects(struct core *core, struct incident *i);

void incident_drop(struct core *core, struct incident *i)
{
        struct number_list *removed = &core->removed_incidents;

        if (i->saved &&
            core_reserve(core, (void **)&removed->items, removed->count, &removed->capacity, sizeof(*removed->items)) == 0)
                removed->items[removed->count++] = i->id;
        drop_subjects(core, i);
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
                incident_drop(core, core->incidents[i]);
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

                if (i->state != INCIDENT_HANDED_OVER && i->service == m->service && i->server == m->server && i->port == m->port &&
                    strcmp(i->signature->data, s->name) == 0 && (incident_is_open(i) || i->resolved_at + SAME_WITHIN >= core->now))
                        return i;
        }
        return NULL;
}

static bool is_symptom_of(const struct signature *s, const char *name)
{
        for (size_t k = 0; k < s->symptom_of_count; k++)
                if (strcmp(s->symptom_of[k], name) == 0)
                        return true;
        return false;
}

/* One of the same service that says more of what `s` sees. */
static struct incident *find_root(const struct core *core, const struct signature *s, const struct measured *m)
{
        for (uint32_t k = core->incidents_count; s->symptom_of_count && k-- > 0;) {
                struct incident *i = core->incidents[k];

                if (i->service == m->service && is_symptom_of(s, i->signature->data) &&
                    (incident_is_open(i) || i->resolved_at + SAME_WITHIN >= core->now))
                        return i;
        }
        return NULL;
}

/* One of the same service of which `s` says more. */
static struct incident *find_symptom(const struct core *core, const struct signature *s, const struct measured *m)
{
        for (uint32_t k = core->incidents_count; k-- > 0;) {
                struct incident *i = core->incidents[k];
                const struct signature *other = signatures_find(core->signatures, i->signature->data);

                if (i->state == INCIDENT_OPEN && i->service == m->service && other && is_symptom_of(other, s->name))
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
                incident_drop(core, core->incidents[k]);
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

static void drop_subjects(struct core *core, struct incident *i)
{
        for (uint32_t k = 0; k < i->subjects_count; k++) {
                text_put(core, &i->subjects[k].host);
                text_put(core, &i->subjects[k].build);
        }
        i->subjects_count = i->subjects_left_out = 0;
}

/* What was taken for something of its own was a symptom of this. */
static bool become(struct core *core, struct incident *i, const struct signature *s, const struct measured *m)
{
        struct text *name = text_get(core, s->name), *title = text_get(core, s->title);

        if (!name || !title) {
                text_put(core, &name);
                text_put(core, &title);
                return false;
        }
        text_put(core, &i->signature);
        text_put(core, &i->title);
        i->signature = name;
        i->title = title;
        service_put(core, &i->server);
        i->server = m->server ? service_ref(m->server) : NULL;
        i->port = m->port;
        i->kind = m->kind;
        i->has_breach = false;
        drop_subjects(core, i);
        return true;
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

static void set_forecast(struct incident *i, const struct signature *s, const struct measured *m, const struct judgement *j,
                         struct incident_subject *subject)
{
        subject->value = measured_last(m, s->breach);
        subject->limit = s->breach_limit != SIGNAL_NONE ? measured_last(m, s->breach_limit) : s->breach_at;
        if (!forecast(s, m, j, &i->breach))
                return;
        i->has_breach = true;
        i->limit = subject->limit;
}

/* A question that is open is looked at more closely, where the signature says so. */
static void look_closer(struct core *core, const struct signature *s, const struct measured *m, const struct judgement *j)
{
        bool any = false;

        for (size_t k = 0; k < s->evidence_count; k++)
                any = any || j->evidence[k].verdict == VERDICT_YES;
        if (s->tier && (j->fires || (j->thin && any)))
                raise_ask(core, m->host, m->service, s->tier, s->tier_for);
}

static void raise(struct core *core, const struct signature *s, const struct measured *m, const struct judgement *j)
{
        struct incident *i = find(core, s, m);
        struct incident_subject *subject;

        if (!i && find_root(core, s, m))
                return;
        if (!i) {
                i = find_symptom(core, s, m);
                if (i && !become(core, i, s, m))
                        return;
        }
        if (!i)
                i = open_one(core, s, m, j->onset);
        if (!i)
                return;
        if (i->state == INCIDENT_RESOLVED) {
                i->state = INCIDENT_OPEN;
                i->resolved_at = 0;
        }
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

/* Of two that find something at once, the one that says more. */
static void note_symptom(const struct core *core, const struct signature *s, struct measured *m)
{
        bool lasts = measured_has_symptom(core, m);

        if (lasts && m->symptom != s && !is_symptom_of(m->symptom, s->name))
                return;
        if (!lasts)
                m->symptom_since = core->now;
        m->symptom = s;
        m->symptom_at = core->now;
}

void incident_raise(struct core *core, struct measured *m)
{
        struct judgement j;

        judge(m->symptom, m, m->seen, &j);
        if (j.fires)
                raise(core, m->symptom, m, &j);
}

void incident_take_evidence(struct core *core, struct incident *i, const struct measured *m)
{
        struct judgement j;

        judge(m->symptom, m, m->seen, &j);
        if (j.fires)
                keep_evidence(core, i, m->symptom, m, &j);
}

/* While it fires: what is known of its causes grows, quickly at first. */
static void find_causes(struct core *core)
{
        for (uint32_t k = 0; k < core->incidents_count; k++) {
                struct incident *i = core->incidents[k];
                int64_t every = MIN(MAX((core->now - i->opened_at) / 4, CAUSES_SOON), CAUSES_EVERY);

                if (i->rooted || !incident_is_open(i) || i->fired_at <= i->caused_at ||
                    (i->caused_at && i->caused_at + every > core->now))
                        continue;
                i->caused_at = core->now;
                causes_find(core, i);
        }
}

/* A subject that still has what it had when its signature fired. */
static bool lingers(const struct core *core, const struct incident *i)
{
        const struct signature *s = signatures_find(core->signatures, i->signature->data);

        if (!s || s->breach == SIGNAL_NONE)
                return false;
        for (uint32_t k = 0; k < core->measured_count; k++) {
                const struct measured *m = core->measured[k];

                if (m->kind != i->kind || m->service != i->service || m->heard + QUIET_FOR < core->now)
                        continue;
                for (uint32_t n = 0; n < i->subjects_count; n++) {
                        const struct incident_subject *x = &i->subjects[n];

                        if (x->pid == m->pid && x->started == m->started && x->host == m->host->name &&
                            measured_last(m, s->breach) >= x->value * 0.9)
                                return true;
                }
        }
        return false;
}

static void expire(struct core *core)
{
        for (uint32_t k = 0; k < core->incidents_count; k++) {
                struct incident *i = core->incidents[k];

                if (i->state == INCIDENT_OPEN && i->fired_at + QUIET_FOR < core->now) {
                        if (lingers(core, i)) {
                                i->fired_at = core->now;
                                continue;
                        }
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
                        look_closer(core, s, m, &j);
                        if (j.fires && measured_is_of_graph(m->kind))
                                note_symptom(core, s, m);
                        else if (j.fires)
                                raise(core, s, m, &j);
                }
        }
        if (!more) {
                find_causes(core);
                expire(core);
        }
        return more;
}

struct incident *incident_open(struct core *core, const struct signature *s, enum subject kind, struct service *service,
                               struct service *server, uint16_t port, int64_t onset)
{
        const struct measured m = { .kind = kind, .service = service, .server = server, .port = port };

        return open_one(core, s, &m, onset);
}

void incident_add_subject(struct incident *i, const struct host *host, int64_t onset, int64_t fired, double value)
{
        struct incident_subject *subject = NULL;

        for (uint32_t k = 0; k < i->subjects_count && !subject; k++)
                if (i->subjects[k].host == host->name)
                        subject = &i->subjects[k];
        if (!subject && i->subjects_count == INCIDENT_SUBJECTS_MAX) {
                i->subjects_left_out++;
                return;
        }
        if (!subject) {
                subject = &i->subjects[i->subjects_count++];
                *subject = (struct incident_subject){ .host = text_ref(host->name), .onset = onset, .limit = NAN };
        }
        subject->fired = fired;
        subject->value = value;
}
