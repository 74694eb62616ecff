/* From an incident in the graph to a proposal in the log, what people make of it, and from there to agents and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "coordinator/action_names.h"
#include "coordinator/conduct.h"
#include "coordinator/deployment_internal.h"
#include "coordinator/incident.h"
#include "coordinator/needs.h"
#include "proto/yaml_config.h"
#include "tests/unit/coordinator/audit_rig.h"
#include "tests/unit/coordinator/world.h"

#define HOSTS 3

static struct core *core;
static struct signature_set *signatures;
static struct audit *audit;
static struct conduct *conduct;
static struct agent agents[HOSTS];
static struct summary_process processes[HOSTS];
static struct summary_permit permits[HOSTS];
static struct summary_action answers[HOSTS];
static const char *const names[HOSTS] = { "pay1", "pay2", "pay3" };
static int64_t now;

static void report(void)
{
        for (int k = 0; k < HOSTS; k++)
                assert_int_equal(agent_send(&agents[k], core, now), 0);
}

static void begin(bool new_one)
{
        if (new_one)
                audit = rig_open_well();
        assert_int_equal(conduct_new(core, audit, &conduct), 0);
        assert_null(conduct_refusal(conduct));
}

static int set_up(void **state)
{
        struct yaml_config_error error;

        if (rig_set_up(state) < 0)
                return -1;
        now = T0;
        assert_int_equal(core_new(&(struct core_options){ .coordinator = 1 }, &core), 0);
        assert_int_equal(signatures_configured(NULL, &signatures, &error), 0);
        core_set_signatures(core, signatures);
        for (int k = 0; k < HOSTS; k++) {
                struct agent *a = &agents[k];

                agent_start(a, names[k], 1 + (uint64_t)k, T0 - SECONDS(3600));
                processes[k] = (struct summary_process){ .identity = agent_service(a, "payments"),
                                                         .pid = 100 + (uint32_t)k,
                                                         .started = T0 - SECONDS(1800),
                                                         .executable = "/srv/payments",
                                                         .build = "b" };
                a->s.processes = &processes[k];
                a->s.processes_count = 1;
                a->identities[0].kind = IDENTITY_EXPLICIT;
                permits[k] = (struct summary_permit){ .service = "payments",
                                                      .kinds = 1u << ACTION_SERVICE_ROLLBACK | 1u << ACTION_SERVICE_RESTART };
                a->s.permits_told = true;
                a->s.permits = &permits[k];
                a->s.permits_count = 1;
                a->s.checkpoint_size = 0;
        }
        report();
        core_tick(core, now);
        begin(true);
        return 0;
}

static int tear_down(void **state)
{
        conduct_free(&conduct);
        audit_free(&audit);
        core_free(&core);
        signatures_free(&signatures);
        return rig_tear_down(state);
}

/* As detection leaves it: a pool leak on `sick` hosts, since a deployment. */
static struct incident *leak(int sick)
{
        const struct signature *s = signatures_find(signatures, "connection-pool-leak");
        struct service *service = service_get(core, "payments", false), *server = service_get(core, "db", false);
        struct deployment *d = deployment_new(core, service->text, DEPLOYMENT_BUILD, T0 - SECONDS(1800));
        struct incident *i = incident_open(core, s, SUBJECT_POOL, service, server, 5432, T0 - SECONDS(900));

        d->from = text_get(core, "2.0");
        d->to = text_get(core, "2.1");
        for (int k = 0; k < sick; k++) {
                const struct host *h = host_find(core, names[k]);

                incident_add_subject(i, h, T0 - SECONDS(900), now, 12);
                i->subjects[k].pid = h->processes[0].row.pid;
                i->subjects[k].started = h->processes[0].row.started;
                i->subjects[k].build = text_ref(h->processes[0].build);
        }
        i->fired_at = now;
        i->causes = core_alloc(core, CAUSES_KEPT * sizeof(*i->causes));
        i->causes[0] = (struct incident_cause){ .kind = CAUSE_DEPLOYMENT,
                                                .deployment = d->id,
                                                .ref = text_get(core, "d-1"),
                                                .why = text_get(core, "w"),
                                                .confidence = .9 };
        i->causes_count = 1;
        service_put(core, &service);
        service_put(core, &server);
        return i;
}

static void tick(void)
{
        now += SECONDS(1);
        conduct_tick(conduct, now, now);
}

