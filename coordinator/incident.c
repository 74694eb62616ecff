#include "coordinator/incident_internal.h"

#include "coordinator/measured.h"

#include <math.h>
#include <string.h>

#define SAME_WITHIN (2 * 86400 * NSEC_PER_SEC) /* what comes back sooner is the same */

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

bool incident_is_symptom(const struct signature *s, const char *name)
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

                if (i->service == m->service && incident_is_symptom(s, i->signature->data) &&
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

                if (i->state == INCIDENT_OPEN && i->service == m->service && other && incident_is_symptom(other, s->name))
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

void incident_take(struct core *core, const struct signature *s, const struct measured *m, const struct judgement *j)
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
                        incident_set_breach(i, s, m, j, subject);
        }
        i->onset_at = MIN(i->onset_at, j->onset);
        i->fired_at = MAX(i->fired_at, core->now);
        keep_evidence(core, i, s, m, j);
}

void incident_raise(struct core *core, struct measured *m)
{
        struct judgement j;

        judge(m->symptom, m, m->seen, &j);
        if (j.fires)
                incident_take(core, m->symptom, m, &j);
}

void incident_take_evidence(struct core *core, struct incident *i, const struct measured *m)
{
        struct judgement j;

        judge(m->symptom, m, m->seen, &j);
        if (j.fires)
                keep_evidence(core, i, m->symptom, m, &j);
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
