/* Whether a record follows from the state. Asked before it becomes an entry of the log: one that did not follow would keep
 * the log from ever being read back. It changes nothing. */
#include "coordinator/acting_internal.h"

#include <string.h>

bool remedy_may_go(const struct remedy *m)
{
        return remedy_is_over(m->state) && m->state != REMEDY_STUCK;
}

static bool has_room(const struct acting *a)
{
        if (a->remedies_count < REMEDIES_MAX)
                return true;
        for (uint32_t i = 0; i < a->remedies_count; i++)
                if (remedy_may_go(a->remedies[i]))
                        return true;
        return false;
}

static bool has_unit(const struct acting *a, const struct unit_key *key)
{
        return a->authority.count < AUTHORITY_UNITS_MAX || authority_find(&a->authority, key);
}

/* It may be a success or a failure of the unit. */
static bool is_judged(enum record_kind kind)
{
        return kind == RECORD_RESULT || kind == RECORD_VERDICT || kind == RECORD_STUCK || kind == RECORD_CLOSED;
}

/* What is under way may each need a unit yet, when it is judged. */
bool acting_has_unit(const struct acting *a, const struct unit_key *key)
{
        uint32_t wanted = 1;

        if (authority_find(&a->authority, key))
                return true;
        for (uint32_t i = 0; i < a->remedies_count; i++)
                wanted += !remedy_may_go(a->remedies[i]);
        return a->authority.count + wanted <= AUTHORITY_UNITS_MAX;
}

bool window_goes(const struct window *w, const struct record *r)
{
        return (w->until && w->until <= r->at) ||
               (w->kind == r->window.kind && w->scope == r->window.scope && strcmp(w->name, r->window.name) == 0);
}

static bool has_window(const struct acting *a, const struct record *r)
{
        uint32_t stay = 0;

        for (uint32_t i = 0; i < a->windows_count; i++)
                stay += !window_goes(&a->windows[i], r);
        return stay < WINDOWS_MAX;
}

static bool proposes(const struct acting *a, const struct record *r)
{
        return r->remedy == a->next_remedy + 1 && r->plan.action && r->plan.count > 0 && has_room(a);
}

static bool approves(const struct remedy *m, const struct record *r)
{
        if (m->rung == RUNG_SHADOW && r->mover != MOVER_PERSON)
                return false;
        if (r->mover == MOVER_PLANNER && m->plan.class == CLASS_ONE_WAY)
                return false;
        return memcmp(m->plan.digest, r->digest, DIGEST_SIZE) == 0;
}

static bool intends(const struct acting *a, const struct remedy *m, const struct record *r)
{
        uint32_t next = m->from + m->count;

        return r->from == next && r->count > 0 && r->count <= m->plan.count - next && r->epoch == a->epoch && !m->halted;
}

static bool judges(const struct remedy *m, const struct record *r)
{
        if (m->state != REMEDY_APPLIED || r->verdict == VERDICT_NONE)
                return false;
        for (uint32_t i = 0; i < m->plan.count; i++)
                if (m->targets[i] == TARGET_APPLIED)
                        return true;
        return r->verdict != VERDICT_VERIFIED;
}

bool target_takes(enum target_state state, enum outcome outcome)
{
        switch (outcome) {
        case OUTCOME_APPLIED:
        case OUTCOME_REFUSED:
        case OUTCOME_FAILED:
                return state == TARGET_ORDERED;
        case OUTCOME_HELD:
                return state == TARGET_VERIFIED;
        case OUTCOME_REVERTED:
                return state != TARGET_WAITS && state != TARGET_REFUSED && state != TARGET_REVERTED;
        case OUTCOME_STUCK:
                return state != TARGET_STUCK && (target_is_out(state) || state == TARGET_VERIFIED || state == TARGET_HELD);
        default:
                return false;
        }
}

static bool moves(const struct acting *a, const struct remedy *m, const struct record *r)
{
        switch (r->kind) {
        case RECORD_APPROVED:
                return remedy_may(m->state, REMEDY_APPROVED, r->mover) && approves(m, r);
        case RECORD_REJECTED:
                return remedy_may(m->state, REMEDY_REJECTED, r->mover);
        case RECORD_WITHDRAWN:
                return remedy_may(m->state, REMEDY_WITHDRAWN, r->mover);
        case RECORD_INTENDED:
                return remedy_may(m->state, REMEDY_INTENDED, r->mover) && intends(a, m, r);
        case RECORD_RESULT:
                return r->target < m->plan.count && target_takes(m->targets[r->target], r->outcome);
        case RECORD_VERDICT:
                return judges(m, r);
        case RECORD_REVERTING:
                return remedy_may(m->state, REMEDY_REVERTING, r->mover);
        case RECORD_STUCK:
                return remedy_may(m->state, REMEDY_STUCK, r->mover);
        case RECORD_CLOSED:
                return remedy_may(m->state, REMEDY_CLOSED, r->mover);
        case RECORD_ACKNOWLEDGED:
                return remedy_may(m->state, REMEDY_CLOSED, r->mover) && m->state == REMEDY_STUCK;
        default:
                return false;
        }
}

int acting_follows(const struct acting *a, const struct record *r)
{
        const struct remedy *m;

        switch (r->kind) {
        case RECORD_STARTED:
                return r->epoch > a->epoch ? 0 : -EBADMSG;
        case RECORD_PROPOSED:
                if (!proposes(a, r))
                        return -EBADMSG;
                return acting_has_unit(a, &r->plan.unit) ? 0 : -ENOSPC;
        case RECORD_MANDATE:
                return acting_has_unit(a, &r->unit) ? 0 : -ENOSPC;
        case RECORD_WINDOW:
                return has_window(a, r) ? 0 : -EBADMSG;
        case RECORD_PAUSED:
        case RECORD_RESUMED:
        case RECORD_WINDOW_ENDED:
        case RECORD_POLICY:
                return 0;
        default:
                m = acting_remedy(a, r->remedy);
                if (!m || !moves(a, m, r))
                        return -EBADMSG;
                return is_judged(r->kind) && !has_unit(a, &m->plan.unit) ? -ENOSPC : 0;
        }
}
