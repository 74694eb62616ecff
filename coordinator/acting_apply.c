/* A record takes effect. What does not follow from the state (acting_follows.c) is refused whole: nothing is changed. */
#include "coordinator/acting_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void copy(char *to, size_t size, const char *from)
{
        snprintf(to, size, "%s", from);
}

static void move(struct remedy *m, enum remedy_state to, const struct record *r)
{
        m->state = to;
        m->state_at = r->at;
        m->told = false;
        if (r->why[0])
                copy(m->why, sizeof(m->why), r->why);
}

/* The oldest that is over goes. */
static void make_room(struct acting *a)
{
        for (uint32_t i = 0; a->remedies_count >= REMEDIES_MAX && i < a->remedies_count; i++) {
                if (!remedy_may_go(a->remedies[i]))
                        continue;
                remedy_free(&a->remedies[i]);
                a->remedies_count--;
                memmove(a->remedies + i, a->remedies + i + 1, (a->remedies_count - i) * sizeof(struct remedy *));
        }
}

static int propose(struct acting *a, const struct record *r)
{
        struct remedy *m, **remedies;
        int e;

        if (a->remedies_count == a->remedies_capacity) {
                uint32_t capacity = a->remedies_capacity ? 2 * a->remedies_capacity : 16;

                remedies = reallocarray(a->remedies, capacity, sizeof(struct remedy *));
                if (!remedies)
                        return -ENOMEM;
                a->remedies = remedies;
                a->remedies_capacity = capacity;
        }
        m = calloc(1, sizeof(*m));
        if (!m)
                return -ENOMEM;
        m->targets = calloc(r->plan.count, sizeof(*m->targets));
        m->changed = calloc(r->plan.count, sizeof(*m->changed));
        e = m->targets && m->changed ? plan_copy(&r->plan, &m->plan) : -ENOMEM;
        if (e < 0) {
                remedy_free(&m);
                return e;
        }
        make_room(a);
        m->id = r->remedy;
        m->rung = r->rung;
        m->proposed_at = r->at;
        copy(m->decided_by, sizeof(m->decided_by), "");
        move(m, REMEDY_PROPOSED, r);
        a->next_remedy = m->id;
        a->remedies[a->remedies_count++] = m;
        return 0;
}

static void approve(struct remedy *m, const struct record *r)
{
        m->by_person = r->mover == MOVER_PERSON;
        m->approved_at = r->at;
        m->rung = r->rung;
        copy(m->decided_by, sizeof(m->decided_by), r->by);
        move(m, REMEDY_APPROVED, r);
}

static int intend(struct acting *a, struct remedy *m, const struct record *r)
{
        int e = limits_reserve(a, r->count);

        if (e < 0)
                return e;
        m->from = r->from;
        m->count = r->count;
        m->epoch = r->epoch;
        m->intended_at = r->at;
        m->expires_at = r->expires_at;
        m->lease_until = r->lease_until;
        copy(m->limits, sizeof(m->limits), r->limits);
        for (uint32_t i = 0; i < r->count; i++)
                m->targets[r->from + i] = TARGET_ORDERED;
        move(m, REMEDY_INTENDED, r);
        limits_spend(a, m, r->at);
        return 0;
}

static uint32_t count(const struct remedy *m, enum target_state state)
{
        uint32_t n = 0;

        for (uint32_t i = 0; i < m->plan.count; i++)
                n += m->targets[i] == state;
        return n;
}

/* Nothing is left of it anywhere. */
static bool nothing_left(const struct remedy *m)
{
        for (uint32_t i = 0; i < m->plan.count; i++)
                if (target_is_out(m->targets[i]) || m->targets[i] == TARGET_VERIFIED || m->targets[i] == TARGET_HELD)
                        return false;
        return true;
}

static int fail(struct acting *a, const struct remedy *m, int64_t at)
{
        return authority_fail(&a->authority, &a->policy, &m->plan.unit, at);
}

