/* Pools lose and invent no connection, keep their bounds, and come to the same end whether requests are kept one
 * by one or drawn at once; and a leak ends when an independent simulation says so. */
#include "tests/night/pool.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define STEP 10.0

static void check_sums(struct pool *p, double now)
{
        struct pool_swept s = pool_sweep(p, now);
        uint32_t busy = 0, idle = 0, held = 0, half = 0;

        for (uint32_t i = 0; i < p->slots; i++) {
                busy += p->conns[i].state == CONN_BUSY;
                idle += p->conns[i].state == CONN_IDLE;
                held += p->conns[i].state == CONN_LEAKED;
                half += p->conns[i].state == CONN_HALF;
        }
        assert_int_equal(busy, p->busy);
        assert_int_equal(idle, p->idle_count);
        assert_int_equal(held, p->leaked);
        assert_int_equal(half, p->half);
        assert_int_equal(pool_open(p), p->flow.opened - p->flow.closed);
        assert_int_equal(s.busy + s.idle + s.close_wait, pool_open(p));
        assert_true(s.held <= s.idle);
        assert_true(p->swept.reused + s.held <= p->swept.held_ever);
        assert_int_equal(p->flow.requests, p->flow.served + p->flow.failed + p->waiting + p->busy);
        if (p->kind.max)
                assert_true(pool_open(p) - p->half <= p->kind.max);
}

static void sums(void **state)
{
        const struct pool_kind *kind;

        (void)state;
        for (size_t k = 0; (kind = pool_kind_at(k)); k++)
                for (uint64_t seed = 0; seed < 12; seed++) {
                        uint32_t files = 30, server = 20;
                        struct pool_limits limits = { &server, seed % 3 == 0 ? 45 : 0, &files, seed % 4 == 0 ? 60 : 0 };
                        struct pool_load load = { .service = { 0.02, 1 }, .slow = { 40, 1 } };
                        struct random r;
                        struct pool p;

                        random_seed(&r, seed, k);
                        load.slow_share = seed % 2 ? 0.01 : 0;
                        load.leak = seed % 3 == 1 ? LEAK_HELD : seed % 3 == 2 ? LEAK_HALF : LEAK_NONE;
                        load.leak_chance = kind->order == ORDER_STREAMS ? 0 : 0.0005;
                        pool_init(&p, kind, &limits, seed, 0);
                        for (double now = STEP; now < 6000; now += STEP) {
                                load.rate = exp(random_between(&r, log(0.05), log(60)));
                                pool_move(&p, now, &load);
                                if (kind->order != ORDER_STREAMS)
                                        check_sums(&p, now);
                                assert_int_equal(server, 20 + pool_open(&p) - p.half);
                                assert_int_equal(files, 30 + pool_open(&p));
                        }
                        pool_reset(&p, 6000);
                        assert_int_equal(pool_open(&p),
                                         kind->warm && !(seed % 3 == 0 || seed % 4 == 0) ? kind->min : pool_open(&p));
                        pool_free(&p);
                }
}

struct means {
        double open, busy, opened, served, held;
};

static struct means measure(const char *kind, double rate, double few, double hours)
{
        struct pool_load load = { .rate = rate, .service = { 0.03, 0.8 } };
        struct means m = { 0 };
        struct pool p;
        double n = 0;

        pool_init(&p, pool_kind_get(kind), NULL, 2, 0);
        p.few = few;
        for (double now = STEP; now < hours * 3600; now += STEP, n++) {
                struct pool_swept s;

                pool_move(&p, now, &load);
                s = pool_sweep(&p, now);
                m.open += pool_open(&p);
                m.busy += s.busy;
                m.held += s.held;
        }
        m.open /= n;
        m.busy /= n;
        m.held /= n;
        m.opened = (double)p.flow.opened / hours;
        m.served = (double)p.flow.served / hours;
        pool_free(&p);
        return m;
}

static bool near(double a, double b, double ratio, double least)
{
        return fabs(a - b) <= ratio * fmax(a, b) + least;
}

/* By Little's law a sweep finds rate × time busy. */
static void busy(void **state)
{
        const struct duration service = { 0.03, 0.8 };

        (void)state;
        for (double few = 0; few < 100; few += 99) {
                struct means m = measure("hikari-grows", 20, few, 12);

                assert_true(near(m.busy, 20 * duration_mean(&service), 0.05, 0));
        }
}

