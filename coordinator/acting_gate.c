/* What forbids acting. Each question has one answer: NULL, or the reason, for people. */
#include "coordinator/acting_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *no(char *why, const char *format, ...) PRINTF_LIKE(2, 3);
static const char *no(char *why, const char *format, ...)
{
        va_list args;

        va_start(args, format);
        vsnprintf(why, PLAN_WHY_MAX, format, args);
        va_end(args);
        return why;
}

bool scene_leads(const struct acting *a, const struct scene *scene, int64_t now)
{
        return scene->log_works && scene->epoch > 0 && scene->epoch == a->epoch && now < scene->leads_until;
}

static bool is_in(const struct window *w, const struct plan *plan)
{
        switch (w->scope) {
        case SCOPE_ALL:
                return true;
        case SCOPE_SERVICE:
                return strcmp(w->name, plan->service) == 0;
        case SCOPE_ENVIRONMENT:
                return strcmp(w->name, plan->unit.environment) == 0;
        default:
                for (uint32_t i = 0; i < plan->count; i++)
                        if (strcmp(w->name, w->scope == SCOPE_ZONE ? plan->targets[i].zone : plan->targets[i].host) == 0)
                                return true;
                return false;
        }
}

const char *gate_window(const struct acting *a, int64_t now, const struct plan *plan, bool proposing, char why[PLAN_WHY_MAX])
{
        for (uint32_t i = 0; i < a->windows_count; i++) {
                const struct window *w = &a->windows[i];

                if (now < w->from || (w->until && now >= w->until) || (proposing && w->kind == WINDOW_FREEZE) || !is_in(w, plan))
                        continue;
                if (w->kind == WINDOW_OPT_OUT)
                        return no(why, "%s has opted out", plan->service);
                return no(why, "%s of %s%s%s", w->kind == WINDOW_FREEZE ? "a freeze" : "maintenance", window_scope_name(w->scope),
                          w->name[0] ? " " : "", w->name);
        }
        return NULL;
}

const char *gate_evidence(const struct acting *a, int64_t now, const struct scene *scene, const struct situation *s,
                          char why[PLAN_WHY_MAX])
{
        uint32_t sick;

        if (!s->complete)
                return no(why, "something is missing of what was measured");
        if (s->seen_at + a->policy.evidence_max_age < now)
                return no(why, "the evidence is %lld s old, at most %lld s", (long long)((now - s->seen_at) / NSEC_PER_SEC),
                          (long long)(a->policy.evidence_max_age / NSEC_PER_SEC));
        if (s->seen_at > now + NSEC_PER_SEC)
                return no(why, "the evidence is of a time that has not come yet");
        if (scene_doubts_itself(scene, &a->policy, s, &sick))
                return no(why, "%u of %u hosts look sick at once: it may be what looks at them", sick, scene->hosts_count);
        return NULL;
}

static const char *neighbours(const struct acting *a, const struct situation *s, uint64_t remedy, char *why)
{
        for (uint32_t i = 0; i < a->remedies_count; i++) {
                const struct remedy *m = a->remedies[i];
                bool underway = remedy_is_in_flight(m->state) || m->state == REMEDY_VERIFIED;

                if (m->id != remedy && underway &&
                    situation_touches(s, m->plan.service_key, m->plan.cone, m->plan.cone_count, m->plan.cone_whole))
                        return no(why, "a%llu is under way for %s, which depends on it or it on that", (unsigned long long)m->id,
                                  m->plan.service);
        }
        return NULL;
}

const char *gate_act(const struct acting *a, int64_t now, const struct scene *scene, const struct situation *s,
                     const struct plan *plan, uint64_t remedy, uint32_t from, uint32_t count, char why[PLAN_WHY_MAX])
{
        const struct remedy *frozen = acting_frozen(a, plan->class);
        const char *reason;

        if (a->pause.set)
                return no(why, "paused by %s: %s", a->pause.by, a->pause.why);
        if (frozen)
                return no(why, "%s actions are frozen: a%llu could not be undone", class_name(plan->class),
                          (unsigned long long)frozen->id);
        reason = gate_window(a, now, plan, false, why);
        if (!reason)
                reason = gate_evidence(a, now, scene, s, why);
        if (!reason)
                reason = neighbours(a, s, remedy, why);
        for (uint32_t i = from; !reason && i < from + count; i++)
                if (!plan_target_stands(plan, i, s, why))
                        reason = why;
        return reason;
}

/* What was done for this incident before. */
static const char *history(const struct acting *a, const struct plan *plan, bool small, char *why)
{
        for (uint32_t i = 0; i < a->remedies_count; i++) {
                const struct remedy *m = a->remedies[i];

                if (m->plan.incident != plan->incident || m->state == REMEDY_WITHDRAWN || m->state == REMEDY_PROPOSED)
                        continue;
                if (remedy_is_over(m->state) && m->verdict != VERDICT_VERIFIED)
                        return no(why, "a%llu did not help: it takes a person now", (unsigned long long)m->id);
                if (small && m->verdict == VERDICT_VERIFIED)
                        return no(why, "a%llu was verified on one instance; the others take a person, or more authority",
                                  (unsigned long long)m->id);
        }
        return NULL;
}

const char *gate_alone(const struct acting *a, int64_t now, const struct plan *plan, enum rung rung, char why[PLAN_WHY_MAX])
{
        bool production = strcmp(plan->unit.environment, "production") == 0, small = rung == RUNG_ALONE_SMALL && production;

        if (plan->class == CLASS_ONE_WAY)
                return no(why, "what is one-way takes a person's word, always");
        if (rung == RUNG_SHADOW)
                return no(why, "its authority is shadow: it decides, and does nothing");
        if (rung == RUNG_PROPOSE)
                return no(why, "its authority is to propose: a person approves or rejects it");
        if (plan->barriers_unknown)
                return no(why, "the build before is old, and no barriers are declared that a rollback must not cross");
        if (small && plan->count > 1)
                return no(why, "its authority is for one instance in production");
        if (limits_attempts(a, now, plan) >= a->policy.attempts_most)
                return no(why, "a target was acted on %u times within a day: it takes a person now", a->policy.attempts_most);
        return history(a, plan, small, why);
}
