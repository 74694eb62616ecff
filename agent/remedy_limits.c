/* What this host allows by itself, whoever asks. */
#include "agent/remedy_internal.h"

#define HOUR_NS (3600 * NSEC_PER_SEC)
#define DAY_NS (24 * HOUR_NS)
#define EXPIRY_MAX_NS HOUR_NS /* further ahead a wall clock is wrong, or somebody lies */

bool remedy_epoch_is_far(const struct remedy_core *core, uint64_t epoch)
{
        return core->epoch > 0 && epoch > core->epoch && epoch - core->epoch > REMEDY_EPOCH_STEP_MAX;
}

bool remedy_is_live(const struct remedy *r)
{
        return r->unsaved || r->state == REMEDY_PREPARING || r->state == ACTION_INTENDED || r->state == ACTION_APPLIED ||
               r->state == ACTION_REVERTING;
}

int64_t remedy_age(const struct remedy *r, const struct remedy_time *now)
{
        return r->this_boot ? now->boot - r->begun_boot : now->boot;
}

/* True if it was begun: its intent was, or is being, written. */
static bool counts(const struct remedy *r)
{
        return r->state >= ACTION_INTENDED && r->state < ACTION_STATES;
}

static enum action_reason budget(const struct remedy_core *core, const struct remedy_request *q, int except,
                                 const struct remedy_time *now)
{
        int64_t live = 0, hour = 0, day = 0;
        bool cooling = false;

        for (int i = 0; i < (int)REMEDY_MAX; i++) {
                const struct remedy *r = &core->remedies[i];
                bool same = r->request.service == q->service;

                if (r->state == 0 || i == except)
                        continue;
                if (r->state == ACTION_STUCK && r->request.kind == q->kind)
                        return ACTION_REASON_LATCHED;
                /* Settled later than anything else, as what it left behind is not known before. */
                if (r->left_behind || (same && remedy_is_live(r)))
                        return ACTION_REASON_BUSY;
                live += remedy_is_live(r);
                if (!counts(r))
                        continue;
                hour += remedy_age(r, now) < HOUR_NS;
                day += same && remedy_age(r, now) < DAY_NS;
                cooling |= same && remedy_age(r, now) < core->limits.cooldown;
        }
        if (live >= core->limits.concurrent)
                return ACTION_REASON_BUSY;
        if (hour >= core->limits.per_hour)
                return ACTION_REASON_RATE;
        if (day >= core->limits.attempts)
                return ACTION_REASON_LATCHED;
        return cooling ? ACTION_REASON_COOLING : ACTION_REASON_NONE;
}

enum action_reason remedy_refuses(const struct remedy_core *core, const struct remedy_request *q, int except,
                                  const struct remedy_time *now)
{
        if (!q->allowed)
                return ACTION_REASON_NOT_ALLOWED;
        if (core->stopped)
                return ACTION_REASON_STOPPED;
        if (q->epoch < core->epoch || remedy_epoch_is_far(core, q->epoch))
                return ACTION_REASON_EPOCH;
        if (q->epoch > core->epoch || core->damaged)
                return ACTION_REASON_JOURNAL;
        if (q->expires <= now->wall || q->expires - now->wall > EXPIRY_MAX_NS)
                return ACTION_REASON_EXPIRED;
        if (q->lease <= 0 || q->lease > q->lease_max)
                return ACTION_REASON_PARAMETERS;
        if (q->one_way && !q->by_person)
                return ACTION_REASON_ONE_WAY;
        return budget(core, q, except, now);
}
