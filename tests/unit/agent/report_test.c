/* What reports say and when, how they are split, and what happens when the link takes nothing; with a
 * probe of our own and the real wire format. */
#include "agent/addresses.h"
#include "agent/events.h"
#include "agent/host.h"
#include "agent/owners.h"
#include "agent/processes.h"
#include "agent/report.h"
#include "agent/retire.h"
#include "proto/arena.h"
#include "proto/wire.h"
#include "tests/unit/agent/fake_probe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define SENT_MAX 64
#define SECOND NSEC_PER_SEC

static struct world {
        struct probe *probe;
        struct rows *rows;
        struct owners *owners;
        struct addresses *addresses;
        struct processes *processes;
        struct report *report;
        struct events events;
        struct host host;
        struct arena *arenas[SENT_MAX];
        struct summary *sent[SENT_MAX];
        size_t sent_count, largest;
        int refuse; /* result of sending */
        unsigned refuse_after;
} w;

static int take(void *data, uint64_t sequence, const uint8_t *message, size_t size)
{
        struct wire_request request;
        const char *why = "";

        (void)data;
        if (w.refuse && w.sent_count >= w.refuse_after)
                return w.refuse;
        assert_true(w.sent_count < SENT_MAX);
        assert_int_equal(arena_new(64 << 20, &w.arenas[w.sent_count]), 0);
        if (wire_unpack_request(message, size, w.arenas[w.sent_count], &request, &why) < 0)
                fail_msg("%s", why);
        assert_int_equal(request.kind, WIRE_SUMMARY);
        assert_int_equal(request.summary->sequence, sequence);
        w.sent[w.sent_count++] = request.summary;
        w.largest = MAX(w.largest, size);
        return 0;
}

static int no_pid(void *data)
{
        (void)data;
        return 0;
}

static void forget(void)
{
        for (size_t i = 0; i < w.sent_count; i++)
                arena_free(&w.arenas[i]);
        w.sent_count = 0;
}

static int set_up(void **state)
{
        struct report_sources sources = { .send = take, .link_pid = no_pid };

        (void)state;
        memset(&w, 0, sizeof(w));
        w.probe = calloc(1, sizeof(*w.probe));
        assert_non_null(w.probe);
        assert_int_equal(host_read("here", &w.host), 0);
        assert_int_equal(rows_new(w.probe, &w.rows), 0);
        assert_int_equal(owners_new(NULL, "/nowhere", &w.owners), 0);
        assert_int_equal(addresses_new("/nowhere", &w.addresses), 0);
        assert_int_equal(processes_new(w.probe, w.owners, "/nowhere", &w.processes), 0);
        sources.probe = w.probe;
        sources.rows = w.rows;
        sources.owners = w.owners;
        sources.addresses = w.addresses;
        sources.processes = w.processes;
        sources.host = &w.host;
        assert_int_equal(report_new(&sources, &w.report), 0);
        w.events = (struct events){ w.probe, w.rows, w.owners, w.addresses, w.report, w.processes };
        return 0;
}

static int tear_down(void **state)
{
        (void)state;
        forget();
        report_free(&w.report);
        processes_free(&w.processes);
        addresses_free(&w.addresses);
        owners_free(&w.owners);
        rows_free(&w.rows);
        free(w.probe);
        return 0;
}

/* An owner's names, as they come before its first edge. */
static void name(uint64_t cgroup)
{
        struct event_owner_named event = { .header = { EVENT_OWNER, EVENT_VERSION, sizeof(event), 0 }, .owner.cgroup = cgroup };

        snprintf(event.cgroup_path, sizeof(event.cgroup_path), "/system.slice/s%u.service", (unsigned)cgroup % 7);
        events_take(&w.events, &event.header);
}

/* An edge as the kernel announces it, with one connection opened. */
static bool nameless;

static void announce(uint32_t index, uint64_t generation)
{
        struct event_edge_new event = { .header = { EVENT_EDGE, EVENT_VERSION, sizeof(event), 0 },
                                        .generation = generation,
                                        .index = index };

        event.edge.role = EVENT_ROLE_CLIENT;
        event.edge.transport = EVENT_TRANSPORT_TCP;
        event.edge.netns = 1;
        event.edge.remote[10] = event.edge.remote[11] = 0xff;
        event.edge.remote[12] = 10;
        event.edge.remote[14] = (uint8_t)(index >> 8);
        event.edge.remote[15] = (uint8_t)index;
        event.edge.remote_port = 80;
        event.edge.owner.cgroup = index;
        if (!nameless)
                name(index);
        w.probe->edges[index] = event.edge;
        w.probe->in_map[index] = true;
        w.probe->counts[index] = (struct event_counts){
                .attempted = 1, .opened = 1, .last_ns = (uint64_t)clock_monotonic(), .generation = generation
        };
        events_take(&w.events, &event.header);
}

