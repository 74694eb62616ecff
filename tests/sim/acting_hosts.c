/* Executors: what an agent does with an order, with a journal that survives and a memory that does not. */
#include "tests/sim/acting_world.h"

#include <string.h>

#define HOST_HOURLY 4

static struct aw_change *find(struct aw_host *h, uint64_t remedy, uint32_t target)
{
        for (uint32_t i = 0; i < h->changes_count; i++)
                if (h->changes[i].remedy == remedy && h->changes[i].target == target)
                        return &h->changes[i];
        return NULL;
}

static bool busy(const struct aw *w, const struct aw_host *h)
{
        uint32_t n = 0, underway = 0;

        for (uint32_t i = 0; i < h->applies_count; i++)
                n += h->applies[i] + 3600 * NSEC_PER_SEC > w->now;
        for (uint32_t i = 0; i < h->changes_count; i++)
                underway += h->changes[i].state == AW_INTENT || h->changes[i].state == AW_APPLIED;
        if (underway >= w->policy.host_at_once)
                return true;
        return n >= HOST_HOURLY || h->applies_count == sizeof(h->applies) / sizeof(*h->applies);
}

static void undo(struct aw *w, struct aw_host *h, struct aw_change *c, const char *why)
{
        struct aw_instance *x = &h->instances[c->service];

        if (!w->calm && aw_chance(w, 8)) {
                c->state = AW_STUCK;
                c->why = "the undoing failed";
                return;
        }
        if (c->changed) {
                x->version = c->former;
                x->pid = ++w->next_pid;
                x->started = w->now;
        }
        c->changed = false;
        c->state = AW_REVERTED;
        c->why = why;
}

/* It dies, perhaps in the middle; what it remembers is its journal. */
static bool dies(struct aw *w, struct aw_host *h)
{
        if (w->calm || !aw_chance(w, 15))
                return false;
        h->up = false;
        h->back_at = w->now + (int64_t)(1 + aw_below(w, 40)) * AW_STEP;
        return true;
}

static void apply(struct aw *w, uint32_t host, const struct aw_message *m)
{
        struct aw_host *h = &w->hosts[host];
        struct aw_instance *x = &h->instances[m->service];
        struct aw_change *c;
        const char *why = NULL;

        if (find(h, m->remedy, m->target))
                return; /* answered with what is known, below */
        if (h->changes_count == sizeof(h->changes) / sizeof(*h->changes))
                return;
        if (m->expires_at <= w->now)
                why = "expired";
        else if (!x->there || x->pid != m->pid || x->started != m->started)
                why = "not the incarnation that was named";
        else if (busy(w, h))
                why = "the host's own limits";
        c = &h->changes[h->changes_count++];
        *c = (struct aw_change){ .remedy = m->remedy, .target = m->target, .service = m->service, .former = x->version };
        if (why) {
                c->state = AW_REFUSED;
                c->why = why;
                return;
        }
        c->state = AW_INTENT;
        c->hold = m->hold;
        c->reversible = m->reversible;
        c->lease_until = w->now + m->lease;
        if (dies(w, h))
                return;
        aw_check_apply(w, host, m);
        w->counts.applied++;
        c->changed = true;
        c->applied_at = w->now;
        h->applies[h->applies_count++] = w->now;
        if (m->rollback)
                x->version--;
        x->pid = ++w->next_pid;
        x->started = w->now;
        if (dies(w, h))
                return;
        c->state = AW_APPLIED;
}

void aw_host_order(struct aw *w, const struct aw_message *m)
{
        struct aw_host *h = &w->hosts[m->host];
        struct aw_change *c;

        if (!h->up)
                return;
        h->heard = MAX(h->heard, m->epoch);
        /* Whatever it says: that it came from a later leader is heard. */
        if (m->epoch < h->epoch)
                return;
        h->epoch = m->epoch;
        if (m->kind == ORDER_APPLY) {
                apply(w, m->host, m);
                return;
        }
        c = find(h, m->remedy, m->target);
        if (m->kind == ORDER_HOLD) {
                if (c && c->state == AW_APPLIED)
                        c->state = AW_HELD;
                return;
        }
        /* Never begun: it never will be. */
        if (!c && h->changes_count < sizeof(h->changes) / sizeof(*h->changes))
                h->changes[h->changes_count++] =
                        (struct aw_change){ .remedy = m->remedy, .target = m->target, .state = AW_REVERTED, .why = "never begun" };
        else if (c && (c->state == AW_APPLIED || c->state == AW_HELD || c->state == AW_INTENT))
                undo(w, h, c, "by order");
        else if (c && c->state == AW_REFUSED)
                c->state = AW_REVERTED;
}

static void tell(struct aw *w, uint32_t host)
{
        static const enum outcome outcomes[] = { [AW_APPLIED] = OUTCOME_APPLIED,
                                                 [AW_HELD] = OUTCOME_HELD,
                                                 [AW_REVERTED] = OUTCOME_REVERTED,
                                                 [AW_REFUSED] = OUTCOME_REFUSED,
                                                 [AW_STUCK] = OUTCOME_STUCK };
        struct aw_host *h = &w->hosts[host];

        for (uint32_t i = 0; i < h->changes_count; i++) {
                struct aw_change *c = &h->changes[i];

                if (c->state == AW_INTENT)
                        continue;
                for (uint32_t k = 0; k < AW_COORDINATORS; k++)
                        aw_send(w, &(struct aw_message){ .host = host,
                                                         .coordinator = k,
                                                         .remedy = c->remedy,
                                                         .target = c->target,
                                                         .outcome = outcomes[c->state],
                                                         .why = c->why });
        }
        /* What is final and old is told no more. */
        for (uint32_t i = 0; h->changes_count > 40 && i < h->changes_count;) {
                struct aw_change *c = &h->changes[i];

                if (c->state == AW_REVERTED || c->state == AW_REFUSED)
                        memmove(c, c + 1, (--h->changes_count - i) * sizeof(*c));
                else
                        i++;
        }
}

void aw_hosts_step(struct aw *w)
{
        for (uint32_t k = 0; k < w->hosts_count; k++) {
                struct aw_host *h = &w->hosts[k];

                if (!h->up && w->now >= h->back_at) {
                        h->up = true;
                        /* Reconciled before anything else: what was begun and not finished is undone. */
                        for (uint32_t i = 0; i < h->changes_count; i++)
                                if (h->changes[i].state == AW_INTENT)
                                        undo(w, h, &h->changes[i], "the agent ended meanwhile");
                }
                if (!h->up)
                        continue;
                (void)dies(w, h);
                if (!h->up)
                        continue;
                for (uint32_t i = 0; i < h->changes_count; i++) {
                        struct aw_change *c = &h->changes[i];

                        if (c->state != AW_APPLIED || c->lease_until > w->now)
                                continue;
                        if (c->reversible)
                                undo(w, h, c, "the lease ended");
                        else
                                c->state = AW_HELD;
                }
                if (aw_chance(w, 400) || w->calm)
                        tell(w, k);
                h->fresh_at = w->now;
                for (uint32_t i = 0; i < AW_COORDINATORS; i++) {
                        if (h->cut[i] ? w->calm || aw_chance(w, 60) : !w->calm && aw_chance(w, 10))
                                h->cut[i] = !h->cut[i];
                }
        }
}
