#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "coordinator/store.h"
#include "tests/unit/coordinator/world.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static struct core *core;
static struct agent a;
static char directory[64];

static int setup(void **state)
{
        (void)state;
        snprintf(directory, sizeof(directory), "/tmp/nightshift-store-XXXXXX");
        if (!mkdtemp(directory))
                return -1;
        return core_new(&(struct core_options){ .coordinator = 42 }, &core);
}

static int teardown(void **state)
{
        char command[128];

        (void)state;
        core_free(&core);
        snprintf(command, sizeof(command), "rm -rf %s", directory);
        return system(command);
}

static uint64_t opened_at(int64_t now, int64_t at, int64_t window, int64_t *ret_window)
{
        struct view_query q = { .parts = VIEW_EDGES, .at = at, .window = window, .service = "web" };
        struct view *v = NULL;
        uint64_t n;

        assert_int_equal(core_view(core, now, &q, &v), 0);
        n = v->edges_count ? v->edges[0].counters.opened : 0;
        if (ret_window)
                *ret_window = v->edges_count ? v->edges[0].window_ns : 0;
        assert_true(v->edges_count <= 1);
        view_free(&v);
        return n;
}

/* One connection a second, a summary each ten. */
static int64_t run(int64_t from, int seconds)
{
        struct summary_edge *e = &a.edges[0];

        for (int i = 1; i <= seconds; i++) {
                opened(e, 1, 1);
                e->last_seen = from + SECONDS(i);
                if (i % 10 == 0)
                        assert_int_equal(agent_send(&a, core, from + SECONDS(i)), 0);
                core_tick(core, from + SECONDS(i));
        }
        return from + SECONDS(seconds);
}

static void start(void)
{
        agent_start(&a, "alpha", 1, T0);
        agent_address(&a, "10.0.0.1");
        agent_client(&a, "web", "192.0.2.7", 443);
        core_tick(core, T0);
        assert_int_equal(agent_send(&a, core, T0), 0);
}

static void the_past_and_windows_are_told(void **state)
{
        struct view_query early = { .parts = VIEW_EDGES, .at = T0 - 1 };
        struct view *v = NULL;
        int64_t now, window;

        (void)state;
        start();
        now = run(T0, 7200);
        assert_int_equal(opened_at(now, 0, 0, NULL), 7200);
        assert_int_equal(opened_at(now, 0, SECONDS(60), &window), 60);
        assert_int_equal(window, SECONDS(60));
        assert_int_equal(opened_at(now, 0, SECONDS(3600), &window), 3600);
        assert_int_equal(opened_at(now, now - SECONDS(100), 0, NULL), 7100);
        assert_int_equal(opened_at(now, T0 + SECONDS(3600), 0, NULL), 3600);
        assert_int_equal(opened_at(now, T0 + SECONDS(3600), SECONDS(600), &window), 600);
        assert_int_equal(core_view(core, now, &early, &v), -ERANGE);
        /* Two days later slices are coarser, and the sums still right. */
        now = run(now, 2 * 24 * 3600);
        assert_int_equal(opened_at(now, 0, 0, NULL), 7200 + 2 * 24 * 3600);
        assert_int_equal(opened_at(now, T0 + SECONDS(3600), 0, NULL), 3600);
        assert_int_equal(opened_at(now, T0 + SECONDS(7200), SECONDS(3600), &window), 3600);
}

static void flush(int64_t now)
{
        struct store *store;
        const char *why;

        assert_int_equal(store_open(directory, &store, &why), 0);
        assert_int_equal(store_flush(store, core, now), 0);
        store_close(&store);
}

static void restart(int64_t now)
{
        struct store *store;
        const char *why;

        core_free(&core);
        assert_int_equal(core_new(&(struct core_options){ .coordinator = 43 }, &core), 0);
        assert_int_equal(store_open(directory, &store, &why), 0);
        assert_int_equal(store_load(store, core, now), 0);
        store_close(&store);
}

static void a_restart_keeps_the_graph_and_counts_nothing_twice(void **state)
{
        int64_t now;

        (void)state;
        start();
        now = run(T0, 700);
        flush(now);
        restart(now + SECONDS(5));
        assert_int_equal(opened_at(now + SECONDS(5), 0, 0, NULL), 700);
        assert_int_equal(opened_at(now + SECONDS(5), T0 + SECONDS(300), 0, NULL), 300);
        now = run(now, 100);
        assert_int_equal(opened_at(now, 0, 0, NULL), 800);
        /* What the store has is older than what was reported: the agent's next summary heals it. */
        restart(now);
        assert_true(a.ack.sequence > 0);
        assert_int_equal(opened_at(now, 0, 0, NULL), 700);
        a.s.full = false;
        now = run(now, 10);
        assert_int_equal(opened_at(now, 0, 0, NULL), 810);
}

