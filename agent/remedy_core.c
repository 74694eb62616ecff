#include "agent/remedy_core.h"

#include <string.h>

#define REVERT_ATTEMPTS 3u
#define RETRY_NS (2 * NSEC_PER_SEC) /* doubles */
#define KEEP_NS (24 * 3600 * NSEC_PER_SEC)
#define KEEP_UNDOABLE_NS (7 * KEEP_NS)

void remedy_core_init(struct remedy_core *core, const struct remedy_limits *limits)
{
        *core = (struct remedy_core){ .limits = *limits };
}

static void want(struct remedy_core *core, const struct remedy_effect *effect)
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

static uint32_t place(const struct remedy_core *core, const struct remedy *r)
{
        return (uint32_t)(r - core->remedies);
}

static void tell(struct remedy_core *core, const struct remedy *r)
{
        want(core, &(struct remedy_effect){ .kind = REMEDY_EFFECT_TELL, .index = place(core, r) });
}

static void run(struct remedy_core *core, struct remedy *r, enum remedy_step step)
{
        r->step = step;
        want(core, &(struct remedy_effect){ .kind = REMEDY_EFFECT_STEP, .index = place(core, r), .step = step });
}

static void write_down(struct remedy_core *core, struct remedy *r)
{
        r->writing = true;
        want(core, &(struct remedy_effect){ .kind = REMEDY_EFFECT_WRITE, .index = place(core, r) });
}

static void become(struct remedy *r, enum action_state state, enum action_reason reason, const struct remedy_time *now)
{
        r->state = state;
        r->reason = reason;
        r->at_wall = now->wall;
}

/* It ended. That is told, and room is made for others, once it is on disk: the next life would undo it again,
 * and with it what somebody did meanwhile. */
static void settle(struct remedy_core *core, struct remedy *r, enum action_state state, enum action_reason reason,
                   const struct remedy_time *now)
{
        become(r, state, reason, now);
        r->retry_at = r->lease_end = 0;
        r->unsaved = true;
        write_down(core, r);
        if (state == ACTION_STUCK)
                tell(core, r);
}

static void refuse(struct remedy_core *core, struct remedy *r, enum action_reason reason, const struct remedy_time *now)
{
        bool written = r->state == ACTION_INTENDED;

        become(r, ACTION_REFUSED, reason, now);
        r->lease_end = 0;
        r->revert_wanted = false;
        if (written)
                want(core, &(struct remedy_effect){ .kind = REMEDY_EFFECT_FORGET, .index = place(core, r), .key = r->request.key });
        tell(core, r);
}

static void start_revert(struct remedy_core *core, struct remedy *r, enum action_reason reason, const struct remedy_time *now)
{
        if (r->step != REMEDY_STEP_NONE || r->writing) {
                if (!r->revert_wanted)
                        r->revert_reason = reason;
                r->revert_wanted = true;
                return;
        }
        r->revert_wanted = false;
        if (r->request.one_way) {
                settle(core, r, ACTION_STUCK, reason, now);
                return;
        }
        become(r, ACTION_REVERTING, reason, now);
        r->retry_at = r->lease_end = 0;
        r->unsaved = false;
        write_down(core, r);
        tell(core, r);
}

bool remedy_epoch_is_new(const struct remedy_core *core, uint64_t epoch)
{
        return epoch > core->epoch;
}

void remedy_epoch_written(struct remedy_core *core, uint64_t epoch)
{
        core->epoch = MAX(core->epoch, epoch);
}

static struct remedy *find(struct remedy_core *core, struct action_key key)
{
        for (size_t i = 0; i < REMEDY_MAX; i++)
                if (core->remedies[i].state != 0 && action_key_equal(core->remedies[i].request.key, key))
                        return &core->remedies[i];
        return NULL;
}

/* An empty place, or that of the oldest one that may be forgotten. */
static struct remedy *make_room(struct remedy_core *core, const struct remedy_time *now)
{
        struct remedy *oldest = NULL;

