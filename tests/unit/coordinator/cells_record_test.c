/* The cells of ends and of services survive a restart, and the store holds no more of them than there are. */
#include "coordinator/past_ring.h"
#include "coordinator/pulse.h"
#include "coordinator/records.h"
#include "tests/unit/coordinator/world.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define ENDS 5

/* A store that keeps what it is given. */
static struct record {
        uint32_t kind;
        uint8_t key[64], *value;
        size_t key_size, size;
} records[4096];
static size_t records_count;
static int failing; /* what put returns */

static struct core *core, *other;
static struct agent agent;
static struct summary_edge *edges[ENDS];
static struct summary_process process;
static int64_t now;

static void forget(size_t i)
{
        free(records[i].value);
        records[i] = records[--records_count];
}

static int put(void *data, uint32_t kind, const void *key, size_t key_size, const void *value, size_t size)
{
        size_t i = 0;

        (void)data;
        if (failing)
                return failing;
        while (i < records_count &&
               !(records[i].kind == kind && records[i].key_size == key_size && memcmp(records[i].key, key, key_size) == 0))
                i++;
        if (i < records_count)
                forget(i);
        if (size == 0)
                return 0;
        assert_true(records_count < ARRAY_SIZE(records) && key_size <= sizeof(records[0].key));
        records[records_count] = (struct record){ .kind = kind, .key_size = key_size, .size = size, .value = malloc(size) };
        memcpy(records[records_count].key, key, key_size);
        memcpy(records[records_count++].value, value, size);
        return 0;
}

static size_t stored(uint32_t kind)
{
        size_t n = 0;

        for (size_t i = 0; i < records_count; i++)
                n += records[i].kind == kind;
        return n;
}

static int set_up(void **state)
{
        (void)state;
        now = T0;
        failing = 0;
        assert_int_equal(core_new(&(struct core_options){ .coordinator = 1 }, &core), 0);
        agent_start(&agent, "a", 1, now);
        for (uint32_t i = 0; i < ENDS; i++) {
                edges[i] = agent_client(&agent, i % 2 ? "shop" : "payment", "192.0.2.1", (uint16_t)(80 + i));
                opened(edges[i], 3, 0);
        }
        process = (struct summary_process){ .identity = 1, .pid = 7, .started = now, .executable = "/x", .build = "b" };
        agent.s.processes = &process;
        agent.s.processes_count = 1;
        return 0;
}

static int tear_down(void **state)
{
        (void)state;
        while (records_count > 0)
                forget(records_count - 1);
        core_free(&core);
        core_free(&other);
        return 0;
}

static void save(void)
{
        int r;

        do {
                r = core_save(core, now, put, NULL);
        } while (r > 0);
        assert_int_equal(r, failing);
}

static void live(int64_t length, int64_t save_every)
{
        int64_t until = now + length;

        for (int n = 0; now < until; n++) {
                now += SECONDS(20);
                for (uint32_t i = 0; i < ENDS; i++) {
                        uint64_t step = (uint64_t)n * (i + 3) % 97;

                        if (i == 4) /* idle */
                                continue;
                        edges[i]->last_seen = now;
                        edges[i]->counters.sent += step * 1000;
                        edges[i]->counters.attempted += step;
                        edges[i]->counters.refused += i == 3 ? step / 2 : 0;
                        edges[i]->turnaround.count[12] += (uint32_t)step / 5;
                }
                process.rss_bytes = 1000000 + 4096 * (uint64_t)n;
                process.threads = 3;
                process.open_files = (uint32_t)n % 50;
                process.open_files_limit = 1024;
                assert_int_equal(agent_send(&agent, core, now), 0);
                core_tick(core, now);
                if (save_every && now % save_every == 0)
                        save();
        }
}

/* Into `other`, backwards. */
static void load(void)
{
        core_free(&other);
        assert_int_equal(core_new(&(struct core_options){ .coordinator = 1 }, &other), 0);
        for (size_t i = records_count; i > 0; i--)
                assert_int_equal(core_load(other, records[i - 1].kind, records[i - 1].key, records[i - 1].key_size,
                                           records[i - 1].value, records[i - 1].size),
                                 0);
        core_loaded(other, now);
}

