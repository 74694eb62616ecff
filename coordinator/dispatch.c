#include "coordinator/dispatch.h"
#include "coordinator/action_names.h"
#include "coordinator/host_actions.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TARGET_BITS 8
/* What is told again has to be taken at once, or not at all: the next telling says the same. */
#define TOLD_FOR (30 * NSEC_PER_SEC)
#define NOTHING_OF_IT "the host's agent knows nothing of it"

_Static_assert(PLAN_TARGETS_MAX <= 1 << TARGET_BITS, "the number of a target is a part of the key");

int dispatch_key(const char *log, const struct plan *plan, uint64_t remedy, uint32_t target, struct action_key *ret_key)
{
        size_t length = strlen(log) + 1;
        CLEANUP_FREE uint8_t *text = malloc(length + DIGEST_SIZE);
        uint8_t digest[DIGEST_SIZE];
        int r;

        if (!text)
                return -ENOMEM;
        memcpy(text, log, length);
        memcpy(text + length, plan->digest, DIGEST_SIZE);
        r = digest_of(text, length + DIGEST_SIZE, digest);
        if (r < 0)
                return r;
        memcpy(&ret_key->high, digest, sizeof(ret_key->high));
        ret_key->low = remedy << TARGET_BITS | target;
        return 0;
}

void dispatch_meant(struct action_key key, uint64_t *ret_remedy, uint32_t *ret_target)
{
        *ret_remedy = key.low >> TARGET_BITS;
        *ret_target = key.low & ((1u << TARGET_BITS) - 1);
}

static int no(const char **ret_why, const char *why)
{
        *ret_why = why;
        return -ENOTSUP;
}

static int fill_parameters(const struct plan *plan, const struct plan_target *t, enum action_kind kind, struct action_parameters *p,
                           const char **ret_why)
{
        switch (kind) {
        case ACTION_SERVICE_ROLLBACK:
                /* From the build that is the cause, to the one before it. */
                p->from = action_text_digest(plan->to_build);
                p->to = action_text_digest(plan->from_build);
                return 0;
        case ACTION_SERVICE_SCALE:
                if (t->instances == 0)
                        return no(ret_why, "how many instances there are is not known");
                p->instances = t->instances + 1;
                return 0;
        case ACTION_OBSERVE_RAISE:
                p->tier = 2;
                return 0;
        default: /* nothing is left to be said (plan_cannot) */
                return 0;
        }
}

static enum action_order order_of(enum order_kind kind)
{
        static const enum action_order orders[] = {
                [ORDER_APPLY] = ACTION_ORDER_APPLY, [ORDER_HOLD] = ACTION_ORDER_CLOSE, [ORDER_REVERT] = ACTION_ORDER_REVERT
        };

        return orders[kind];
}

int dispatch_make(const struct order *o, const char *log, int64_t now, struct dispatch *d, const char **ret_why)
{
        const struct plan *plan = o->plan;
        const struct plan_target *t = &plan->targets[o->target];
        struct action_dispatch *m = &d->message;
        int r;

        *d = (struct dispatch){ .message = { .order = order_of(o->kind),
                                             .kind = action_kind_parse(plan->action->name),
                                             .epoch = o->epoch,
                                             .expires = now + (o->kind == ORDER_APPLY ? o->expires_in : TOLD_FOR),
                                             .by_person = o->by_person,
                                             /* What is held was verified. */
                                             .verified = o->kind == ORDER_HOLD } };
        r = dispatch_key(log, plan, o->remedy, o->target, &m->key);
        if (r < 0)
                return r;
        *ret_why = plan_cannot(plan->action, plan->service);
        if (*ret_why)
                return -ENOTSUP;
        strcpy(d->service, plan->service);
        m->service = d->service;
        m->prediction.signal = "";
        memcpy(m->plan.bytes, plan->digest, sizeof(m->plan.bytes));
        if (o->kind != ORDER_APPLY)
                return 0;
        m->lease = MIN(o->lease, ACTION_LEASE_MAX);
        d->target = (struct action_target){ .pid = t->pid, .started = t->started, .build = action_text_digest(t->build) };
        m->targets = &d->target;
        m->targets_count = 1;
        if (!isnan(t->bound))
                m->prediction = (struct action_prediction){ plan->predicts.signal, plan->predicts.rises ? 1 : -1, t->bound,
                                                            plan->predicts.within };
        return fill_parameters(plan, t, m->kind, &m->parameters, ret_why);
}

