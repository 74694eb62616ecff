/* A prediction: what it comes to when the plan is made, and how it reads after that. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "coordinator/deployment_internal.h"
#include "coordinator/incident.h"
#include "coordinator/measured_internal.h"
#include "coordinator/scenes_internal.h"
#include "proto/yaml_config.h"
#include "tests/unit/coordinator/world.h"

#include <math.h>

static struct core *core;
static struct signature_set *signatures;
static struct agent agents[2];
static struct summary_process processes[2];
static const char *const names[2] = { "pay1", "pay2" };
static struct incident *incident;
static int64_t now;

/* Until `to` each host reports once in ten seconds, and is measured. */
static void go_on(int64_t to, double held1, double held2)
{
        for (; now < to; now += SECONDS(10)) {
                for (int k = 0; k < 2; k++) {
                        const struct host *h = host_find(core, names[k]);
                        struct measured *m;

                        agents[k].s.at = incident->fired_at = now;
                        assert_int_equal(agent_send(&agents[k], core, now), 0);
                        h = host_find(core, names[k]);
                        if (isnan(k ? held2 : held1))
                                continue;
                        m = measured_obtain(core, (struct host *)h, SUBJECT_POOL, 1, processes[k].pid, processes[k].started,
                                            incident->service);
                        measured_set_server(core, m, incident->server, 5432);
                        measured_note(core, m, now);
                        measured_add(core, m, SIGNAL_HELD, now, k ? held2 : held1);
                }
                core_tick(core, now);
        }
}

static int set_up(void **state)
{
        struct yaml_config_error error;
        struct service *service, *server;

        (void)state;
        now = T0;
        assert_int_equal(core_new(&(struct core_options){ .coordinator = 1 }, &core), 0);
        assert_int_equal(signatures_configured(NULL, &signatures, &error), 0);
        core_set_signatures(core, signatures);
        for (int k = 0; k < 2; k++) {
                agent_start(&agents[k], names[k], 1 + (uint64_t)k, T0 - SECONDS(3600));
                processes[k] = (struct summary_process){ .identity = agent_service(&agents[k], "payments"),
                                                         .pid = 100 + (uint32_t)k,
                                                         .started = T0 - SECONDS(1800),
                                                         .executable = "/srv/payments",
                                                         .build = "b" };
                agents[k].s.processes = &processes[k];
                agents[k].s.processes_count = 1;
                assert_int_equal(agent_send(&agents[k], core, now), 0);
        }
        service = service_get(core, "payments", false);
        server = service_get(core, "db", false);
        incident = incident_open(core, signatures_find(signatures, "connection-pool-leak"), SUBJECT_POOL, service, server, 5432,
                                 T0 - SECONDS(120));
        incident->opened_at = T0;
        incident_add_subject(incident, host_find(core, "pay1"), T0 - SECONDS(120), T0, 12);
        incident->subjects[0].pid = 100;
        incident->subjects[0].started = processes[0].started;
        service_put(core, &service);
        service_put(core, &server);
        go_on(T0 + SECONDS(60), 20, 3);
        return 0;
}

static int tear_down(void **state)
{
        (void)state;
        core_free(&core);
        signatures_free(&signatures);
        return 0;
}

static void test_bounds(void **state)
{
        const struct situation *s;
        struct seen *seen;

        (void)state;
        assert_int_equal(seen_new(core, NULL, now, &seen), 0);
        s = scene_find(seen_scene(seen), incident->id);
        assert_int_equal(s->instances_count, 2);
        assert_string_equal(s->remedies[0].predicts.says, "held falling by 50 %, within 600 s");
        assert_string_equal(s->remedies[0].predicts.signal, "held");
        assert_false(s->remedies[0].predicts.rises);
        assert_true(s->instances[0].sick && !s->instances[1].sick);
        /* By half where it shows; where it does not, it must stay at no more than that. */
        assert_true(s->instances[0].bounds[0] == 10);
        assert_true(s->instances[1].bounds[0] == 10);
        /* A fixed bound is one everywhere. */
        assert_true(s->instances[0].bounds[1] == 1);
        seen_free(&seen);
}