/* Step by step what bpf/pool.h says, with its lag of one sweep. */
static void sweeps(void **state)
{
        struct pool_swept s;
        struct pool p;
        int a, b;

        (void)state;
        pool_init(&p, pool_kind_get("pg-pool-keeps"), NULL, 2, 0);
        a = pool_acquire(&p, 1);
        b = pool_acquire(&p, 2);
        pool_release(&p, (uint32_t)a, 3);
        s = pool_sweep(&p, 10);
        assert_true(s.busy == 1 && s.idle == 1 && s.held == 0 && p.swept.opened == 2);
        pool_acquire(&p, 11); /* takes a */
        pool_acquire(&p, 12); /* opens a third */
        pool_release(&p, (uint32_t)a, 13);
        pool_release(&p, (uint32_t)b, 13);
        s = pool_sweep(&p, 20);
        assert_true(s.busy == 1 && s.idle == 2 && s.held == 0 && p.swept.opened == 12);
        pool_acquire(&p, 21);
        pool_acquire(&p, 21);
        pool_acquire(&p, 22); /* a fourth: nothing is idle */
        pool_leak(&p, (uint32_t)a, LEAK_HELD, 23);
        s = pool_sweep(&p, 30);
        assert_true(s.busy == 3 && s.idle == 1 && s.held == 0);
        pool_acquire(&p, 35); /* a fifth, beside the one that was left idle */
        s = pool_sweep(&p, 40);
        assert_true(s.idle == 1 && s.held == 0 && p.swept.opened == 35); /* it was met before the new one */
        s = pool_sweep(&p, 50);
        assert_true(s.busy == 4 && s.idle == 1 && s.held == 1 && p.swept.held_ever == 1 && p.swept.reused == 0);
        p.conns[a].touched = true; /* a word on it after all */
        s = pool_sweep(&p, 60);
        assert_true(s.held == 0 && p.swept.held_ever == 1 && p.swept.reused == 1);
        pool_free(&p);
}

static void one_by_one_or_at_once(void **state)
{
        static const char *const kinds[] = { "pg-pool",      "pg-pool-keeps", "psycopg_pool", "hikari",
                                             "hikari-grows", "lifo-minimum",  "pgbouncer" };
        static const double rates[] = { 2, 8, 40 };

        (void)state;
        for (size_t k = 0; k < ARRAY_SIZE(kinds); k++)
                for (size_t r = 0; r < ARRAY_SIZE(rates); r++) {
                        struct means exact = measure(kinds[k], rates[r], INFINITY, 6), bulk = measure(kinds[k], rates[r], 0, 6);

                        if (!near(exact.open, bulk.open, 0.15, 1) || !near(exact.busy, bulk.busy, 0.1, 0.05) ||
                            !near(exact.served, bulk.served, 0.02, 0) || !near(exact.opened, bulk.opened, 0.4, 10))
                                fail_msg("%s at %g/s: open %.2f or %.2f, busy %.3f or %.3f, opened %.1f or %.1f an hour, served "
                                         "%.0f or %.0f",
                                         kinds[k], rates[r], exact.open, bulk.open, exact.busy, bulk.busy, exact.opened,
                                         bulk.opened, exact.served, bulk.served);
                }
}

/* A bounded pool that loses one connection in `one_in` requests, written down without any of the code above:
 * only how many are lost counts, and whether a request finds one that is neither lost nor in use. */
static double brute_breach(struct random *r, uint32_t max, double rate, double each, double one_in)
{
        double until[64] = { 0 }, now = 0;
        uint32_t lost = 0;

        for (;;) {
                now += random_exponential(r, 1 / rate);
                if (lost == max)
                        return now;
                for (uint32_t i = lost; i < max; i++)
                        if (until[i] <= now) {
                                until[i] = now + random_exponential(r, each);
                                if (random_chance(r, 1 / one_in)) {
                                        until[i] = until[lost];
                                        until[lost++] = INFINITY;
                                }
                                break;
                        }
        }
}

