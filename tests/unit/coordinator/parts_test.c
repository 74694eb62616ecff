/* A full summary in parts: rows that no part names are gone once all parts are here, not before. */
#include "coordinator/core.h"
#include "coordinator/view.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define SECOND NSEC_PER_SEC
#define NOW (INT64_C(1800000000) * SECOND)

static struct core *core;

static void say(uint64_t sequence, bool full, uint32_t part, uint32_t parts, uint64_t first_edge, size_t edges_count, bool resync)
{
        struct summary_identity identity = {
                .id = 1, .kind = IDENTITY_UNIT, .service = "a", .instance = "", .executable = "", .cgroup = "", .version = ""
        };
        struct summary_edge edges[4] = { 0 };
        struct summary s = { .session = 7,
                             .sequence = sequence,
                             .session_started = NOW - SECOND,
                             .at = NOW + (int64_t)sequence,
                             .interval = SECOND,
                             .host = "h",
                             .host_id = "",
                             .boot_id = "",
                             .kernel = "",
                             .agent_version = "",
                             .full = full,
                             .part = part,
                             .parts = parts,
                             .key_threshold = UINT32_MAX,
                             .identities = &identity,
                             .identities_count = 1,
                             .edges = edges,
                             .edges_count = edges_count };
        struct wire_ack ack;

        for (size_t i = 0; i < edges_count; i++) {
                edges[i] = (struct summary_edge){ .id = first_edge + i,
                                                  .identity = 1,
                                                  .netns = 1,
                                                  .role = ROLE_CLIENT,
                                                  .transport = TRANSPORT_TCP,
                                                  .remote_port = (uint16_t)(first_edge + i),
                                                  .first_seen = NOW,
                                                  .last_seen = NOW,
                                                  .counters = { .attempted = 1, .opened = 1 } };
                memcpy(edges[i].remote.bytes, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\0\0\1", 16);
        }
        assert_int_equal(core_summary(core, NOW + (int64_t)sequence, "h", &s, &ack), 0);
        assert_int_equal(ack.resync, resync);
}

/* Connections that are open now, of all edges. */
static uint64_t open_now(void)
{
        struct view_query query = { .parts = VIEW_EDGES };
        struct view *view;
        uint64_t open = 0;

        assert_int_equal(core_view(core, NOW + 100, &query, &view), 0);
        for (size_t i = 0; i < view->edges_count; i++)
                open += view->edges[i].open;
        view_free(&view);
        return open;
}

static void parts(void **state)
{
        struct core_options options = { .coordinator = 1 };

        (void)state;
        assert_int_equal(core_new(&options, &core), 0);
        say(1, true, 0, 1, 100, 4, false);
        assert_int_equal(open_now(), 4);
        /* The second part overtakes the first, and one is sent twice. */
        say(3, true, 1, 3, 102, 1, false);
        assert_int_equal(open_now(), 4);
        say(3, true, 1, 3, 102, 1, false);
        say(4, true, 2, 3, 103, 0, false);
        assert_int_equal(open_now(), 4);
        say(2, true, 0, 3, 100, 1, false);
        assert_int_equal(open_now(), 2); /* 100 and 102 */
        /* One that never comes whole removes nothing; the next one does. */
        say(5, true, 0, 2, 100, 1, false);
        assert_int_equal(open_now(), 2);
        say(7, true, 0, 1, 100, 1, false);
        assert_int_equal(open_now(), 1);
        core_free(&core);
}

static void resync_until_whole(void **state)
{
        struct core_options options = { .coordinator = 1 };

        (void)state;
        assert_int_equal(core_new(&options, &core), 0);
        say(1, true, 0, 2, 100, 1, true);
        say(2, true, 1, 2, 101, 1, false);
        assert_int_equal(open_now(), 2);
        core_free(&core);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(parts), cmocka_unit_test(resync_until_whole) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
