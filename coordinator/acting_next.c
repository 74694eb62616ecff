/* What is to be decided next. Remedies under way come first, the oldest of them; then incidents without one. */
#include "coordinator/acting_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct context {
        const struct acting *acting;
        const struct policy *policy;
        const struct scene *scene;
        int64_t now;
        struct record *record;
};

static bool decide(const struct context *c, enum record_kind kind, const struct remedy *m, enum remedy_mover mover,
                   const char *format, ...) PRINTF_LIKE(5, 6);
static bool decide(const struct context *c, enum record_kind kind, const struct remedy *m, enum remedy_mover mover,
                   const char *format, ...)
{
        va_list args;

        *c->record =
                (struct record){ .kind = kind, .at = c->now, .epoch = c->acting->epoch, .remedy = m ? m->id : 0, .mover = mover };
        va_start(args, format);
        vsnprintf(c->record->why, sizeof(c->record->why), format, args);
        va_end(args);
        return true;
}

/* What its plan would be now is what it was. NULL, or how it differs. */
static const char *still(const struct context *c, const struct situation *s, const struct remedy *m, char *why)
{
        struct plan plan;
        const char *reason = "its action is no remedy any more";

        for (uint32_t k = 0; k < s->remedies_count; k++) {
                if (strcmp(s->remedies[k].action, m->plan.action->name))
                        continue;
                if (plan_make(c->policy, s, k, m->plan.most, &plan, why) < 0) {
                        reason = why;
                        continue;
                }
                reason = memcmp(plan.digest, m->plan.digest, DIGEST_SIZE) == 0 ? NULL : "the plan would be another now";
                plan_free(&plan);
                return reason;
        }
        return reason;
}

static bool proposed(const struct context *c, const struct remedy *m)
{
        const struct situation *s = scene_find(c->scene, m->plan.incident);
        char why[PLAN_WHY_MAX];
        const char *reason;
        enum rung rung = authority_rung(c->policy, authority_find(&c->acting->authority, &m->plan.unit), m->plan.class, c->now);

        if (!s)
                return decide(c, RECORD_WITHDRAWN, m, MOVER_PLANNER, "the incident is over");
        if (m->proposed_at + c->policy->proposal_lives < c->now)
                return decide(c, RECORD_WITHDRAWN, m, MOVER_CLOCK, "nobody decided in time");
        reason = still(c, s, m, why);
        if (reason)
                return decide(c, RECORD_WITHDRAWN, m, MOVER_PLANNER, "%s", reason);
        if (m->rung == RUNG_SHADOW || gate_alone(c->acting, c->now, &m->plan, rung, why) ||
            gate_act(c->acting, c->now, c->scene, s, &m->plan, m->id, 0, plan_wave(c->policy, &m->plan, 0), why))
                return false;
        decide(c, RECORD_APPROVED, m, MOVER_PLANNER, "its authority is %s", rung_name(rung));
        c->record->rung = rung;
        memcpy(c->record->digest, m->plan.digest, DIGEST_SIZE);
        snprintf(c->record->by, sizeof(c->record->by), "authority");
        return true;
}

/* The next wave, as far as there is room; false with the reason if there is none. */
static bool intend(const struct context *c, const struct remedy *m, const struct situation *s, uint32_t from, char *why)
{
        uint32_t count = plan_wave(c->policy, &m->plan, from);
        char limits[512];

        if (gate_act(c->acting, c->now, c->scene, s, &m->plan, m->id, from, count, why))
                return false;
        count = limits_fit(c->acting, c->now, &m->plan, from, count, limits, why);
        if (count == 0)
                return false;
        decide(c, RECORD_INTENDED, m, MOVER_PLANNER, "%u of %u targets, from number %u on", count, m->plan.count, from + 1);
        c->record->from = from;
        c->record->count = count;
        c->record->expires_at = c->now + c->policy->order_lives;
        c->record->lease_until = c->now + c->policy->answer_within + m->plan.predicts.within + c->policy->lease_margin;
        memcpy(c->record->limits, limits, sizeof(limits));
        return true;
}

static bool approved(const struct context *c, const struct remedy *m)
{
        const struct situation *s = scene_find(c->scene, m->plan.incident);
        char why[PLAN_WHY_MAX] = "it was not begun in time";
        const char *reason;

        if (!s)
                return decide(c, RECORD_WITHDRAWN, m, MOVER_PLANNER, "the incident is over");
        if (c->acting->pause.set)
                return decide(c, RECORD_WITHDRAWN, m, MOVER_PLANNER, "paused: what was approved before is void");
        reason = still(c, s, m, why);
        if (reason)
                return decide(c, RECORD_WITHDRAWN, m, MOVER_PLANNER, "%s: it needs a new word", reason);
        /* What authority decided goes as far as authority reaches now. */
        if (!m->by_person) {
                enum rung rung =
                        authority_rung(c->policy, authority_find(&c->acting->authority, &m->plan.unit), m->plan.class, c->now);

                reason = gate_alone(c->acting, c->now, &m->plan, rung, why);
                if (reason)
                        return decide(c, RECORD_WITHDRAWN, m, MOVER_PLANNER, "%s", reason);
        }
        if (m->approved_at + c->policy->approval_lives >= c->now && intend(c, m, s, 0, why))
                return true;
        if (m->approved_at + c->policy->approval_lives < c->now)
                return decide(c, RECORD_WITHDRAWN, m, MOVER_CLOCK, "%s", why);
        return false;
}

