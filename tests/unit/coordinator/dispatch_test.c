/* What an agent's word means for a target of a remedy: the whole table. And keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "coordinator/action_names.h"
#include "coordinator/dispatch.h"
#include "coordinator/host_actions.h"

#include <math.h>
#include <string.h>

#define NOTHING (-1)
#define A OUTCOME_APPLIED
#define R OUTCOME_REFUSED
#define H OUTCOME_HELD
#define V OUTCOME_REVERTED
#define S OUTCOME_STUCK
#define _ NOTHING

/* By the agent's state, by the target's: waits, ordered, applied, verified, held, refused, failed, reverting, reverted,
 * stuck. */
static const int meanings[ACTION_STATES][TARGET_STUCK + 1] = {
        [ACTION_CHECKED] = { _, _, _, _, _, _, _, _, _, _ },   [ACTION_REFUSED] = { _, R, _, _, _, _, _, V, _, _ },
        [ACTION_INTENDED] = { _, _, _, _, _, _, _, _, _, _ },  [ACTION_APPLIED] = { _, A, _, _, _, _, _, _, _, _ },
        [ACTION_HELD] = { _, A, _, H, _, _, _, _, _, _ },      [ACTION_CLOSED] = { _, A, _, H, _, _, _, _, _, _ },
        [ACTION_REVERTING] = { _, _, _, _, _, _, _, _, _, _ }, [ACTION_REVERTED] = { _, V, V, V, V, _, V, V, _, _ },
        [ACTION_YIELDED] = { _, V, V, V, V, _, V, V, _, _ },   [ACTION_STUCK] = { _, S, S, S, S, _, S, S, _, _ },
};

static void test_meanings(void **state)
{
        (void)state;
        for (int said = ACTION_CHECKED; said < ACTION_STATES; said++)
                for (int target = TARGET_WAITS; target <= TARGET_STUCK; target++) {
                        struct host_action a = { .state = (enum action_state)said };
                        enum outcome outcome = OUTCOMES;
                        char why[PLAN_WHY_MAX];
                        bool any = dispatch_outcome(&a, (enum target_state)target, false, &outcome, why);

                        if (any != (meanings[said][target] != NOTHING) || (any && (int)outcome != meanings[said][target]))
                                fail_msg("%s for a target in state %d: %d", action_state_name((enum action_state)said), target,
                                         any ? (int)outcome : NOTHING);
                }
}

static void test_what_was_forgotten(void **state)
{
        struct host_action a = { .state = ACTION_REFUSED, .reason = ACTION_REASON_UNKNOWN_KEY, .detail = "none such" };
        enum outcome outcome;
        char why[PLAN_WHY_MAX];

        (void)state;
        /* It was never begun, and never will be: its expiry sees to that. */
        assert_true(dispatch_outcome(&a, TARGET_REVERTING, false, &outcome, why));
        assert_int_equal(outcome, OUTCOME_REVERTED);
        /* It was begun: nobody knows what is there. */
        assert_true(dispatch_outcome(&a, TARGET_REVERTING, true, &outcome, why));
        assert_int_equal(outcome, OUTCOME_STUCK);
        assert_string_equal(why, "the host's agent knows nothing of it any more (unknown-key): none such");
        assert_true(dispatch_outcome(&a, TARGET_VERIFIED, true, &outcome, why));
        assert_int_equal(outcome, OUTCOME_HELD);
}

static struct plan_target targets[2];
static struct plan plan_of(const char *action)
{
        targets[0] = (struct plan_target){ .host = "a", .build = "b", .pid = 7, .started = 9, .instances = 2, .bound = NAN };
        targets[1] = (struct plan_target){ .host = "b", .build = "", .pid = 8, .started = 9, .bound = 4 };
        return (struct plan){ .service = "payments",
                              .action = action_get(action),
                              .from_build = "old",
                              .to_build = "new",
                              .targets = targets,
                              .count = 2,
                              .predicts = { .signal = "held", .within = 60 },
                              .digest = { 1, 2, 3 } };
}

