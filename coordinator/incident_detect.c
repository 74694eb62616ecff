/* Each subject against each signature, and what becomes of incidents that nothing fires for any more. */
#include "coordinator/incident_internal.h"

#include "coordinator/measured.h"
#include "coordinator/raise.h"

#include <math.h>

#define QUIET_FOR (30 * 60 * NSEC_PER_SEC)
#define ROUND (30 * NSEC_PER_SEC)
#define SLOWEST (120 * NSEC_PER_SEC) /* no symptom is forgotten meanwhile */
#define CAUSES_EVERY (300 * NSEC_PER_SEC)
#define CAUSES_SOON (60 * NSEC_PER_SEC) /* while an incident is young each minute tells more */

/* A question that is open is looked at more closely, where the signature says so. */
static void look_closer(struct core *core, const struct signature *s, const struct measured *m, const struct judgement *j)
{
        bool any = false;

        for (size_t k = 0; k < s->evidence_count; k++)
                any = any || j->evidence[k].verdict == VERDICT_YES;
        if (s->tier && (j->fires || (j->thin && any)))
                raise_ask(core, m->host, m->service, s->tier, s->tier_for);
}

/* Of two that find something at once, the one that says more. */
static void note_symptom(const struct core *core, const struct signature *s, struct measured *m)
{
        bool lasts = measured_has_symptom(core, m);

        if (lasts && m->symptom != s && !incident_is_symptom(m->symptom, s->name))
                return;
        if (!lasts)
                m->symptom_since = core->now;
        m->symptom = s;
        m->symptom_at = core->now;
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

/* A subject that still has what it had when its signature fired, or of which that is not known. */
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
                            !(measured_last(m, s->breach) < x->value * 0.9))
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

/* How often: what takes hours to show need not be looked for twice a minute. */
static int64_t pace(const struct signature *s)
{
        int64_t least = INT64_MAX;

        for (size_t i = 0; i < s->evidence_count; i++) {
                const struct signature_item *item = &s->evidence[i].item;

                least = MIN(least, item->shape == SHAPE_ACCUMULATING ? item->within : item->window);
        }
        return MIN(MAX(least / 12, (int64_t)ROUND), (int64_t)SLOWEST);
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
                int64_t before = m->judged;

                if (before + ROUND > core->now || m->seen <= m->judged_seen)
                        continue;
                m->judged = core->now;
                m->judged_seen = m->seen;
                for (size_t i = 0; i < signatures_count(core->signatures); i++) {
                        const struct signature *s = signatures_get(core->signatures, i);
                        struct judgement j;

                        if (s->subject != m->kind || !can_fire(s, m) || before / pace(s) == core->now / pace(s))
                                continue;
                        judge(s, m, m->seen, &j);
                        look_closer(core, s, m, &j);
                        if (j.fires && measured_is_of_graph(m->kind))
                                note_symptom(core, s, m);
                        else if (j.fires)
                                incident_take(core, s, m, &j);
                }
        }
        if (!more) {
                find_causes(core);
                expire(core);
        }
        return more;
}
