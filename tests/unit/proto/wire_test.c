#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto/arena.h"
#include "proto/nightshift.pb-c.h"
#include "proto/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AT INT64_C(1700000000000000000)

static struct address v4(uint8_t last)
{
        return (struct address){ .bytes = { [10] = 0xff, [11] = 0xff, 10, 0, 0, last } };
}

struct fixture {
        struct summary s;
        struct summary_label labels[2];
        struct summary_hook hooks[1];
        struct summary_identity identities[2];
        struct summary_address addresses[3];
        struct summary_listener listeners[1];
        struct summary_edge edges[200];
        struct summary_key keys[100];
        struct summary_process processes[2];
        struct summary_build builds[3];
        struct summary_setting settings[3];
        struct summary_pool pools[2];
};

static struct fixture *fixture_new(void)
{
        struct fixture *f = calloc(1, sizeof(*f));

        assert_non_null(f);
        f->s = (struct summary){ .session = 0xfeedfacecafebeef,
                                 .sequence = 7,
                                 .session_started = AT - 1000,
                                 .at = AT,
                                 .interval = 10 * NSEC_PER_SEC,
                                 .host = "alpha",
                                 .host_id = "0123",
                                 .boot_id = "4567",
                                 .kernel = "6.18",
                                 .agent_version = "0.1",
                                 .full = true,
                                 .lost = 3,
                                 .lost_keys = 4,
                                 .key_threshold = UINT32_MAX,
                                 .agent_rss_bytes = 1u << 20,
                                 .agent_map_bytes = 2u << 20,
                                 .agent_cpu_ns = 12345,
                                 .resources = { 28232, UINT64_C(8) << 30, UINT64_C(5) << 30, 3 },
                                 .labels = f->labels,
                                 .labels_count = 2,
                                 .hooks = f->hooks,
                                 .hooks_count = 1,
                                 .identities = f->identities,
                                 .identities_count = 2,
                                 .addresses = f->addresses,
                                 .addresses_count = 3,
                                 .listeners = f->listeners,
                                 .listeners_count = 1,
                                 .edges = f->edges,
                                 .edges_count = 200,
                                 .keys = f->keys,
                                 .keys_count = 100,
                                 .processes = f->processes,
                                 .processes_count = 2,
                                 .pools_at = AT - 5 * NSEC_PER_SEC,
                                 .pools_lost = 3,
                                 .pools = f->pools,
                                 .pools_count = 2,
                                 .builds = f->builds,
                                 .builds_count = 3,
                                 .builds_pending = 4,
                                 .settings = f->settings,
                                 .settings_count = 3,
                                 .settings_key = 0xabcdef0123456789 };
        f->builds[0] =
                (struct summary_build){ 9, 4, "nginx", "abc", "/srv/r/1", "sha256:1", "1.2", 77, AT - 9000, AT - 7, 2, 0, 2 };
        f->builds[1] = (struct summary_build){ 4, 1, "", "", "", "", "", 0, AT, AT, 0, 2, 0 };
        f->builds[2] = (struct summary_build){ 4, 1, "node x.js", "", "", "", "", UINT64_MAX, AT, AT, 0, 2, 1 };
        f->settings[0] = (struct summary_setting){ SETTING_FILE, "/etc/nginx.conf", 1 };
        f->settings[1] = (struct summary_setting){ SETTING_FLAG, "--user", UINT64_MAX };
        f->settings[2] = (struct summary_setting){ SETTING_ENVIRONMENT, "PATH", 0 };
        f->labels[0] = (struct summary_label){ "environment", "production" };
        f->labels[1] = (struct summary_label){ "zone", "" };
        f->hooks[0] = (struct summary_hook){ "state", "attached", "tp_btf" };
        f->identities[0] =
                (struct summary_identity){ 9, IDENTITY_UNIT, "nginx", "", "/usr/sbin/nginx", "/system.slice/nginx.service", "" };
        f->identities[1] = (struct summary_identity){ 4, IDENTITY_EXECUTABLE, "café", "x", "/a", "/b", "2" };
        f->addresses[0] = (struct summary_address){ v4(1), 4026531840 };
        f->addresses[1] = (struct summary_address){ { { [15] = 1 } }, 4026531840 };
        f->addresses[2] = (struct summary_address){ { { [10] = 0xff, [11] = 0xff } }, 7 };
        f->listeners[0] = (struct summary_listener){ 9, 4026531840, TRANSPORT_TCP, { { 0 } }, 443, 1, 511, 2 };
        for (size_t i = 0; i < 200; i++) {
                struct summary_edge *e = &f->edges[i];
                bool server = i % 2;

                *e = (struct summary_edge){ .id = 1000 + 3 * i,
                                            .identity = i % 3 ? 9 : 4,
                                            .netns = 4026531840,
                                            .role = server ? ROLE_SERVER : ROLE_CLIENT,
                                            .transport = i % 5 ? TRANSPORT_TCP : TRANSPORT_UDP,
                                            .remote = v4((uint8_t)(i + 1)),
                                            .first_seen = AT - INT64_C(3600000000123),
                                            .last_seen = AT - (int64_t)i };
                if (server) {
                        e->local = v4(1);
                        e->local_port = 443;
                } else {
                        e->remote_port = 5432;
                }
                e->counters.attempted = e->counters.opened = 1000 + i;
                e->counters.closed = 900;
                e->counters.refused = i % 7;
                e->counters.sent = i << 20;
                e->counters.received = i << 10;
                e->rtt.count[10] = (uint32_t)i;
                e->rtt.count[12] = 3;
                e->turnaround.count[47] = UINT32_MAX;
        }
        for (size_t i = 0; i < 100; i++)
                f->keys[i] = (struct summary_key){ 0x0123456789abcdef * (i + 1), 1000 + 3 * i, ROLE_CLIENT };
        f->processes[0] = (struct summary_process){ .identity = 9,
                                                    .pid = 42,
                                                    .started = AT - 55,
                                                    .executable = "/usr/sbin/nginx",
                                                    .build = "abc",
                                                    .cpu_ns = 77,
                                                    .rss_bytes = 4096,
                                                    .threads = 2,
                                                    .open_files = 11,
                                                    .open_files_limit = 1024,
                                                    .memory_limit_bytes = 3ULL << 40,
                                                    .restarts_1h = 1,
                                                    .throttled_ns = 1234567,
                                                    .has_exit = true,
                                                    .exit_code = -1,
                                                    .exit_signal = 9,
                                                    .exit_oom = true };
        f->pools[0] = (struct summary_pool){ .edge = 12,
                                             .pid = 42,
                                             .started = AT - 3600 * NSEC_PER_SEC,
                                             .busy = 3,
                                             .idle = 20,
                                             .held = 7,
                                             .close_wait = 1,
                                             .held_ever = 30,
                                             .reused = 21,
                                             .skipped = 5,
                                             .overdue = 6,
                                             .missed_most = 9,
                                             .opened_at = AT - 60 * NSEC_PER_SEC,
                                             .limit = 40 };
        f->pools[1] = (struct summary_pool){ .edge = 3, .pid = 7, .started = AT, .opened_at = AT };
        f->processes[1] = (struct summary_process){ .identity = 4, .pid = 43, .started = AT, .executable = "", .build = "" };
        return f;
}

