#include "coordinator/render.h"
#include "tests/unit/coordinator/view_fixture.h"

#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static json_t *render(const char *verb, struct fixture *f)
{
        struct text t = { 0 };
        json_error_t error;
        json_t *root;

        assert_int_equal(render_json(&t, verb, &f->view, NULL), 0);
        root = json_loadb(t.data, t.length, JSON_REJECT_DUPLICATES, &error);
        if (!root)
                fail_msg("%s:%d:%d %s", verb, error.line, error.column, error.text);
        assert_string_equal(json_string_value(json_object_get(root, "as_of")), "2026-05-01T02:00:00.250Z");
        assert_true(json_is_boolean(json_object_get(root, "complete")));
        assert_int_equal(t.data[t.length - 1], '\n');
        text_free(&t);
        return root;
}

/* "a.b:type" for each field that the interface page names; types: s, n, b, a, o, and ? for null. */
static void has(json_t *object, const char *const *fields, size_t count)
{
        for (size_t i = 0; i < count; i++) {
                char path[128], *rest = path, *part;
                const char *types = strchr(fields[i], ':') + 1;
                json_t *v = object;
                bool ok;

                snprintf(path, sizeof(path), "%.*s", (int)(types - fields[i] - 1), fields[i]);
                while ((part = strsep(&rest, ".")))
                        v = json_object_get(v, part);
                ok = v && ((json_is_string(v) && strchr(types, 's')) || (json_is_number(v) && strchr(types, 'n')) ||
                           (json_is_boolean(v) && strchr(types, 'b')) || (json_is_array(v) && strchr(types, 'a')) ||
                           (json_is_object(v) && strchr(types, 'o')) || (json_is_null(v) && strchr(types, '?')));
                if (!ok)
                        fail_msg("%s is missing or of another type", fields[i]);
        }
}
#define HAS(object, ...)                                                                                                           \
        do {                                                                                                                       \
                static const char *const fields[] = { __VA_ARGS__ };                                                               \
                has(object, fields, ARRAY_SIZE(fields));                                                                           \
        } while (0)

static void test_status(void **state)
{
        struct fixture *f = fixture_shop();
        json_t *root, *s;

        (void)state;
        f->view.lost_events = 7;
        root = render("status", f);
        s = json_object_get(root, "status");
        HAS(s, "version:s", "uptime_s:n", "hosts:n", "services:n", "edges:n", "incidents_open:n", "paused:?o", "lost_events:n",
            "unwatched.edges:n", "unwatched.services:n");
        assert_int_equal(json_integer_value(json_object_get(s, "services")), 8);
        assert_int_equal(json_integer_value(json_object_get(s, "uptime_s")), 3661);
        assert_int_equal(json_integer_value(json_object_get(s, "lost_events")), 7);
        json_decref(root);
        fixture_free(f);
}

static void test_hosts(void **state)
{
        struct summary_label labels[] = { { "zone", "a" } };
        struct summary_hook hooks[] = { { "state", "attached", "" },
                                        { "turnarounds", "unavailable", "the kernel is older than 6.3" } };
        struct fixture *f = fixture_shop();
        json_t *root, *h;

        (void)state;
        f->view.hosts[f->view.hosts_count++] = (struct view_host){ .name = "web1",
                                                                   .id = "0123",
                                                                   .kernel = "6.1.0",
                                                                   .agent_version = "0.1.0",
                                                                   .environment = "production",
                                                                   .labels = labels,
                                                                   .labels_count = 1,
                                                                   .summary_age_s = 1.25,
                                                                   .complete = true,
                                                                   .agent_rss_bytes = 20 << 20,
                                                                   .agent_cpu_ratio = 0.000123,
                                                                   .hooks = hooks,
                                                                   .hooks_count = 2 };
        root = render("hosts", f);
        h = json_array_get(json_object_get(root, "hosts"), 0);
        HAS(h, "name:s", "id:s", "kernel:s", "agent_version:s", "environment:s", "labels:o", "labels.zone:s", "summary_age_s:n",
            "complete:b", "lost_events:n", "agent.rss_bytes:n", "agent.cpu_ratio:n", "agent.map_bytes:n", "hooks:a");
        assert_true(json_real_value(json_object_get(h, "summary_age_s")) == 1.25);
        assert_true(json_real_value(json_object_get(json_object_get(h, "agent"), "cpu_ratio")) == 0.000123);
        HAS(json_array_get(json_object_get(h, "hooks"), 1), "name:s", "state:s", "detail:s");
        json_decref(root);
        fixture_free(f);
}

