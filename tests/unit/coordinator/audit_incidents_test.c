/* What the audit log says of incidents: each turn once, with its evidence, over restarts and over a time in
 * which nothing could be written. */
#include "coordinator/audit_incidents.h"
#include "coordinator/graph.h"
#include "coordinator/incident.h"
#include "coordinator/signature.h"
#include "proto/yaml_config.h"
#include "tests/unit/coordinator/audit_rig.h"

#define NOW (RIG_AT + 3600 * NSEC_PER_SEC)

static struct core *core;
static struct signature_set *signatures;
static struct audit *audit;
static struct audit_incidents *incidents;

static int set_up(void **state)
{
        static const char *const built_in = SIGNATURES_BUILT_IN;
        struct yaml_config_error error;

        assert_int_equal(rig_set_up(state), 0);
        assert_int_equal(core_new(NULL, &core), 0);
        assert_int_equal(signatures_load(&built_in, 1, &signatures, &error), 0);
        core_set_signatures(core, signatures);
        core_tick(core, NOW);
        audit = rig_open_well();
        assert_int_equal(audit_incidents_new(audit, &incidents), 0);
        return 0;
}

static int tear_down(void **state)
{
        audit_incidents_free(&incidents);
        audit_free(&audit);
        core_free(&core);
        signatures_free(&signatures);
        return rig_tear_down(state);
}

static struct incident *open_one(const char *name)
{
        struct service *service = service_get(core, name, false);
        struct incident *i = incident_open(core, signatures_find(signatures, "connection-pool-leak"), SUBJECT_POOL, service, NULL,
                                           0, NOW - 60 * NSEC_PER_SEC);

        service_put(core, &service);
        assert_non_null(i);
        return i;
}

static void step(uint64_t expected)
{
        assert_int_equal(audit_incidents_step(incidents, audit, core, NOW), 0);
        assert_int_equal(audit_size(audit), expected);
}

struct wanted {
        const char *incident, *key, *value;
        enum audit_kind kind;
        char evidence[65];
};

static int look(void *data, const struct audit_entry *e)
{
        struct wanted *w = data;

        assert_int_equal(e->kind, w->kind);
        assert_string_equal(e->incident, w->incident);
        assert_non_null(e->evidence);
        if (w->key)
                assert_string_equal(json_string_value(json_object_get((json_t *)e->predicate, w->key)), w->value);
        snprintf(w->evidence, sizeof(w->evidence), "%s", e->evidence);
        return 0;
}

/* The entry is of that kind, and its evidence is the incident's chain. */
static void is(uint64_t index, enum audit_kind kind, const char *incident, const char *key, const char *value)
{
        struct wanted w = { .incident = incident, .key = key, .value = value, .kind = kind };
        CLEANUP_FREE uint8_t *data = NULL;
        json_t *chain;
        size_t size;

        assert_int_equal(audit_visit(audit, index, index + 1, look, &w), 0);
        assert_int_equal(audit_evidence(audit, w.evidence, &data, &size), 0);
        chain = json_loadb((const char *)data, size, 0, NULL);
        assert_string_equal(json_string_value(json_object_get(chain, "id")), incident);
        assert_true(json_is_array(json_object_get(chain, "evidence")) && json_is_array(json_object_get(chain, "against")));
        json_decref(chain);
}

static void each_turn_once(void **state)
{
        struct incident *i;

        (void)state;
        step(0);
        i = open_one("payment");
        step(1);
        is(0, AUDIT_EVIDENCE, "i1", "event", "opened");
        step(1);
        i->caused_at = NOW;
        step(2);
        is(1, AUDIT_DIAGNOSIS, "i1", "signature", "connection-pool-leak");
        i->caused_at = NOW + 1; /* judged again, with the same result */
        step(2);
        open_one("ledger");
        step(3);
        is(2, AUDIT_EVIDENCE, "i2", "service", "ledger");
        i->state = INCIDENT_RESOLVED;
        i->resolved_at = NOW;
        step(4);
        is(3, AUDIT_EVIDENCE, "i1", "event", "resolved");
        i->state = INCIDENT_OPEN;
        step(5);
        is(4, AUDIT_EVIDENCE, "i1", "event", "reopened");
}

static void over_restarts(void **state)
{
        struct incident *i = open_one("payment");

        (void)state;
        i->caused_at = NOW;
        step(2);
        audit_incidents_free(&incidents);
        audit_free(&audit);
        audit = rig_open_well();
        assert_int_equal(audit_incidents_new(audit, &incidents), 0);
        step(2);
        /* The history was lost, and with it the number. */
        i->opened_at += NSEC_PER_SEC;
        step(4);
}

static int no_room(void *data, int fd, const void *bytes, size_t size, off_t at)
{
        (void)data, (void)fd, (void)bytes, (void)size, (void)at;
        return -ENOSPC;
}

static void after_a_failure(void **state)
{
        struct audit_io io = audit_io_real;

        (void)state;
        audit_free(&audit);
        audit = rig_open(&io);
        open_one("payment");
        io.write = no_room;
        assert_int_equal(audit_incidents_step(incidents, audit, core, NOW), -ENOSPC);
        assert_int_equal(audit_incidents_step(incidents, audit, core, NOW), -EROFS);
        io.write = audit_io_real.write;
        assert_int_equal(audit_recover(audit), 0);
        step(1);
        is(0, AUDIT_EVIDENCE, "i1", "event", "opened");
        audit_free(&audit);
        audit = rig_open_well();
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(each_turn_once, set_up, tear_down),
                cmocka_unit_test_setup_teardown(over_restarts, set_up, tear_down),
                cmocka_unit_test_setup_teardown(after_a_failure, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