        for (size_t i = 0; i < REMEDY_MAX; i++) {
                struct remedy *r = &core->remedies[i];
                int64_t age = remedy_age(r, now);
                bool may;

                if (r->state == 0)
                        return r;
                may = r->state == ACTION_CHECKED || r->state == ACTION_REFUSED ||
                      ((r->state == ACTION_REVERTED || r->state == ACTION_YIELDED) && age >= KEEP_NS) ||
                      ((r->state == ACTION_CLOSED || r->state == ACTION_HELD) && age >= KEEP_UNDOABLE_NS);
                if (may && !r->writing && r->step == REMEDY_STEP_NONE && (!oldest || age > remedy_age(oldest, now)))
                        oldest = r;
        }
        if (oldest && oldest->state != ACTION_CHECKED && oldest->state != ACTION_REFUSED)
                want(core, &(struct remedy_effect){
                                   .kind = REMEDY_EFFECT_FORGET, .index = place(core, oldest), .key = oldest->request.key });
        return oldest;
}

static int begin(struct remedy_core *core, struct remedy *r, const struct remedy_request *q, const struct remedy_time *now)
{
        enum action_reason reason = remedy_refuses(core, q, r ? (int)place(core, r) : -1, now);

        if (!r)
                r = make_room(core, now);
        if (!r) {
                want(core, &(struct remedy_effect){ .kind = REMEDY_EFFECT_REFUSE,
                                                    .key = q->key,
                                                    .action = q->kind,
                                                    .reason = ACTION_REASON_RATE,
                                                    .epoch = q->epoch });
                return -1;
        }
        *r = (struct remedy){ .request = *q, .this_boot = true, .begun_boot = now->boot, .fresh = true };
        if (reason != ACTION_REASON_NONE) {
                refuse(core, r, reason, now);
        } else {
                become(r, REMEDY_PREPARING, ACTION_REASON_NONE, now);
                run(core, r, REMEDY_STEP_PREPARE);
        }
        return (int)place(core, r);
}

static void remember(struct remedy *r)
{
        r->before.state = r->state;
        r->before.lease_end = r->lease_end;
        r->before.verified = r->verified;
        r->tentative = true;
}

/* KEEP and CLOSE count once they are written: until then, and if that fails, all is as before. */
static void change_lease(struct remedy_core *core, struct remedy *r, const struct remedy_request *q, const struct remedy_time *now)
{
        bool closing = q->order == ACTION_ORDER_CLOSE, verified = r->verified || q->verified;

        if ((r->state != ACTION_APPLIED && r->state != ACTION_HELD) || r->writing || r->unsaved || r->revert_wanted ||
            (closing && (!verified || r->request.temporary)) || (!closing && (q->lease <= 0 || q->lease > r->request.lease_max))) {
                tell(core, r);
                return;
        }
        remember(r);
        r->verified = verified;
        r->state = closing ? ACTION_CLOSED : ACTION_APPLIED;
        r->lease_end = closing ? 0 : now->boot + q->lease;
        r->request.epoch = q->epoch;
        r->at_wall = now->wall;
        write_down(core, r);
}

static void order_revert(struct remedy_core *core, struct remedy *r, const struct remedy_time *now)
{
        bool rests = r->state == ACTION_HELD || r->state == ACTION_CLOSED || r->state == ACTION_STUCK;

        if (r->state == REMEDY_PREPARING) {
                r->revert_wanted = true;
        } else if (r->request.one_way || (rests && (r->writing || r->unsaved))) {
                tell(core, r);
        } else if (r->state == ACTION_INTENDED || r->state == ACTION_APPLIED) {
                start_revert(core, r, ACTION_REASON_ORDERED, now);
        } else if (rests) {
                /* No lease presses, and a life that knew nothing of it would tell what is not true: written first. */
                remember(r);
                r->revert_attempts = 0;
                become(r, ACTION_REVERTING, ACTION_REASON_ORDERED, now);
                write_down(core, r);
        } else {
                tell(core, r);
        }
}

