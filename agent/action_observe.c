/* observe.raise: the agent times the requests of a service without a break for a while, and not in its duty cycle only.
 * The executor has no probes: it keeps the lease and the journal, and the agent raises its tier for as long as it is told
 * that the action is applied (agent/actions.h), which each new life of the executor tells again. Nothing of the service
 * is touched, and nothing is left when either of them ends. */
#include "agent/action.h"
#include "agent/config_services.h"
#include "agent/digest.h"

#define STEPS_NS (5 * NSEC_PER_SEC)
#define TURNAROUNDS 2u

static const char *forbids(const struct service *service)
{
        return service->observe.present ? NULL : "its observe is not set";
}

static bool never(const struct service *service)
{
        (void)service;
        return false;
}

static int64_t lease_max(const struct service *service)
{
        return service->observe.within;
}

static int64_t patience(const struct service *service)
{
        (void)service;
        return STEPS_NS;
}

static void state_of(const struct action_call *call, unsigned tier, struct action_digest *ret_digest)
{
        digest_text(ret_digest, "service %llu tier %u", (unsigned long long)call->order->service, tier);
}

static void check(struct action_call *call)
{
        if (call->order->tier != TURNAROUNDS) {
                action_unchanged(call, ACTION_REASON_UNSUPPORTED, "this agent can raise the tier of turnarounds only");
                return;
        }
        call->result.outcome = REMEDY_DONE;
        call->result.touched = 1;
        state_of(call, 0, &call->result.former);
        action_say(call, "the times of requests of %.64s, without a break", call->service->name);
}

static void apply(struct action_call *call)
{
        check(call);
        if (call->result.outcome == REMEDY_DONE)
                state_of(call, call->order->tier, &call->result.present);
}

/* Only what is then reported can tell. */
static void verify(struct action_call *call)
{
        call->result.outcome = REMEDY_DONE;
        call->result.verdict = ACTION_VERDICT_UNKNOWN;
}

static void revert(struct action_call *call)
{
        call->result.outcome = REMEDY_DONE;
        state_of(call, 0, &call->result.present);
}

const struct action action_observe = {
        .kind = ACTION_OBSERVE_RAISE,
        .temporary = true,
        .gone_with_boot = true,
        .forbids = forbids,
        .one_way = never,
        .lease_max = lease_max,
        .patience = patience,
        .check = check,
        .apply = apply,
        .verify = verify,
        .revert = revert,
};