static void expect_same(const struct summary *a, const struct summary *b)
{
#define SAME(field) assert_true(a->field == b->field)
#define SAME_TEXT(field) assert_string_equal(a->field, b->field)
        SAME(session), SAME(sequence), SAME(session_started), SAME(at), SAME(interval), SAME(full), SAME(final), SAME(lost);
        SAME(lost_keys), SAME(key_threshold), SAME(agent_rss_bytes), SAME(agent_map_bytes), SAME(agent_cpu_ns);
        SAME(resources.ports), SAME(resources.memory_bytes), SAME(resources.memory_available_bytes), SAME(resources.oom_kills);
        SAME_TEXT(host), SAME_TEXT(host_id), SAME_TEXT(boot_id), SAME_TEXT(kernel), SAME_TEXT(agent_version);
        SAME(labels_count), SAME(hooks_count), SAME(identities_count), SAME(addresses_count), SAME(listeners_count);
        SAME(edges_count), SAME(keys_count), SAME(processes_count);
        SAME(pools_at), SAME(pools_lost), SAME(pools_count);
        SAME(builds_count), SAME(builds_pending), SAME(settings_count), SAME(settings_key);
        for (size_t i = 0; i < a->labels_count; i++)
                SAME_TEXT(labels[i].key), SAME_TEXT(labels[i].value);
        for (size_t i = 0; i < a->hooks_count; i++)
                SAME_TEXT(hooks[i].name), SAME_TEXT(hooks[i].state), SAME_TEXT(hooks[i].detail);
        for (size_t i = 0; i < a->identities_count; i++) {
                SAME(identities[i].id), SAME(identities[i].kind), SAME_TEXT(identities[i].service);
                SAME_TEXT(identities[i].instance), SAME_TEXT(identities[i].executable), SAME_TEXT(identities[i].cgroup);
                SAME_TEXT(identities[i].version);
        }
        for (size_t i = 0; i < a->addresses_count; i++)
                assert_memory_equal(&a->addresses[i], &b->addresses[i], sizeof(a->addresses[i]));
        for (size_t i = 0; i < a->listeners_count; i++)
                assert_memory_equal(&a->listeners[i], &b->listeners[i], sizeof(a->listeners[i]));
        for (size_t i = 0; i < a->edges_count; i++) {
                const struct summary_edge *e = &a->edges[i], *g = &b->edges[i];

                assert_true(e->id == g->id && e->identity == g->identity && e->netns == g->netns && e->role == g->role &&
                            e->transport == g->transport && e->local_port == g->local_port && e->remote_port == g->remote_port &&
                            e->first_seen == g->first_seen && e->last_seen == g->last_seen);
                assert_memory_equal(&e->local, &g->local, 16);
                assert_memory_equal(&e->remote, &g->remote, 16);
                assert_memory_equal(&e->counters, &g->counters, sizeof(e->counters));
                assert_memory_equal(&e->rtt, &g->rtt, sizeof(e->rtt));
                assert_memory_equal(&e->turnaround, &g->turnaround, sizeof(e->turnaround));
        }
        for (size_t i = 0; i < a->keys_count; i++)
                assert_true(a->keys[i].key == b->keys[i].key && a->keys[i].edge == b->keys[i].edge &&
                            a->keys[i].role == b->keys[i].role);
        for (size_t i = 0; i < a->builds_count; i++) {
                SAME(builds[i].identity), SAME(builds[i].processes), SAME(builds[i].code), SAME(builds[i].first_started);
                SAME(builds[i].last_started), SAME(builds[i].unknown), SAME(builds[i].settings), SAME(builds[i].settings_count);
                SAME_TEXT(builds[i].program), SAME_TEXT(builds[i].build), SAME_TEXT(builds[i].release);
                SAME_TEXT(builds[i].image), SAME_TEXT(builds[i].version);
        }
        for (size_t i = 0; i < a->settings_count; i++)
                SAME(settings[i].kind), SAME_TEXT(settings[i].name), SAME(settings[i].digest);
        for (size_t i = 0; i < a->pools_count; i++) {
                SAME(pools[i].edge), SAME(pools[i].pid), SAME(pools[i].started), SAME(pools[i].busy), SAME(pools[i].idle);
                SAME(pools[i].held), SAME(pools[i].close_wait), SAME(pools[i].held_ever), SAME(pools[i].reused);
                SAME(pools[i].skipped), SAME(pools[i].overdue), SAME(pools[i].missed_most), SAME(pools[i].opened_at),
                        SAME(pools[i].limit);
        }
        for (size_t i = 0; i < a->processes_count; i++) {
                SAME(processes[i].identity), SAME(processes[i].pid), SAME(processes[i].started), SAME(processes[i].cpu_ns);
                SAME(processes[i].rss_bytes), SAME(processes[i].threads), SAME(processes[i].open_files);
                SAME(processes[i].memory_limit_bytes), SAME(processes[i].open_files_limit), SAME(processes[i].restarts_1h),
                        SAME(processes[i].has_exit);
                SAME(processes[i].throttled_ns), SAME(processes[i].exit_code), SAME(processes[i].exit_signal),
                        SAME(processes[i].exit_oom);
                SAME_TEXT(processes[i].executable), SAME_TEXT(processes[i].build);
        }
}

