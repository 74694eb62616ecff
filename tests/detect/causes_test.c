/* The first incident's cause, with the reasons why the others are none; and the roots of small graphs. */
#include "coordinator/core.h"
#include "coordinator/records.h"
#include "coordinator/roots.h"
#include "tests/detect/blamed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct signature_set *set;

static int set_up(void **state)
{
        const char *built_in[] = { SIGNATURES_BUILT_IN };
        struct yaml_config_error *error = calloc(1, 4096);
        int r = error ? signatures_load(built_in, 1, &set, error) : -ENOMEM;

        (void)state;
        free(error);
        return r;
}

static int tear_down(void **state)
{
        (void)state;
        signatures_free(&set);
        return 0;
}

static struct core *begin(void)
{
        struct core *core = NULL;

        assert_int_equal(core_new(&(struct core_options){ .coordinator = 1 }, &core), 0);
        core_set_signatures(core, set);
        return core;
}

static void take(struct core *core, int64_t *tick, int64_t now, const char *host, const struct summary *s)
{
        struct wire_ack ack;

        for (; *tick && *tick + 10 * NSEC_PER_SEC <= now; *tick += 10 * NSEC_PER_SEC)
                core_tick(core, *tick + 10 * NSEC_PER_SEC);
        if (!*tick)
                *tick = now;
        assert_int_equal(core_summary(core, now, host, s, &ack), 0);
}

static const struct incident *find(const struct core *core, const char *service, const char *signature)
{
        for (uint32_t k = 0; incident_get(core, k); k++)
                if (strcmp(incident_get(core, k)->service->name, service) == 0 &&
                    strcmp(incident_get(core, k)->signature->data, signature) == 0)
                        return incident_get(core, k);
        return NULL;
}

static const struct incident_cause *cause_by(const struct core *core, const struct incident *i, const char *service)
{
        for (uint32_t k = 0; k < i->causes_count; k++)
                if (i->causes[k].deployment && strcmp(deployment_find(core, i->causes[k].deployment)->service->data, service) == 0)
                        return &i->causes[k];
        return NULL;
}

static int hand_over(void *data, uint32_t kind, const void *key, size_t key_size, const void *value, size_t value_size)
{
        /* One that was cut short is refused, and leaves nothing behind. */
        for (size_t size = 0; kind == RECORD_INCIDENT && size < value_size; size++) {
                struct core *scratch = begin();

                assert_int_equal(core_load(scratch, kind, key, key_size, value, size), -EBADMSG);
                assert_int_equal(scratch->incidents_count, 0);
                core_free(&scratch);
        }
        return core_load(data, kind, key, key_size, value, value_size);
}

/* What was found is there after a restart, as it was. */
static void restart(struct core *core, const struct incident *i, int64_t now)
{
        struct core *after = begin();
        const struct incident *same;

        while (core_save(core, now, hand_over, after) == 1)
                ;
        core_loaded(after, now);
        assert_int_equal(after->incidents_count, core->incidents_count);
        same = find(after, "payment", "connection-pool-leak");
        assert_non_null(same);
        assert_int_equal(same->id, i->id);
        assert_int_equal(same->onset_at, i->onset_at);
        assert_int_equal(same->state, i->state);
        assert_true(same->breach.likely == i->breach.likely && same->limit == i->limit);
        assert_int_equal(same->subjects_count, i->subjects_count);
        assert_int_equal(same->evidence_count, i->evidence_count);
        assert_int_equal(same->causes_count, i->causes_count);
        for (uint32_t k = 0; k < i->causes_count; k++) {
                assert_string_equal(same->causes[k].ref->data, i->causes[k].ref->data);
                assert_string_equal(same->causes[k].why->data, i->causes[k].why->data);
                assert_true(same->causes[k].confidence == i->causes[k].confidence);
        }
        core_tick(after, now + 3600 * NSEC_PER_SEC);
        assert_false(incident_is_open(same));
        core_free(&after);
}

static void the_payment_night(void **state)
{
        struct core *core = begin();
        const struct incident *i;
        const struct summary *s;
        struct night *night = NULL;
        const char *host;
        int64_t now, tick = 0;

        (void)state;
        assert_int_equal(night_payment(2, NULL, &night), 0);
        while (night_next(night, &now, &host, &s))
                take(core, &tick, now, host, s);
        i = find(core, "payment", "connection-pool-leak");
        assert_non_null(i);
        assert_true(i->causes_count >= 3);
        assert_int_equal(i->causes[0].kind, CAUSE_DEPLOYMENT);
        assert_true(i->causes[0].confidence > 0.8);
        assert_ptr_equal(cause_by(core, i, "payment"), &i->causes[0]);
        assert_non_null(strstr(i->causes[0].why->data, "17:40"));
        assert_non_null(cause_by(core, i, "ledger"));
        assert_true(cause_by(core, i, "ledger")->ruled_out);
        assert_non_null(strstr(cause_by(core, i, "ledger")->why->data, "00:30 changed nothing that payment runs"));
        assert_true(cause_by(core, i, "catalog")->ruled_out);
        restart(core, i, now);
        night_free(&night);
        core_free(&core);
}

static bool is_cause(const struct root *r, const struct night_graph_truth *t)
{
        for (size_t k = 0; k < t->causes_count; k++) {
                const struct night_graph_cause *c = &t->causes[k];

                if (r->kind == CAUSE_HOST || r->kind == CAUSE_NETWORK) {
                        if (strcmp(c->host, r->host->name->data) == 0 || strcmp(c->other, r->host->name->data) == 0)
                                return true;
                } else if (strcmp(c->service, r->service->name) == 0) {
                        return true;
                }
        }
        return false;
}

static void small_graphs(void **state)
{
        unsigned with = 0, told = 0, wrong = 0;

        (void)state;
        for (uint64_t seed = 0; seed < 60; seed += 2) {
                struct night_graph *graph = NULL;
                struct root roots[ROOTS_MAX];
                const struct night_graph_truth *t;
                const struct summary *s;
                struct core *core;
                const char *host;
                int64_t now, tick = 0;

                assert_int_equal(night_graph(seed, NULL, &graph), 0);
                t = night_graph_truth(graph);
                core = begin();
                while (t->services <= 60 && night_graph_next(graph, &now, &host, &s))
                        take(core, &tick, now, host, s);
                if (t->services <= 60 && t->causes_count == 0) {
                        assert_int_equal(roots_find(core, roots, ROOTS_MAX), 0);
                        assert_null(incident_get(core, 0));
                } else if (t->services <= 60) {
                        assert_true(roots_find(core, roots, ROOTS_MAX) > 0);
                        assert_true(is_cause(&roots[0], t));
                        with++;
                        told += incident_get(core, 0) && incident_get(core, 0)->causes_count > 0;
                        for (uint32_t k = 0; incident_get(core, k); k++)
                                wrong += !blamed_rightly(core, incident_get(core, k), t);
                }
                core_free(&core);
                night_graph_free(&graph);
        }
        assert_true(with >= 10 && 10 * told >= 9 * with);
        assert_int_equal(wrong, 0); /* however many show something, nobody is blamed for what another did */
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(the_payment_night), cmocka_unit_test(small_graphs) };

        return cmocka_run_group_tests(tests, set_up, tear_down);
}