static const struct remedy *only(void)
{
        assert_int_equal(acting_count(conduct_acting(conduct)), 1);
        return acting_get(conduct_acting(conduct), 0);
}

static int say(enum word_kind kind, uint64_t remedy, char *why)
{
        struct word word = { .kind = kind, .by = "ann", .why = "because", .remedy = remedy };

        return conduct_say(conduct, now, &word, why);
}

static void test_proposes(void **state)
{
        const struct remedy *m;
        struct outlook o;

        (void)state;
        leak(2);
        tick();
        m = only();
        assert_int_equal(m->state, REMEDY_PROPOSED);
        assert_string_equal(m->plan.action->name, "service.rollback");
        assert_string_equal(m->plan.service, "payments");
        assert_string_equal(m->plan.from_build, "2.0");
        assert_string_equal(m->plan.to_build, "2.1");
        assert_string_equal(m->plan.unit.environment, "production");
        /* All that run the build, those that show it first. */
        assert_int_equal(m->plan.count, 3);
        assert_string_equal(m->plan.targets[0].host, "pay1");
        assert_string_equal(m->plan.targets[2].host, "pay3");
        assert_int_equal(m->plan.targets[1].pid, 101);
        /* Nobody said that it may be restarted without loss. */
        assert_int_equal(m->plan.class, CLASS_ONE_WAY);
        assert_int_equal(m->rung, RUNG_PROPOSE);
        assert_string_equal(m->plan.predicts.says, "held falling by 50 %, within 600 s");
        assert_int_equal(conduct_outlook(conduct, now, m->plan.incident, &o), 0);
        assert_true(o.planned);
        assert_non_null(strstr(o.why, "a person's word"));
        assert_non_null(strstr(o.more[1], "one-way"));
        outlook_free(&o);
        /* It stays one. */
        for (int k = 0; k < 30; k++)
                tick();
        assert_int_equal(only()->state, REMEDY_PROPOSED);
}

static void test_nothing_without_cause_or_evidence(void **state)
{
        struct incident *i = leak(2);

        (void)state;
        i->fired_at = now - SECONDS(600);
        tick();
        assert_int_equal(acting_count(conduct_acting(conduct)), 0);
        now += SECONDS(10);
        i->fired_at = now;
        i->causes[0].confidence = .2;
        tick();
        /* Then the next remedy of the signature. */
        assert_string_equal(only()->plan.action->name, "service.restart");
        assert_int_equal(only()->plan.count, 2);
}

static void test_no_other_remedy_while_the_cause_is_looked_for(void **state)
{
        struct incident *i = leak(2);

        (void)state;
        i->causes_count = 0;
        tick();
        assert_int_equal(acting_count(conduct_acting(conduct)), 0);
        /* None is found. */
        for (int k = 0; k < 70; k++) {
                now += SECONDS(9);
                report();
                i->fired_at = now;
                tick();
        }
        i->causes_count = 1;
        assert_string_equal(only()->plan.action->name, "service.restart");
}

static void test_only_what_the_hosts_let_be_done(void **state)
{
        struct outlook o;

        (void)state;
        permits[0].kinds = permits[2].kinds = 0;
        report();
        leak(2);
        tick();
        assert_int_equal(only()->plan.count, 1);
        assert_string_equal(only()->plan.targets[0].host, "pay2");
        /* What a workload calls itself permits nothing. */
        for (int k = 0; k < HOSTS; k++) {
                agent_start(&agents[k], names[k], 10 + (uint64_t)k, now);
                processes[k].identity = agent_service(&agents[k], "payments");
                agents[k].s.processes = &processes[k];
                agents[k].s.processes_count = 1;
                agents[k].s.permits_told = true;
                agents[k].s.permits = &permits[k];
                agents[k].s.permits_count = 1;
        }
        now += SECONDS(90);
        report();
        core->incidents[0]->fired_at = now;
        tick();
        assert_int_equal(only()->state, REMEDY_WITHDRAWN);
        assert_int_equal(conduct_outlook(conduct, now, only()->plan.incident, &o), 0);
        assert_false(o.planned);
        assert_non_null(strstr(o.why, "does not let service.rollback be done"));
        outlook_free(&o);
}

static void may_restart(void)
{
        for (int k = 0; k < HOSTS; k++)
                permits[k].restart_safe = permits[k].barriers = true;
        report();
}