static void key(uint32_t index, uint64_t generation, uint64_t value)
{
        struct event_key event = { .header = { EVENT_KEY, EVENT_VERSION, sizeof(event), 0 },
                                   .key = value,
                                   .generation = generation,
                                   .index = index,
                                   .role = EVENT_ROLE_CLIENT };

        events_take(&w.events, &event.header);
}

static struct summary *last(void)
{
        assert_true(w.sent_count > 0);
        return w.sent[w.sent_count - 1];
}

static void only_what_changed(void **state)
{
        int64_t now = clock_monotonic();

        (void)state;
        announce(3, 1);
        announce(7, 2);
        key(7, 2, 42);
        assert_int_equal(report_push(w.report, now), 0);
        assert_int_equal(last()->edges_count, 2);
        assert_int_equal(last()->keys_count, 1);
        assert_int_equal(last()->keys[0].edge, last()->edges[1].id);
        assert_int_equal(last()->edges[0].counters.opened, 1);
        assert_true(last()->identities_count > 0);
        assert_false(last()->full);

        assert_int_equal(report_push(w.report, now), 0);
        assert_int_equal(w.sent_count, 1); /* nothing new: nothing said */

        w.probe->counts[3].closed = 1;
        assert_int_equal(report_interval(w.report, now, false), 0);
        assert_int_equal(last()->edges_count, 1);
        assert_int_equal(last()->edges[0].counters.closed, 1);
        assert_int_equal(last()->keys_count, 0);

        assert_int_equal(report_interval(w.report, now, true), 0);
        assert_int_equal(last()->edges_count, 0); /* a sign of life */
        assert_true(last()->final);
        assert_int_equal(last()->sequence, 3);
}

static void refused_is_said_again(void **state)
{
        int64_t now = clock_monotonic();

        (void)state;
        announce(1, 1);
        key(1, 1, 5);
        w.refuse = -EAGAIN;
        assert_int_equal(report_push(w.report, now), -EAGAIN);
        assert_int_equal(report_interval(w.report, now, false), -EAGAIN);
        w.refuse = 0;
        assert_int_equal(report_interval(w.report, now, false), 0);
        assert_int_equal(last()->edges_count, 1);
        assert_int_equal(last()->keys_count, 1);
        assert_int_equal(last()->sequence, 1);
}

static void full_in_parts(void **state)
{
        int64_t now = clock_monotonic();
        size_t edges = 0, parts, seen_last = 0;

        (void)state;
        for (uint32_t i = 0; i < 5000; i++) {
                announce(i, i + 1);
                memset(w.probe->counts[i].rtt, 0x11, sizeof(w.probe->counts[i].rtt)); /* as large as it gets */
                memset(w.probe->counts[i].turnaround, 0x7f, sizeof(w.probe->counts[i].turnaround));
        }
        key(4999, 5000, 77);
        assert_int_equal(report_interval(w.report, now, false), 0);
        forget();

        report_full(w.report);
        w.refuse = -EAGAIN;
        w.refuse_after = 2;
        assert_int_equal(report_continue(w.report, now), -EAGAIN);
        assert_true(report_is_full_pending(w.report));
        w.refuse = 0;
        announce(6000, 9); /* comes meanwhile */
        assert_int_equal(report_continue(w.report, now), 0);
        assert_false(report_is_full_pending(w.report));
        parts = w.sent[0]->parts;
        assert_true(parts > 1);
        assert_int_equal(w.sent_count, parts);
        for (size_t i = 0; i < parts; i++) {
                assert_true(w.sent[i]->full);
                assert_int_equal(w.sent[i]->part, i);
                assert_int_equal(w.sent[i]->parts, parts);
                assert_int_equal(w.sent[i]->sequence, w.sent[0]->sequence + i);
                edges += w.sent[i]->edges_count;
                for (size_t k = 0; k < w.sent[i]->keys_count; k++)
                        seen_last += w.sent[i]->keys[k].key == 77; /* the newest key is repeated */
        }
        assert_int_equal(edges, 5001);
        assert_int_equal(seen_last, 1);
        assert_int_equal(report_full_sequence(w.report), w.sent[parts - 1]->sequence);
        assert_int_equal(w.sent[1]->hooks_count, 1);
        print_message("# largest of %zu parts: %zu bytes\n", parts, w.largest);
        assert_true(w.largest < WIRE_MESSAGE_MAX / 2);
}

