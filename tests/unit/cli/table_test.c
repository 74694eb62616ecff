#include "coordinator/cli/rows.h"
#include "coordinator/cli/table.h"
#include "coordinator/cli/tree.h"
#include "coordinator/cli/watch_draw.h"
#include "coordinator/render.h"
#include "tests/unit/coordinator/view_fixture.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* No line is wider than asked, and none ends in blanks. */
static void fits(const char *text, size_t width)
{
        while (*text) {
                size_t n = strcspn(text, "\n");
                char line[4096];

                snprintf(line, sizeof(line), "%.*s", (int)n, text);
                if (width && table_text_width(line) > width)
                        fail_msg("wider than %zu: '%s'", width, line);
                if (n > 0 && line[n - 1] == ' ')
                        fail_msg("blanks at the end: '%s'", line);
                text += n + (text[n] == '\n');
        }
}

static json_t *answer(const char *verb, struct fixture *f)
{
        struct text t = { 0 };
        json_t *root;

        assert_int_equal(render_json(&t, verb, &f->view, NULL), 0);
        root = json_loadb(t.data, t.length, 0, NULL);
        assert_non_null(root);
        text_free(&t);
        return root;
}

static void test_every_verb_at_every_width(void **state)
{
        static const char *const verbs[] = { "status", "hosts", "services", "edges", "processes" };
        static const size_t widths[] = { 40, 80, 200, 0 };
        struct fixture *f = fixture_shop();

        (void)state;
        f->view.hosts[f->view.hosts_count++] = (struct view_host){
                .name = "web1", .id = "", .kernel = "6.1", .agent_version = "1", .environment = "production", .complete = true
        };
        f->view.processes[f->view.processes_count++] = (struct view_process){
                .service = "shop", .host = "web1", .process = { .pid = 4, .executable = "/usr/bin/shop", .build = "" }
        };
        for (size_t v = 0; v < ARRAY_SIZE(verbs); v++)
                for (size_t w = 0; w < ARRAY_SIZE(widths); w++) {
                        json_t *root = answer(verbs[v], f);
                        struct text t = { 0 };

                        assert_int_equal(rows_draw(&t, verbs[v], root, FIXTURE_NOW, widths[w], false), 0);
                        fits(t.data, widths[w]);
                        assert_null(strchr(t.data, '\x1b'));
                        text_free(&t);
                        json_decref(root);
                }
        fixture_free(f);
}

static void test_edges_say_why(void **state)
{
        struct fixture *f = fixture_new(4, 4);
        struct view_edge *e = fixture_edge(f, "web", "api", 80, "http", 1, 10000);
        json_t *root;
        struct text t = { 0 };

        (void)state;
        e->failed = e->counters.refused = 0;
        root = answer("edges", f);
        assert_int_equal(rows_draw(&t, "edges", root, FIXTURE_NOW, 0, false), 0);
        assert_null(strstr(t.data, "WHY")); /* nothing stands in it */
        json_decref(root);
        text_free(&t);
        e->counters.refused = 2;
        e->counters.aborted = 7;
        e->failed = 9;
        root = answer("edges", f);
        assert_int_equal(rows_draw(&t, "edges", root, FIXTURE_NOW, 0, false), 0);
        assert_non_null(strstr(t.data, "WHY"));
        assert_non_null(strstr(t.data, " 9  given up, refused "));
        json_decref(root);
        text_free(&t);
        fixture_free(f);
}

static json_t *incident(const char *id, const char *state, const char *service)
{
        return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:{s:s}}", "id", id, "state", state, "service", service, "signature",
                         "connection-pool-leak", "server", "pgbouncer", "onset_at", "2026-05-01T01:00:00Z", "breach_at", "likely",
                         "2026-05-01T04:00:00Z");
}