static struct wire_command commands[CONDUCT_ORDERS_MAX];

static size_t poll(int agent, uint64_t acknowledged)
{
        return conduct_orders(conduct, names[agent], agents[agent].s.session, acknowledged, now, commands);
}

/* What the agent says of the order that it was given last. */
static void answer(int agent, const struct action_dispatch *order, enum action_state said, enum action_reason reason)
{
        answers[agent] = (struct summary_action){ .key = order->key,
                                                  .epoch = order->epoch,
                                                  .kind = order->kind,
                                                  .state = said,
                                                  .reason = reason,
                                                  .at = now,
                                                  .service = "payments",
                                                  .detail = reason ? "as it says" : "" };
        agents[agent].s.actions = &answers[agent];
        agents[agent].s.actions_count = 1;
        agents[agent].s.checkpoint_size = audit_size(audit);
        assert_int_equal(agent_send(&agents[agent], core, now), 0);
        agents[agent].s.actions_count = 0;
        conduct_heard(conduct, names[agent], now);
}

static void approve(void)
{
        char why[PLAN_WHY_MAX];

        tick();
        assert_int_equal(say(WORD_APPROVE, 1, why), 0);
}

static int told;
static void on_orders(void *data)
{
        (void)data;
        told++;
}

static void test_an_order_goes_out_at_once(void **state)
{
        const struct action_dispatch *d;
        uint64_t id;

        (void)state;
        told = 0;
        conduct_on_orders(conduct, on_orders, NULL);
        may_restart();
        leak(2);
        approve();
        assert_int_equal(told, 1);
        assert_int_equal(only()->state, REMEDY_INTENDED);
        assert_int_equal(poll(1, 0), 0);
        assert_true(conduct_has_orders(conduct, "pay1", agents[0].s.session, 0, now));
        assert_int_equal(poll(0, 0), 1);
        assert_int_equal(commands[0].kind, WIRE_COMMAND_ACTION);
        id = commands[0].id;
        d = commands[0].dispatch;
        assert_int_equal(d->order, ACTION_ORDER_APPLY);
        assert_int_equal(d->kind, ACTION_SERVICE_ROLLBACK);
        assert_string_equal(d->service, "payments");
        assert_int_equal(d->epoch, 1);
        assert_true(d->by_person);
        assert_int_equal(d->targets_count, 1);
        assert_int_equal(d->targets[0].pid, 100);
        assert_int_equal(d->targets[0].started, processes[0].started);
        assert_int_equal(d->targets[0].build, action_text_digest("b"));
        /* Away from the build that is the cause, to the one before. */
        assert_int_equal(d->parameters.from, action_text_digest("2.1"));
        assert_int_equal(d->parameters.to, action_text_digest("2.0"));
        assert_memory_equal(d->plan.bytes, only()->plan.digest, DIGEST_SIZE);
        assert_true(d->expires > now && d->expires <= now + SECONDS(30));
        assert_true(d->lease > SECONDS(600));
        assert_int_equal(d->checkpoint_size, strlen(audit_checkpoint(audit)));
        assert_memory_equal(d->checkpoint, audit_checkpoint(audit), d->checkpoint_size);
        assert_int_equal(d->consistency_from, 0);
        /* The answer was lost: the same again, at once. */
        assert_int_equal(poll(0, 0), 1);
        assert_int_equal(commands[0].id, id);
        /* It was taken: not again, until it takes long. */
        assert_int_equal(poll(0, id), 0);
        now += SECONDS(11);
        tick();
        assert_int_equal(poll(0, id), 1);
        assert_true(commands[0].id > id);
        /* A life of the agent that knows of nothing is told anew; and one that is over is told nothing. */
        assert_int_equal(conduct_orders(conduct, "pay1", 999, 0, now, commands), 0);
}

