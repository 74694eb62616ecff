/* Predictions: in words, and as they read. What is read is what the agents measure all the time, another channel
 * than the one over which the action was ordered and answered. */
#include "coordinator/action_names.h"
#include "coordinator/incident.h"
#include "coordinator/scenes_internal.h"
#include "coordinator/shape.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define SETTLES (30 * NSEC_PER_SEC) /* so much has to be measured after it */

void scenes_describe(const struct signature_item *item, char *buffer, size_t size)
{
        bool by = item->given & PARAMETER_BIT(PARAMETER_BY);
        const struct amount *a = by ? &item->by : &item->value;
        const char *of = item->of == REFERENCE_USUAL          ? " of the usual"
                         : item->of == REFERENCE_SIGNAL       ? " of "
                         : item->of == REFERENCE_FORMER_BUILD ? " of the former build"
                                                              : "";

        snprintf(buffer, size, "%s %s%s %.6g%s%s%s, within %lld s",
                 item->signal == SIGNAL_NONE ? "every sign" : signal_name(item->signal), shape_name(item->shape), by ? " by" : "",
                 a->relative ? 100 * a->number : a->number, a->relative ? " %" : "", of,
                 item->of == REFERENCE_SIGNAL ? signal_name(item->of_signal) : "", (long long)(item->within / NSEC_PER_SEC));
}

static const struct incident *find(const struct core *core, uint64_t id)
{
        for (uint32_t k = 0; k < core->incidents_count; k++)
                if (core->incidents[k]->id == id)
                        return core->incidents[k];
        return NULL;
}

/* What it was there when the signature fired last; NaN: not known. */
static double before(const struct incident *i, const struct host *h)
{
        double most = NAN;

        for (uint32_t k = 0; k < i->subjects_count; k++)
                if (i->subjects[k].host == h->name)
                        most = fmax(most, i->subjects[k].value);
        return most;
}

static enum reading_verdict judge_value(const struct signature_item *item, double value, double was)
{
        bool by = item->given & PARAMETER_BIT(PARAMETER_BY);

        if (isnan(value) || item->of != REFERENCE_NONE)
                return READING_UNKNOWN;
        switch (item->shape) {
        case SHAPE_BELOW:
                return item->value.relative ? READING_UNKNOWN : value <= item->value.number ? READING_YES : READING_NO;
        case SHAPE_ABOVE:
                return item->value.relative ? READING_UNKNOWN : value >= item->value.number ? READING_YES : READING_NO;
        case SHAPE_FALLING:
        case SHAPE_STEP_DOWN:
                if (!by || isnan(was))
                        return READING_UNKNOWN;
                return value <= (item->by.relative ? was * (1 - item->by.number) : was - item->by.number) ? READING_YES
                                                                                                          : READING_NO;
        default:
                return READING_UNKNOWN;
        }
}

static const struct signature_item *prediction(const struct core *core, const struct incident *i, const struct remedy *m)
{
        const struct signature *g = core->signatures ? signatures_find(core->signatures, i->signature->data) : NULL;

        for (size_t k = 0; g && k < g->remedies_count; k++) {
                char says[sizeof(m->plan.predicts.says)];

                scenes_describe(&g->remedies[k].predicts, says, sizeof(says));
                if (strcmp(g->remedies[k].action, m->plan.action->name) == 0 && strcmp(says, m->plan.predicts.says) == 0)
                        return g->breach == g->remedies[k].predicts.signal || g->remedies[k].predicts.shape != SHAPE_FALLING
                                       ? &g->remedies[k].predicts
                                       : NULL;
        }
        return NULL;
}

void scenes_read(const struct core *core, const struct remedy *m, uint32_t target, struct reading *ret_reading)
{
        const struct host *h = host_find(core, m->plan.targets[target].host);
        const struct incident *i = find(core, m->plan.incident);
        const struct signature_item *item = i ? prediction(core, i, m) : NULL;
        enum reading_verdict verdict = READING_UNKNOWN;
        double value = NAN;
        int64_t to = 0;

        *ret_reading = (struct reading){ .remedy = m->id, .target = target, .from = m->applied_at };
        if (!h || !item || item->signal == SIGNAL_NONE || !host_fresh(core, h))
                return;
        for (uint32_t k = 0; k < core->measured_count; k++) {
                const struct measured *x = core->measured[k];

                if (x->host != h || x->kind != i->kind || x->service != i->service || x->server != i->server ||
                    x->port != i->port || x->heard < m->applied_at + SETTLES)
                        continue;
                value = fmax(value, measured_last(x, item->signal));
                to = MAX(to, x->seen + host_skew(h));
        }
        if (to >= m->applied_at + SETTLES && host_complete(core, h, m->applied_at, to))
                verdict = judge_value(item, value, before(i, h));
        ret_reading->verdict = verdict;
        ret_reading->to = to;
}
