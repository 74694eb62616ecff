/* What is planned: what could not be ordered is passed over, and said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "coordinator/acting.h"
#include "coordinator/action_names.h"

#include <math.h>
#include <string.h>

#define T0 (INT64_C(1700000000) * NSEC_PER_SEC)

static struct policy policy;
static struct instance instances[3];
static struct situation situation;
static char why[PLAN_WHY_MAX];

/* Two processes on h0, one on h1, all of them sick. */
static void see(const char *first, const char *second)
{
        policy_defaults(&policy);
        memset(instances, 0, sizeof(instances));
        for (uint32_t i = 0; i < ARRAY_SIZE(instances); i++) {
                struct instance *x = &instances[i];

                strcpy(x->host, i < 2 ? "h0" : "h1");
                x->pid = 100 + i;
                x->sick = x->fresh = x->alone = true;
                x->permits = UINT32_MAX;
                for (size_t r = 0; r < ARRAY_SIZE(x->bounds); r++)
                        x->bounds[r] = NAN;
        }
        situation = (struct situation){ .incident = 1,
                                        .service = "payments",
                                        .opened_at = T0,
                                        .seen_at = T0,
                                        .complete = true,
                                        .remedies_count = 2,
                                        .instances = instances,
                                        .instances_count = ARRAY_SIZE(instances) };
        strcpy(situation.remedies[0].action, first);
        strcpy(situation.remedies[1].action, second);
}

static void test_what_cannot_be_ordered_is_passed_over(void **state)
{
        static const char *const actions[] = { "connect.shed", "cgroup.limit", "connection.close", "kafka.quarantine",
                                               "gpu.release" };
        struct scene scene = { .situations = &situation, .situations_count = 1, .hosts_count = 9, .epoch = 1, .log_works = true };
        struct record record;
        struct acting *acting;
        struct outlook o;
        struct plan plan;

        (void)state;
        scene.leads_until = INT64_MAX;
        assert_int_equal(acting_new(NULL, &acting), 0);
        assert_int_equal(acting_apply(acting, &(struct record){ .kind = RECORD_STARTED, .at = T0, .epoch = 1 }), 0);
        for (size_t i = 0; i < ARRAY_SIZE(actions); i++) {
                see(actions[i], "service.restart");
                assert_int_equal(plan_make(&policy, &situation, 0, 0, &plan, why), -ENOENT);
                assert_non_null(strstr(why, "this coordinator cannot order it yet"));
                assert_true(acting_next(acting, T0, &scene, &record));
                assert_int_equal(record.kind, RECORD_PROPOSED);
                assert_string_equal(record.plan.action->name, "service.restart");
                record_free(&record);
        }
        situation.remedies_count = 1;
        assert_false(acting_next(acting, T0, &scene, &record));
        assert_int_equal(acting_outlook(acting, T0, &scene, &situation, &o), 0);
        assert_false(o.planned);
        assert_string_equal(o.why, "gpu.release: the plan does not say how far it is to go: this coordinator cannot order it yet");
        outlook_free(&o);
        acting_free(&acting);
}

static void test_scales_where_instances_can_be_counted(void **state)
{
        struct plan plan;

        (void)state;
        see("service.scale", "service.restart");
        assert_int_equal(plan_make(&policy, &situation, 0, 0, &plan, why), 0);
        assert_int_equal(plan.count, 2);
        assert_int_equal(plan.targets[0].instances, 2);
        plan_free(&plan);
        /* Workers of one unit are one instance, or two: who knows. */
        instances[0].alone = instances[1].alone = false;
        assert_int_equal(plan_make(&policy, &situation, 0, 0, &plan, why), 0);
        assert_int_equal(plan.count, 1);
        assert_string_equal(plan.targets[0].host, "h1");
        plan_free(&plan);
        instances[2].alone = false;
        assert_int_equal(plan_make(&policy, &situation, 0, 0, &plan, why), -ENOENT);
        assert_non_null(strstr(why, "how many instances there are is not known"));
        /* That is of no concern to others. */
        assert_int_equal(plan_make(&policy, &situation, 1, 0, &plan, why), 0);
        plan_free(&plan);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_what_cannot_be_ordered_is_passed_over),
                cmocka_unit_test(test_scales_where_instances_can_be_counted),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