/* The whole course of it, with agents that do what they are told. */
static void test_waves_until_it_is_held(void **state)
{
        struct action_dispatch first;

        (void)state;
        may_restart();
        leak(3);
        approve();
        assert_int_equal(poll(0, 0), 1);
        first = *commands[0].dispatch;
        answer(0, &first, ACTION_INTENDED, 0);
        assert_int_equal(only()->state, REMEDY_INTENDED);
        /* Of another plan's key, or of another host's. */
        first.key.high++;
        answer(0, &first, ACTION_APPLIED, 0);
        first.key.high--;
        answer(1, &first, ACTION_APPLIED, 0);
        assert_int_equal(only()->state, REMEDY_INTENDED);
        answer(0, &first, ACTION_APPLIED, 0);
        assert_int_equal(only()->state, REMEDY_APPLIED);
        assert_true(only()->changed[0]);
        assert_int_equal(poll(0, commands[0].id), 0);
        /* Its lease ended before anybody could tell. */
        answer(0, &first, ACTION_REVERTED, ACTION_REASON_LEASE);
        assert_int_equal(only()->targets[0], TARGET_REVERTED);
        assert_int_equal(only()->verdict, VERDICT_UNTOLD);
        assert_int_equal(only()->state, REMEDY_REVERTED);
        for (int k = 0; k < HOSTS; k++)
                assert_int_equal(poll(k, 0), 0);
}

static void test_a_refusal_says_why(void **state)
{
        (void)state;
        may_restart();
        leak(2);
        approve();
        assert_int_equal(poll(0, 0), 1);
        answer(0, commands[0].dispatch, ACTION_REFUSED, ACTION_REASON_BARRIER);
        assert_int_equal(only()->state, REMEDY_REFUSED);
        assert_string_equal(only()->why, "the host's agent refuses (barrier): as it says");
        assert_int_equal(only()->targets[1], TARGET_WAITS);
        assert_int_equal(poll(0, commands[0].id), 0);
        assert_int_equal(poll(1, 0), 0);
}

static void test_the_same_order_after_a_restart(void **state)
{
        struct action_dispatch before;

        (void)state;
        may_restart();
        leak(2);
        approve();
        assert_int_equal(poll(0, 0), 1);
        before = *commands[0].dispatch;
        conduct_free(&conduct);
        audit_free(&audit);
        begin(true);
        tick();
        /* An intent of a former life is not begun by this one; whether it was is asked. */
        assert_int_equal(poll(0, 0), 0);
        answer(0, &before, ACTION_APPLIED, 0);
        assert_int_equal(only()->state, REMEDY_APPLIED);
        assert_string_equal(only()->targets[0] == TARGET_APPLIED ? "yes" : "no", "yes");
}

/* What a person undoes is undone host by host. */
static void test_undone_at_a_time(void **state)
{
        char why[PLAN_WHY_MAX];
        struct action_dispatch orders[HOSTS];
        uint64_t id = 0;
        int at_once = 0;

        (void)state;
        may_restart();
        leak(3);
        approve();
        assert_int_equal(poll(0, 0), 1);
        orders[0] = *commands[0].dispatch;
        id = commands[0].id;
        answer(0, &orders[0], ACTION_APPLIED, 0);
        assert_int_equal(say(WORD_UNDO, 1, why), 0);
        assert_int_equal(only()->state, REMEDY_REVERTING);
        for (int k = 0; k < HOSTS; k++)
                at_once += (int)poll(k, k ? 0 : id);
        assert_int_equal(at_once, 1);
        assert_int_equal(poll(0, id), 1);
        assert_int_equal(commands[0].dispatch->order, ACTION_ORDER_REVERT);
        assert_true(action_key_equal(commands[0].dispatch->key, orders[0].key));
        /* The proof is from what it has seen. */
        assert_true(commands[0].dispatch->consistency_from > 0 && commands[0].dispatch->consistency_count > 0);
        answer(0, &orders[0], ACTION_YIELDED, ACTION_REASON_CHANGED);
        assert_int_equal(only()->state, REMEDY_REVERTED);
        assert_non_null(strstr(only()->why, "somebody else changed it"));
}

static size_t needs(struct need *ret_needs)
{
        static struct ticket_fact facts[TICKET_FACTS_MAX];
        struct needs_scene scene = { .acting = conduct_acting(conduct),
                                     .incidents = facts,
                                     .refusal = conduct_refusal(conduct),
                                     .breach_within = SECONDS(3600) };

        scene.incidents_count = ticket_facts(core, conduct_acting(conduct), conduct_log(conduct), facts, ARRAY_SIZE(facts));
        scene.sick = conduct_doubts(conduct, &scene.hosts);
        return needs_find(&scene, now, ret_needs);
}