static void summary_comes_back_as_it_was(void **state)
{
        struct fixture *f = fixture_new();
        struct wire_request in = { .kind = WIRE_SUMMARY, .summary = &f->s }, out;
        struct arena *arena;
        const char *why = NULL;
        uint8_t *buffer;
        size_t size;

        (void)state;
        assert_int_equal(arena_new(8u << 20, &arena), 0);
        assert_int_equal(wire_pack_request(&in, &buffer, &size), 0);
        print_message("# %zu edges with %zu keys take %zu bytes\n", f->s.edges_count, f->s.keys_count, size);
        assert_int_equal(wire_unpack_request(buffer, size, arena, &out, &why), 0);
        assert_int_equal(out.kind, WIRE_SUMMARY);
        expect_same(&f->s, out.summary);
        free(buffer);

        /* Nothing but what must be there. */
        f->s = (struct summary){
                .session = 1, .sequence = 1, .at = 1, .host = "h", .host_id = "", .boot_id = "", .kernel = "", .agent_version = ""
        };
        arena_reset(arena, 0);
        assert_int_equal(wire_pack_request(&in, &buffer, &size), 0);
        assert_int_equal(wire_unpack_request(buffer, size, arena, &out, &why), 0);
        expect_same(&f->s, out.summary);
        free(buffer);
        free(f);
        arena_free(&arena);
}