static void a_new_life_is_another_row(void **state)
{
        int64_t now = clock_monotonic();
        uint64_t first;

        (void)state;
        announce(1, 1);
        assert_int_equal(report_push(w.report, now), 0);
        first = last()->edges[0].id;
        key(1, 2, 9); /* of a life that was not announced */
        announce(1, 2);
        announce(1, 2); /* once more: nothing */
        key(1, 1, 8);   /* late, of the life before */
        assert_int_equal(report_push(w.report, now), 0);
        assert_int_equal(last()->edges_count, 1);
        assert_int_not_equal(last()->edges[0].id, first);
        assert_int_equal(last()->keys_count, 0);
        assert_int_equal(last()->lost_keys, 2);
        assert_int_equal(rows_count(w.rows), 1);
}

/* A row keeps the name it was first said with, so one without a name waits for the interval. */
static void nameless_rows_wait(void **state)
{
        int64_t now = clock_monotonic();

        (void)state;
        nameless = true;
        announce(1, 1);
        announce(2, 1);
        nameless = false;
        assert_int_equal(report_push(w.report, now), 0);
        assert_int_equal(w.sent_count, 0);
        name(1);
        assert_int_equal(report_push(w.report, now), 0);
        assert_int_equal(last()->edges_count, 1);
        assert_string_equal(last()->identities[0].service, "s1");
        assert_int_equal(report_interval(w.report, now, false), 0);
        assert_int_equal(last()->edges_count, 1);
        assert_string_equal(last()->identities[0].service, "unknown");
}

static void lost_events_are_read_from_the_map(void **state)
{
        int64_t now = clock_monotonic();

        (void)state;
        announce(1, 1);
        announce(2, 1);
        rows_remove(w.rows, 1);
        rows_remove(w.rows, 2);
        assert_int_equal(events_resync_if_lost(&w.events, now), 0);
        assert_int_equal(rows_count(w.rows), 0); /* nothing was lost */
        w.probe->losses[EVENT_LOSS_EVENTS] = 1;
        assert_int_equal(events_resync_if_lost(&w.events, now), 0);
        assert_int_equal(rows_count(w.rows), 2);
}

static void losses_are_told_apart(void **state)
{
        (void)state;
        for (unsigned i = 0; i < EVENT_LOSS_MAX; i++)
                w.probe->losses[i] = 1u << i;
        assert_int_equal(report_interval(w.report, clock_monotonic(), false), 0);
        assert_int_equal(last()->lost, 1u << EVENT_LOSS_SOCKS_FULL | 1u << EVENT_LOSS_EDGES_FULL | 1u << EVENT_LOSS_CLOSE_UNSEEN |
                                               1u << EVENT_LOSS_FLOWS);
        assert_int_equal(last()->lost_keys, 1u << EVENT_LOSS_KEYS);
}

static void listeners_complete_or_absent(void **state)
{
        struct event_listener *l = w.probe->listeners;

        (void)state;
        l[0] = (struct event_listener){ .port = 80, .transport = 6, .netns = 1, .backlog = 1, .backlog_max = 10, .drops = 2 };
        l[1] = l[0]; /* SO_REUSEPORT */
        l[2] = (struct event_listener){ .port = 81, .transport = 6, .netns = 1 };
        w.probe->listeners_count = 3;
        assert_int_equal(report_interval(w.report, clock_monotonic(), false), 0);
        assert_int_equal(last()->listeners_count, 2);
        assert_int_equal(last()->listeners[0].backlog, 2);
        assert_int_equal(last()->listeners[0].drops, 4);
        assert_int_equal(report_interval(w.report, clock_monotonic(), false), 0);
        assert_int_equal(last()->listeners_count, 0); /* unchanged */
        w.probe->listeners_count = 1;
        report_listeners_changed(w.report);
        assert_int_equal(report_push(w.report, clock_monotonic()), 0);
        assert_int_equal(last()->listeners_count, 1);
        /* That the last one went can only be said in full. */
        w.probe->listeners_count = 0;
        assert_int_equal(report_interval(w.report, clock_monotonic(), false), 0);
        assert_true(report_is_full_pending(w.report));
        assert_int_equal(report_continue(w.report, clock_monotonic()), 0);
        assert_true(last()->full);
        assert_int_equal(last()->listeners_count, 0);
        assert_int_equal(report_interval(w.report, clock_monotonic(), false), 0);
        assert_false(report_is_full_pending(w.report));
}