static void a_full_disk_is_survived(void **state)
{
        struct store *store;
        const char *why;
        int64_t now;
        int r;

        (void)state;
        start();
        now = run(T0, 100);
        for (int i = 0; i < 50; i++) {
                struct agent other;
                char name[32];

                snprintf(name, sizeof(name), "host-%d", i);
                agent_start(&other, name, 100, now);
                for (int k = 0; k < 10; k++)
                        opened(agent_client(&other, "other", "192.0.2.8", (uint16_t)(1000 + k)), 7, 0);
                assert_int_equal(agent_send(&other, core, now), 0);
        }
        assert_int_equal(store_open(directory, &store, &why), 0);
        assert_int_equal(store_limit_pages(store, 1), 0); /* what SQLite calls a full disk */
        r = store_flush(store, core, now);
        assert_int_equal(r, -ENOSPC);
        now = run(now, 100);
        assert_int_equal(store_flush(store, core, now), -ENOSPC);
        assert_int_equal(store_limit_pages(store, 1u << 30), 0);
        assert_int_equal(store_flush(store, core, now), 0);
        store_close(&store);
        restart(now);
        assert_int_equal(opened_at(now, 0, 0, NULL), 200);
}

static void a_damaged_database_is_moved_aside(void **state)
{
        char path[128];
        struct store *store;
        const char *why;
        struct stat st;
        FILE *f;

        (void)state;
        start();
        flush(run(T0, 100));
        snprintf(path, sizeof(path), "%s/graph.db", directory);
        f = fopen(path, "r+");
        assert_non_null(f);
        assert_int_equal(fseek(f, 100, SEEK_SET), 0);
        for (int i = 0; i < 5000; i++)
                fputc(i * 37, f);
        fclose(f);
        assert_int_equal(store_open(directory, &store, &why), 0);
        store_close(&store);
        snprintf(path, sizeof(path), "%s/graph.db.damaged-1", directory);
        assert_int_equal(stat(path, &st), 0);
}

static void records_that_do_not_parse_are_refused(void **state)
{
        static const uint8_t key[9] = { 0, 0, 0, 0, 0, 0, 0, 1, 1 };
        uint32_t seed = 12345;

        (void)state;
        for (int i = 0; i < 200000; i++) {
                uint8_t value[200];
                size_t size = 1 + (seed >> 8) % sizeof(value);
                uint32_t kind;

                for (size_t k = 0; k < size; k++) {
                        seed = seed * 1664525 + 1013904223;
                        value[k] = (seed >> 24) % 3 ? (uint8_t)(seed >> 20) % 8 : (uint8_t)(seed >> 16);
                }
                value[0] = 1;
                kind = 1 + (seed >> 10) % 5;
                if (core_load(core, kind, key, kind == 4 ? 9 : 8, value, size) == 0 && i > 150000)
                        continue;
        }
        core_loaded(core, T0);
}

static void forgotten_ends_leave_their_counts_to_the_past(void **state)
{
        int64_t now, end;
        struct view *v = NULL;

        (void)state;
        start();
        end = now = run(T0, 1000);
        agent_start(&a, "alpha", 2, now);
        for (int i = 0; i < 30 * 360; i++) {
                assert_int_equal(agent_send(&a, core, now), 0);
                core_tick(core, now += SECONDS(10));
        }
        assert_int_equal(core_view(core, now, &(struct view_query){ .parts = VIEW_EDGES }, &v), 0);
        assert_int_equal(v->edges_count, 0);
        view_free(&v);
        assert_int_equal(opened_at(now, end + SECONDS(60), 0, NULL), 1000);
        assert_int_equal(opened_at(now, T0 + SECONDS(600), 0, NULL), 600);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        const struct CMUnitTest tests[] = {
                TEST(the_past_and_windows_are_told),
                TEST(a_restart_keeps_the_graph_and_counts_nothing_twice),
                TEST(a_full_disk_is_survived),
                TEST(a_damaged_database_is_moved_aside),
                TEST(records_that_do_not_parse_are_refused),
                TEST(forgotten_ends_leave_their_counts_to_the_past),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
