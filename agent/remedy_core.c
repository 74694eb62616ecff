#include "agent/remedy_internal.h"

#include <string.h>

#define REVERT_ATTEMPTS 3u
#define RETRY_NS (2 * NSEC_PER_SEC) /* doubles */

void remedy_core_init(struct remedy_core *core, const struct remedy_limits *limits)
{
        *core = (struct remedy_core){ .limits = *limits };
}

void remedy_want(struct remedy_core *core, const struct remedy_effect *effect)
{
        /* A remedy has at most one step or write at a time, so that there is always room but for repeated news. */
        if (core->effects_count == REMEDY_EFFECTS_MAX)
                return;
        core->effects[(core->effects_begin + core->effects_count++) % REMEDY_EFFECTS_MAX] = *effect;
}

/* Not true if this life ended now: it is told once it is written. But a person is called at once. */
static bool is_secret(const struct remedy *r)
{
        return r->tentative || (r->unsaved && r->state != ACTION_STUCK);
}

bool remedy_effect(struct remedy_core *core, struct remedy_effect *ret_effect)
{
        while (core->effects_count > 0) {
                *ret_effect = core->effects[core->effects_begin];
                core->effects_begin = (core->effects_begin + 1) % REMEDY_EFFECTS_MAX;
                core->effects_count--;
                /* What is told is the state of the moment, which may have changed since. */
                if (ret_effect->kind != REMEDY_EFFECT_TELL || !is_secret(&core->remedies[ret_effect->index]))
                        return true;
        }
        return false;
}

uint32_t remedy_place(const struct remedy_core *core, const struct remedy *r)
{
        return (uint32_t)(r - core->remedies);
}

void remedy_tell(struct remedy_core *core, const struct remedy *r)
{
        remedy_want(core, &(struct remedy_effect){ .kind = REMEDY_EFFECT_TELL, .index = remedy_place(core, r) });
}

void remedy_run(struct remedy_core *core, struct remedy *r, enum remedy_step step)
{
        r->step = step;
        remedy_want(core, &(struct remedy_effect){ .kind = REMEDY_EFFECT_STEP, .index = remedy_place(core, r), .step = step });
}

void remedy_write_down(struct remedy_core *core, struct remedy *r)
{
        r->writing = true;
        remedy_want(core, &(struct remedy_effect){ .kind = REMEDY_EFFECT_WRITE, .index = remedy_place(core, r) });
}

void remedy_become(struct remedy *r, enum action_state state, enum action_reason reason, const struct remedy_time *now)
{
        r->state = state;
        r->reason = reason;
        r->at_wall = now->wall;
}

void remedy_settle(struct remedy_core *core, struct remedy *r, enum action_state state, enum action_reason reason,
                   const struct remedy_time *now)
{
        remedy_become(r, state, reason, now);
        r->retry_at = r->lease_end = 0;
        r->unsaved = true;
        remedy_write_down(core, r);
        if (state == ACTION_STUCK)
                remedy_tell(core, r);
}

void remedy_refuse(struct remedy_core *core, struct remedy *r, enum action_reason reason, const struct remedy_time *now)
{
        bool written = r->state == ACTION_INTENDED;

        remedy_become(r, ACTION_REFUSED, reason, now);
        r->lease_end = 0;
        r->revert_wanted = false;
        if (written)
                remedy_want(core, &(struct remedy_effect){
                                          .kind = REMEDY_EFFECT_FORGET, .index = remedy_place(core, r), .key = r->request.key });
        remedy_tell(core, r);
}

void remedy_start_revert(struct remedy_core *core, struct remedy *r, enum action_reason reason, const struct remedy_time *now)
{
        if (r->step != REMEDY_STEP_NONE || r->writing) {
                if (!r->revert_wanted)
                        r->revert_reason = reason;
                r->revert_wanted = true;
                return;
        }
        r->revert_wanted = false;
        if (r->request.one_way) {
                remedy_settle(core, r, ACTION_STUCK, reason, now);
                return;
        }
        remedy_become(r, ACTION_REVERTING, reason, now);
        r->retry_at = r->lease_end = 0;
        r->unsaved = false;
        remedy_write_down(core, r);
        remedy_tell(core, r);
}

bool remedy_epoch_is_new(const struct remedy_core *core, const struct remedy_request *q)
{
        return q->epoch > core->epoch && !remedy_epoch_is_far(core, q->epoch);
}

void remedy_epoch_written(struct remedy_core *core, uint64_t epoch)
{
        core->epoch = MAX(core->epoch, epoch);
}