static const struct end *twin(const struct end *e)
{
        for (uint32_t i = 0; i < other->ends_count; i++)
                if (other->ends[i]->id == e->id)
                        return other->ends[i];
        fail();
        return NULL;
}

/* `missed` cells later the other knows what this one knew, and nothing of the time between. */
static void expect_same_pulses(uint32_t missed)
{
        uint32_t known = 0;

        for (uint32_t i = 0; i < core->ends_count; i++)
                for (uint32_t age = 0; age < PULSE_CELLS; age++) {
                        uint16_t here[PULSE_FIELDS], there[PULSE_FIELDS];
                        bool is_here = age >= missed && pulse_cell(core, core->ends[i], age - missed, here);

                        assert_int_equal(pulse_cell(other, twin(core->ends[i]), age, there), is_here);
                        if (is_here)
                                assert_memory_equal(here, there, sizeof(here));
                        known += is_here;
                }
        assert_true(missed >= PULSE_CELLS || known > 0);
        assert_int_equal(other->pulses, missed >= PULSE_CELLS ? 0 : core->pulses);
}

static void expect_same_pasts(void)
{
        assert_true(core->past_count >= 6);
        assert_int_equal(other->past_count, core->past_count);
        for (uint32_t i = 0; i < core->past_count; i++) {
                struct past *p = core->past_records[i];
                struct service *service = service_get(other, p->service->name, p->service->external);
                struct service *server = p->server ? service_get(other, p->server->name, p->server->external) : NULL;
                struct past *q = (struct past *)past_find(other, service, server, p->port);

                assert_non_null(q);
                assert_int_equal(q->since, p->since);
                for (uint32_t level = 0; level < PAST_RINGS; level++) {
                        struct past_ring *x = past_ring_of(p, level), *y = past_ring_of(q, level);

                        for (int64_t n = now / past_rings[level].length - past_rings[level].cells + 1; n <= x->newest; n++) {
                                assert_int_equal(past_ring_measured(x, n), past_ring_measured(y, n));
                                if (!past_ring_measured(x, n))
                                        continue;
                                assert_true(past_ring_load(x, n) == past_ring_load(y, n));
                                assert_true(past_ring_level(x, n, 0) == past_ring_level(y, n, 0));
                                assert_true(past_ring_level(x, n, 1) == past_ring_level(y, n, 1));
                        }
                }
                service_put(other, &service);
                service_put(other, &server);
        }
}

static void a_restart_loses_no_cells(void **state)
{
        (void)state;
        live(SECONDS(3 * 3600), SECONDS(20));
        live(SECONDS(240), SECONDS(20)); /* so that the newest round is saved */
        core_save_at_once(core);
        save();
        load();
        expect_same_pulses(0);
        expect_same_pasts();
        /* The first round says only from where to count, the next ones are cells again. */
        for (int k = 1; k <= 3; k++) {
                struct flow f = { 0 };

                core_tick(other, now + k * PULSE_CELL);
                pulse_sum(other, other->ends[0], 0, (uint32_t)k, &f);
                assert_int_equal(f.cells, k - 1);
                assert_true(f.sent == 0);
        }
}

static void what_passed_meanwhile_is_not_known(void **state)
{
        int64_t stopped;

        (void)state;
        live(SECONDS(3 * 3600), SECONDS(60));
        core_save_at_once(core);
        save();
        stopped = now;
        now = core->pulse_at + 5 * PULSE_CELL + SECONDS(7);
        load();
        expect_same_pulses(5);
        expect_same_pasts();
        now = core->pulse_at + PULSE_CELLS * PULSE_CELL;
        load();
        expect_same_pulses(PULSE_CELLS);
        now = stopped - SECONDS(3600); /* a clock that was set back */
        load();
        expect_same_pulses(PULSE_CELLS);
        now = stopped + SECONDS(4 * 86400);
        load();
        for (uint32_t i = 0; i < other->past_count; i++)
                assert_int_equal(other->past_records[i]->cells.capacity + other->past_records[i]->minutes.capacity, 0);
}