static uint32_t in_state(const struct remedy *m, enum target_state state)
{
        uint32_t n = 0;

        for (uint32_t i = 0; i < m->plan.count; i++)
                n += m->targets[i] == state;
        return n;
}

static bool intended(const struct context *c, const struct remedy *m)
{
        if (in_state(m, TARGET_ORDERED) == 0)
                return decide(c, RECORD_REVERTING, m, MOVER_AGENT, "what was changed is not known: %s", m->why);
        if (m->intended_at + c->policy->answer_within < c->now)
                return decide(c, RECORD_REVERTING, m, MOVER_CLOCK, "an agent did not answer in time");
        return false;
}

static enum reading_verdict read(const struct context *c, const struct remedy *m, uint32_t target)
{
        for (uint32_t i = 0; i < c->scene->readings_count; i++) {
                const struct reading *r = &c->scene->readings[i];

                /* What was measured before it was applied says nothing of it. */
                if (r->remedy == m->id && r->target == target)
                        return r->from >= m->applied_at && r->to <= c->now ? r->verdict : READING_UNKNOWN;
        }
        return READING_UNKNOWN;
}

static bool verdict(const struct context *c, const struct remedy *m, enum remedy_verdict v, enum remedy_mover mover,
                    const char *why)
{
        decide(c, RECORD_VERDICT, m, mover, "%s: %s", m->plan.predicts.says, why);
        c->record->verdict = v;
        return true;
}

static bool applied(const struct context *c, const struct remedy *m)
{
        uint32_t yes = 0, no = 0, all = 0;

        for (uint32_t i = m->from; i < m->from + m->count; i++) {
                enum reading_verdict v;

                if (m->targets[i] != TARGET_APPLIED)
                        continue;
                v = read(c, m, i);
                all++;
                yes += v == READING_YES;
                no += v == READING_NO;
        }
        if (all == 0)
                return verdict(c, m, VERDICT_UNTOLD, MOVER_VERIFIER, "its leases ended before it could be told");
        if (yes == all)
                return verdict(c, m, VERDICT_VERIFIED, MOVER_VERIFIER, "it came true");
        if (m->applied_at + m->plan.predicts.within >= c->now)
                return false;
        return no ? verdict(c, m, VERDICT_FALSIFIED, MOVER_VERIFIER, "it did not come true in time")
                  : verdict(c, m, VERDICT_UNTOLD, MOVER_CLOCK, "it could not be told in time");
}

static bool verified(const struct context *c, const struct remedy *m)
{
        const struct situation *s = scene_find(c->scene, m->plan.incident);
        uint32_t next = m->from + m->count, left = m->plan.count - next;
        char why[PLAN_WHY_MAX];

        if (left == 0)
                return decide(c, RECORD_CLOSED, m, MOVER_PLANNER, "%s",
                              m->halted ? "verified, but not everywhere: an agent refused, or undid it" : "verified");
        if (m->halted)
                return decide(c, RECORD_CLOSED, m, MOVER_PLANNER,
                              "verified, but %u targets are left: an agent refused, or undid it", left);
        if (!s)
                return decide(c, RECORD_CLOSED, m, MOVER_PLANNER, "verified; the incident is over, %u targets are left", left);
        if (c->acting->pause.set)
                return decide(c, RECORD_CLOSED, m, MOVER_PLANNER, "verified; paused, %u targets are left", left);
        if (m->approved_at + c->policy->proposal_lives < c->now)
                return decide(c, RECORD_CLOSED, m, MOVER_PLANNER, "verified; %u targets were left too long", left);
        for (uint32_t i = next; i < m->plan.count; i++)
                if (plan_target_gone(&m->plan, i, s, why))
                        return decide(c, RECORD_CLOSED, m, MOVER_PLANNER, "verified; %u targets are left: %.150s", left, why);
        return intend(c, m, s, next, why);
}

/* A wrong diagnosis: undone, and never one version further back. */
static bool disproved(const struct context *c, const struct remedy *m)
{
        if (m->plan.class == CLASS_ONE_WAY)
                return decide(c, RECORD_CLOSED, m, MOVER_PLANNER, "it did not help, and cannot be undone");
        return decide(c, RECORD_REVERTING, m, MOVER_PLANNER, "%s", m->why);
}