static void test_keys(void **state)
{
        struct plan plan = plan_of("service.rollback"), other = plan;
        struct action_key a, b;
        uint64_t remedy;
        uint32_t target;

        (void)state;
        other.digest[31]++;
        assert_int_equal(dispatch_key("nightshift/x", &plan, 12, 1, &a), 0);
        dispatch_meant(a, &remedy, &target);
        assert_int_equal(remedy, 12);
        assert_int_equal(target, 1);
        assert_int_equal(dispatch_key("nightshift/x", &plan, 12, 1, &b), 0);
        assert_true(action_key_equal(a, b));
        /* Another log, plan, remedy or target is another order. */
        assert_int_equal(dispatch_key("nightshift/y", &plan, 12, 1, &b), 0);
        assert_false(action_key_equal(a, b));
        assert_int_equal(dispatch_key("nightshift/x", &other, 12, 1, &b), 0);
        assert_false(action_key_equal(a, b));
        assert_int_equal(dispatch_key("nightshift/x", &plan, 13, 1, &b), 0);
        assert_false(action_key_equal(a, b));
        assert_int_equal(dispatch_key("nightshift/x", &plan, 12, 0, &b), 0);
        assert_false(action_key_equal(a, b));
}

static void test_orders(void **state)
{
        struct plan plan = plan_of("service.rollback");
        struct order order = { .kind = ORDER_APPLY, .remedy = 1, .epoch = 3, .expires_in = 30, .lease = 100, .plan = &plan };
        const char *why = NULL;
        struct dispatch d;

        (void)state;
        assert_int_equal(dispatch_make(&order, "x", 1000, &d, &why), 0);
        assert_int_equal(d.message.order, ACTION_ORDER_APPLY);
        assert_int_equal(d.message.expires, 1030);
        assert_int_equal(d.message.lease, 100);
        assert_false(d.message.by_person || d.message.verified);
        assert_int_equal(d.message.parameters.from, action_text_digest("new"));
        assert_int_equal(d.message.parameters.to, action_text_digest("old"));
        assert_string_equal(d.message.prediction.signal, "");
        order.target = 1;
        assert_int_equal(dispatch_make(&order, "x", 1000, &d, &why), 0);
        assert_string_equal(d.message.prediction.signal, "held");
        assert_int_equal(d.message.prediction.direction, -1);
        assert_int_equal(d.message.targets[0].build, 0);
        /* What was verified stays; it names no process, since that may be another by now. */
        order.kind = ORDER_HOLD;
        order.expires_in = -5;
        assert_int_equal(dispatch_make(&order, "x", 1000, &d, &why), 0);
        assert_int_equal(d.message.order, ACTION_ORDER_CLOSE);
        assert_true(d.message.verified);
        assert_true(d.message.expires > 1000);
        assert_int_equal(d.message.targets_count, 0);
        order.kind = ORDER_REVERT;
        assert_int_equal(dispatch_make(&order, "x", 1000, &d, &why), 0);
        assert_int_equal(d.message.order, ACTION_ORDER_REVERT);
        assert_false(d.message.verified);
}

static void test_what_cannot_be_ordered(void **state)
{
        struct plan plan = plan_of("service.scale");
        struct order order = { .kind = ORDER_APPLY, .remedy = 1, .epoch = 3, .expires_in = 30, .lease = 100, .plan = &plan };
        const char *why = NULL;
        struct dispatch d;

        (void)state;
        assert_int_equal(dispatch_make(&order, "x", 1000, &d, &why), 0);
        assert_int_equal(d.message.parameters.instances, 3);
        order.target = 1;
        assert_int_equal(dispatch_make(&order, "x", 1000, &d, &why), -ENOTSUP);
        assert_non_null(why);
        plan = plan_of("connect.shed");
        assert_int_equal(dispatch_make(&order, "x", 1000, &d, &why), -ENOTSUP);
        memset(plan.service, 'x', ACTION_SERVICE_SIZE);
        assert_int_equal(dispatch_make(&order, "x", 1000, &d, &why), -ENOTSUP);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_meanings), cmocka_unit_test(test_what_was_forgotten),     cmocka_unit_test(test_keys),
                cmocka_unit_test(test_orders),   cmocka_unit_test(test_what_cannot_be_ordered),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