static void prepared(struct remedy_core *core, struct remedy *r, const struct remedy_result *result, const struct remedy_time *now)
{
        enum action_reason reason = result->reason;

        if (result->outcome == REMEDY_DONE) {
                r->former = r->present = result->former;
                r->touched = result->touched;
                if (r->touched == 0)
                        reason = ACTION_REASON_NO_TARGETS;
                else if (!action_digest_is_none(&r->request.former) && !action_digest_equal(&r->request.former, &r->former))
                        reason = ACTION_REASON_CHANGED;
                else if (r->revert_wanted)
                        reason = ACTION_REASON_ORDERED;
                else
                        reason = remedy_refuses(core, &r->request, (int)remedy_place(core, r), now);
        } else if (reason == ACTION_REASON_NONE) {
                reason = ACTION_REASON_FAILED;
        }
        r->revert_wanted = false;
        if (reason != ACTION_REASON_NONE) {
                remedy_refuse(core, r, reason, now);
        } else if (r->request.order == ACTION_ORDER_CHECK) {
                remedy_become(r, ACTION_CHECKED, ACTION_REASON_NONE, now);
                remedy_tell(core, r);
        } else {
                remedy_become(r, ACTION_INTENDED, ACTION_REASON_NONE, now);
                r->begun_boot = now->boot;
                r->lease_end = now->boot + r->request.lease;
                remedy_write_down(core, r);
        }
}

static void applied(struct remedy_core *core, struct remedy *r, const struct remedy_result *result, const struct remedy_time *now)
{
        if (result->outcome == REMEDY_UNCHANGED) {
                remedy_refuse(core, r, result->reason == ACTION_REASON_NONE ? ACTION_REASON_FAILED : result->reason, now);
                return;
        }
        if (result->outcome != REMEDY_DONE) {
                remedy_start_revert(core, r, result->reason == ACTION_REASON_NONE ? ACTION_REASON_FAILED : result->reason, now);
                return;
        }
        r->ours = r->present = result->present;
        remedy_become(r, ACTION_APPLIED, ACTION_REASON_NONE, now);
        remedy_write_down(core, r);
        remedy_tell(core, r);
}

/* What waited for a step or a write to end. */
static void follow(struct remedy_core *core, struct remedy *r, const struct remedy_time *now)
{
        if (r->revert_wanted) {
                remedy_start_revert(core, r, r->revert_reason, now);
        } else if (r->extend_wanted && r->state == ACTION_APPLIED && r->step == REMEDY_STEP_NONE && !r->writing && !r->unsaved) {
                r->extend_wanted = false;
                remedy_run(core, r, REMEDY_STEP_EXTEND);
        }
}

/* One that cannot be told the end of its lease ends by itself, when nobody expects it. */
static void extended(struct remedy_core *core, struct remedy *r, const struct remedy_result *result, const struct remedy_time *now)
{
        if (result->outcome != REMEDY_DONE)
                remedy_start_revert(core, r, result->reason == ACTION_REASON_NONE ? ACTION_REASON_FAILED : result->reason, now);
        else
                follow(core, r, now);
}

static void verified(struct remedy_core *core, struct remedy *r, const struct remedy_result *result, const struct remedy_time *now)
{
        r->left_behind = false;
        r->verdict = result->outcome == REMEDY_DONE ? result->verdict : ACTION_VERDICT_UNKNOWN;
        if (r->verdict == ACTION_VERDICT_FALSIFIED) {
                remedy_start_revert(core, r, ACTION_REASON_UNVERIFIED, now);
                return;
        }
        remedy_write_down(core, r);
        remedy_tell(core, r);
}

static void reverted(struct remedy_core *core, struct remedy *r, const struct remedy_result *result, const struct remedy_time *now)
{
        enum action_reason reason = r->reason;

        if (result->outcome == REMEDY_GONE) {
                remedy_settle(core, r, ACTION_REVERTED, ACTION_REASON_GONE, now);
                return;
        }
        r->present = result->present;
        if (result->outcome == REMEDY_OTHERS) {
                remedy_settle(core, r, ACTION_YIELDED, ACTION_REASON_CHANGED, now);
        } else if (result->outcome == REMEDY_DONE && action_digest_equal(&r->present, &r->former)) {
                remedy_settle(core, r, ACTION_REVERTED, reason, now);
        } else if (++r->revert_attempts < REVERT_ATTEMPTS) {
                r->retry_at = now->boot + (RETRY_NS << (r->revert_attempts - 1));
        } else {
                remedy_settle(core, r, ACTION_STUCK, result->reason == ACTION_REASON_NONE ? ACTION_REASON_FAILED : result->reason,
                              now);
        }
}

