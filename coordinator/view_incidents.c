/* Incidents of a view. */
#include "coordinator/incident.h"
#include "coordinator/view_internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int by_urgency(const void *x, const void *y)
{
        const struct view_incident *a = x, *b = y;
        bool a_over = a->state == INCIDENT_RESOLVED || a->state == INCIDENT_HANDED_OVER;
        bool b_over = b->state == INCIDENT_RESOLVED || b->state == INCIDENT_HANDED_OVER;

        if (a_over != b_over)
                return a_over ? 1 : -1;
        return a->opened_at != b->opened_at ? (a->opened_at < b->opened_at ? 1 : -1) : strcmp(b->id, a->id);
}

static const char *unit_text(enum signal signal)
{
        static const char *const texts[UNITS] = {
                [UNIT_COUNT] = "count", [UNIT_EVENTS] = "events", [UNIT_RATE] = "per_s",  [UNIT_BYTE_RATE] = "bytes_per_s",
                [UNIT_RATIO] = "ratio", [UNIT_TIME] = "s",        [UNIT_BYTES] = "bytes", [UNIT_LOAD] = "load"
        };

        return texts[signal_unit(signal)];
}

static const char *reference_text(const struct signature_item *item)
{
        switch (item->of) {
        case REFERENCE_SIGNAL:
                return signal_name(item->of_signal);
        case REFERENCE_USUAL:
                return "usual";
        case REFERENCE_FORMER_BUILD:
                return "former-build";
        default:
                return "";
        }
}

static void add_evidence(struct view_builder *b, const struct incident *i, struct view_incident *v)
{
        v->evidence = view_take(b, i->evidence_count * sizeof(*v->evidence));
        for (uint32_t k = 0; v->evidence && k < i->evidence_count; k++) {
                const struct incident_evidence *e = &i->evidence[k];
                const struct signature_item *item = &e->item;
                bool trend = item->shape == SHAPE_RISING || item->shape == SHAPE_FALLING;
                bool step = item->shape == SHAPE_STEP_UP || item->shape == SHAPE_STEP_DOWN || item->shape == SHAPE_STEADY;

                v->evidence[v->evidence_count++] = (struct view_evidence){
                        .against = e->against,
                        .holds = e->finding.verdict == VERDICT_YES,
                        .known = e->finding.verdict != VERDICT_UNKNOWN,
                        .signal = signal_name(e->signal),
                        .unit = unit_text(e->signal),
                        .shape = shape_name(item->shape),
                        .says = view_copy_text(b, e->says),
                        .host = view_copy_text(b, e->host),
                        .pid = e->pid,
                        .from = e->finding.from,
                        .to = e->finding.to,
                        .first = e->finding.first,
                        .last = e->finding.last,
                        .wanted = trend || step ? (item->given & PARAMETER_BIT(PARAMETER_BY) ? item->by.number : NAN)
                                                : item->value.number,
                        .reference = e->finding.reference,
                        .confidence = trend ? e->finding.confidence : NAN,
                        .of = reference_text(item),
                };
        }
}

static void add_subjects(struct view_builder *b, const struct incident *i, struct view_incident *v)
{
        v->subjects = view_take(b, i->subjects_count * sizeof(*v->subjects));
        for (uint32_t k = 0; v->subjects && k < i->subjects_count; k++) {
                const struct incident_subject *s = &i->subjects[k];

                v->subjects[v->subjects_count++] = (struct view_incident_subject){ .host = view_copy_text(b, s->host),
                                                                                   .build = view_copy_text(b, s->build),
                                                                                   .pid = s->pid,
                                                                                   .started = s->started,
                                                                                   .onset = s->onset,
                                                                                   .value = s->value,
                                                                                   .limit = s->limit };
        }
        v->subjects_left_out = i->subjects_left_out;
}

static void add_causes(struct view_builder *b, const struct incident *i, struct view_incident *v)
{
        v->causes = view_take(b, i->causes_count * sizeof(*v->causes));
        for (uint32_t k = 0; v->causes && k < i->causes_count; k++) {
                const struct incident_cause *c = &i->causes[k];

                v->causes[k] = (struct view_cause){ .kind = cause_name(c->kind),
                                                    .ref = view_copy_text(b, c->ref),
                                                    .why = view_copy_text(b, c->why),
                                                    .confidence = c->confidence };
                if (c->ruled_out)
                        v->ruled_out++;
                else
                        v->causes_count++;
        }
}