static void test_tree_and_watch_mark_incidents(void **state)
{
        struct fixture *f = fixture_shop_in_trouble();
        json_t *graph = answer("graph", f), *edges = answer("edges", f), *status = answer("status", f);
        json_t *none = json_pack("{s:[]}", "incidents"), *some = json_pack("{s:[]}", "incidents");
        json_t *list = json_object_get(some, "incidents");
        struct text t = { 0 };

        (void)state;
        for (size_t width = 30; width < 200; width += 10) {
                assert_int_equal(tree_draw(&t, graph, width, false), 0);
                fits(t.data, width);
                text_free(&t);
        }
        assert_int_equal(tree_draw(&t, graph, 80, false), 0);
        assert_non_null(strstr(t.data, "\nworker  ▲ i7 connection-pool-leak  ▲ i9 memory-leak\n"));
        assert_non_null(strstr(t.data, "─ redis ▲ :6379"));
        assert_null(strstr(t.data, "pgbouncer ▲"));
        text_free(&t);

        assert_int_equal(watch_draw(&t, status, edges, none, FIXTURE_NOW, 100, 40, false), 0);
        assert_null(strstr(t.data, "▲"));
        text_free(&t);
        json_array_append_new(list, incident("i1", "resolved", "nginx"));
        for (int i = 2; i < 7; i++)
                json_array_append_new(list, incident(fixture_text(f, "i%d", i), "open", "worker"));
        assert_int_equal(watch_draw(&t, status, edges, some, FIXTURE_NOW, 120, 40, false), 0);
        assert_non_null(strstr(t.data, "▲ i2 worker connection-pool-leak towards pgbouncer since "));
        assert_non_null(strstr(t.data, ", reaches its limit at about "));
        assert_null(strstr(t.data, "i1 nginx"));
        assert_non_null(strstr(t.data, "▲ 2 more incidents\n"));
        text_free(&t);
        for (size_t height = 5; height < 60; height += 5) {
                size_t lines = 1;

                assert_int_equal(watch_draw(&t, status, edges, some, FIXTURE_NOW, 80, height, false), 0);
                fits(t.data, 80);
                for (const char *c = t.data; *c; c++)
                        lines += *c == '\n';
                assert_true(lines <= MAX(height, 9));
                text_free(&t);
        }
        json_decref(graph);
        json_decref(edges);
        json_decref(status);
        json_decref(none);
        json_decref(some);
        fixture_free(f);
}

static void test_edges_keep_what_matters(void **state)
{
        struct fixture *f = fixture_shop();
        json_t *root = answer("edges", f);
        struct text t = { 0 };

        (void)state;
        assert_int_equal(rows_draw(&t, "edges", root, FIXTURE_NOW, 0, false), 0);
        assert_non_null(strstr(t.data, "CLIENT"));
        assert_non_null(strstr(t.data, "TURNAROUND"));
        assert_non_null(strstr(t.data, "27.1 MB")); /* 31,000,000 less an eighth */
        text_free(&t);
        assert_int_equal(rows_draw(&t, "edges", root, FIXTURE_NOW, 64, false), 0);
        assert_non_null(strstr(t.data, "CLIENT"));
        assert_non_null(strstr(t.data, "pgbouncer"));
        assert_non_null(strstr(t.data, "OPEN"));
        assert_null(strstr(t.data, "LAST SEEN"));
        text_free(&t);
        json_decref(root);
        fixture_free(f);
}

static void test_tree_and_watch(void **state)
{
        static const size_t widths[] = { 20, 40, 80, 200 };
        struct fixture *f = fixture_forty();
        json_t *graph = answer("graph", f), *edges = answer("edges", f), *status = answer("status", f);

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(widths); i++) {
                struct text t = { 0 };

                assert_int_equal(tree_draw(&t, graph, widths[i], false), 0);
                fits(t.data, widths[i]);
                text_free(&t);
        }
        for (size_t height = 3; height < 60; height += 7) {
                struct text t = { 0 };
                size_t lines = 1;

                assert_int_equal(watch_draw(&t, status, edges, NULL, 0, 80, height, false), 0);
                fits(t.data, 80);
                for (const char *c = t.data; *c; c++)
                        lines += *c == '\n';
                assert_true(lines <= MAX(height, 6));
                assert_non_null(strstr(t.data, "more edges"));
                text_free(&t);
        }
        json_decref(graph);
        json_decref(edges);
        json_decref(status);
        fixture_free(f);
}

