/* Signatures of edges, services and listeners, the operator's own among them; and looking closer where one asks for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "coordinator/incident.h"
#include "proto/yaml_config.h"
#include "tests/unit/coordinator/world.h"

#include <unistd.h>

static char folder[64], file[128];
static struct signature_set *set;
static struct core *core;
static struct agent a;
static int64_t now;

static const char own[] = "signature: many-calls\nversion: 1\ntitle: More calls than anybody makes\nsubject: edge\n"
                          "evidence:\n  - {signal: attempts, shape: above, value: 2/s, for: 3m, share: 80%}\n"
                          "causes: [load]\nobserve: {tier: turnarounds, for: 5m}\n";

static int set_up(void **state)
{
        const char *const folders[] = { SIGNATURES_BUILT_IN, folder };
        struct yaml_config_error error = { "" };
        FILE *f;

        (void)state;
        snprintf(folder, sizeof(folder), "/tmp/symptom_test.XXXXXX");
        if (!mkdtemp(folder))
                return -1;
        snprintf(file, sizeof(file), "%s/many-calls.yaml", folder);
        f = fopen(file, "w");
        if (!f || fputs(own, f) < 0 || fclose(f) != 0 || signatures_load(folders, 2, &set, &error) < 0)
                return -1;
        if (core_new(&(struct core_options){ .coordinator = 42 }, &core) < 0)
                return -1;
        core_set_signatures(core, set);
        now = T0;
        agent_start(&a, "alpha", 1, T0);
        return 0;
}

static int tear_down(void **state)
{
        (void)state;
        core_free(&core);
        signatures_free(&set);
        unlink(file);
        rmdir(folder);
        return 0;
}

static void pass(int seconds, void (*happens)(void))
{
        for (int64_t end = now + SECONDS(seconds); now < end; now += SECONDS(10)) {
                happens();
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

static struct summary_edge *calls;

static void some_calls(void)
{
        opened(calls, 15, 15);
        calls->last_seen = now;
}

static void more_calls(void)
{
        opened(calls, 25, 25);
        calls->last_seen = now;
}

static void nothing(void)
{
}

static void an_operators_signature_of_an_edge_is_an_incident(void **state)
{
        const struct incident *i;

        (void)state;
        calls = agent_client(&a, "web", "192.0.2.7", 443);
        pass(1200, some_calls);
        assert_null(incident_get(core, 0));
        pass(900, more_calls);
        i = found("many-calls");
        assert_non_null(i);
        assert_string_equal(i->service->name, "web");
        assert_int_equal(i->port, 443);
        assert_int_equal(i->evidence_count, 1);
        assert_true(i->evidence[0].finding.last > 2.4 && i->evidence[0].finding.last < 2.6);
        assert_null(incident_get(core, 1));
        pass(3000, some_calls);
        assert_false(incident_is_open(i));
}

static void refusals(void)
{
        calls->counters.attempted += 20;
        calls->counters.refused += 20;
        calls->last_seen = now;
}

static void refusals_that_were_not_counted_whole(void)
{
        refusals();
        a.s.lost++;
}

static void a_server_that_refuses_is_found_unless_something_is_missing(void **state)
{
        (void)state;
        calls = agent_client(&a, "web", "192.0.2.7", 443);
        pass(2400, some_calls);
        pass(900, refusals_that_were_not_counted_whole);
        assert_null(found("dependency-refusing"));
        pass(900, refusals);
        assert_non_null(found("dependency-refusing"));
}

static void drops(void)
{
        a.listeners[0].drops += 5;
}

static void a_listener_that_drops_is_found(void **state)
{
        (void)state;
        agent_listener(&a, "web", "10.0.0.1", 80);
        a.listeners[0].backlog_max = 128;
        a.listeners[0].drops = 1000; /* of the time before us: no news */
        pass(1200, nothing);
        assert_null(incident_get(core, 0));
        pass(900, drops);
        assert_non_null(found("accept-queue-overflow"));
}

static struct summary_process process;

static void fails_again(void)
{
        process.restarts_1h++;
        process.pid++;
        process.started = now;
        process.has_exit = true;
        process.exit_code = 1;
}

