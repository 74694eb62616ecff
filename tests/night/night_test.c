/* Nights are the same for the same seed, say what their pools hold, break when they say, and the core takes them. */
#include "coordinator/core.h"
#include "coordinator/view.h"
#include "tests/night/night_private.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HOURS(t) ((double)((t)-NIGHT_T0) / 3.6e12)

typedef int (*maker)(uint64_t seed, const struct night_options *options, struct night **ret_night);

static const maker makers[] = { night_payment, night_variant, night_leak, night_healthy };
static const struct night_options usual;

static void hash(uint64_t *h, const void *data, size_t size)
{
        for (size_t i = 0; i < size; i++)
                *h = (*h ^ ((const uint8_t *)data)[i]) * UINT64_C(0x100000001b3);
}

static uint64_t digest(maker make, uint64_t seed)
{
        uint64_t h = UINT64_C(0xcbf29ce484222325);
        const struct summary *s;
        struct night *n = NULL;
        const char *host;
        int64_t now;

        assert_int_equal(make(seed, &usual, &n), 0);
        for (int i = 0; i < 3000 && night_next(n, &now, &host, &s); i++) {
                hash(&h, &now, sizeof(now));
                hash(&h, host, strlen(host));
                hash(&h, &s->sequence, sizeof(s->sequence));
                for (size_t k = 0; k < s->edges_count; k++)
                        hash(&h, &s->edges[k].counters, sizeof(s->edges[k].counters));
                for (size_t k = 0; k < s->pools_count; k++)
                        hash(&h, &s->pools[k].busy, 6 * sizeof(uint32_t));
                for (size_t k = 0; k < s->processes_count; k++)
                        hash(&h, &s->processes[k].rss_bytes, sizeof(uint64_t));
        }
        night_free(&n);
        return h;
}

static void same_for_the_same_seed(void **state)
{
        (void)state;
        for (size_t m = 0; m < ARRAY_SIZE(makers); m++) {
                assert_true(digest(makers[m], 4) == digest(makers[m], 4));
                assert_false(digest(makers[m], 4) == digest(makers[m], 12));
        }
}

static void odd_seeds_are_kept(void **state)
{
        struct night *n = NULL;

        (void)state;
        unsetenv("NIGHT_FINAL");
        for (size_t m = 0; m < ARRAY_SIZE(makers); m++) {
                assert_int_equal(makers[m](3, &usual, &n), -EPERM);
                assert_null(n);
        }
}

/* The pools of a client's edge hold what the edge has open; nothing goes back; names and numbers are whole. */
struct watch {
        uint64_t session, sequence;
        int64_t at;
        struct summary_counters counters[SOURCES_MAX];
};

static void check_summary(struct watch *w, const struct summary *s)
{
        assert_true(s->sequence > 0 && s->at > 0 && s->parts == 1);
        if (s->session != w->session)
                memset(w, 0, sizeof(*w));
        if (s->session == w->session && s->sequence < w->sequence)
                return; /* late */
        assert_true(s->at > w->at);
        w->session = s->session;
        w->sequence = s->sequence;
        w->at = s->at;
        for (size_t k = 0; k < s->edges_count; k++) {
                const struct summary_edge *e = &s->edges[k];
                struct summary_counters *c = &w->counters[e->id - 1];
                uint64_t open = e->counters.adopted + e->counters.opened - e->counters.closed, pooled = 0;
                bool any = false;

                assert_true(e->identity >= 1 && e->identity <= s->identities_count);
                assert_true(e->first_seen <= e->last_seen);
#define X(name) assert_true(e->counters.name >= c->name);
                SUMMARY_COUNTERS(X)
#undef X
                *c = e->counters;
                for (size_t i = 0; i < s->pools_count; i++) {
                        const struct summary_pool *p = &s->pools[i];

                        if (p->edge != e->id)
                                continue;
                        any = true;
                        pooled += p->busy + p->idle + p->close_wait;
                        assert_true(p->held <= p->idle && p->held + p->reused <= p->held_ever);
                }
                if (e->role == ROLE_CLIENT)
                        assert_int_equal(open, any ? pooled : 0);
        }
        for (size_t k = 0; k < s->processes_count; k++) {
                assert_true(s->processes[k].open_files <= s->processes[k].open_files_limit + 2000);
                assert_true(s->processes[k].rss_bytes > 1 << 20);
                assert_true(s->processes[k].started < s->at + 10 * NSEC_PER_SEC);
        }
}