void remedy_stepped(struct remedy_core *core, uint32_t index, const struct remedy_result *result, const struct remedy_time *now)
{
        struct remedy *r = &core->remedies[index];
        enum remedy_step step = r->step;

        r->step = REMEDY_STEP_NONE;
        switch (step) {
        case REMEDY_STEP_PREPARE:
                prepared(core, r, result, now);
                break;
        case REMEDY_STEP_APPLY:
                applied(core, r, result, now);
                break;
        case REMEDY_STEP_VERIFY:
                verified(core, r, result, now);
                break;
        case REMEDY_STEP_EXTEND:
                extended(core, r, result, now);
                break;
        case REMEDY_STEP_REVERT:
                reverted(core, r, result, now);
                break;
        case REMEDY_STEP_NONE:
                break;
        }
}

void remedy_written(struct remedy_core *core, uint32_t index, bool ok, const struct remedy_time *now)
{
        struct remedy *r = &core->remedies[index];

        r->writing = false;
        if (r->tentative) {
                r->tentative = false;
                if (!ok) {
                        r->state = r->before.state;
                        r->lease_end = r->before.lease_end;
                        r->verified = r->before.verified;
                        r->reason = ACTION_REASON_JOURNAL;
                }
                remedy_tell(core, r);
                if (ok && r->state == ACTION_REVERTING) {
                        remedy_run(core, r, REMEDY_STEP_REVERT);
                        return;
                }
                r->extend_wanted = ok && r->state == ACTION_APPLIED && r->request.extends;
        } else if (r->unsaved) {
                r->unsaved = !ok;
                r->retry_at = ok ? 0 : now->boot + RETRY_NS;
                if (ok) {
                        r->left_behind = false;
                        remedy_tell(core, r);
                }
        } else if (r->state == ACTION_INTENDED && !ok) {
                r->revert_wanted = false;
                remedy_refuse(core, r, ACTION_REASON_JOURNAL, now);
                return;
        } else if (r->state == ACTION_INTENDED) {
                if (r->revert_wanted)
                        remedy_refuse(core, r, r->revert_reason, now); /* nothing was changed yet */
                else
                        remedy_run(core, r, REMEDY_STEP_APPLY);
                r->revert_wanted = false;
                return;
        } else if (r->state == ACTION_APPLIED && !ok) {
                /* The intent is on disk, so that the next life would undo it: this one does so at once. */
                remedy_start_revert(core, r, ACTION_REASON_JOURNAL, now);
                return;
        } else if (r->state == ACTION_APPLIED && r->verdict == ACTION_VERDICT_NONE && !r->revert_wanted) {
                remedy_run(core, r, REMEDY_STEP_VERIFY);
                return;
        } else if (r->state == ACTION_REVERTING && r->step == REMEDY_STEP_NONE) {
                remedy_run(core, r, REMEDY_STEP_REVERT); /* also if it could not be written: the next life comes to the same */
                return;
        }
        follow(core, r, now);
}

bool remedy_holds(const struct remedy *r)
{
        return r->request.one_way || (r->verified && !r->request.temporary);
}

void remedy_tick(struct remedy_core *core, const struct remedy_time *now)
{
        for (size_t i = 0; i < REMEDY_MAX; i++) {
                struct remedy *r = &core->remedies[i];

                if (r->retry_at && now->boot >= r->retry_at && r->step == REMEDY_STEP_NONE && !r->writing) {
                        r->retry_at = 0;
                        if (r->unsaved)
                                remedy_write_down(core, r);
                        else
                                remedy_run(core, r, REMEDY_STEP_REVERT);
                }
                if (!r->lease_end || now->boot < r->lease_end)
                        continue;
                if (r->state == ACTION_APPLIED && remedy_holds(r) && !r->revert_wanted) {
                        if (r->step == REMEDY_STEP_NONE && !r->writing)
                                remedy_settle(core, r, ACTION_HELD, ACTION_REASON_LEASE, now);
                } else if (r->state == ACTION_INTENDED || r->state == ACTION_APPLIED) {
                        r->lease_end = 0;
                        remedy_start_revert(core, r, ACTION_REASON_LEASE, now);
                }
        }
}

int64_t remedy_next(const struct remedy_core *core)
{
        int64_t next = INT64_MAX;

        for (size_t i = 0; i < REMEDY_MAX; i++) {
                const struct remedy *r = &core->remedies[i];

                if (r->state == 0)
                        continue;
                if (r->retry_at)
                        next = MIN(next, r->retry_at);
                if (r->lease_end && (r->state == ACTION_APPLIED || r->state == ACTION_INTENDED))
                        next = MIN(next, r->lease_end);
        }
        return next;
}
