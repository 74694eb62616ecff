/* What a former life left in the journal: taken in, and settled before anything else. */
#include "agent/remedy_internal.h"

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
                remedy_settle(core, r, ACTION_REVERTED, ACTION_REASON_GONE, now);
        } else if (r->state != ACTION_APPLIED) {
                remedy_start_revert(core, r, ACTION_REASON_RESTARTED, now);
        } else if ((!r->this_boot || now->boot >= r->lease_end) && !remedy_holds(r)) {
                remedy_start_revert(core, r, r->this_boot ? ACTION_REASON_LEASE : ACTION_REASON_RESTARTED, now);
        } else {
                /* Looked at again, whatever was found before: a revert may have begun that was not written down. */
                r->lease_end = r->this_boot ? r->lease_end : now->boot;
                r->extend_wanted = r->request.extends;
                remedy_run(core, r, REMEDY_STEP_VERIFY);
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
                remedy_tell(core, r);
        }
}