static void test_a_host_that_forgot_what_it_did(void **state)
{
        static struct need found[PAGES_MAX];
        char why[PLAN_WHY_MAX];
        struct action_dispatch order;

        (void)state;
        may_restart();
        leak(2);
        approve();
        assert_int_equal(poll(0, 0), 1);
        order = *commands[0].dispatch;
        answer(0, &order, ACTION_APPLIED, 0);
        assert_int_equal(say(WORD_UNDO, 1, why), 0);
        answer(0, &order, ACTION_REFUSED, ACTION_REASON_UNKNOWN_KEY);
        assert_int_equal(only()->state, REMEDY_STUCK);
        /* That is for a person, at once, until one has seen to it. */
        assert_int_equal(needs(found), 1);
        assert_string_equal(found[0].id, "a1");
        assert_string_equal(found[0].incident, "i1");
        assert_true(found[0].urgent);
        assert_non_null(strstr(found[0].text, "Nothing reversible is done until it is acknowledged"));
        assert_int_equal(say(WORD_ACKNOWLEDGE, 1, why), 0);
        assert_int_equal(needs(found), 0);
}

static void test_plan_that_changed_needs_a_new_word(void **state)
{
        char why[PLAN_WHY_MAX];
        struct incident *i;

        (void)state;
        i = leak(2);
        tick();
        /* Somebody restarted one meanwhile. */
        processes[0].pid = 4711;
        processes[0].started = now;
        report();
        i->subjects[0].pid = 4711;
        i->subjects[0].started = now;
        now += SECONDS(10);
        tick();
        assert_int_equal(acting_get(conduct_acting(conduct), 0)->state, REMEDY_WITHDRAWN);
        assert_int_equal(say(WORD_APPROVE, 1, why), -EPERM);
        assert_int_equal(acting_count(conduct_acting(conduct)), 2);
        assert_int_equal(acting_get(conduct_acting(conduct), 1)->state, REMEDY_PROPOSED);
}

static void test_pause_and_reject(void **state)
{
        char why[PLAN_WHY_MAX];

        (void)state;
        leak(2);
        tick();
        assert_int_equal(say(WORD_PAUSE, 0, why), 0);
        assert_int_equal(say(WORD_APPROVE, 1, why), -EPERM);
        assert_non_null(strstr(why, "paused by ann"));
        assert_int_equal(say(WORD_RESUME, 0, why), 0);
        assert_int_equal(say(WORD_REJECT, 1, why), 0);
        for (int k = 0; k < 30; k++)
                tick();
        /* Only the other remedy is left, and that one after a while. */
        assert_int_equal(only()->state, REMEDY_REJECTED);
}

static void test_log_brings_it_back(void **state)
{
        uint8_t was[DIGEST_SIZE], is[DIGEST_SIZE];
        char why[PLAN_WHY_MAX];

        (void)state;
        leak(2);
        tick();
        assert_int_equal(say(WORD_PAUSE, 0, why), 0);
        assert_int_equal(acting_digest(conduct_acting(conduct), was), 0);
        conduct_free(&conduct);
        audit_free(&audit);
        begin(true);
        assert_int_equal(acting_digest(conduct_acting(conduct), is), 0);
        assert_memory_equal(is, was, DIGEST_SIZE);
        assert_string_equal(only()->plan.targets[1].host, "pay2");
        assert_non_null(acting_pause(conduct_acting(conduct)));
        /* With an epoch above the one before. */
        tick();
        assert_int_equal(acting_epoch(conduct_acting(conduct)), 2);
}

/* Whom to wake about a leak: nobody, until its limit is near and nobody is at it. */
static void test_needs(void **state)
{
        struct incident *i = leak(2);
        static struct need found[PAGES_MAX];
        char why[PLAN_WHY_MAX];

        (void)state;
        tick();
        assert_int_equal(only()->state, REMEDY_PROPOSED);
        assert_int_equal(needs(found), 0);
        i->has_breach = true;
        i->breach.earliest = now + SECONDS(3601);
        assert_int_equal(needs(found), 0);
        i->breach.earliest = now + SECONDS(1800);
        assert_int_equal(needs(found), 1);
        assert_string_equal(found[0].id, "i1");
        assert_string_equal(found[0].incident, "i1");
        assert_false(found[0].urgent);
        assert_non_null(strstr(found[0].text, "in 30 min. a1, service.rollback, waits for approve or reject"));
        /* Somebody decided against it: it is still near, and nothing is under way. */
        assert_int_equal(say(WORD_REJECT, 1, why), 0);
        assert_int_equal(needs(found), 1);
        assert_non_null(strstr(found[0].text, "nothing is under way"));
        i->state = INCIDENT_RESOLVED;
        assert_int_equal(needs(found), 0);
}

