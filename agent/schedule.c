#include "agent/schedule.h"

#include "proto/wire.h"

#include <stdio.h>
#include <string.h>

#define PUSH_DELAY_NS (50 * NSEC_PER_MSEC)
#define PUSH_SPACE_NS (200 * NSEC_PER_MSEC)
#define PUSH_CREDIT 10u
#define PUSH_REFILL_NS NSEC_PER_SEC

static uint32_t credit(const struct schedule_push *push, int64_t now)
{
        int64_t refilled = push->last ? (now - push->credit_at) / PUSH_REFILL_NS : PUSH_CREDIT;

        return (uint32_t)MIN(push->credit + refilled, (int64_t)PUSH_CREDIT);
}

int64_t schedule_push_at(const struct schedule_push *push, int64_t now)
{
        int64_t at = now + PUSH_DELAY_NS;

        if (push->last)
                at = MAX(at, push->last + PUSH_SPACE_NS);
        if (credit(push, at) == 0)
                at = push->credit_at + PUSH_REFILL_NS;
        return at;
}

void schedule_pushed(struct schedule_push *push, int64_t now)
{
        uint32_t have = credit(push, now);

        /* The refill goes on from where it was, but does not pile up beyond the bucket. */
        if (!push->last || have == PUSH_CREDIT)
                push->credit_at = now;
        else
                push->credit_at += (int64_t)(have - push->credit) * PUSH_REFILL_NS;
        push->credit = have ? have - 1 : 0;
        push->last = now;
}

bool schedule_sweep_due(const struct schedule_sweep *sweep, int64_t interval, int64_t now)
{
        int64_t space = (int64_t)((double)sweep->cost_ns / SCHEDULE_SWEEP_SHARE);

        /* A tenth early is in time: the caller asks once an interval, and that is not exact. */
        space = MIN(MAX(space, interval), 600 * NSEC_PER_SEC);
        return sweep->last == 0 || now - sweep->last >= space - space / 10;
}

void schedule_swept(struct schedule_sweep *sweep, int64_t now, int64_t cost_ns)
{
        sweep->last = now;
        sweep->cost_ns = cost_ns;
}

bool schedule_tier_on(struct schedule_tier *tier, int64_t now, int64_t wall, int64_t *ret_again)
{
        int64_t into = (now - tier->phase) % SCHEDULE_DUTY_CYCLE_NS;
        bool raised = false;
        int64_t again;

        if (into < 0)
                into += SCHEDULE_DUTY_CYCLE_NS;
        again = into < SCHEDULE_DUTY_ON_NS ? SCHEDULE_DUTY_ON_NS - into : SCHEDULE_DUTY_CYCLE_NS - into;
        for (size_t i = 0; i < SCHEDULE_RAISES_MAX; i++) {
                struct schedule_raise *raise = &tier->raises[i];

                if (raise->tier <= 1)
                        continue;
                if (raise->until <= wall) {
                        *raise = (struct schedule_raise){ 0 };
                        continue;
                }
                raised = true;
                again = MIN(again, raise->until - wall);
        }
        *ret_again = now + MAX(again, NSEC_PER_MSEC);
        return tier->always || raised || into < SCHEDULE_DUTY_ON_NS;
}

bool schedule_tier_raised(const struct schedule_tier *tier, int64_t wall)
{
        bool raised = tier->always;

        for (size_t i = 0; i < SCHEDULE_RAISES_MAX; i++)
                raised = raised || (tier->raises[i].tier > 1 && tier->raises[i].until > wall);
        return raised;
}

int64_t schedule_tier_until(int64_t until, int64_t wall)
{
        return MIN(until, wall + WIRE_RAISE_LONGEST);
}

int schedule_tier_raise(struct schedule_tier *tier, const char *service, uint32_t level, int64_t until, int64_t wall)
{
        struct schedule_raise *free_one = NULL, *mine = NULL;

        for (size_t i = 0; i < SCHEDULE_RAISES_MAX; i++) {
                struct schedule_raise *raise = &tier->raises[i];

                if (raise->tier > 1 && strcmp(raise->service, service) == 0)
                        mine = raise;
                else if (raise->tier <= 1 || raise->until <= wall)
                        free_one = raise;
        }
        if (level <= 1) {
                if (mine)
                        *mine = (struct schedule_raise){ 0 };
                return 0;
        }
        if (until <= wall)
                return -EINVAL;
        mine = mine ? mine : free_one;
        if (!mine)
                return -ENOSPC;
        *mine = (struct schedule_raise){ .tier = level, .until = until };
        snprintf(mine->service, sizeof(mine->service), "%s", service);
        return 0;
}