/* What else is measured there is not even looked at. */
static void test_only_what_it_is_about(void **state)
{
        struct service *other = service_get(core, "cache", false);
        struct scene_rows rows;

        (void)state;
        for (int k = 0; k < 40; k++) {
                struct measured *m = measured_obtain(core, host_find(core, names[k % 2]), SUBJECT_POOL, 100 + (uint64_t)k,
                                                     processes[k % 2].pid, processes[k % 2].started, incident->service);

                measured_set_server(core, m, k < 20 ? other : incident->server, k < 20 ? 5432 : 5433);
                measured_add(core, m, SIGNAL_HELD, now, 1000);
        }
        assert_int_equal(scenes_gather(core, incident, &rows), 0);
        assert_int_equal(rows.count, 2);
        assert_true(rows.rows[0]->host != rows.rows[1]->host);
        free(rows.rows);
        service_put(core, &other);
        test_bounds(state);
}

static enum reading_verdict read_now(uint32_t target, double bound, int64_t applied_at)
{
        struct plan_target targets[2] = { { .host = "pay1", .bound = bound }, { .host = "pay2", .bound = bound } };
        struct remedy m = { .id = 1,
                            .applied_at = applied_at,
                            .plan = { .incident = incident->id,
                                      .targets = targets,
                                      .count = 2,
                                      .predicts = { .signal = "held", .within = SECONDS(600) } } };
        struct reading r;

        scenes_read(core, &m, target, &r);
        assert_true(r.verdict == READING_UNKNOWN || r.from >= applied_at);
        return r.verdict;
}

static void restart(int agent)
{
        processes[agent].pid += 100;
        processes[agent].started = now;
}

static void test_true_once_it_has_stayed_so(void **state)
{
        int64_t applied = now;

        (void)state;
        restart(0);
        /* It showed itself in two minutes: by then it would again. */
        go_on(applied + SECONDS(110), 2, 3);
        assert_int_equal(read_now(0, 10, applied), READING_UNKNOWN);
        go_on(applied + SECONDS(150), 2, 3);
        assert_int_equal(read_now(0, 10, applied), READING_YES);
        /* What has no bound says nothing, and what nobody measures either. */
        assert_int_equal(read_now(0, NAN, applied), READING_UNKNOWN);
        assert_int_equal(read_now(0, 1, applied), READING_NO);
}

static void test_a_pool_that_never_held_any(void **state)
{
        int64_t applied = now;

        (void)state;
        restart(0);
        go_on(applied + SECONDS(150), 0, 3);
        assert_int_equal(read_now(0, 10, applied), READING_YES);
}

static void test_a_restart_alone_does_not_help(void **state)
{
        int64_t applied = now;

        (void)state;
        restart(0);
        for (int held = 0; held < 14; held++)
                go_on(applied + SECONDS(10 + 10 * held), held, 3);
        go_on(applied + SECONDS(160), 14, 3);
        assert_int_equal(read_now(0, 10, applied), READING_NO);
}

static void test_unknown_where_something_is_missing(void **state)
{
        int64_t applied = now;

        (void)state;
        restart(0);
        go_on(applied + SECONDS(100), 2, 3);
        agents[0].s.lost = 9;
        go_on(applied + SECONDS(150), 2, 3);
        assert_int_equal(read_now(0, 10, applied), READING_UNKNOWN);
        /* Later on there is a stretch of which all is known. */
        go_on(applied + SECONDS(240), 2, 3);
        assert_int_equal(read_now(0, 10, applied), READING_YES);
        assert_int_equal(read_now(1, 10, applied), READING_YES);
}

static void test_unknown_without_the_service(void **state)
{
        int64_t applied = now;

        (void)state;
        restart(0);
        /* Nothing of it is measured any more: that is no success. */
        go_on(applied + SECONDS(200), NAN, 3);
        assert_int_equal(read_now(0, 10, applied), READING_UNKNOWN);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
        const struct CMUnitTest tests[] = {
                TEST(test_bounds),
                TEST(test_only_what_it_is_about),
                TEST(test_true_once_it_has_stayed_so),
                TEST(test_a_pool_that_never_held_any),
                TEST(test_a_restart_alone_does_not_help),
                TEST(test_unknown_where_something_is_missing),
                TEST(test_unknown_without_the_service),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