/* What is approved is under way, and wakes nobody. */
static void test_needs_nobody_meanwhile(void **state)
{
        struct incident *i = leak(2);
        static struct need found[PAGES_MAX];
        char why[PLAN_WHY_MAX];

        (void)state;
        i->has_breach = true;
        i->breach.earliest = now + SECONDS(600);
        tick();
        assert_int_equal(needs(found), 1);
        assert_int_equal(say(WORD_APPROVE, 1, why), 0);
        assert_true(only()->state == REMEDY_APPROVED || remedy_is_in_flight(only()->state));
        assert_int_equal(needs(found), 0);
}

static int records_of(void *data, const struct audit_entry *entry)
{
        const char *name = json_string_value(json_object_get(entry->predicate, "record"));

        *(int *)data += name && strcmp(name, "policy") == 0;
        return 0;
}

static int policies(void)
{
        int count = 0;

        assert_int_equal(audit_visit(audit, 0, UINT64_MAX, records_of, &count), 0);
        return count;
}

/* By which numbers was decided stands in the log, and holds when it is read back, whatever the defaults are by then. */
static void test_policy_is_in_the_log(void **state)
{
        uint8_t was[DIGEST_SIZE], is[DIGEST_SIZE];
        struct acting *plain, *other;
        struct policy policy;

        (void)state;
        tick();
        assert_int_equal(policies(), 1);
        tick();
        assert_int_equal(policies(), 1);
        policy_defaults(&policy);
        policy.attempts_most = 7;
        policy.trials[RUNG_PROPOSE].alpha = 0.1234567890123;
        conduct_set_policy(conduct, &policy);
        assert_int_equal(acting_policy(conduct_acting(conduct))->attempts_most, 3);
        tick();
        assert_int_equal(policies(), 2);
        assert_int_equal(acting_policy(conduct_acting(conduct))->attempts_most, 7);
        assert_int_equal(acting_digest(conduct_acting(conduct), was), 0);
        conduct_free(&conduct);
        audit_free(&audit);
        begin(true);
        assert_true(acting_policy(conduct_acting(conduct))->trials[RUNG_PROPOSE].alpha == policy.trials[RUNG_PROPOSE].alpha);
        assert_int_equal(acting_digest(conduct_acting(conduct), is), 0);
        assert_memory_equal(is, was, DIGEST_SIZE);
        conduct_set_policy(conduct, &policy);
        tick();
        assert_int_equal(policies(), 2);
        /* It is part of the state. */
        assert_int_equal(acting_new(NULL, &plain), 0);
        assert_int_equal(acting_new(&policy, &other), 0);
        assert_int_equal(acting_digest(plain, was), 0);
        assert_int_equal(acting_digest(other, is), 0);
        assert_memory_not_equal(is, was, DIGEST_SIZE);
        acting_free(&plain);
        acting_free(&other);
}

static void test_incomplete_is_no_evidence(void **state)
{
        (void)state;
        leak(2);
        agents[1].s.lost = 5;
        now += SECONDS(10);
        report();
        core_tick(core, now);
        tick();
        assert_int_equal(acting_count(conduct_acting(conduct)), 0);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
        const struct CMUnitTest tests[] = {
                TEST(test_proposes),
                TEST(test_nothing_without_cause_or_evidence),
                TEST(test_no_other_remedy_while_the_cause_is_looked_for),
                TEST(test_only_what_the_hosts_let_be_done),
                TEST(test_an_order_goes_out_at_once),
                TEST(test_waves_until_it_is_held),
                TEST(test_a_refusal_says_why),
                TEST(test_the_same_order_after_a_restart),
                TEST(test_undone_at_a_time),
                TEST(test_a_host_that_forgot_what_it_did),
                TEST(test_plan_that_changed_needs_a_new_word),
                TEST(test_pause_and_reject),
                TEST(test_log_brings_it_back),
                TEST(test_needs),
                TEST(test_needs_nobody_meanwhile),
                TEST(test_policy_is_in_the_log),
                TEST(test_incomplete_is_no_evidence),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
