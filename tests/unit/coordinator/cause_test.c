/* Which deployment is blamed, and which are ruled out and why: each rule of cause.h. */
#include "coordinator/deployment_internal.h"
#include "coordinator/incident.h"
#include "tests/unit/coordinator/world.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define DAY SECONDS(86400)
#define ONSET (T0 + DAY + SECONDS(12 * 3600))

static struct core *core;
static struct agent agent;
static struct incident incident;
static struct incident_subject subject;
static int64_t until;

/* Two days of a service that carries `usual` bytes a minute, and `later` from the onset on. */
static void run(uint64_t usual, uint64_t later, int64_t begin)
{
        struct summary_edge *e;

        agent_start(&agent, "a", 1, begin - SECONDS(3600));
        e = agent_client(&agent, "payment", "192.0.2.9", 5432);
        opened(e, 5, 0);
        for (int64_t now = begin; now <= until; now += SECONDS(60)) {
                e->counters.sent += now < ONSET ? usual : later;
                e->last_seen = now;
                assert_int_equal(agent_send(&agent, core, now), 0);
                core_tick(core, now + SECONDS(1));
        }
}

static struct deployment *deploy(const char *service, int64_t at)
{
        struct text *name = text_get(core, service);
        struct deployment *d = deployment_new(core, name, DEPLOYMENT_BUILD, at);

        text_put(core, &name);
        assert_non_null(d);
        d->observed = true;
        d->ended_at = at + SECONDS(180);
        d->end = DEPLOYMENT_DONE;
        return d;
}

static const struct incident_cause *judge_it(int64_t started)
{
        incident = (struct incident){ .service = service_get(core, "payment", false),
                                      .onset_at = ONSET,
                                      .opened_at = MIN(until, ONSET + SECONDS(1800)),
                                      .fired_at = until,
                                      .subjects = &subject,
                                      .subjects_count = 1 };
        subject = (struct incident_subject){ .pid = 9, .started = started };
        causes_find(core, &incident);
        return incident.causes_count && !incident.causes[0].ruled_out ? &incident.causes[0] : NULL;
}

static bool ruled_out(const struct deployment *d, const char *why)
{
        for (uint32_t k = 0; k < incident.causes_count; k++)
                if (incident.causes[k].deployment == d->id)
                        return incident.causes[k].ruled_out && strstr(incident.causes[k].why->data, why);
        return false;
}

static int set_up(void **state)
{
        (void)state;
        until = ONSET + SECONDS(5400);
        return core_new(NULL, &core);
}

static int tear_down(void **state)
{
        (void)state;
        causes_drop(core, &incident);
        service_put(core, &incident.service);
        core_free(&core);
        return 0;
}

static void one_that_slept_is_blamed(void **state)
{
        struct deployment *before, *d, *other, *after;
        const struct incident_cause *c;

        (void)state;
        run(1000000, 1000000, T0);
        before = deploy("payment", ONSET - SECONDS(20 * 3600));
        d = deploy("payment", ONSET - SECONDS(9 * 3600));
        other = deploy("ledger", ONSET - SECONDS(3600));
        after = deploy("payment", ONSET + SECONDS(600));
        c = judge_it(d->at);
        assert_non_null(c);
        assert_int_equal(c->deployment, d->id);
        assert_int_equal(c->kind, CAUSE_DEPLOYMENT);
        assert_true(c->confidence >= 0.9);
        assert_true(ruled_out(other, "changed nothing that payment runs"));
        assert_true(ruled_out(after, "it began before"));
        assert_true(ruled_out(before, "was replaced before it began"));
}

static void processes_of_before_clear_it(void **state)
{
        struct deployment *d;

        (void)state;
        run(1000000, 1000000, T0);
        d = deploy("payment", ONSET - SECONDS(3600));
        assert_null(judge_it(d->at - SECONDS(600)));
        assert_true(ruled_out(d, "did not touch"));
}

static void other_load_clears_it(void **state)
{
        const struct incident_cause *c;
        struct deployment *d;

        (void)state;
        run(1000000, 2000000, T0);
        d = deploy("payment", ONSET - SECONDS(3 * 3600));
        c = judge_it(d->at);
        assert_true(ruled_out(d, "the load grew"));
        assert_non_null(c);
        assert_int_equal(c->kind, CAUSE_LOAD);
}

static void nothing_is_said_of_what_was_not_seen(void **state)
{
        struct deployment *d;

        (void)state;
        run(1000000, 1000000, ONSET - SECONDS(8 * 3600));
        d = deploy("payment", ONSET - SECONDS(6 * 3600));
        assert_null(judge_it(d->at));
        assert_true(ruled_out(d, "was not seen at this hour"));
}

/* What begins with it is compared with the hours before. */
static void one_that_begins_at_once_is_blamed(void **state)
{
        const struct incident_cause *c;
        struct deployment *d;

        (void)state;
        run(1000000, 1000000, ONSET - SECONDS(8 * 3600));
        d = deploy("payment", ONSET - SECONDS(300));
        c = judge_it(d->at);
        assert_non_null(c);
        assert_int_equal(c->deployment, d->id);
}

/* A test stand: minutes of the former build, minutes of the new one. */
static void minutes_do_where_it_begins_at_once(void **state)
{
        const struct incident_cause *c;
        struct deployment *d;

        (void)state;
        until = ONSET + SECONDS(600);
        run(1000000, 1000000, ONSET - SECONDS(480));
        d = deploy("payment", ONSET - SECONDS(60));
        c = judge_it(d->at);
        assert_non_null(c);
        assert_int_equal(c->deployment, d->id);
        assert_true(c->confidence < 0.8);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(one_that_slept_is_blamed, set_up, tear_down),
                cmocka_unit_test_setup_teardown(processes_of_before_clear_it, set_up, tear_down),
                cmocka_unit_test_setup_teardown(other_load_clears_it, set_up, tear_down),
                cmocka_unit_test_setup_teardown(nothing_is_said_of_what_was_not_seen, set_up, tear_down),
                cmocka_unit_test_setup_teardown(one_that_begins_at_once_is_blamed, set_up, tear_down),
                cmocka_unit_test_setup_teardown(minutes_do_where_it_begins_at_once, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
