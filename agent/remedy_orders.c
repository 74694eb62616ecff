/* What an order does: begins a remedy, changes its lease, undoes it. */
#include "agent/remedy_internal.h"

#define KEEP_NS (24 * 3600 * NSEC_PER_SEC)
#define KEEP_UNDOABLE_NS (7 * KEEP_NS)

int remedy_find(const struct remedy_core *core, struct action_key key)
{
        for (int i = 0; i < (int)REMEDY_MAX; i++)
                if (core->remedies[i].state != 0 && action_key_equal(core->remedies[i].request.key, key))
                        return i;
        return -1;
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
                remedy_want(core, &(struct remedy_effect){ .kind = REMEDY_EFFECT_FORGET,
                                                           .index = remedy_place(core, oldest),
                                                           .key = oldest->request.key });
        return oldest;
}

static int begin(struct remedy_core *core, struct remedy *r, const struct remedy_request *q, const struct remedy_time *now)
{
        enum action_reason reason = remedy_refuses(core, q, r ? (int)remedy_place(core, r) : -1, now);

        if (!r)
                r = make_room(core, now);
        if (!r) {
                remedy_want(core, &(struct remedy_effect){ .kind = REMEDY_EFFECT_REFUSE,
                                                           .key = q->key,
                                                           .action = q->kind,
                                                           .reason = ACTION_REASON_RATE,
                                                           .epoch = q->epoch });
                return -1;
        }
        *r = (struct remedy){ .request = *q, .this_boot = true, .begun_boot = now->boot, .fresh = true };
        if (reason != ACTION_REASON_NONE) {
                remedy_refuse(core, r, reason, now);
        } else {
                remedy_become(r, REMEDY_PREPARING, ACTION_REASON_NONE, now);
                remedy_run(core, r, REMEDY_STEP_PREPARE);
        }
        return (int)remedy_place(core, r);
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
        int64_t lease = q->lease;

        /* A temporary measure ends, however often somebody wants it kept. */
        if (r->request.temporary)
                lease = MIN(lease, r->request.lease_max - remedy_age(r, now));
        if ((r->state != ACTION_APPLIED && r->state != ACTION_HELD) || r->writing || r->unsaved || r->revert_wanted ||
            (closing && (!verified || r->request.temporary)) ||
            (!closing && (!q->allowed || core->stopped || lease <= 0 || q->lease > r->request.lease_max))) {
                remedy_tell(core, r);
                return;
        }
        remember(r);
        r->verified = verified;
        r->state = closing ? ACTION_CLOSED : ACTION_APPLIED;
        r->lease_end = closing ? 0 : now->boot + lease;
        r->request.epoch = q->epoch;
        r->at_wall = now->wall;
        remedy_write_down(core, r);
}

static void order_revert(struct remedy_core *core, struct remedy *r, const struct remedy_time *now)
{
        bool rests = r->state == ACTION_HELD || r->state == ACTION_CLOSED || r->state == ACTION_STUCK;

        if (r->state == REMEDY_PREPARING) {
                r->revert_wanted = true;
        } else if (r->request.one_way || (rests && (r->writing || r->unsaved))) {
                remedy_tell(core, r);
        } else if (r->state == ACTION_INTENDED || r->state == ACTION_APPLIED) {
                remedy_start_revert(core, r, ACTION_REASON_ORDERED, now);
        } else if (rests) {
                /* No lease presses, and a life that knew nothing of it would tell what is not true: written first. */
                remember(r);
                r->revert_attempts = 0;
                remedy_become(r, ACTION_REVERTING, ACTION_REASON_ORDERED, now);
                remedy_write_down(core, r);
        } else {
                remedy_tell(core, r);
        }
}

int remedy_order(struct remedy_core *core, const struct remedy_request *q, const struct remedy_time *now)
{
        int place = remedy_find(core, q->key);
        struct remedy *r = place >= 0 ? &core->remedies[place] : NULL;
        bool begins = q->order == ACTION_ORDER_CHECK || q->order == ACTION_ORDER_APPLY;

        if (place >= 0 && begins && r->state != ACTION_CHECKED && (r->state != ACTION_REFUSED || q->order != ACTION_ORDER_CHECK)) {
                remedy_tell(core, r);
                return (int)remedy_place(core, r);
        }
        if (begins)
                return begin(core, r, q, now);
        if (!r) {
                remedy_want(core, &(struct remedy_effect){ .kind = REMEDY_EFFECT_REFUSE,
                                                           .key = q->key,
                                                           .action = q->kind,
                                                           .reason = ACTION_REASON_UNKNOWN_KEY,
                                                           .epoch = q->epoch });
                return -1;
        }
        if (q->epoch != core->epoch || q->expires <= now->wall) {
                remedy_tell(core, r); /* the summary says which epoch was heard */
                return (int)remedy_place(core, r);
        }
        if (q->order == ACTION_ORDER_REVERT)
                order_revert(core, r, now);
        else
                change_lease(core, r, q, now);
        return (int)remedy_place(core, r);
}