/* In the order of the signature, each once; those that need another cause than the likeliest are left out. */
static void add_remedies(struct view_builder *b, const struct incident *i, struct view_incident *v)
{
        const struct signature *s = b->core->signatures ? signatures_find(b->core->signatures, i->signature->data) : NULL;

        if (!s)
                return;
        v->remedies.items = view_take(b, SIGNATURE_REMEDIES_MAX * sizeof(*v->remedies.items));
        for (size_t k = 0; v->remedies.items && k < s->remedies_count; k++) {
                bool there = s->remedies[k].needs != CAUSE_ANY &&
                             (v->causes_count == 0 || strcmp(v->causes[0].kind, cause_name(s->remedies[k].needs)) != 0);

                for (size_t n = 0; n < v->remedies.count; n++)
                        there = there || strcmp(v->remedies.items[n], s->remedies[k].action) == 0;
                if (!there)
                        v->remedies.items[v->remedies.count++] = s->remedies[k].action;
        }
}

static const char *id_of(struct view_builder *b, const struct incident *i)
{
        char id[24];

        snprintf(id, sizeof(id), "i%llu", (unsigned long long)i->id);
        return view_copy_string(b, id);
}

static void fill(struct view_builder *b, const struct incident *i, struct view_incident *v)
{
        v->id = id_of(b, i);
        v->state = i->state;
        v->signature = view_copy_text(b, i->signature);
        v->title = view_copy_text(b, i->title);
        v->service = view_service_name(b, i->service);
        v->server = i->server ? view_service_name(b, i->server) : "";
        v->subject = subject_name(i->kind);
        v->port = i->port;
        v->onset_at = i->onset_at;
        v->opened_at = i->opened_at;
        v->fired_at = i->fired_at;
        v->resolved_at = i->resolved_at;
        v->has_breach = i->has_breach;
        v->earliest = i->breach.earliest;
        v->likely = i->breach.likely;
        v->latest = i->breach.latest;
        v->rate_low = i->breach.rate_low;
        v->rate = i->breach.rate;
        v->rate_high = i->breach.rate_high;
        v->limit = i->limit;
        add_subjects(b, i, v);
        add_evidence(b, i, v);
        add_causes(b, i, v);
        add_remedies(b, i, v);
}

static bool was_open(const struct incident *i, int64_t at)
{
        return i->opened_at <= at && (incident_is_open(i) || i->resolved_at > at);
}

void view_mark_incidents(struct view_builder *b)
{
        const struct core *core = b->core;

        for (uint32_t k = 0; k < core->incidents_count; k++) {
                const struct incident *i = core->incidents[k];
                struct view_service *v = b->services[i->service->rank];

                if (v && was_open(i, b->view->as_of))
                        v->marks_count++;
        }
        for (uint32_t k = 0; k < core->incidents_count; k++) {
                const struct incident *i = core->incidents[k];
                struct view_service *v = b->services[i->service->rank];

                if (!v || !was_open(i, b->view->as_of))
                        continue;
                if (!v->marks) {
                        v->marks = view_take(b, v->marks_count * sizeof(*v->marks));
                        v->marks_count = 0;
                }
                if (v->marks)
                        v->marks[v->marks_count++] = (struct view_mark){ .id = id_of(b, i),
                                                                         .signature = view_copy_text(b, i->signature),
                                                                         .server = i->server ? view_service_name(b, i->server) : "",
                                                                         .port = i->port };
        }
}

int view_add_incidents(struct view_builder *b)
{
        struct view *view = b->view;

        view->incidents = view_take(b, b->core->incidents_count * sizeof(*view->incidents));
        for (uint32_t k = 0; view->incidents && k < b->core->incidents_count; k++) {
                const struct incident *i = b->core->incidents[k];

                if (b->query->incident && strcmp(id_of(b, i), b->query->incident) != 0)
                        continue;
                if (b->query->service && strcmp(i->service->name, b->query->service) != 0)
                        continue;
                fill(b, i, &view->incidents[view->incidents_count++]);
        }
        if (b->query->incident && view->incidents_count == 0)
                return -ENOENT;
        if (view->incidents_count)
                qsort(view->incidents, view->incidents_count, sizeof(*view->incidents), by_urgency);
        return 0;
}