static void test_hostile_names(void **state)
{
        struct fixture *f = fixture_new(4, 4);
        struct text t = { 0 };
        json_t *root;

        (void)state;
        fixture_edge(f, "esc\x1b[31m\xc2\x9b",
                     "\xe6\x97\xa5\xe6\x9c\xac\xe6\x97\xa5\xe6\x9c\xac\xe6\x97\xa5\xe6\x9c\xac\xe6\x97\xa5", 80, "%s", 1, 1);
        fixture_edge(f, fixture_text(f, "%05000d", 7), "right\xe2\x80\xaeleft", 80, "", 1, 1);
        root = answer("edges", f);
        assert_int_equal(rows_draw(&t, "edges", root, FIXTURE_NOW, 80, false), 0);
        fits(t.data, 80);
        assert_null(strchr(t.data, '\x1b'));
        assert_null(strstr(t.data, "\xc2\x9b"));
        assert_null(strstr(t.data, "\xe2\x80\xae"));
        assert_non_null(strstr(t.data, "…"));
        text_free(&t);
        json_decref(root);
        fixture_free(f);
}

static void test_empty_columns_are_not_shown(void **state)
{
        struct fixture *f = fixture_shop();
        json_t *root = answer("services", f);
        struct text t = { 0 };

        (void)state;
        assert_int_equal(rows_draw(&t, "services", root, FIXTURE_NOW, 0, false), 0);
        assert_non_null(strstr(t.data, "VERSION"));
        assert_null(strstr(t.data, "ENVIRONMENT"));
        text_free(&t);
        json_decref(root);
        fixture_free(f);
}

static void test_colour(void **state)
{
        struct fixture *f = fixture_shop();
        struct text t = { 0 };
        json_t *root;

        (void)state;
        f->view.edges[0].failed = 3;
        root = answer("edges", f);
        assert_int_equal(rows_draw(&t, "edges", root, FIXTURE_NOW, 0, true), 0);
        assert_non_null(strstr(t.data, "\033[31m3\033[0m"));
        text_free(&t);
        json_decref(root);
        fixture_free(f);
}

/* That nothing was found is worth less where something could not be looked at. */
static void test_silence_that_is_blind(void **state)
{
        json_t *root = json_pack("{s:b,s:{s:i,s:i},s:[]}", "complete", 1, "unwatched", "edges", 3, "services", 1, "incidents");
        struct text t = { 0 };

        (void)state;
        assert_int_equal(rows_draw(&t, "incidents", root, 0, 80, false), 0);
        assert_non_null(strstr(t.data, "No incident."));
        assert_non_null(strstr(t.data, "Not watched, for want of `memory`: 3 edges, 1 services."));
        assert_null(strstr(t.data, "Incomplete"));
        text_free(&t);
        json_object_set_new(root, "complete", json_false());
        json_object_del(root, "unwatched");
        assert_int_equal(rows_draw(&t, "incidents", root, 0, 80, false), 0);
        assert_null(strstr(t.data, "Not watched"));
        assert_non_null(strstr(t.data, "Incomplete"));
        text_free(&t);
        json_decref(root);
}

static void test_not_an_answer(void **state)
{
        json_t *root = json_pack("{s:s}", "edges", "none");
        struct text t = { 0 };

        (void)state;
        assert_int_equal(rows_draw(&t, "edges", root, 0, 80, false), -EBADMSG);
        assert_int_equal(rows_draw(&t, "pools", root, 0, 80, false), -EBADMSG);
        assert_int_equal(rows_draw(&t, "status", root, 0, 80, false), -EBADMSG);
        assert_int_equal(tree_draw(&t, root, 80, false), -EBADMSG);
        text_free(&t);
        json_decref(root);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_every_verb_at_every_width),
                cmocka_unit_test(test_edges_say_why),
                cmocka_unit_test(test_edges_keep_what_matters),
                cmocka_unit_test(test_tree_and_watch),
                cmocka_unit_test(test_hostile_names),
                cmocka_unit_test(test_tree_and_watch_mark_incidents),
                cmocka_unit_test(test_empty_columns_are_not_shown),
                cmocka_unit_test(test_colour),
                cmocka_unit_test(test_silence_that_is_blind),
                cmocka_unit_test(test_not_an_answer),
        };

        setlocale(LC_CTYPE, "C.UTF-8");
        return cmocka_run_group_tests(tests, NULL, NULL);
}
