/* Who waits for a root, and since when. */
#include "coordinator/roots_internal.h"

#include <math.h>

/* When it began: the oldest of the cells that came after what is usual and in which it is as now. */
static int64_t onset_of(const struct walk *w, const struct root *r)
{
        uint32_t age = PULSE_NOW;

        for (; age < PULSE_USUAL; age++) {
                double log_time = 0, answers = 0, retransmits = 0, all = 0, refused_here = 0;
                double now = 0, now_answers = 0, usual = 0, usual_answers = 0;

                for (uint32_t i = 0; i < w->calls_count; i++) {
                        const struct call *k = &w->calls[i];
                        struct flow f = { 0 };
                        bool of = r->kind == CAUSE_NETWORK
                                          ? k->loses && k->to && (k->to->host == r->host || k->to->host == r->other)
                                  : r->kind == CAUSE_HOST ? k->to && k->to->host == r->host && k->to->of_host
                                                          : k->server == r->service;

                        if (!of)
                                continue;
                        pulse_sum(w->core, k->end, age, age + 1, &f);
                        log_time += f.log_time;
                        answers += f.answers;
                        retransmits += f.retransmits;
                        refused_here += f.refused;
                        all += flow_segments(&f);
                        now += k->flow.now.log_time;
                        now_answers += k->flow.now.answers;
                        usual += k->flow.usual.log_time;
                        usual_answers += k->flow.usual.answers;
                }
                if (r->kind == CAUSE_NETWORK
                            ? retransmits <= LOSS / 2 * all
                            : refused_here < 2 && (answers < 1 || now_answers < 1 || usual_answers < 1 ||
                                                   log_time / answers < (now / now_answers + usual / usual_answers) / 2))
                        break;
        }
        return w->core->pulse_at - (int64_t)age * PULSE_CELL;
}

static bool is_marked(const struct walk *w, const struct service *service, const struct host *host)
{
        const struct copy *c = walk_find(w, service, host);

        return c && c->mark;
}

static bool lies_between(const struct measured *m, const struct root *r)
{
        return m->far && ((m->host == r->host && m->far == r->other) || (m->host == r->other && m->far == r->host));
}

/* How near to the root a symptom is: 3 at it, 2 next to it, 1 further up; 0: it does not come from there. */
static int nearness(const struct walk *w, const struct root *r, const struct measured *m)
{
        const struct service *at = m->server ? m->server : m->service;

        if (m->kind == SUBJECT_HOST)
                return m->host == r->host ? 3 : 0;
        if (r->kind == CAUSE_NETWORK ? lies_between(m, r) : r->kind == CAUSE_HOST ? m->far == r->host : at == r->service)
                return 3;
        if (m->server && is_marked(w, m->server, m->far))
                return 2;
        return is_marked(w, m->service, m->host);
}

/* What is lost between two hosts may show as anything. */
static bool looks_for(const struct signature *s, enum cause kind)
{
        for (size_t k = 0; k < s->causes_count; k++)
                if (s->causes[k] == kind)
                        return true;
        return kind == CAUSE_NETWORK;
}

/* What signatures found there that look for such a cause, or on the way up from there: the nearest, of those the one that began
 * first. */
static void find_symptom(struct walk *w, struct root *r)
{
        int nearest = 0;

        for (uint32_t i = 0; i < w->core->measured_count; i++) {
                struct measured *m = w->core->measured[i];
                int near = measured_has_symptom(w->core, m) ? nearness(w, r, m) : 0;

                if (near == 0)
                        continue;
                m->explained_at = w->core->now;
                if (!looks_for(m->symptom, r->kind))
                        continue;
                if (near > nearest || (near == nearest && m->symptom_since < r->symptom->symptom_since))
                        r->symptom = m;
                nearest = MAX(nearest, near);
        }
}

void root_find_reach(struct walk *w, struct root *r)
{
        bool more = true;

        for (uint32_t i = 0; i < w->copies_count; i++)
                w->copies[i].mark = r->kind == CAUSE_HOST ? w->copies[i].host == r->host : w->copies[i].service == r->service;
        for (uint32_t i = 0; r->kind == CAUSE_NETWORK && i < w->calls_count; i++) {
                struct call *k = &w->calls[i];

                if (k->to && ((k->from->host == r->host && k->to->host == r->other) ||
                              (k->from->host == r->other && k->to->host == r->host)))
                        k->from->mark = true;
        }
        while (more) {
                more = false;
                for (uint32_t i = 0; i < w->calls_count; i++) {
                        struct call *k = &w->calls[i];

                        if (k->to && k->to->mark && !k->from->mark && k->explains) {
                                k->from->mark = true;
                                more = true;
                        }
                }
        }
        for (uint32_t i = 0; i < w->copies_count; i++)
                r->reach += w->copies[i].mark && w->copies[i].bad;
        find_symptom(w, r);
        for (uint32_t i = 0; r->kind == CAUSE_HOST && i < w->copies_count; i++)
                if (w->copies[i].host == r->host && w->copies[i].of_host && exp(w->copies[i].slower) > r->value) {
                        r->service = w->copies[i].service;
                        r->value = exp(w->copies[i].slower);
                }
        for (uint32_t i = 0; r->kind != CAUSE_NETWORK && i < w->calls_count; i++) {
                const struct call *k = &w->calls[i];

                if (k->explains && k->server == r->service && (!r->client || k->from->service->rank < r->client->rank)) {
                        r->client = k->from->service;
                        r->port = k->port;
                }
        }
        r->onset = onset_of(w, r);
}