static void small_messages_come_back(void **state)
{
        struct wire_argument arguments[] = { { "format", "dot" }, { "service", "a" } };
        struct wire_command commands[] = { { 5, WIRE_COMMAND_KEY_THRESHOLD, 77, "", 0, 0 },
                                           { 6, WIRE_COMMAND_TIER, 0, "web", 2, AT } };
        struct wire_request request = { .kind = WIRE_QUERY, .query = { "graph", arguments, 2 } }, got;
        struct wire_reply reply = { .kind = WIRE_COMMANDS, .commands = { commands, 2 } }, answer;
        struct arena *arena;
        const char *why = NULL;
        uint8_t *buffer;
        size_t size;

        (void)state;
        assert_int_equal(arena_new(1u << 20, &arena), 0);
        assert_int_equal(wire_pack_request(&request, &buffer, &size), 0);
        assert_int_equal(wire_unpack_request(buffer, size, arena, &got, &why), 0);
        assert_int_equal(got.kind, WIRE_QUERY);
        assert_string_equal(got.query.verb, "graph");
        assert_int_equal(got.query.arguments_count, 2);
        assert_string_equal(got.query.arguments[1].name, "service");
        assert_string_equal(got.query.arguments[1].value, "a");
        free(buffer);

        request = (struct wire_request){ .kind = WIRE_POLL, .poll = { 8, "beta", 99 } };
        assert_int_equal(wire_pack_request(&request, &buffer, &size), 0);
        assert_int_equal(wire_unpack_request(buffer, size, arena, &got, &why), 0);
        assert_int_equal(got.kind, WIRE_POLL);
        assert_true(got.poll.session == 8 && got.poll.acknowledged == 99);
        assert_string_equal(got.poll.host, "beta");
        free(buffer);

        assert_int_equal(wire_pack_reply(&reply, &buffer, &size), 0);
        assert_int_equal(wire_unpack_reply(buffer, size, arena, &answer, &why), 0);
        assert_int_equal(answer.kind, WIRE_COMMANDS);
        assert_int_equal(answer.commands.count, 2);
        assert_int_equal(answer.commands.commands[0].threshold, 77);
        assert_string_equal(answer.commands.commands[1].service, "web");
        assert_true(answer.commands.commands[1].until == AT);
        free(buffer);

        reply = (struct wire_reply){ .kind = WIRE_ACK, .ack = { 1, 2, 3, true, 500 } };
        assert_int_equal(wire_pack_reply(&reply, &buffer, &size), 0);
        assert_int_equal(wire_unpack_reply(buffer, size, arena, &answer, &why), 0);
        assert_true(answer.kind == WIRE_ACK && answer.ack.session == 1 && answer.ack.sequence == 2 && answer.ack.coordinator == 3 &&
                    answer.ack.resync && answer.ack.pause_ms == 500);
        free(buffer);

        reply = (struct wire_reply){ .kind = WIRE_ANSWER, .answer = { 3, "application/json", (const uint8_t *)"{}\n", 3 } };
        assert_int_equal(wire_pack_reply(&reply, &buffer, &size), 0);
        assert_int_equal(wire_unpack_reply(buffer, size, arena, &answer, &why), 0);
        assert_true(answer.kind == WIRE_ANSWER && answer.answer.status == 3 && answer.answer.body_size == 3);
        assert_memory_equal(answer.answer.body, "{}\n", 3);
        free(buffer);

        reply = (struct wire_reply){ .kind = WIRE_REFUSAL, .refusal = { "no" } };
        assert_int_equal(wire_pack_reply(&reply, &buffer, &size), 0);
        assert_int_equal(wire_unpack_reply(buffer, size, arena, &answer, &why), 0);
        assert_string_equal(answer.refusal.reason, "no");
        free(buffer);
        arena_free(&arena);
}