/* The last answer of a wave. */
static void answered(struct remedy *m, const struct record *r)
{
        if (count(m, TARGET_ORDERED) || count(m, TARGET_FAILED))
                return;
        if (count(m, TARGET_APPLIED)) {
                m->applied_at = r->at;
                move(m, REMEDY_APPLIED, r);
        } else {
                move(m, m->from == 0 ? REMEDY_REFUSED : REMEDY_CLOSED, r);
        }
}

static int reverted(struct acting *a, struct remedy *m, const struct record *r)
{
        enum target_state *t = &m->targets[r->target];
        int e;

        /* It was begun and could not be done: that is no refusal. */
        if (*t == TARGET_ORDERED && m->state == REMEDY_INTENDED) {
                e = fail(a, m, r->at);
                if (e < 0)
                        return e;
        }
        *t = TARGET_REVERTED;
        m->halted = m->halted || m->state != REMEDY_REVERTING;
        if (m->state == REMEDY_REVERTING && count(m, TARGET_REVERTING) == 0)
                move(m, count(m, TARGET_STUCK) ? REMEDY_STUCK : REMEDY_REVERTED, r);
        else if (m->state == REMEDY_CLOSED && nothing_left(m))
                move(m, REMEDY_REVERTED, r);
        else if (m->state == REMEDY_INTENDED)
                answered(m, r);
        return 0;
}

static int stuck(struct acting *a, struct remedy *m, const struct record *r)
{
        int e = fail(a, m, r->at);

        if (e == 0)
                move(m, REMEDY_STUCK, r);
        return e;
}

static int result(struct acting *a, struct remedy *m, const struct record *r)
{
        enum target_state *t = &m->targets[r->target];

        switch (r->outcome) {
        case OUTCOME_APPLIED:
        case OUTCOME_REFUSED:
        case OUTCOME_FAILED:
                *t = r->outcome == OUTCOME_APPLIED   ? TARGET_APPLIED
                     : r->outcome == OUTCOME_REFUSED ? TARGET_REFUSED
                                                     : TARGET_FAILED;
                m->changed[r->target] = r->outcome == OUTCOME_APPLIED;
                m->halted = m->halted || r->outcome != OUTCOME_APPLIED;
                /* Else a neighbour is stuck, and a person has to look at all of it. */
                if (m->state == REMEDY_INTENDED)
                        answered(m, r);
                if (r->why[0])
                        copy(m->why, sizeof(m->why), r->why);
                return 0;
        case OUTCOME_HELD:
                *t = TARGET_HELD;
                return 0;
        case OUTCOME_REVERTED:
                return reverted(a, m, r);
        default: /* OUTCOME_STUCK */
                *t = TARGET_STUCK;
                /* An undoing that the agent began by itself may fail, too. */
                return m->state == REMEDY_STUCK ? 0 : stuck(a, m, r);
        }
}

static int judge_wave(struct acting *a, struct remedy *m, const struct record *r)
{
        static const enum remedy_state states[] = {
                [VERDICT_VERIFIED] = REMEDY_VERIFIED, [VERDICT_FALSIFIED] = REMEDY_FALSIFIED, [VERDICT_UNTOLD] = REMEDY_UNKNOWN
        };
        int e;

        if (r->verdict != VERDICT_VERIFIED) {
                e = fail(a, m, r->at);
                if (e < 0)
                        return e;
        }
        for (uint32_t i = 0; i < m->plan.count && r->verdict == VERDICT_VERIFIED; i++)
                if (m->targets[i] == TARGET_APPLIED)
                        m->targets[i] = TARGET_VERIFIED;
        m->verdict = r->verdict;
        move(m, states[r->verdict], r);
        return 0;
}

static int close_remedy(struct acting *a, struct remedy *m, const struct record *r)
{
        int e;

        /* Success is told once, by the whole of it: what was refused or undone somewhere is none. */
        if (m->state == REMEDY_VERIFIED && !m->halted && !count(m, TARGET_REVERTED)) {
                e = authority_succeed(&a->authority, &a->policy, &m->plan.unit, m->plan.cause_key, r->at);
                if (e < 0)
                        return e;
        }
        move(m, REMEDY_CLOSED, r);
        return 0;
}