int remedy_order(struct remedy_core *core, const struct remedy_request *q, const struct remedy_time *now)
{
        struct remedy *r = find(core, q->key);
        bool begins = q->order == ACTION_ORDER_CHECK || q->order == ACTION_ORDER_APPLY;

        if (r && begins && r->state != ACTION_CHECKED && (r->state != ACTION_REFUSED || q->order != ACTION_ORDER_CHECK)) {
                tell(core, r);
                return (int)place(core, r);
        }
        if (begins)
                return begin(core, r, q, now);
        if (!r) {
                want(core, &(struct remedy_effect){ .kind = REMEDY_EFFECT_REFUSE,
                                                    .key = q->key,
                                                    .action = q->kind,
                                                    .reason = ACTION_REASON_UNKNOWN_KEY,
                                                    .epoch = q->epoch });
                return -1;
        }
        if (q->epoch != core->epoch || q->expires <= now->wall) {
                tell(core, r); /* the summary says which epoch was heard */
                return (int)place(core, r);
        }
        if (q->order == ACTION_ORDER_REVERT)
                order_revert(core, r, now);
        else
                change_lease(core, r, q, now);
        return (int)place(core, r);
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
                        reason = remedy_refuses(core, &r->request, (int)place(core, r), now);
        } else if (reason == ACTION_REASON_NONE) {
                reason = ACTION_REASON_FAILED;
        }
        r->revert_wanted = false;
        if (reason != ACTION_REASON_NONE) {
                refuse(core, r, reason, now);
        } else if (r->request.order == ACTION_ORDER_CHECK) {
                become(r, ACTION_CHECKED, ACTION_REASON_NONE, now);
                tell(core, r);
        } else {
                become(r, ACTION_INTENDED, ACTION_REASON_NONE, now);
                r->begun_boot = now->boot;
                r->lease_end = now->boot + r->request.lease;
                write_down(core, r);
        }
}

static void applied(struct remedy_core *core, struct remedy *r, const struct remedy_result *result, const struct remedy_time *now)
{
        if (result->outcome == REMEDY_UNCHANGED) {
                refuse(core, r, result->reason == ACTION_REASON_NONE ? ACTION_REASON_FAILED : result->reason, now);
                return;
        }
        if (result->outcome != REMEDY_DONE) {
                start_revert(core, r, result->reason == ACTION_REASON_NONE ? ACTION_REASON_FAILED : result->reason, now);
                return;
        }
        r->ours = r->present = result->present;
        become(r, ACTION_APPLIED, ACTION_REASON_NONE, now);
        write_down(core, r);
        tell(core, r);
}

/* What waited for a step or a write to end. */
static void follow(struct remedy_core *core, struct remedy *r, const struct remedy_time *now)
{
        if (r->revert_wanted) {
                start_revert(core, r, r->revert_reason, now);
        } else if (r->extend_wanted && r->state == ACTION_APPLIED && r->step == REMEDY_STEP_NONE && !r->writing && !r->unsaved) {
                r->extend_wanted = false;
                run(core, r, REMEDY_STEP_EXTEND);
        }
}

/* One that cannot be told the end of its lease ends by itself, when nobody expects it. */
static void extended(struct remedy_core *core, struct remedy *r, const struct remedy_result *result, const struct remedy_time *now)
{
        if (result->outcome != REMEDY_DONE)
                start_revert(core, r, result->reason == ACTION_REASON_NONE ? ACTION_REASON_FAILED : result->reason, now);
        else
                follow(core, r, now);
}

static void verified(struct remedy_core *core, struct remedy *r, const struct remedy_result *result, const struct remedy_time *now)
{
        r->left_behind = false;
        r->verdict = result->outcome == REMEDY_DONE ? result->verdict : ACTION_VERDICT_UNKNOWN;
        if (r->verdict == ACTION_VERDICT_FALSIFIED) {
                start_revert(core, r, ACTION_REASON_UNVERIFIED, now);
                return;
        }
        write_down(core, r);
        tell(core, r);
}

