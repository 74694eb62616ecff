/* Records, one at a time: what follows from what, and that the log takes nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "coordinator/acting_commit.h"
#include "coordinator/acting_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define T0 (INT64_C(1700000000) * NSEC_PER_SEC)
#define TARGETS 4

static struct acting *acting;
static struct record written[64];
static size_t count;
static int64_t now;

static int append(void *data, const struct record *r)
{
        (void)data;
        assert_true(count < ARRAY_SIZE(written));
        written[count] = *r;
        if (r->kind == RECORD_PROPOSED)
                assert_int_equal(plan_copy(&r->plan, &written[count].plan), 0);
        count++;
        return 0;
}

static int commit(struct record r)
{
        struct ledger ledger = { append, NULL };

        r.at = ++now;
        r.epoch = acting_epoch(acting) + (r.kind == RECORD_STARTED);
        return acting_commit(acting, &ledger, &r);
}

static int set_up(void **state)
{
        (void)state;
        now = T0;
        count = 0;
        if (acting_new(NULL, &acting) < 0)
                return -1;
        return commit((struct record){ .kind = RECORD_STARTED });
}

static int tear_down(void **state)
{
        (void)state;
        for (size_t i = 0; i < count; i++)
                record_free(&written[i]);
        acting_free(&acting);
        return 0;
}

/* The log gives the state that it was written from. */
static void assert_replays(void)
{
        uint8_t is[DIGEST_SIZE], was[DIGEST_SIZE];
        struct acting *a;

        assert_int_equal(acting_new(NULL, &a), 0);
        for (size_t i = 0; i < count; i++)
                if (acting_apply(a, &written[i]) < 0)
                        fail_msg("%s, number %zu, does not follow", record_kind_name(written[i].kind), i);
        assert_int_equal(acting_digest(acting, was), 0);
        assert_int_equal(acting_digest(a, is), 0);
        assert_memory_equal(is, was, DIGEST_SIZE);
        acting_free(&a);
}

static struct plan plan_of(const char *action, uint32_t targets)
{
        struct plan plan = { .action = action_get(action), .service = "payments", .count = targets, .instances = TARGETS };

        plan.class = plan.action->class;
        plan.targets = calloc(targets, sizeof(*plan.targets));
        assert_non_null(plan.targets);
        for (uint32_t i = 0; i < targets; i++) {
                snprintf(plan.targets[i].host, sizeof(plan.targets[i].host), "h%u", i);
                plan.targets[i].instances = 1;
        }
        snprintf(plan.unit.action, sizeof(plan.unit.action), "%s", action);
        plan.service_key = situation_key(plan.service);
        return plan;
}

/* A wave of so many that is on its way. */
static void intend(const char *action, uint32_t targets)
{
        uint64_t id = acting_count(acting) + 1;

        assert_int_equal(commit((struct record){
                                 .kind = RECORD_PROPOSED, .remedy = id, .rung = RUNG_PROPOSE, .plan = plan_of(action, targets) }),
                         0);
        assert_int_equal(commit((struct record){ .kind = RECORD_APPROVED, .remedy = id, .mover = MOVER_PERSON }), 0);
        assert_int_equal(commit((struct record){ .kind = RECORD_INTENDED, .remedy = id, .mover = MOVER_PLANNER, .count = targets }),
                         0);
}

static int say(uint32_t target, enum outcome outcome)
{
        return commit(
                (struct record){ .kind = RECORD_RESULT, .remedy = 1, .mover = MOVER_AGENT, .target = target, .outcome = outcome });
}

static void verify_and_close(void)
{
        assert_int_equal(commit((struct record){
                                 .kind = RECORD_VERDICT, .remedy = 1, .mover = MOVER_VERIFIER, .verdict = VERDICT_VERIFIED }),
                         0);
        assert_int_equal(commit((struct record){ .kind = RECORD_CLOSED, .remedy = 1, .mover = MOVER_PLANNER }), 0);
}

static uint32_t successes(void)
{
        const struct unit *unit = authority_find(acting_authority(acting), &acting_find(acting, 1)->plan.unit);

        return unit ? unit->successes : 0;
}

static void test_an_answer_beside_one_that_is_stuck(void **state)
{
        (void)state;
        intend("service.rollback", 2);
        assert_int_equal(say(0, OUTCOME_STUCK), 0);
        assert_int_equal(say(1, OUTCOME_APPLIED), 0);
        assert_int_equal(acting_find(acting, 1)->state, REMEDY_STUCK);
        assert_int_equal(acting_find(acting, 1)->targets[1], TARGET_APPLIED);
        assert_replays();
}