static void sums_of_a_night(void **state)
{
        static const uint64_t seeds[] = { 0, 2, 8, 26, 30 };

        (void)state;
        for (size_t m = 0; m < ARRAY_SIZE(makers); m++)
                for (size_t k = 0; k < ARRAY_SIZE(seeds); k++) {
                        struct watch watches[HOSTS_MAX] = { 0 };
                        const struct summary *s;
                        struct night *n = NULL;
                        int64_t now, before = 0;
                        const char *host;

                        assert_int_equal(makers[m](seeds[k], &usual, &n), 0);
                        while (night_next(n, &now, &host, &s)) {
                                int h = 0;

                                while (strcmp(n->hosts[h].name, host) != 0)
                                        h++;
                                assert_true(now >= before);
                                before = now;
                                check_summary(&watches[h], s);
                        }
                        night_free(&n);
                }
}

static void the_story_of_the_payment(void **state)
{
        double sum = 0;
        int runs = 0;

        (void)state;
        for (uint64_t seed = 0; seed < 40; seed += 2, runs++) {
                const struct night_truth *t;
                struct night *n = NULL;

                assert_int_equal(night_payment(seed, &usual, &n), 0);
                t = night_truth(n);
                assert_int_equal(t->deployments_count, 3);
                assert_int_equal(t->cause, 0);
                assert_string_equal(t->deployments[0].service, "payment");
                assert_true(fabs(HOURS(t->deployments[0].start) - 41.667) < 0.01);
                assert_true(fabs(HOURS(t->onset) - (48 + 2 + 41 / 60.0)) < 0.02);
                assert_true(HOURS(t->breach) > 52 && HOURS(t->breach) < 54.3);
                assert_true(t->breach == t->breach_left_alone);
                sum += HOURS(t->breach) - 48;
                night_free(&n);
        }
        assert_true(fabs(sum / runs - 5) < 0.25);
}

/* What runs on in silence is what was watched. */
static void truth_is_what_happens(void **state)
{
        (void)state;
        for (uint64_t seed = 0; seed < 24; seed += 2) {
                const struct summary *s;
                struct night_truth live;
                const struct night_truth *t;
                struct night *n = NULL;
                const char *host;
                int64_t now;

                assert_int_equal(night_variant(seed, &usual, &n), 0);
                while (night_next(n, &now, &host, &s))
                        ;
                live = n->truth;
                t = night_truth(n);
                assert_true(t->onset == live.onset && t->first_leak == live.first_leak);
                assert_true(live.breach == 0 ? t->breach == 0 || t->breach > live.until - 40 * NSEC_PER_SEC
                                             : live.breach == t->breach);
                assert_true(t->breach != 0 && t->breach > t->onset && t->first_leak >= t->onset);
                assert_true((t->cause >= 0) == (n->plan.services[0].fault_build > 0));
                if (t->cause >= 0)
                        assert_true(t->deployments[t->cause].start <= t->onset + NSEC_PER_SEC * 60);
                night_free(&n);
        }
}

static void healthy_breaks_nothing(void **state)
{
        (void)state;
        for (uint64_t seed = 0; seed < 2 * night_healthy_kinds(); seed += 2) {
                const struct night_truth *t;
                struct night *n = NULL;

                assert_int_equal(night_healthy(seed, &usual, &n), 0);
                t = night_truth(n);
                assert_string_equal(t->story, night_healthy_kind(seed / 2));
                assert_true(t->onset == 0 && t->breach == 0 && t->cause == -1 && t->fault == NIGHT_HEALTHY);
                night_free(&n);
        }
}

static void the_core_takes_it(void **state)
{
        const struct night_options perfect = { .perfect = true };
        const struct summary *s;
        struct night *n = NULL;
        struct core *core;
        struct view *view;
        struct wire_ack ack;
        const char *host;
        int64_t now = 0;
        bool found = false;

        (void)state;
        assert_int_equal(core_new(NULL, &core), 0);
        assert_int_equal(night_payment(0, &perfect, &n), 0);
        for (int i = 0; i < 2000 && night_next(n, &now, &host, &s); i++)
                assert_int_equal(core_summary(core, now, host, s, &ack), 0);
        assert_int_equal(core_view(core, now, &(struct view_query){ .parts = VIEW_GRAPH }, &view), 0);
        for (size_t i = 0; i < view->edges_count; i++)
                found = found || (strcmp(view->edges[i].client, "payment") == 0 && strcmp(view->edges[i].server, "postgres") == 0);
        assert_true(found);
        view_free(&view);
        night_free(&n);
        core_free(&core);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(same_for_the_same_seed), cmocka_unit_test(odd_seeds_are_kept),
                cmocka_unit_test(sums_of_a_night),        cmocka_unit_test(the_story_of_the_payment),
                cmocka_unit_test(truth_is_what_happens),  cmocka_unit_test(healthy_breaks_nothing),
                cmocka_unit_test(the_core_takes_it),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