static void text_is_cleaned_when_packed(void **state)
{
        struct fixture *f = fixture_new();
        struct wire_request in = { .kind = WIRE_SUMMARY, .summary = &f->s }, out;
        struct arena *arena;
        const char *why = NULL;
        uint8_t *buffer;
        size_t size;

        (void)state;
        f->identities[0].executable = "a\nb\x1b\xff\xc0\xaf\xe2\x82\xac\xc2\x85";
        assert_int_equal(arena_new(8u << 20, &arena), 0);
        assert_int_equal(wire_pack_request(&in, &buffer, &size), 0);
        assert_int_equal(wire_unpack_request(buffer, size, arena, &out, &why), 0);
        assert_string_equal(out.summary->identities[0].executable, "a?b????\xe2\x82\xac??");
        free(buffer);

        f->edges[3].identity = 12345;
        assert_int_equal(wire_pack_request(&in, &buffer, &size), -EINVAL);
        free(f);
        arena_free(&arena);
}

/* Packs the fixture, lets `change` damage the packed form, and expects the field to be named. */
static void expect_refused(void (*change)(Nightshift__Summary *m), const char *expected)
{
        struct fixture *f = fixture_new();
        struct wire_request in = { .kind = WIRE_SUMMARY, .summary = &f->s }, out;
        Nightshift__Request *m;
        struct arena *arena;
        const char *why = "";
        uint8_t *buffer;
        size_t size;

        assert_int_equal(arena_new(64u << 20, &arena), 0);
        assert_int_equal(wire_pack_request(&in, &buffer, &size), 0);
        m = nightshift__request__unpack(NULL, size, buffer);
        free(buffer);
        assert_non_null(m);
        change(m->summary);
        size = nightshift__request__get_packed_size(m);
        buffer = malloc(size);
        nightshift__request__pack(m, buffer);
        nightshift__request__free_unpacked(m, NULL);
        assert_int_equal(wire_unpack_request(buffer, size, arena, &out, &why), -EBADMSG);
        if (!strstr(why, expected))
                fail_msg("expected \"%s\" in \"%s\"", expected, why);
        free(buffer);
        free(f);
        arena_free(&arena);
}

#define DAMAGE(name, action)                                                                                                       \
        static void name(Nightshift__Summary *m)                                                                                   \
        {                                                                                                                          \
                action;                                                                                                            \
        }