/* A person undoes all of it; else what was not verified is undone. */
static void revert(struct remedy *m, const struct record *r)
{
        for (uint32_t i = 0; i < m->plan.count; i++) {
                enum target_state *t = &m->targets[i];

                if (*t == TARGET_ORDERED || *t == TARGET_APPLIED || *t == TARGET_FAILED ||
                    (r->mover == MOVER_PERSON && (*t == TARGET_VERIFIED || *t == TARGET_HELD)))
                        *t = TARGET_REVERTING;
        }
        if (r->by[0])
                copy(m->decided_by, sizeof(m->decided_by), r->by);
        move(m, REMEDY_REVERTING, r);
        if (count(m, TARGET_REVERTING) == 0)
                move(m, REMEDY_REVERTED, r);
}

static void acknowledge(struct remedy *m, const struct record *r)
{
        for (uint32_t i = 0; i < m->plan.count; i++)
                if (m->targets[i] == TARGET_STUCK || m->targets[i] == TARGET_REVERTING)
                        m->targets[i] = TARGET_REVERTED; /* it is the person's now */
        move(m, REMEDY_CLOSED, r);
}

static int of_remedy(struct acting *a, const struct record *r)
{
        struct remedy *m = acting_remedy(a, r->remedy);

        switch (r->kind) {
        case RECORD_APPROVED:
                approve(m, r);
                return 0;
        case RECORD_REJECTED:
                copy(m->decided_by, sizeof(m->decided_by), r->by);
                move(m, REMEDY_REJECTED, r);
                return 0;
        case RECORD_WITHDRAWN:
                move(m, REMEDY_WITHDRAWN, r);
                return 0;
        case RECORD_INTENDED:
                return intend(a, m, r);
        case RECORD_RESULT:
                return result(a, m, r);
        case RECORD_VERDICT:
                return judge_wave(a, m, r);
        case RECORD_REVERTING:
                revert(m, r);
                return 0;
        case RECORD_STUCK:
                return stuck(a, m, r);
        case RECORD_CLOSED:
                return close_remedy(a, m, r);
        default: /* RECORD_ACKNOWLEDGED */
                acknowledge(m, r);
                return 0;
        }
}

static void set_window(struct acting *a, const struct record *r, bool begins)
{
        for (uint32_t i = 0; i < a->windows_count;) {
                if (window_goes(&a->windows[i], r))
                        a->windows[i] = a->windows[--a->windows_count];
                else
                        i++;
        }
        if (begins)
                a->windows[a->windows_count++] = r->window;
}

static int apply(struct acting *a, const struct record *r)
{
        struct mandate mandate = { .set = true, .rung = r->rung, .until = r->until };

        switch (r->kind) {
        case RECORD_STARTED:
                a->epoch = r->epoch;
                return 0;
        case RECORD_PROPOSED:
                return propose(a, r);
        case RECORD_PAUSED:
                a->pause = (struct pause){ .set = true, .since = r->at };
                copy(a->pause.by, sizeof(a->pause.by), r->by);
                copy(a->pause.why, sizeof(a->pause.why), r->why);
                return 0;
        case RECORD_RESUMED:
                a->pause = (struct pause){ 0 };
                return 0;
        case RECORD_MANDATE:
                copy(mandate.by, sizeof(mandate.by), r->by);
                copy(mandate.why, sizeof(mandate.why), r->why);
                return authority_mandate(&a->authority, &r->unit, r->cap, &mandate);
        case RECORD_WINDOW:
        case RECORD_WINDOW_ENDED:
                set_window(a, r, r->kind == RECORD_WINDOW);
                return 0;
        case RECORD_POLICY:
                a->policy = r->policy;
                a->configured = true;
                return 0;
        default:
                return of_remedy(a, r);
        }
}

int acting_apply(struct acting *a, const struct record *r)
{
        int e = acting_follows(a, r);

        if (e == 0)
                e = apply(a, r);
        if (e == 0)
                a->latest = MAX(a->latest, r->at);
        return e;
}