static void test_services_without_external_ends(void **state)
{
        struct fixture *f = fixture_shop();
        json_t *root = render("services", f), *array = json_object_get(root, "services"), *graph;

        (void)state;
        assert_int_equal(json_array_size(array), 8);
        for (size_t i = 0; i < json_array_size(array); i++)
                HAS(json_array_get(array, i), "name:s", "hosts:a", "environment:s", "instances:n", "version:s", "listening:a",
                    "health:s", "tier:s", "opted_out:b");
        HAS(json_array_get(json_object_get(json_array_get(array, 0), "listening"), 0), "address:s", "port:n");
        json_decref(root);

        graph = render("graph", f);
        assert_int_equal(json_array_size(json_object_get(graph, "services")), 46);
        assert_int_equal(json_array_size(json_object_get(graph, "edges")), 47);
        json_decref(graph);
        fixture_free(f);
}

static void test_services_name_their_incidents(void **state)
{
        struct fixture *f = fixture_shop_in_trouble();
        static const char *const verbs[] = { "services", "graph" };

        (void)state;
        for (size_t v = 0; v < ARRAY_SIZE(verbs); v++) {
                json_t *root = render(verbs[v], f), *array = json_object_get(root, "services"), *s;
                size_t i, marked = 0;

                json_array_foreach(array, i, s)
                {
                        json_t *incidents = json_object_get(s, "incidents");

                        assert_true(json_is_array(incidents));
                        marked += json_array_size(incidents);
                        if (strcmp(json_string_value(json_object_get(s, "name")), "worker"))
                                continue;
                        HAS(json_array_get(incidents, 0), "id:s", "signature:s", "server:s", "port:n");
                        assert_string_equal(json_string_value(json_object_get(json_array_get(incidents, 0), "id")), "i7");
                        assert_true(json_is_null(json_object_get(json_array_get(incidents, 1), "server")));
                }
                assert_int_equal(marked, 3);
                json_decref(root);
        }
        fixture_free(f);
}