static void reverted(struct remedy_core *core, struct remedy *r, const struct remedy_result *result, const struct remedy_time *now)
{
        enum action_reason reason = r->reason;

        if (result->outcome == REMEDY_GONE) {
                settle(core, r, ACTION_REVERTED, ACTION_REASON_GONE, now);
                return;
        }
        r->present = result->present;
        if (result->outcome == REMEDY_OTHERS) {
                settle(core, r, ACTION_YIELDED, ACTION_REASON_CHANGED, now);
        } else if (result->outcome == REMEDY_DONE && action_digest_equal(&r->present, &r->former)) {
                settle(core, r, ACTION_REVERTED, reason, now);
        } else if (++r->revert_attempts < REVERT_ATTEMPTS) {
                r->retry_at = now->boot + (RETRY_NS << (r->revert_attempts - 1));
        } else {
                settle(core, r, ACTION_STUCK, result->reason == ACTION_REASON_NONE ? ACTION_REASON_FAILED : result->reason, now);
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
                tell(core, r);
                if (ok && r->state == ACTION_REVERTING) {
                        run(core, r, REMEDY_STEP_REVERT);
                        return;
                }
                r->extend_wanted = ok && r->state == ACTION_APPLIED && r->request.extends;
        } else if (r->unsaved) {
                r->unsaved = !ok;
                r->retry_at = ok ? 0 : now->boot + RETRY_NS;
                if (ok) {
                        r->left_behind = false;
                        tell(core, r);
                }
        } else if (r->state == ACTION_INTENDED && !ok) {
                r->revert_wanted = false;
                refuse(core, r, ACTION_REASON_JOURNAL, now);
                return;
        } else if (r->state == ACTION_INTENDED) {
                if (r->revert_wanted)
                        refuse(core, r, r->revert_reason, now); /* nothing was changed yet */
                else
                        run(core, r, REMEDY_STEP_APPLY);
                r->revert_wanted = false;
                return;
        } else if (r->state == ACTION_APPLIED && !ok) {
                /* The intent is on disk, so that the next life would undo it: this one does so at once. */
                start_revert(core, r, ACTION_REASON_JOURNAL, now);
                return;
        } else if (r->state == ACTION_APPLIED && r->verdict == ACTION_VERDICT_NONE && !r->revert_wanted) {
                run(core, r, REMEDY_STEP_VERIFY);
                return;
        } else if (r->state == ACTION_REVERTING && r->step == REMEDY_STEP_NONE) {
                run(core, r, REMEDY_STEP_REVERT); /* also if it could not be written: the next life comes to the same */
                return;
        }
        follow(core, r, now);
}

/* What a lapse of the lease means. What cannot be undone is held, whatever is known of it. */
static bool holds(const struct remedy *r)
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
                                write_down(core, r);
                        else
                                run(core, r, REMEDY_STEP_REVERT);
                }
                if (!r->lease_end || now->boot < r->lease_end)
                        continue;
                if (r->state == ACTION_APPLIED && holds(r) && !r->revert_wanted) {
                        if (r->step == REMEDY_STEP_NONE && !r->writing)
                                settle(core, r, ACTION_HELD, ACTION_REASON_LEASE, now);
                } else if (r->state == ACTION_INTENDED || r->state == ACTION_APPLIED) {
                        r->lease_end = 0;
                        start_revert(core, r, ACTION_REASON_LEASE, now);
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

int remedy_load(struct remedy_core *core, const struct remedy *remedy, uint32_t *ret_index)
{
        for (uint32_t i = 0; i < REMEDY_MAX; i++) {
                struct remedy *r = &core->remedies[i];

                if (r->state != 0)
                        continue;
                *r = *remedy;
                r->step = REMEDY_STEP_NONE;
                r->writing = r->revert_wanted = r->extend_wanted = r->tentative = r->unsaved = r->fresh = false;
                r->revert_attempts = 0;
                r->retry_at = 0;
                r->left_behind = remedy_is_live(r);
                core->epoch = MAX(core->epoch, r->request.epoch);
                *ret_index = i;
                return 0;
        }
        return -ENOSPC;
}

/* What a former life left: whose fate is not known is undone, as nobody saw it verified. */
static void reconcile(struct remedy_core *core, struct remedy *r, const struct remedy_time *now)
{
        if (r->request.gone_with_boot && !r->this_boot) {
                settle(core, r, ACTION_REVERTED, ACTION_REASON_GONE, now);
        } else if (r->state != ACTION_APPLIED) {
                start_revert(core, r, ACTION_REASON_RESTARTED, now);
        } else if ((!r->this_boot || now->boot >= r->lease_end) && !holds(r)) {
                start_revert(core, r, r->this_boot ? ACTION_REASON_LEASE : ACTION_REASON_RESTARTED, now);
        } else {
                /* Looked at again, whatever was found before: a revert may have begun that was not written down. */
                r->lease_end = r->this_boot ? r->lease_end : now->boot;
                r->extend_wanted = r->request.extends;
                run(core, r, REMEDY_STEP_VERIFY);
        }
}

void remedy_reconcile(struct remedy_core *core, const struct remedy_time *now)
{
        for (size_t i = 0; i < REMEDY_MAX; i++) {
                struct remedy *r = &core->remedies[i];

                if (r->state == 0)
                        continue;
                if (remedy_is_live(r))
                        reconcile(core, r, now);
                tell(core, r);
        }
}
