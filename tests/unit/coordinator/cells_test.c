/* What detectors compare with: the cells of ends (pulse) and of services (past), which are packed, against plain
 * arrays that are not. */
#include "coordinator/minifloat.h"
#include "coordinator/past_ring.h"
#include "coordinator/pulse.h"
#include "tests/unit/coordinator/world.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct core *core;
static uint64_t state_;

static uint64_t dice(uint64_t sides)
{
        state_ = state_ * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        return (state_ >> 33) % sides;
}

static int set_up(void **state)
{
        (void)state;
        state_ = 1;
        return core_new(&(struct core_options){ .coordinator = 1 }, &core);
}

static int tear_down(void **state)
{
        (void)state;
        core_free(&core);
        return 0;
}

static void minifloats_keep_small_counts_and_round_large_ones(void **state)
{
        (void)state;
        for (uint32_t i = 0; i <= 2048; i++)
                assert_true(minifloat_value(minifloat_of(i)) == i);
        for (uint32_t i = 0; i <= UINT16_MAX; i++)
                assert_int_equal(minifloat_of(minifloat_value((uint16_t)i)), i);
        for (int i = 0; i < 10000; i++) {
                double value = ldexp(1 + (double)dice(1 << 30) / (1 << 30), (int)dice(72));

                assert_true(fabs(minifloat_value(minifloat_of(value)) - value) <= fmax(value / 2048, 0.5));
        }
        assert_int_equal(minifloat_of(NAN), 0);
        assert_int_equal(minifloat_of(-1), 0);
        assert_int_equal(minifloat_of(INFINITY), UINT16_MAX);
        assert_int_equal(minifloat_of(DBL_MAX), UINT16_MAX);
        assert_int_equal(minifloat_of(2047.6), 2048);
        assert_int_equal(minifloat_of(4095.9), minifloat_of(4096));
}

#define ROUNDS 300

/* What an end gains in a round: nothing for a while, then a few counts or many. */
static struct flow gains(uint32_t round, struct summary_edge *e)
{
        struct flow f = { 0 };
        uint64_t many = round / 40 % 3 == 1 ? 0 : round / 40 % 3 == 2 ? 5 : 100000;
        uint32_t answers = (uint32_t)dice(many / 4 + 1), bucket = 10 + (uint32_t)dice(20);
        struct summary_counters *c = &e->counters;

        f.answers = answers;
        f.log_time =
                answers * log((ldexp(bucket % 2 ? 1.5 : 1, (int)bucket / 2) + ldexp(bucket % 2 ? 2 : 1.5, (int)bucket / 2)) / 2);
        f.sent = (double)dice(many * 1000 + 1);
        f.received = (double)dice(many * 1000 + 1);
        f.attempted = (double)dice(many + 1);
        f.refused = round % 100 > 60 ? (double)dice((uint64_t)f.attempted + 1) : 0;
        f.unanswered = dice(8) == 0 ? (double)dice(many + 1) : 0;
        f.retransmits = (double)dice(many / 10 + 1);
        f.resets = dice(50) == 0 ? 3 : 0;
        f.refusing = f.refused >= 2 && f.refused >= f.attempted / 50;
        e->turnaround.count[bucket] += answers;
        c->sent += (uint64_t)f.sent;
        c->received += (uint64_t)f.received;
        c->attempted += (uint64_t)f.attempted;
        c->refused += (uint64_t)f.refused;
        c->timed_out += (uint64_t)f.unanswered;
        c->retransmits += (uint64_t)f.retransmits;
        c->reset_by_peer += (uint64_t)f.resets;
        return f;
}

static void close_to(double got, double wanted, double least)
{
        if (fabs(got - wanted) > fmax(wanted / 1024, least))
                fail_msg("%.6f instead of %.6f", got, wanted);
}

static void the_pulse_of_an_end_is_what_it_gained(void **state)
{
        static struct flow truth[ROUNDS + 1];
        struct agent a;
        struct summary_edge *e;
        const struct end *end;

        (void)state;
        agent_start(&a, "a", 1, T0);
        e = agent_client(&a, "shop", "192.0.2.1", 80);
        e->counters.attempted = 1;
        e->counters.refused = UINT32_MAX - 1000; /* the low half will go round */
        core_tick(core, T0);
        assert_int_equal(agent_send(&a, core, T0), 0);
        core_tick(core, T0 + PULSE_CELL); /* what came before is not known */
        end = core->ends[0];
        assert_int_equal(core->pulses, 1);
        for (uint32_t round = 1; round <= ROUNDS; round++) {
                int64_t now = T0 + (round + 1) * PULSE_CELL;

                truth[round] = gains(round, e);
                assert_int_equal(agent_send(&a, core, now - SECONDS(1)), 0);
                core_tick(core, now);
                for (uint32_t age = 0; age < PULSE_CELLS; age++) {
                        struct flow f = { 0 };
                        const struct flow *t = round > age ? &truth[round - age] : NULL;

                        pulse_sum(core, end, age, age + 1, &f);
                        assert_int_equal(f.cells, t != NULL);
                        if (!t)
                                continue;
                        close_to(f.answers, t->answers, 0);
                        close_to(f.log_time, t->log_time, t->answers / 4096);
                        close_to(f.sent, t->sent, 0);
                        close_to(f.received, t->received, 0);
                        close_to(f.attempted, t->attempted, 0);
                        close_to(f.refused, t->refused, 0);
                        close_to(f.unanswered, t->unanswered, 0);
                        close_to(f.retransmits, t->retransmits, 0);
                        close_to(f.resets, t->resets, 0);
                        if (t->attempted < 2048)
                                assert_int_equal(f.refusing, t->refusing);
                }
        }
}

