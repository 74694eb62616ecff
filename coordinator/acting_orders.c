/* What agents are told, and what they answer. */
#include "coordinator/acting_internal.h"

#include <stdio.h>
#include <string.h>

/* The moment of acting: all that had to be so for the intent is so still. */
static bool may_still(const struct acting *a, int64_t now, const struct scene *scene, const struct remedy *m, uint32_t target)
{
        const struct situation *s = scene_find(scene, m->plan.incident);
        char why[PLAN_WHY_MAX];

        return s && now < m->expires_at && m->epoch == a->epoch && !gate_act(a, now, scene, s, &m->plan, m->id, target, 1, why);
}

static bool order_of(const struct acting *a, int64_t now, const struct scene *scene, const struct remedy *m, uint32_t target,
                     enum order_kind *ret_kind)
{
        switch (m->targets[target]) {
        case TARGET_ORDERED:
                *ret_kind = ORDER_APPLY;
                return m->state == REMEDY_INTENDED && may_still(a, now, scene, m, target);
        case TARGET_VERIFIED:
                *ret_kind = ORDER_HOLD;
                return m->plan.action->lapse == LAPSE_HOLD;
        case TARGET_REVERTING:
                *ret_kind = ORDER_REVERT;
                return true;
        default:
                return false;
        }
}

/* How many of its targets are being undone at this time: a person may undo what runs on every host, and the service has
 * to live through that, too. Who does not answer keeps the others waiting for a while only. */
static uint32_t undone_at_once(const struct acting *a, int64_t now, const struct remedy *m)
{
        uint32_t share = MAX(1u, m->plan.instances * a->policy.share_percent / 100);
        int64_t turn = MIN(60 * NSEC_PER_SEC, a->policy.revert_within / 2 / ((m->plan.count + share - 1) / share));

        return share * (uint32_t)(1 + MAX(now - m->state_at, (int64_t)0) / MAX(turn, (int64_t)1));
}

size_t acting_orders(const struct acting *a, int64_t now, const struct scene *scene, const char *host, struct order *ret_orders,
                     size_t most)
{
        size_t n = 0;

        now = acting_time(a, now);
        if (!scene_leads(a, scene, now))
                return 0;
        for (uint32_t i = 0; i < a->remedies_count; i++) {
                const struct remedy *m = a->remedies[i];
                uint32_t undone = 0, at_once = m->state == REMEDY_REVERTING ? undone_at_once(a, now, m) : UINT32_MAX;

                for (uint32_t t = 0; t < m->plan.count && n < most; t++) {
                        enum order_kind kind;

                        if (!order_of(a, now, scene, m, t, &kind))
                                continue;
                        undone += kind == ORDER_REVERT;
                        if ((host && strcmp(host, m->plan.targets[t].host)) || (kind == ORDER_REVERT && undone > at_once))
                                continue;
                        ret_orders[n++] = (struct order){ .kind = kind,
                                                          .remedy = m->id,
                                                          .target = t,
                                                          .epoch = a->epoch,
                                                          .expires_in = m->expires_at - now,
                                                          .lease = MAX(m->lease_until - now, (int64_t)0),
                                                          .by_person = m->by_person,
                                                          .plan = &m->plan };
                }
        }
        return n;
}

int acting_report(const struct acting *a, int64_t now, const struct scene *scene, const struct report *report,
                  struct record *ret_record)
{
        const struct remedy *m = acting_remedy(a, report->remedy);

        now = acting_time(a, now);
        if (!m || report->target >= m->plan.count || strcmp(m->plan.targets[report->target].host, report->host))
                return -ENOENT;
        if (!scene_leads(a, scene, now))
                return -EROFS;
        if (!target_takes(m->targets[report->target], report->outcome))
                return -EALREADY;
        *ret_record = (struct record){ .kind = RECORD_RESULT,
                                       .at = now,
                                       .epoch = a->epoch,
                                       .remedy = m->id,
                                       .mover = MOVER_AGENT,
                                       .target = report->target,
                                       .outcome = report->outcome };
        snprintf(ret_record->by, sizeof(ret_record->by), "%.63s", report->host);
        snprintf(ret_record->why, sizeof(ret_record->why), "%s", report->why ? report->why : "");
        return 0;
}