static bool go_on(const struct context *c, const struct remedy *m)
{
        switch (m->state) {
        case REMEDY_PROPOSED:
                return proposed(c, m);
        case REMEDY_APPROVED:
                return approved(c, m);
        case REMEDY_INTENDED:
                return intended(c, m);
        case REMEDY_APPLIED:
                return applied(c, m);
        case REMEDY_VERIFIED:
                return verified(c, m);
        case REMEDY_FALSIFIED:
        case REMEDY_UNKNOWN:
                return disproved(c, m);
        case REMEDY_REVERTING:
                return m->state_at + c->policy->revert_within < c->now &&
                       decide(c, RECORD_STUCK, m, MOVER_CLOCK, "nobody said in time that it is undone");
        default:
                return false;
        }
}

/* Done before for this incident, and not to be done again; or too short a while ago to tell. *ret_wait: nothing is. */
static bool tried(const struct context *c, const struct situation *s, const char *action, bool *ret_wait)
{
        bool there = false;

        for (uint32_t i = 0; i < c->acting->remedies_count; i++) {
                const struct remedy *m = c->acting->remedies[i];

                if (m->plan.incident != s->incident || m->state == REMEDY_WITHDRAWN)
                        continue;
                if (!remedy_is_over(m->state) || m->state == REMEDY_STUCK || s->seen_at < m->state_at + c->policy->cool_down)
                        *ret_wait = true;
                if (strcmp(m->plan.action->name, action) == 0 && !(m->plan.most && m->verdict == VERDICT_VERIFIED))
                        there = true;
        }
        return there;
}

static uint32_t most_of(const struct context *c, const struct plan *plan, enum rung rung)
{
        char why[PLAN_WHY_MAX];
        struct plan one = *plan;

        if (rung != RUNG_ALONE_SMALL || plan->count < 2 || strcmp(plan->unit.environment, "production"))
                return 0;
        one.count = 1;
        return gate_alone(c->acting, c->now, &one, rung, why) ? 0 : 1;
}

static bool all_stand(const struct plan *plan, const struct situation *s, char why[PLAN_WHY_MAX])
{
        for (uint32_t i = 0; i < plan->count; i++)
                if (!plan_target_stands(plan, i, s, why))
                        return false;
        return true;
}

static bool propose(const struct context *c, const struct situation *s)
{
        char why[PLAN_WHY_MAX];
        bool wait = false;

        if (gate_evidence(c->acting, c->now, c->scene, s, why))
                return false;
        for (uint32_t k = 0; k < s->remedies_count; k++) {
                struct plan plan;
                enum rung rung;

                if (tried(c, s, s->remedies[k].action, &wait) || wait)
                        continue;
                /* The better remedy may only have to wait for its cause. */
                if (s->remedies[k].wants_cause && !s->cause[0] && c->now < s->opened_at + c->policy->cause_within)
                        return false;
                if (plan_make(c->policy, s, k, 0, &plan, why) < 0)
                        continue;
                rung = authority_rung(c->policy, authority_find(&c->acting->authority, &plan.unit), plan.class, c->now);
                if (most_of(c, &plan, rung)) {
                        plan_free(&plan);
                        if (plan_make(c->policy, s, k, 1, &plan, why) < 0)
                                continue;
                }
                if (gate_window(c->acting, c->now, &plan, true, why) || !all_stand(&plan, s, why) ||
                    !acting_has_unit(c->acting, &plan.unit)) {
                        plan_free(&plan);
                        continue;
                }
                *c->record = (struct record){ .kind = RECORD_PROPOSED,
                                              .at = c->now,
                                              .epoch = c->acting->epoch,
                                              .remedy = c->acting->next_remedy + 1,
                                              .mover = MOVER_PLANNER,
                                              .rung = rung,
                                              .plan = plan };
                if (!gate_alone(c->acting, c->now, &plan, rung, c->record->why))
                        c->record->why[0] = '\0';
                return true;
        }
        return false;
}

static bool is_full(const struct acting *a)
{
        if (a->remedies_count < REMEDIES_MAX)
                return false;
        for (uint32_t i = 0; i < a->remedies_count; i++)
                if (remedy_is_over(a->remedies[i]->state) && a->remedies[i]->state != REMEDY_STUCK)
                        return false;
        return true;
}

bool acting_next(const struct acting *a, int64_t now, const struct scene *scene, struct record *ret_record)
{
        struct context c = { a, &a->policy, scene, acting_time(a, now), ret_record };

        if (!scene->log_works || now >= scene->leads_until || scene->epoch < a->epoch)
                return false;
        if (scene->epoch > a->epoch) {
                decide(&c, RECORD_STARTED, NULL, MOVER_PLANNER, "leads");
                ret_record->epoch = scene->epoch;
                return true;
        }
        for (uint32_t i = 0; i < a->remedies_count; i++)
                if (go_on(&c, a->remedies[i]))
                        return true;
        for (uint32_t i = 0; i < scene->situations_count && !is_full(a); i++)
                if (propose(&c, &scene->situations[i]))
                        return true;
        return false;
}