static void test_edges(void **state)
{
        struct fixture *f = fixture_shop();
        struct view_edge *e = &f->view.edges[46];
        json_t *root, *array, *last;

        (void)state;
        e->counters = (struct summary_counters){ .attempted = 1,
                                                 .opened = 2,
                                                 .closed = 3,
                                                 .refused = 4,
                                                 .timed_out = 5,
                                                 .unreachable = 6,
                                                 .aborted = 7,
                                                 .no_port = 8,
                                                 .reset_by_peer = 9,
                                                 .reset_by_self = 10,
                                                 .sent = UINT64_MAX / 2,
                                                 .received = 12,
                                                 .unread = 13,
                                                 .retransmits = 14 };
        e->failed = 15;
        e->errors = 16;
        e->open = 17;
        e->complete = false;
        memset(&e->turnaround, 0, sizeof(e->turnaround));
        root = render("edges", f);
        array = json_object_get(root, "edges");
        assert_int_equal(json_array_size(array), 47);
        for (size_t i = 0; i < json_array_size(array); i++)
                HAS(json_array_get(array, i), "client:s", "server:s", "client_hosts:a", "server_hosts:a", "port:n", "transport:s",
                    "protocol:s", "external:b", "seen_from:s", "window_s:n", "connections.open:n", "connections.attempted:n",
                    "connections.opened:n", "connections.closed:n", "connections.failed:n", "connections.refused:n",
                    "connections.timed_out:n", "connections.unreachable:n", "connections.aborted:n", "connections.no_port:n",
                    "connections.reset_by.peer:n", "connections.reset_by.self:n", "bytes.sent:n", "bytes.received:n",
                    "unread_bytes:n", "retransmits:n", "rtt_us.p50:n?", "rtt_us.p90:n?", "rtt_us.p99:n?", "turnaround_us.count:n",
                    "turnaround_us.p50:n?", "turnaround_us.p90:n?", "turnaround_us.p99:n?", "errors:n", "complete:b",
                    "first_seen:s", "last_seen:s");
        last = json_array_get(array, 46);
        {
                static const char *const names[] = { "attempted", "opened",      "closed",  "refused",
                                                     "timed_out", "unreachable", "aborted", "no_port" };
                json_t *c = json_object_get(last, "connections");

                for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                        assert_int_equal(json_integer_value(json_object_get(c, names[i])), i + 1);
                assert_int_equal(json_integer_value(json_object_get(json_object_get(c, "reset_by"), "peer")), 9);
                assert_int_equal(json_integer_value(json_object_get(json_object_get(c, "reset_by"), "self")), 10);
                assert_int_equal(json_integer_value(json_object_get(c, "failed")), 15);
                assert_int_equal(json_integer_value(json_object_get(c, "open")), 17);
        }
        assert_int_equal(json_integer_value(json_object_get(json_object_get(last, "bytes"), "sent")), UINT64_MAX / 2);
        assert_int_equal(json_integer_value(json_object_get(json_object_get(last, "bytes"), "received")), 12);
        assert_int_equal(json_integer_value(json_object_get(last, "unread_bytes")), 13);
        assert_int_equal(json_integer_value(json_object_get(last, "retransmits")), 14);
        assert_int_equal(json_integer_value(json_object_get(last, "errors")), 16);
        assert_true(json_is_false(json_object_get(last, "complete")));
        assert_string_equal(json_string_value(json_object_get(last, "seen_from")), "both");
        assert_int_equal(json_integer_value(json_object_get(json_object_get(last, "turnaround_us"), "count")), 0);
        assert_true(json_is_null(json_object_get(json_object_get(last, "turnaround_us"), "p50")));
        assert_true(json_number_value(json_object_get(json_object_get(last, "rtt_us"), "p90")) > 80);
        assert_string_equal(json_string_value(json_object_get(last, "first_seen")), "2026-05-01T01:50:00.250Z");
        json_decref(root);
        fixture_free(f);
}

static void test_processes(void **state)
{
        struct fixture *f = fixture_shop();
        json_t *root, *array;

        (void)state;
        for (int i = 0; i < 2; i++)
                f->view.processes[f->view.processes_count++] = (struct view_process){ .service = "shop",
                                                                                      .host = "web1",
                                                                                      .cpu_ratio = 0.25,
                                                                                      .process = { .pid = 42,
                                                                                                   .started = FIXTURE_NOW,
                                                                                                   .executable = "/usr/bin/shop",
                                                                                                   .build = "b1",
                                                                                                   .threads = 3,
                                                                                                   .open_files = i ? 9 : 0,
                                                                                                   .open_files_limit = i ? 1024 : 0,
                                                                                                   .has_exit = i,
                                                                                                   .exit_code = 0,
                                                                                                   .exit_signal = 9,
                                                                                                   .exit_oom = true } };
        root = render("processes", f);
        array = json_object_get(root, "processes");
        for (size_t i = 0; i < 2; i++)
                HAS(json_array_get(array, i), "service:s", "host:s", "pid:n", "started:s", "executable:s", "build:s", "cpu_ratio:n",
                    "rss_bytes:n", "memory_limit_bytes:n?", "threads:n", "open_files:n?", "open_files_limit:n?", "restarts_1h:n",
                    "last_exit:o?");
        assert_true(json_is_null(json_object_get(json_array_get(array, 0), "last_exit")));
        assert_true(json_is_null(json_object_get(json_array_get(array, 0), "open_files")));
        HAS(json_object_get(json_array_get(array, 1), "last_exit"), "code:n", "signal:n", "oom:b");
        json_decref(root);
        fixture_free(f);
}