static double pool_breach(uint64_t seed, uint32_t max, double rate, double each, double one_in, double few)
{
        struct pool_load load = { .rate = rate, .service = { each, 0.1 }, .leak = LEAK_HELD, .leak_chance = 1 / one_in };
        struct pool_kind kind = *pool_kind_get("pg-pool");
        struct pool p;
        double at;

        kind.max = max;
        pool_init(&p, &kind, NULL, seed, 0);
        p.few = few;
        for (double now = STEP; isnan(p.starved_at); now += STEP)
                pool_move(&p, now, &load);
        at = p.starved_at;
        assert_int_equal(p.leaked, max);
        pool_free(&p);
        return at;
}

static void breach(void **state)
{
        static const struct {
                uint32_t max;
                double rate, one_in;
        } cases[] = { { 5, 0.5, 20 }, { 10, 2, 100 }, { 20, 6, 150 } };
        const int runs = 120;

        (void)state;
        for (size_t c = 0; c < ARRAY_SIZE(cases); c++) {
                double sums[3] = { 0 }, squares = 0;
                struct random r;

                random_seed(&r, 2, c);
                for (int k = 0; k < runs; k++) {
                        double brute = brute_breach(&r, cases[c].max, cases[c].rate, 0.05, cases[c].one_in);

                        sums[0] += brute;
                        squares += brute * brute;
                        sums[1] += pool_breach((uint64_t)k, cases[c].max, cases[c].rate, 0.05, cases[c].one_in, INFINITY);
                        sums[2] += pool_breach((uint64_t)k, cases[c].max, cases[c].rate, 0.05, cases[c].one_in, 0);
                }
                for (int k = 1; k < 3; k++) {
                        double error = sqrt((squares / runs - sums[0] * sums[0] / runs / runs) * 2 / runs);

                        if (fabs(sums[k] - sums[0]) / runs > 3.5 * error)
                                fail_msg("case %zu, way %d: breach after %.0f s instead of %.0f +- %.0f", c, k, sums[k] / runs,
                                         sums[0] / runs, error);
                }
        }
}

/* What kernel.md says of each: a leaked connection comes to be held and is never used again; rotation holds some. */
static void held(void **state)
{
        struct pool_load load = { .rate = 5, .service = { 0.03, 0.8 }, .leak = LEAK_HELD, .leak_chance = 1.0 / 2000 };
        struct pool_swept s = { 0 };
        struct pool p;

        (void)state;
        pool_init(&p, pool_kind_get("pg-pool-keeps"), NULL, 2, 0);
        for (double now = STEP; now < 3600; now += STEP) {
                pool_move(&p, now, &load);
                s = pool_sweep(&p, now);
        }
        assert_true(p.leaked >= 3);
        assert_true(s.held + 2 >= p.leaked);
        pool_free(&p);
}

/* Nothing is skipped in whatever order a healthy pool takes them, and in one that has plenty in reserve a leak is. */
static void skipped(void **state)
{
        static const char *const kinds[] = { "pg-pool-keeps", "lifo-minimum", "prewarmed", "psycopg_pool", "hikari" };

        (void)state;
        for (size_t k = 0; k < ARRAY_SIZE(kinds); k++)
                for (int leaks = 0; leaks < 2; leaks++) {
                        struct pool_load load = { .service = { 0.03, 0.8 }, .leak = leaks ? LEAK_HELD : LEAK_NONE };
                        struct pool_swept s = { 0 };
                        uint32_t most = 0;
                        struct pool p;

                        load.leak_chance = 1.0 / 6000;
                        pool_init(&p, pool_kind_get(kinds[k]), NULL, 2, 0);
                        for (double now = STEP; now < 3 * 3600 && p.leaked < 6; now += STEP) {
                                load.rate = 12 + 8 * sin(now / 1500);
                                pool_move(&p, now, &load);
                                s = pool_sweep(&p, now);
                                most = MAX(most, s.skipped);
                                assert_true(s.skipped <= p.leaked);
                        }
                        if (leaks && p.kind.order == ORDER_LIFO && p.kind.idle == 0) /* the reserve lasts */
                                assert_true(most + 2 >= p.leaked);
                        pool_free(&p);
                }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(sums),    cmocka_unit_test(busy),
                cmocka_unit_test(sweeps),  cmocka_unit_test(one_by_one_or_at_once),
                cmocka_unit_test(breach),  cmocka_unit_test(held),
                cmocka_unit_test(skipped),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