static void an_idle_end_needs_no_cells(void **state)
{
        struct agent a;
        struct summary_edge *e;
        struct flow f = { 0 };
        uint32_t round = 0;

        (void)state;
        agent_start(&a, "a", 1, T0);
        e = agent_client(&a, "shop", "192.0.2.1", 80);
        e->counters.sent = 1;
        core_tick(core, T0);
        assert_int_equal(agent_send(&a, core, T0), 0);
        for (; round < 3; round++)
                core_tick(core, T0 + round * PULSE_CELL);
        assert_int_equal(core->ends[0]->pulse->capacity, 0);
        e->counters.sent += 9;
        assert_int_equal(agent_send(&a, core, T0 + (round - 1) * PULSE_CELL), 0);
        core_tick(core, T0 + round++ * PULSE_CELL);
        assert_int_equal(core->ends[0]->pulse->capacity, 2);
        assert_int_equal(core->ends[0]->pulse->fields, 1u << PULSE_SENT);
        for (; round < 3 + 2 * PULSE_CELLS; round++)
                core_tick(core, T0 + round * PULSE_CELL);
        assert_int_equal(core->ends[0]->pulse->capacity, 0);
        pulse_sum(core, core->ends[0], 0, PULSE_CELLS, &f);
        assert_int_equal(f.cells, PULSE_CELLS); /* it is known to have done nothing */
        assert_true(f.sent == 0);
}

struct plain {
        float load, level[2];
        uint32_t levels;
        bool loaded;
};

static void a_ring_of_the_past_holds_what_a_plain_one_does(void **state)
{
        static struct plain plain[3000];
        struct past_ring ring = { 0 };
        const uint32_t limit = 64;
        uint64_t before = core->memory_used;
        int64_t number = 1000;

        (void)state;
        for (int step = 0; step < 4000 && number < 2900; step++) {
                number += dice(3) == 0 ? 0 : dice(60) == 0 ? (int64_t)dice(100) : 1;
                if (dice(4)) {
                        float load = (float)dice(1000000);

                        past_ring_add_load(core, &ring, limit, number, load);
                        plain[number].load += load;
                        plain[number].loaded = true;
                }
                if (dice(3)) {
                        float levels[2] = { step < 500 ? 0 : (float)dice(100), step < 500 ? 0 : (float)dice(10) };

                        past_ring_add_levels(core, &ring, limit, number, levels);
                        plain[number].levels++;
                        for (int k = 0; k < 2; k++)
                                plain[number].level[k] += (levels[k] - plain[number].level[k]) / (float)plain[number].levels;
                }
                for (int64_t n = number - limit + 1; n <= number; n++) {
                        const struct plain *p = &plain[n];

                        assert_int_equal(past_ring_measured(&ring, n), (p->loaded ? PAST_HAS_LOAD : 0) | p->levels);
                        if (!p->loaded && !p->levels)
                                continue;
                        assert_true(past_ring_load(&ring, n) == p->load);
                        assert_true(past_ring_level(&ring, n, 0) == p->level[0]);
                        assert_true(past_ring_level(&ring, n, 1) == p->level[1]);
                }
                assert_int_equal(past_ring_measured(&ring, number + 1), 0);
                assert_true(step >= 500 || !ring.has_levels);
        }
        assert_true(ring.has_levels);
        past_ring_free(core, &ring);
        assert_int_equal(core->memory_used, before);
}

static void what_has_no_levels_has_no_room_for_them(void **state)
{
        struct past_ring ring = { 0 };
        uint64_t before = core->memory_used;

        (void)state;
        past_ring_add_load(core, &ring, PAST_CELLS, 5000, 1);
        past_ring_add_levels(core, &ring, PAST_CELLS, 5000, (float[2]){ 0, 0 });
        assert_int_equal(core->memory_used - before, 4 * 5);
        for (int64_t n = 5001; n < 7000; n++)
                past_ring_add_load(core, &ring, PAST_CELLS, n, 1);
        assert_int_equal(core->memory_used - before, PAST_CELLS * 5);
        assert_int_equal(past_ring_measured(&ring, 6999 - PAST_CELLS), 0);
        assert_int_equal(past_ring_measured(&ring, 7000 - PAST_CELLS), PAST_HAS_LOAD);
        past_ring_free(core, &ring);
        assert_int_equal(core->memory_used, before);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(minifloats_keep_small_counts_and_round_large_ones),
                TEST(the_pulse_of_an_end_is_what_it_gained),
                TEST(an_idle_end_needs_no_cells),
                TEST(a_ring_of_the_past_holds_what_a_plain_one_does),
                TEST(what_has_no_levels_has_no_room_for_them),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