static void test_deployments(void **state)
{
        static const char *hosts[] = { "a", "b" }, *changes[] = { "--pool" };
        struct fixture *f = fixture_shop();
        struct view_deployment rows[2] = {
                { .id = 7, .service = "shop", .from = "1", .to = "2", .hosts = { hosts, 2 }, .at = FIXTURE_NOW, .observed = true },
                { .id = 8,
                  .kind = DEPLOYMENT_FLAGS,
                  .end = DEPLOYMENT_DONE,
                  .service = "shop",
                  .from = "2",
                  .to = "2",
                  .changes = { changes, 1 },
                  .at = FIXTURE_NOW,
                  .ended_at = FIXTURE_NOW,
                  .announced_at = FIXTURE_NOW },
        };
        json_t *root, *array;

        (void)state;
        f->view.deployments = rows;
        f->view.deployments_count = 2;
        root = render("deployments", f);
        array = json_object_get(root, "deployments");
        for (size_t i = 0; i < 2; i++)
                HAS(json_array_get(array, i), "id:s", "service:s", "kind:s", "hosts:a", "from:s", "to:s", "at:s", "ended_at:s?",
                    "state:s", "how:s", "observed:b", "announced_at:s?", "changes:a");
        assert_string_equal(json_string_value(json_object_get(json_array_get(array, 0), "id")), "d-7");
        assert_string_equal(json_string_value(json_object_get(json_array_get(array, 0), "kind")), "deployment");
        assert_string_equal(json_string_value(json_object_get(json_array_get(array, 0), "how")), "observed");
        assert_true(json_is_null(json_object_get(json_array_get(array, 0), "ended_at")));
        assert_string_equal(json_string_value(json_object_get(json_array_get(array, 1), "kind")), "flags");
        assert_string_equal(json_string_value(json_object_get(json_array_get(array, 1), "how")), "announced");
        json_decref(root);
        fixture_free(f);
}

static void test_pools(void **state)
{
        struct fixture *f = fixture_shop();
        struct view_pool pools[2] = { { .client = "shop",
                                        .server = "db",
                                        .host = "web1",
                                        .side = ROLE_CLIENT,
                                        .port = 5432,
                                        .pool = { .pid = 42,
                                                  .started = FIXTURE_NOW,
                                                  .busy = 1,
                                                  .idle = 5,
                                                  .held = 4,
                                                  .overdue = 3,
                                                  .skipped = 2,
                                                  .close_wait = 2,
                                                  .opened_at = FIXTURE_NOW },
                                        .limit = 20,
                                        .limit_source = "files of the process",
                                        .complete = true },
                                      { .client = "shop",
                                        .server = "db",
                                        .host = "db1",
                                        .side = ROLE_SERVER,
                                        .pool = { .started = FIXTURE_NOW },
                                        .limit_source = "" } };
        json_t *root, *array;

        (void)state;
        pools[0].held_low = 20;
        pools[0].held = 30.5;
        pools[0].held_high = 44;
        pools[0].breach_earliest = FIXTURE_NOW + 3600 * NSEC_PER_SEC;
        pools[0].breach_likely = FIXTURE_NOW + 7200 * NSEC_PER_SEC;
        pools[0].breach_latest = FIXTURE_NOW + 9000 * NSEC_PER_SEC;
        pools[1].held_low = pools[1].held = pools[1].held_high = NAN;
        f->view.pools = pools;
        f->view.pools_count = 2;
        root = render("pools", f);
        array = json_object_get(root, "pools");
        for (size_t i = 0; i < 2; i++)
                HAS(json_array_get(array, i), "client:s", "host:s", "pid:n", "started:s", "server:s", "port:n", "open:n?",
                    "busy:n?", "idle:n?", "held:n?", "overdue:n?", "skipped:n?", "close_wait:n", "limit:o?", "held_per_hour:o?",
                    "breach_at:o?", "complete:b");
        assert_int_equal(json_integer_value(json_object_get(json_array_get(array, 0), "open")), 8);
        assert_int_equal(json_integer_value(json_object_get(json_array_get(array, 0), "overdue")), 3);
        assert_int_equal(json_integer_value(json_object_get(json_array_get(array, 0), "skipped")), 2);
        HAS(json_object_get(json_array_get(array, 0), "limit"), "value:n", "source:s");
        HAS(json_array_get(array, 0), "held_per_hour.low:n", "held_per_hour.mid:n", "held_per_hour.high:n", "breach_at.earliest:s",
            "breach_at.likely:s", "breach_at.latest:s");
        assert_true(json_real_value(json_object_get(json_object_get(json_array_get(array, 0), "held_per_hour"), "mid")) == 30.5);
        assert_string_equal(json_string_value(json_object_get(json_object_get(json_array_get(array, 0), "breach_at"), "likely")),
                            "2026-05-01T04:00:00.250Z");
        assert_true(json_is_null(json_object_get(json_array_get(array, 1), "held_per_hour")));
        assert_true(json_is_null(json_object_get(json_array_get(array, 1), "breach_at")));
        assert_true(json_is_null(json_object_get(json_array_get(array, 1), "held")));
        json_decref(root);
        f->view.pools = NULL;
        fixture_free(f);
}

