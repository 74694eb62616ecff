/* What would be done about an incident, and with more authority; for `explain`. */
#include "coordinator/acting_internal.h"

#include <stdio.h>
#include <string.h>

void outlook_free(struct outlook *outlook)
{
        plan_free(&outlook->plan);
}

static void say(char *out, const struct acting *a, const struct plan *plan, enum rung rung)
{
        bool production = strcmp(plan->unit.environment, "production") == 0;
        size_t used;

        if (plan->class == CLASS_ONE_WAY) {
                snprintf(out, PLAN_WHY_MAX, "The same: %s is one-way here, which takes a person's word, always.",
                         plan->action->name);
                return;
        }
        if (rung == RUNG_ALONE_SMALL && production) {
                snprintf(out, PLAN_WHY_MAX, "%s on %s alone, and no more without a person's word.", plan->action->name,
                         plan->targets[0].host);
                return;
        }
        used = (size_t)snprintf(out, PLAN_WHY_MAX, "%s on %u targets, by", plan->action->name, plan->count);
        for (uint32_t from = 0, n; from < plan->count && used < PLAN_WHY_MAX - 48; from += n) {
                n = plan_wave(&a->policy, plan, from);
                used += (size_t)snprintf(out + used, PLAN_WHY_MAX - used, "%s %u", from ? "," : "", n);
        }
        snprintf(out + used, PLAN_WHY_MAX - used, ", each verified before the next.");
}

int acting_outlook(const struct acting *a, int64_t now, const struct scene *scene, const struct situation *s,
                   struct outlook *ret_outlook)
{
        struct outlook o = { .rung = RUNG_PROPOSE };
        char limits[512];
        uint32_t wave;
        int r;

        now = acting_time(a, now);
        if (s->remedies_count == 0)
                snprintf(o.why, sizeof(o.why), "The signature names no remedy.");
        for (uint32_t k = 0; k < s->remedies_count && !o.planned; k++) {
                char why[PLAN_WHY_MAX];

                r = plan_make(&a->policy, s, k, 0, &o.plan, why);
                if (r == -ENOMEM)
                        return r;
                o.planned = r == 0;
                if (r < 0 && !o.why[0])
                        snprintf(o.why, sizeof(o.why), "%s: %.180s", s->remedies[k].action, why);
        }
        if (o.planned) {
                o.why[0] = '\0';
                o.rung = authority_rung(&a->policy, authority_find(&a->authority, &o.plan.unit), o.plan.class, now);
                wave = plan_wave(&a->policy, &o.plan, 0);
                /* Limits before authority: they hold for a person's word, too. */
                if (!gate_window(a, now, &o.plan, true, o.why) && !gate_act(a, now, scene, s, &o.plan, 0, 0, wave, o.why) &&
                    limits_fit(a, now, &o.plan, 0, wave, limits, o.why))
                        (void)gate_alone(a, now, &o.plan, o.rung, o.why);
                say(o.more[0], a, &o.plan, RUNG_ALONE_SMALL);
                say(o.more[1], a, &o.plan, RUNG_ALONE);
        }
        *ret_outlook = o;
        return 0;
}
