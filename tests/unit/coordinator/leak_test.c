/* A pool that leaks and an agent that begins anew; and files that only follow the load. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "coordinator/incident.h"
#include "proto/yaml_config.h"
#include "tests/unit/coordinator/world.h"

#define PID 7

static struct signature_set *set;
static struct core *core;
static struct agent a;
static int64_t now, started;
static struct summary_edge *calls;
static struct summary_pool *pool;
static struct summary_process process;

static int set_up(void **state)
{
        const char *const folders[] = { SIGNATURES_BUILT_IN };
        struct yaml_config_error error = { "" };

        (void)state;
        if (signatures_load(folders, 1, &set, &error) < 0 || core_new(&(struct core_options){ .coordinator = 42 }, &core) < 0)
                return -1;
        core_set_signatures(core, set);
        now = started = T0;
        agent_start(&a, "alpha", 1, T0);
        return 0;
}

static int tear_down(void **state)
{
        (void)state;
        core_free(&core);
        signatures_free(&set);
        return 0;
}

static void pass(int seconds)
{
        for (int64_t end = now + SECONDS(seconds); now < end; now += SECONDS(10)) {
                assert_int_equal(agent_send(&a, core, now), 0);
                core_tick(core, now);
        }
}

static const struct incident *found(const char *signature)
{
        for (uint32_t k = 0; incident_get(core, k); k++)
                if (strcmp(incident_get(core, k)->signature->data, signature) == 0)
                        return incident_get(core, k);
        return NULL;
}

/* The pool opens one more, and never uses one of the others again. */
static void lose_one(void)
{
        opened(calls, 1, 0);
        calls->last_seen = now;
        pool->idle++;
        pool->held = pool->overdue = pool->idle - 2;
        pool->held_ever++;
        pool->opened_at = now;
}

static void begin(uint64_t session)
{
        agent_start(&a, "alpha", session, now);
        calls = agent_client(&a, "web", "192.0.2.7", 5432);
        pool = agent_pool(&a, calls, PID);
        pool->started = started;
        pool->limit = 20;
}

static const struct incident *leak_until_full(void)
{
        begin(1);
        opened(calls, 2, 0);
        pool->idle = 2;
        pass(900);
        assert_null(incident_get(core, 0));
        while (pool->idle < pool->limit) {
                lose_one();
                pass(60);
        }
        return found("connection-pool-leak");
}

/* A full pool opens no more, so that an agent that comes anew cannot find out which are held. */
static void what_cannot_be_known_is_not_over(void **state)
{
        const struct incident *i = leak_until_full();
        uint32_t idle = pool->idle;

        (void)state;
        assert_non_null(i);
        assert_true(incident_is_open(i));
        begin(2);
        calls->counters.adopted = idle;
        pool->idle = idle;
        pass(2 * 3600);
        assert_true(incident_is_open(i));
        /* It opens again, and what was held before is held still. */
        pool->opened_at = now;
        pool->held = pool->overdue = pool->held_ever = idle - 2;
        pass(2 * 3600);
        assert_true(incident_is_open(i));
        assert_null(incident_get(core, 1));
        /* All are given back. */
        pool->held = pool->overdue = 0;
        pass(2400);
        pass(2400);
        assert_false(incident_is_open(i));
}

static void a_pool_that_was_found_well_again_is(void **state)
{
        const struct incident *i = leak_until_full();

        (void)state;
        assert_non_null(i);
        begin(2);
        calls->counters.adopted = 3;
        pool->idle = 3;
        pass(600);
        opened(calls, 1, 0);
        pool->idle = 4;
        pool->opened_at = now;
        pass(4200);
        assert_false(incident_is_open(i));
}

static struct summary_edge *asked;

static void serve(bool works)
{
        process = (struct summary_process){ .identity = agent_service(&a, "web"),
                                            .pid = PID,
                                            .started = T0 - SECONDS(3600),
                                            .executable = "/bin/x",
                                            .build = "b",
                                            .threads = 1,
                                            .open_files = 100,
                                            .open_files_limit = 4096 };
        a.s.processes = &process;
        a.s.processes_count = 1;
        asked = agent_server(&a, "web", "10.0.0.1", 80, "192.0.2.9");
        opened(asked, 10, 0);
        for (int minute = 0; minute < 420; minute++) {
                int64_t times = minute < 90 ? 10 : 10 + (minute - 90) / 10;

                for (int k = 0; k < 6; k++) {
                        asked->counters.received += (uint64_t)(works ? times * 1000 : 10000);
                        asked->counters.sent += (uint64_t)(works ? times * 1000 : 10000);
                        asked->last_seen = now;
                        pass(10);
                }
                process.open_files = (uint32_t)(10 * times);
        }
}

static void files_that_grow_with_what_is_asked_for_are_no_leak(void **state)
{
        (void)state;
        serve(true);
        assert_null(incident_get(core, 0));
}

static void files_that_grow_by_themselves_are(void **state)
{
        (void)state;
        serve(false);
        assert_non_null(found("file-descriptor-leak"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(what_cannot_be_known_is_not_over, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_pool_that_was_found_well_again_is, set_up, tear_down),
                cmocka_unit_test_setup_teardown(files_that_grow_with_what_is_asked_for_are_no_leak, set_up, tear_down),
                cmocka_unit_test_setup_teardown(files_that_grow_by_themselves_are, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