DAMAGE(no_session, m->session = 0)
DAMAGE(no_sequence, m->sequence = 0)
DAMAGE(no_time, m->at = -5)
DAMAGE(late_session, m->session_started = m->at + 1)
DAMAGE(interval, m->interval = -1)
DAMAGE(no_host, m->host = 0)
DAMAGE(far_kernel, m->kernel = 100000)
DAMAGE(open_string, m->strings.data[m->strings.len - 1] = 'x')
DAMAGE(control_string, m->strings.data[0] = 7)
DAMAGE(odd_v4, m->addresses_v4.len--)
DAMAGE(odd_v6, m->addresses_v6.len--)
DAMAGE(label_count, m->n_label_value = 1)
DAMAGE(hook_text, m->hook_state[0] = 9999)
DAMAGE(address_number, m->address[0] = 9999)
DAMAGE(address_netns, m->address_netns[0] = 9999)
DAMAGE(identity_zero, m->identities->id[0] = 0)
DAMAGE(identity_kind, m->identities->kind[0] = 99)
DAMAGE(identity_service, m->identities->service[0] = 0)
DAMAGE(edge_identity, m->edges->identity[0] = 3)
DAMAGE(edge_netns, m->edges->netns[0] = 300)
DAMAGE(edge_role, m->edges->role[0] = 3)
DAMAGE(edge_transport, m->edges->transport[0] = 1)
DAMAGE(edge_remote, m->edges->remote[0] = 9000)
DAMAGE(edge_port, m->edges->remote_port[0] = 65536)
DAMAGE(edge_time, m->edges->first_seen_ago[0] = INT64_MAX)
DAMAGE(edge_column, m->edges->n_opened--)
DAMAGE(cell_row, m->edges->rtt->row_delta[1] = 70000)
DAMAGE(cell_bucket, m->edges->rtt->bucket[0] = 48)
DAMAGE(cell_column, m->edges->turnaround->n_bucket--)
DAMAGE(key_role, m->keys->role[0] = 4)
DAMAGE(key_column, m->keys->n_edge_delta--)
DAMAGE(listener_port, m->listeners->port[0] = 65536)
DAMAGE(listener_identity, m->listeners->identity[0] = 65536)
DAMAGE(pool_time, m->pools->at_ago = -1)
DAMAGE(pool_column, m->pools->n_held--)
DAMAGE(pool_held, m->pools->held[0] = 21)
DAMAGE(pool_skipped, m->pools->skipped[0] = 21)
DAMAGE(pool_overdue, m->pools->overdue[0] = 8)
DAMAGE(pool_size, m->pools->idle[0] = UINT32_MAX)
DAMAGE(process_column, m->processes->n_threads--)
DAMAGE(process_identity, m->processes->identity[0] = 65536)
DAMAGE(build_processes, m->builds->processes[1] = 0)
DAMAGE(build_text, m->builds->release[0] = 1000000)
DAMAGE(build_settings, m->builds->settings[2] = 2)
DAMAGE(setting_kind, m->settings->kind[0] = 4)