static void a_service_that_fails_over_and_over_is_found(void **state)
{
        (void)state;
        process = (struct summary_process){
                .identity = agent_service(&a, "web"), .pid = 7, .started = T0, .executable = "/bin/x", .build = "b", .threads = 1
        };
        a.s.processes = &process;
        a.s.processes_count = 1;
        pass(1800, nothing);
        fails_again();
        pass(1800, nothing);
        assert_null(incident_get(core, 0)); /* once is no loop */
        for (int i = 0; i < 12; i++) {
                fails_again();
                pass(60, nothing);
        }
        pass(300, nothing);
        assert_non_null(found("crash-loop"));
}

/* Four fifths of the local ports towards one far end. */
static void a_host_that_runs_out_of_ports_is_found(void **state)
{
        (void)state;
        calls = agent_client(&a, "web", "192.0.2.7", 443);
        pass(2400, some_calls);
        opened(calls, 24000, 0);
        pass(600, nothing);
        assert_null(found("port-exhaustion")); /* of how many, nobody told */
        a.s.resources.ports = 28232;
        pass(600, nothing);
        assert_non_null(found("port-exhaustion"));
        assert_true(found("port-exhaustion")->limit == 28232 || found("port-exhaustion")->subjects[0].limit == 28232);
}

static void what_there_is_no_room_to_measure_is_told(void **state)
{
        char far[32];
        struct view *v;

        set_up(state);
        core_free(&core);
        assert_int_equal(core_new(&(struct core_options){ .coordinator = 42, .memory_max = 16384 * 8 * 20 }, &core), 0);
        core_set_signatures(core, set);
        for (int i = 0; i < 30; i++) {
                snprintf(far, sizeof(far), "192.0.2.%d", i + 1);
                opened(agent_client(&a, "web", far, 443), 10, 10);
        }
        pass(120, nothing);
        assert_int_equal(core_view(core, now, &(struct view_query){ .parts = VIEW_INCIDENTS }, &v), 0);
        assert_true(v->unwatched_edges >= 10 && v->unwatched_edges < 20);
        assert_int_equal(v->unwatched_services, 0);
        view_free(&v);
        tear_down(state);
}

static void a_question_is_looked_at_closely_and_for_a_while(void **state)
{
        struct wire_commands commands;
        struct view *v;
        int64_t until;
        uint64_t id;

        (void)state;
        calls = agent_client(&a, "web", "192.0.2.7", 443);
        pass(1200, some_calls);
        assert_int_equal(core_poll(core, now, "alpha", 1, 0, &commands), 0);
        assert_int_equal(commands.count, 0);
        for (int k = 0; k < 60 && commands.count == 0; k++) {
                pass(10, more_calls);
                assert_int_equal(core_poll(core, now, "alpha", 1, 0, &commands), 0);
        }
        assert_int_equal(commands.count, 1);
        assert_int_equal(commands.commands[0].kind, WIRE_COMMAND_TIER);
        assert_int_equal(commands.commands[0].tier, 2);
        assert_string_equal(commands.commands[0].service, "web");
        until = commands.commands[0].until;
        id = commands.commands[0].id;
        assert_true(until > now + SECONDS(240) && until <= now + SECONDS(300));
        assert_true(core_has_commands(core, "alpha"));
        assert_int_equal(core_poll(core, now, "alpha", 1, id, &commands), 0);
        assert_int_equal(commands.count, 0);
        assert_int_equal(core_view(core, now, &(struct view_query){ .parts = VIEW_GRAPH }, &v), 0);
        for (size_t i = 0; i < v->services_count; i++)
                if (strcmp(v->services[i].name, "web") == 0)
                        assert_int_equal(v->services[i].tier, 2);
        view_free(&v);
        /* It goes on, and is not asked for again before it has rested. */
        for (int64_t rested = until + SECONDS(1500); now < rested;) {
                pass(10, more_calls);
                assert_false(core_has_commands(core, "alpha"));
        }
        assert_int_equal(core_view(core, now, &(struct view_query){ .parts = VIEW_GRAPH }, &v), 0);
        for (size_t i = 0; i < v->services_count; i++)
                assert_int_equal(v->services[i].tier, 1);
        view_free(&v);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(an_operators_signature_of_an_edge_is_an_incident, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_server_that_refuses_is_found_unless_something_is_missing, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_listener_that_drops_is_found, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_service_that_fails_over_and_over_is_found, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_host_that_runs_out_of_ports_is_found, set_up, tear_down),
                cmocka_unit_test(what_there_is_no_room_to_measure_is_told),
                cmocka_unit_test_setup_teardown(a_question_is_looked_at_closely_and_for_a_while, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