static void the_store_holds_no_more_cells_than_there_are(void **state)
{
        size_t most = 0;

        (void)state;
        for (int k = 0; k < 30; k++) {
                live(SECONDS(7200), SECONDS(600));
                most = MAX(most, stored(RECORD_PAST_CELLS));
                assert_true(stored(RECORD_PULSE) <= PULSE_CELLS + 8);
        }
        assert_in_range(most, PAST_CELLS, PAST_CELLS + PAST_MINUTES + 16);
        /* Nor if nothing is saved for longer than the minutes reach back, */
        live(SECONDS(3 * 7200), 0);
        live(SECONDS(1200), SECONDS(600));
        live(SECONDS(3 * 7200), 0);
        live(SECONDS(1200), SECONDS(600));
        assert_true(stored(RECORD_PAST_CELLS) <= PAST_CELLS + PAST_MINUTES + 16);
        /* or cannot be. */
        failing = -ENOSPC;
        live(SECONDS(7200), SECONDS(600));
        core_save_again(core);
        failing = 0;
        live(SECONDS(1200), SECONDS(600));
        core_save_at_once(core);
        save();
        assert_true(stored(RECORD_PAST_CELLS) <= PAST_CELLS + PAST_MINUTES + 16);
        load();
        expect_same_pulses(0);
        expect_same_pasts();
        core_free(&core);
        core = other;
        other = NULL;
        live(SECONDS(1200), SECONDS(60));
        assert_true(stored(RECORD_PAST_CELLS) <= PAST_CELLS + PAST_MINUTES + 16);
        assert_true(stored(RECORD_PULSE) <= PULSE_CELLS + 8);
}

/* Each record cut at each place, and with each of its bytes turned over, does no harm; and of those that are cut
 * none is taken for whole that says less. */
static void what_does_not_parse_is_refused(void **state)
{
        size_t refused = 0;

        (void)state;
        live(SECONDS(1200), 0);
        save();
        for (size_t i = 0; i < records_count; i++) {
                struct record *r = &records[i];

                if (r->kind != RECORD_PULSE && r->kind != RECORD_PAST && r->kind != RECORD_PAST_CELLS)
                        continue;
                for (size_t n = 0; n < 2 * r->size; n++) {
                        CLEANUP_FREE uint8_t *copy = malloc(r->size);
                        size_t size = n < r->size ? n : r->size;
                        int result;

                        memcpy(copy, r->value, r->size);
                        if (n >= r->size)
                                copy[n - r->size] ^= 0xff;
                        core_free(&other);
                        assert_int_equal(core_new(NULL, &other), 0);
                        for (size_t k = 0; k < records_count; k++)
                                if (records[k].kind < RECORD_PULSE)
                                        assert_int_equal(core_load(other, records[k].kind, records[k].key, records[k].key_size,
                                                                   records[k].value, records[k].size),
                                                         0);
                        result = core_load(other, r->kind, r->key, r->key_size, copy, size);
                        assert_true(result == 0 || result == -EBADMSG);
                        refused += result != 0;
                        if (r->kind == RECORD_PAST && n < r->size)
                                assert_int_equal(result, -EBADMSG);
                        core_loaded(other, now);
                        core_tick(other, now + 3 * PULSE_CELL);
                }
        }
        assert_true(refused > 100);
}

static void nothing_is_taken_twice(void **state)
{
        size_t pulse = 0, past = 0, cells = 0;

        (void)state;
        live(SECONDS(1200), 0);
        save();
        load();
        core_free(&other);
        assert_int_equal(core_new(NULL, &other), 0);
        for (int twice = 0; twice < 2; twice++)
                for (size_t i = 0; i < records_count; i++) {
                        struct record *r = &records[i];
                        int result = core_load(other, r->kind, r->key, r->key_size, r->value, r->size);

                        pulse += r->kind == RECORD_PULSE && result == -EBADMSG;
                        past += r->kind == RECORD_PAST && result == -EBADMSG;
                        cells += r->kind == RECORD_PAST_CELLS && result == -EBADMSG;
                }
        assert_int_equal(pulse, stored(RECORD_PULSE));
        assert_int_equal(past, stored(RECORD_PAST));
        assert_int_equal(cells, stored(RECORD_PAST_CELLS));
        assert_true(pulse > 0 && past > 0 && cells > 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(a_restart_loses_no_cells),
                TEST(what_passed_meanwhile_is_not_known),
                TEST(the_store_holds_no_more_cells_than_there_are),
                TEST(what_does_not_parse_is_refused),
                TEST(nothing_is_taken_twice),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