static void test_what_does_not_follow_is_not_written(void **state)
{
        size_t before;

        (void)state;
        intend("service.rollback", 2);
        assert_int_equal(say(1, OUTCOME_APPLIED), 0);
        before = count;
        assert_int_equal(say(1, OUTCOME_APPLIED), -EBADMSG);
        assert_int_equal(say(2, OUTCOME_APPLIED), -EBADMSG);
        assert_int_equal(commit((struct record){ .kind = RECORD_CLOSED, .remedy = 1, .mover = MOVER_PLANNER }), -EBADMSG);
        assert_int_equal(commit((struct record){ .kind = RECORD_ACKNOWLEDGED, .remedy = 1, .mover = MOVER_PERSON }), -EBADMSG);
        assert_int_equal(commit((struct record){ .kind = RECORD_APPROVED, .remedy = 9, .mover = MOVER_PERSON }), -EBADMSG);
        assert_int_equal(commit((struct record){ .kind = RECORD_PROPOSED, .remedy = 1, .plan = plan_of("service.rollback", 1) }),
                         -EBADMSG);
        assert_int_equal(count, before);
        assert_replays();
}

static void test_more_windows_than_there_may_be(void **state)
{
        struct record r = { .kind = RECORD_WINDOW, .at = T0, .window = { .scope = SCOPE_SERVICE } };
        size_t before = count;

        (void)state;
        for (int i = 0; i < WINDOWS_MAX; i++) {
                snprintf(r.window.name, sizeof(r.window.name), "s%d", i);
                assert_int_equal(acting_apply(acting, &r), 0);
        }
        strcpy(r.window.name, "one more");
        assert_int_equal(commit(r), -EBADMSG);
        assert_int_equal(count, before);
        /* One that is there is set anew. */
        strcpy(r.window.name, "s7");
        assert_int_equal(commit(r), 0);
}

static void test_more_units_than_there_may_be(void **state)
{
        struct record r = { .kind = RECORD_MANDATE, .at = T0, .rung = RUNG_ALONE, .until = INT64_MAX };
        size_t before;

        (void)state;
        intend("service.rollback", 1);
        for (int i = 0; i < AUTHORITY_UNITS_MAX - 1; i++) {
                snprintf(r.unit.signature, sizeof(r.unit.signature), "s%d", i);
                assert_int_equal(acting_apply(acting, &r), 0);
        }
        before = count;
        strcpy(r.unit.signature, "one more");
        assert_int_equal(commit(r), -ENOSPC);
        assert_int_equal(commit((struct record){ .kind = RECORD_PROPOSED, .remedy = 2, .plan = plan_of("service.scale", 1) }),
                         -ENOSPC);
        assert_int_equal(count, before);
        /* What was begun finds its place. */
        assert_int_equal(say(0, OUTCOME_STUCK), 0);
        assert_int_equal(acting_authority(acting)->count, AUTHORITY_UNITS_MAX);
}

static void test_success_is_of_the_whole(void **state)
{
        (void)state;
        intend("service.rollback", 2);
        assert_int_equal(say(0, OUTCOME_APPLIED), 0);
        assert_int_equal(say(1, OUTCOME_APPLIED), 0);
        verify_and_close();
        assert_int_equal(successes(), 1);
        assert_replays();
}

static void test_a_refusal_is_no_success(void **state)
{
        (void)state;
        intend("service.rollback", 2);
        assert_int_equal(say(0, OUTCOME_APPLIED), 0);
        assert_int_equal(say(1, OUTCOME_REFUSED), 0);
        verify_and_close();
        assert_int_equal(acting_find(acting, 1)->state, REMEDY_CLOSED);
        assert_int_equal(successes(), 0);
        assert_replays();
}

static void test_what_was_undone_is_no_success(void **state)
{
        (void)state;
        intend("service.rollback", 2);
        assert_int_equal(say(0, OUTCOME_APPLIED), 0);
        assert_int_equal(say(1, OUTCOME_APPLIED), 0);
        assert_int_equal(say(1, OUTCOME_REVERTED), 0);
        verify_and_close();
        assert_int_equal(successes(), 0);
        assert_replays();
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
        const struct CMUnitTest tests[] = {
                TEST(test_an_answer_beside_one_that_is_stuck),
                TEST(test_what_does_not_follow_is_not_written),
                TEST(test_more_windows_than_there_may_be),
                TEST(test_more_units_than_there_may_be),
                TEST(test_success_is_of_the_whole),
                TEST(test_a_refusal_is_no_success),
                TEST(test_what_was_undone_is_no_success),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