static void keys_are_bounded(void **state)
{
        (void)state;
        announce(1, 1);
        for (uint64_t i = 0; i < 100000; i++)
                key(1, 1, i);
        assert_int_equal(report_interval(w.report, clock_monotonic(), false), 0);
        {
                size_t keys = 0;

                for (size_t i = 0; i < w.sent_count; i++)
                        keys += w.sent[i]->keys_count;
                assert_int_equal(keys + last()->lost_keys, 100000);
                assert_true(keys >= 65536);
        }
}

static void malformed_events_are_counted(void **state)
{
        struct event_header header = { .type = 99, .version = EVENT_VERSION, .size = 8 };

        (void)state;
        events_take(&w.events, &header);
        header.type = EVENT_EDGE; /* too short */
        events_take(&w.events, &header);
        header = (struct event_header){ .type = EVENT_LISTEN, .version = EVENT_VERSION + 1, .size = 8 };
        events_take(&w.events, &header);
        assert_int_equal(w.events.malformed, 3);
}

static void retired_after_its_last_word(void **state)
{
        struct retire retire = { .probe = w.probe, .rows = w.rows, .owners = w.owners };
        int64_t now = clock_monotonic(), age = retire_age(1, FAKE_EDGES);

        (void)state;
        announce(1, 1);
        w.probe->counts[1].closed = 1;
        retire_step(&retire, now + 2 * age);
        assert_int_equal(w.probe->begun, 0); /* nothing was said yet */
        assert_int_equal(report_interval(w.report, now, false), 0);
        retire_step(&retire, now + age / 2);
        assert_int_equal(w.probe->begun, 0); /* too young */
        now += 2 * age;
        retire_step(&retire, now);
        assert_int_equal(w.probe->begun, 1);
        retire_step(&retire, now + SECOND / 2);
        assert_int_equal(w.probe->ended, 0); /* too soon */
        /* Something moved in between: it must be said before the probe is asked, and then it stays. */
        w.probe->counts[1].received = 9;
        retire_step(&retire, now + 3 * SECOND);
        assert_int_equal(w.probe->ended, 0);
        assert_int_equal(report_interval(w.report, now + 3 * SECOND, false), 0);
        w.probe->busy = true;
        retire_step(&retire, now + 4 * SECOND);
        assert_int_equal(w.probe->ended, 0);
        assert_int_equal(rows_get(w.rows, 1, 1)->state, ROW_ACTIVE);
        w.probe->busy = false;
        now += 3 * age;
        retire_step(&retire, now);
        retire_step(&retire, now + 3 * SECOND);
        assert_int_equal(w.probe->ended, 1);
        assert_null(rows_get(w.rows, 1, 0));
        assert_int_equal(rows_end(w.rows), 0);
}

static void open_edges_stay(void **state)
{
        struct retire retire = { .probe = w.probe, .rows = w.rows, .owners = w.owners };
        int64_t now = clock_monotonic();

        (void)state;
        announce(1, 1);
        announce(2, 2);
        w.probe->counts[2] = (struct event_counts){ .attempted = 2, .refused = 1, .generation = 2 }; /* one is in progress */
        assert_int_equal(report_interval(w.report, now, false), 0);
        retire_step(&retire, now + 1000 * 3600 * SECOND);
        assert_int_equal(w.probe->begun, 0);
        assert_true(retire_age(8000, 8192) <= 10 * SECOND);
        assert_true(retire_age(10, 8192) >= 3600 * SECOND);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        const struct CMUnitTest tests[] = {
                TEST(only_what_changed),
                TEST(refused_is_said_again),
                TEST(full_in_parts),
                TEST(a_new_life_is_another_row),
                TEST(lost_events_are_read_from_the_map),
                TEST(losses_are_told_apart),
                TEST(nameless_rows_wait),
                TEST(listeners_complete_or_absent),
                TEST(keys_are_bounded),
                TEST(malformed_events_are_counted),
                TEST(retired_after_its_last_word),
                TEST(open_edges_stay),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