static void test_empty_and_unknown(void **state)
{
        static const char *const verbs[] = { "hosts", "services", "edges", "processes", "pools" };
        struct fixture *f = fixture_new(0, 0);
        struct text t = { 0 };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
                json_t *root = render(verbs[i], f);

                assert_true(json_is_array(json_object_get(root, verbs[i])));
                assert_int_equal(json_array_size(json_object_get(root, verbs[i])), 0);
                json_decref(root);
        }
        assert_int_equal(render_json(&t, "ponds", &f->view, NULL), -ENOENT);
        text_free(&t);
        fixture_free(f);
}

static void test_hostile_names(void **state)
{
        static const struct {
                const char *name, *read;
        } names[] = {
                { "a\"b\\c", "a\"b\\c" },
                { "</script><html>&amp;", "</script><html>&amp;" },
                { "tab\there\nand\x01\x7f", "tab\there\nand\x01\x7f" },
                { "gr\xc3\xbc\xc3\x9f \xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\xa6\x89",
                  "gr\xc3\xbc\xc3\x9f \xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\xa6\x89" },
                { "broken\xff\xc3(\xed\xa0\x80", "broken\xef\xbf\xbd\xef\xbf\xbd(\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
                { "cut\xe6\x97", "cut\xef\xbf\xbd\xef\xbf\xbd" },
                { "c1\xc2\x9b[31m", "c1\xc2\x9b[31m" },
                { "", "" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                struct fixture *f = fixture_new(2, 2);
                json_t *root;

                fixture_service(f, names[i].name, "h", 1, names[i].name);
                fixture_edge(f, names[i].name, names[i].name, 1, names[i].name, 0, 0);
                root = render("graph", f);
                assert_string_equal(
                        json_string_value(json_object_get(json_array_get(json_object_get(root, "services"), 0), "name")),
                        names[i].read);
                json_decref(root);
                fixture_free(f);
        }
}

static void test_a_terminal_is_not_obeyed(void **state)
{
        struct fixture *f = fixture_new(1, 0);
        struct text t = { 0 };

        (void)state;
        fixture_service(f, "x\x1b[2J\xc2\x9b", "h", 0, "");
        assert_int_equal(render_json(&t, "services", &f->view, NULL), 0);
        assert_null(strchr(t.data, '\x1b'));
        assert_null(strstr(t.data, "\xc2\x9b"));
        text_free(&t);
        fixture_free(f);
}

static void test_times(void **state)
{
        static const struct {
                int64_t ns;
                const char *text;
        } times[] = {
                { 1, "1970-01-01T00:00:00.000Z" },
                { INT64_C(951782400) * NSEC_PER_SEC, "2000-02-29T00:00:00.000Z" },
                { INT64_C(4107542399) * NSEC_PER_SEC + 999 * NSEC_PER_MSEC, "2100-02-28T23:59:59.999Z" },
                { INT64_C(4107542400) * NSEC_PER_SEC, "2100-03-01T00:00:00.000Z" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
                struct text t = { 0 };

                text_time(&t, times[i].ns);
                assert_string_equal(t.data, times[i].text);
                text_free(&t);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_status),
                cmocka_unit_test(test_hosts),
                cmocka_unit_test(test_services_without_external_ends),
                cmocka_unit_test(test_services_name_their_incidents),
                cmocka_unit_test(test_edges),
                cmocka_unit_test(test_processes),
                cmocka_unit_test(test_deployments),
                cmocka_unit_test(test_pools),
                cmocka_unit_test(test_empty_and_unknown),
                cmocka_unit_test(test_hostile_names),
                cmocka_unit_test(test_a_terminal_is_not_obeyed),
                cmocka_unit_test(test_times),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