static void damage_is_named(void **state)
{
        (void)state;
        expect_refused(no_session, "session: missing");
        expect_refused(no_sequence, "sequence: missing");
        expect_refused(no_time, "at: missing");
        expect_refused(late_session, "session_started");
        expect_refused(interval, "interval");
        expect_refused(no_host, "host: missing");
        expect_refused(far_kernel, "kernel: no such string");
        expect_refused(open_string, "strings: the last");
        expect_refused(control_string, "strings: not UTF-8");
        expect_refused(odd_v4, "addresses_v4");
        expect_refused(odd_v6, "addresses_v6");
        expect_refused(label_count, "labels.label_value");
        expect_refused(hook_text, "hooks.hook_state");
        expect_refused(address_number, "addresses.address:");
        expect_refused(address_netns, "addresses.address_netns");
        expect_refused(identity_zero, "identities.id");
        expect_refused(identity_kind, "identities.kind");
        expect_refused(identity_service, "identities.service");
        expect_refused(edge_identity, "edges.identity");
        expect_refused(edge_netns, "edges.netns");
        expect_refused(edge_role, "edges.role");
        expect_refused(edge_transport, "edges.transport");
        expect_refused(edge_remote, "edges.remote:");
        expect_refused(edge_port, "edges.remote_port");
        expect_refused(edge_time, "edges.first_seen_ago");
        expect_refused(edge_column, "edges.opened");
        expect_refused(cell_row, "cells.row_delta");
        expect_refused(cell_bucket, "cells.bucket");
        expect_refused(cell_column, "cells.bucket");
        expect_refused(key_role, "keys.role");
        expect_refused(key_column, "keys.edge_delta");
        expect_refused(listener_port, "listeners.port");
        expect_refused(listener_identity, "listeners.identity");
        expect_refused(pool_time, "pools.at_ago");
        expect_refused(pool_column, "pools.held");
        expect_refused(pool_held, "pools.held");
        expect_refused(pool_skipped, "pools.skipped");
        expect_refused(pool_overdue, "pools.overdue");
        expect_refused(pool_size, "pools: one with");
        expect_refused(process_column, "processes.threads");
        expect_refused(process_identity, "processes.identity");
        expect_refused(build_processes, "builds.processes");
        expect_refused(build_text, "builds.release");
        expect_refused(build_settings, "builds.settings");
        expect_refused(setting_kind, "settings.kind");
}

static void garbage_and_bombs_are_refused(void **state)
{
        struct wire_request out;
        struct arena *arena;
        const char *why = "";
        uint8_t *bomb = malloc(1u << 20);

        (void)state;
        assert_int_equal(arena_new(4u << 20, &arena), 0);
        assert_int_equal(wire_unpack_request((const uint8_t *)"\xff\xff\xff", 3, arena, &out, &why), -EBADMSG);
        assert_int_equal(wire_unpack_request((const uint8_t *)"", 0, arena, &out, &why), -EBADMSG);
        assert_non_null(strstr(why, "version"));
        assert_int_equal(wire_unpack_request((const uint8_t *)"\x08\x01", 2, arena, &out, &why), -EBADMSG);
        assert_non_null(strstr(why, "body"));
        /* Empty strings by the hundred thousand, each two bytes: a query with that many names. */
        memset(bomb, 0, 1u << 20);
        bomb[0] = 0x08, bomb[1] = 1;
        bomb[2] = 0x22, bomb[3] = 0x80, bomb[4] = 0x80, bomb[5] = 0x3c; /* query, 983,040 bytes */
        for (size_t i = 6; i + 1 < 6 + 983040; i += 2)
                bomb[i] = 0x12;
        assert_int_equal(wire_unpack_request(bomb, 6 + 983040, arena, &out, &why), -ENOBUFS);
        assert_true(arena_used(arena) <= 4u << 20);
        arena_reset(arena, 0);
        assert_int_equal(arena_used(arena), 0);
        free(bomb);
        arena_free(&arena);
}

static void arena_keeps_its_cap(void **state)
{
        struct arena *arena;
        char *p;

        (void)state;
        assert_int_equal(arena_new(100000, &arena), 0);
        assert_null(arena_alloc(arena, 100001));
        assert_true(arena_refused(arena));
        p = arena_alloc(arena, 40000);
        assert_non_null(p);
        for (size_t i = 0; i < 40000; i++)
                assert_int_equal(p[i], 0);
        memset(p, 1, 40000);
        assert_null(arena_alloc(arena, 70000));
        assert_non_null(arena_alloc(arena, 1000));
        arena_reset(arena, 50000);
        assert_false(arena_refused(arena));
        p = arena_alloc(arena, 90000);
        assert_non_null(p);
        for (size_t i = 0; i < 90000; i++)
                assert_int_equal(p[i], 0);
        assert_string_equal(arena_strdup(arena, "abc", 2), "ab");
        arena_free(&arena);
        arena_free(&arena);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(summary_comes_back_as_it_was),  cmocka_unit_test(small_messages_come_back),
                cmocka_unit_test(text_is_cleaned_when_packed),   cmocka_unit_test(damage_is_named),
                cmocka_unit_test(garbage_and_bombs_are_refused), cmocka_unit_test(arena_keeps_its_cap),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