static bool says(char why[PLAN_WHY_MAX], const struct host_action *a, const char *what)
{
        const char *reason = a->reason == ACTION_REASON_NONE ? "" : action_reason_name(a->reason);

        snprintf(why, PLAN_WHY_MAX, "%s%s%s%s%s%s", what, *reason ? " (" : "", reason, *reason ? ")" : "", *a->detail ? ": " : "",
                 a->detail);
        return true;
}

/* Nothing was changed, or nothing is known there of any change. */
static bool refused(const struct host_action *a, enum target_state state, bool changed, enum outcome *ret, char *why)
{
        switch (state) {
        case TARGET_ORDERED:
                *ret = OUTCOME_REFUSED;
                return says(why, a, "the host's agent refuses");
        case TARGET_REVERTING:
                *ret = changed ? OUTCOME_STUCK : OUTCOME_REVERTED;
                return says(why, a, changed ? NOTHING_OF_IT " any more" : "nothing was changed");
        case TARGET_VERIFIED:
                /* No lease ends there any more, so it stays. */
                *ret = OUTCOME_HELD;
                return a->reason == ACTION_REASON_UNKNOWN_KEY && says(why, a, NOTHING_OF_IT " any more");
        default:
                return false;
        }
}

bool dispatch_outcome(const struct host_action *a, enum target_state state, bool changed, enum outcome *ret, char why[PLAN_WHY_MAX])
{
        bool out = state == TARGET_ORDERED || state == TARGET_APPLIED || state == TARGET_FAILED || state == TARGET_REVERTING ||
                   state == TARGET_VERIFIED || state == TARGET_HELD;

        *why = '\0';
        switch (a->state) {
        case ACTION_REFUSED:
                return refused(a, state, changed, ret, why);
        case ACTION_APPLIED:
                *ret = OUTCOME_APPLIED;
                return state == TARGET_ORDERED;
        case ACTION_HELD:
        case ACTION_CLOSED:
                /* An answer that was lost: it was applied, and verified by whoever closed it. */
                *ret = state == TARGET_ORDERED ? OUTCOME_APPLIED : OUTCOME_HELD;
                return state == TARGET_ORDERED || state == TARGET_VERIFIED;
        case ACTION_REVERTED:
                *ret = OUTCOME_REVERTED;
                return out && says(why, a, "undone");
        case ACTION_YIELDED:
                *ret = OUTCOME_REVERTED;
                return out && says(why, a, "somebody else changed it since, and it was left so");
        case ACTION_STUCK:
                *ret = OUTCOME_STUCK;
                return out && says(why, a, "it cannot be undone");
        default:
                return false; /* it is being done, or was only looked at */
        }
}

int dispatch_report(const struct acting *acting, const char *log, const char *host, const struct host_action *row,
                    struct report *ret_report, char why[PLAN_WHY_MAX])
{
        struct report report = { .host = host, .why = why };
        const struct remedy *m;
        struct action_key key;
        int r;

        dispatch_meant(row->key, &report.remedy, &report.target);
        m = acting_find(acting, report.remedy);
        if (!m || report.target >= m->plan.count || strcmp(m->plan.targets[report.target].host, host) ||
            !dispatch_outcome(row, m->targets[report.target], m->changed[report.target], &report.outcome, why))
                return 0;
        r = dispatch_key(log, &m->plan, m->id, report.target, &key);
        if (r < 0 || !action_key_equal(key, row->key))
                return r;
        *ret_report = report;
        return 1;
}
