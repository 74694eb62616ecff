#include "coordinator/render.h"
#include "tests/unit/coordinator/view_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* Runs `dot` over it: it must draw, and say nothing. */
static void draws(const struct text *t)
{
        char in[] = "/tmp/render-dot-XXXXXX", command[256], said[512] = "";
        int fd = mkstemp(in), status;
        FILE *errors;

        assert_true(fd >= 0);
        assert_int_equal(write(fd, t->data, t->length), t->length);
        close(fd);
        snprintf(command, sizeof(command), "dot -Tsvg %s 2>&1 >/dev/null", in);
        errors = popen(command, "r");
        assert_non_null(errors);
        if (fread(said, 1, sizeof(said) - 1, errors) > 0)
                print_message("dot: %s\n", said);
        status = pclose(errors);
        unlink(in);
        assert_string_equal(said, "");
        assert_int_equal(status, 0);
}

static size_t occurrences(const char *text, const char *what)
{
        size_t n = 0;

        while ((text = strstr(text, what))) {
                n++;
                text++;
        }
        return n;
}

static struct text render(struct fixture *f)
{
        struct text t = { 0 };

        assert_int_equal(render_dot(&t, &f->view), 0);
        assert_int_equal(strncmp(t.data, "digraph", 7), 0);
        return t;
}

static void test_shop(void **state)
{
        struct fixture *f = fixture_shop();
        struct text t = render(f), again = render(f);

        (void)state;
        assert_string_equal(t.data, again.data);
        draws(&t);
        /* 37 clients with one neighbour are one node and one edge with the sum of their connections. */
        assert_non_null(strstr(t.data, "<b>37 clients</b>"));
        assert_int_equal(occurrences(t.data, " -> "), 11);
        assert_int_equal(occurrences(t.data, "\n  \"198.51.100.7\" ["), 1);
        assert_non_null(strstr(t.data, "https · 36<"));
        assert_non_null(strstr(t.data, "\"pgbouncer\" -> \"postgresql\" ["));
        assert_non_null(strstr(t.data, "postgresql · 12<"));
        assert_int_equal(occurrences(t.data, "subgraph cluster_"), 3);
        assert_non_null(strstr(t.data, "label=<<b>db1</b>>"));
        assert_int_equal(occurrences(t.data, "style=dashed"), 2);
        assert_null(strstr(t.data, "Incomplete"));
        text_free(&t);
        text_free(&again);
        f->view.complete = false;
        t = render(f);
        assert_non_null(strstr(t.data, "Incomplete"));
        draws(&t);
        text_free(&t);
        fixture_free(f);
}

static void test_incidents_are_marked(void **state)
{
        struct fixture *f = fixture_shop(), *trouble = fixture_shop_in_trouble();
        struct text healthy = render(f), t = render(trouble);
        const char *link;

        (void)state;
        draws(&t);
        assert_null(strstr(healthy.data, "▲"));
        assert_non_null(strstr(t.data, "<b>▲ i7</b> connection-pool-leak<"));
        assert_non_null(strstr(t.data, "<b>▲ i9</b> memory-leak<"));
        assert_non_null(strstr(t.data, "<b>▲ i8</b> file-descriptor-leak<"));
        /* Three rows in boxes, and the one connection that it is about; no other of the same client or server. */
        assert_int_equal(occurrences(t.data, "▲"), 4);
        link = strstr(t.data, "\"worker\" -> \"pgbouncer\" [");
        assert_non_null(link);
        assert_true(strstr(link, "label=<▲ postgresql") < strchr(link, '\n'));
        text_free(&healthy);
        text_free(&t);
        fixture_free(f);
        fixture_free(trouble);
}

static void test_forty(void **state)
{
        struct fixture *f = fixture_forty();
        struct text t = render(f);

        (void)state;
        draws(&t);
        assert_non_null(strstr(t.data, "<b>180 clients</b>"));
        assert_non_null(strstr(t.data, "<b>9 servers</b>"));
        text_free(&t);
        fixture_free(f);
}

/* A service that is called by its port does not say it twice. */
static void test_port_in_name(void **state)
{
        struct fixture *f = fixture_new(8, 8);
        struct text t;

        (void)state;
        fixture_service(f, "nginx:8080", "h1", 8080, "");
        fixture_service(f, "redis:6379", "h1", 6380, "");
        fixture_service(f, "app", "h1", 8081, "");
        fixture_finish(f);
        t = render(f);
        draws(&t);
        assert_null(strstr(t.data, ">:8080<"));
        assert_non_null(strstr(t.data, ">:6380<"));
        assert_non_null(strstr(t.data, ">:8081<"));
        text_free(&t);
        fixture_free(f);
}

static void test_empty(void **state)
{
        struct fixture *f = fixture_new(0, 0);
        struct text t = render(f);

        (void)state;
        draws(&t);
        text_free(&t);
        fixture_free(f);
}

static void test_environments(void **state)
{
        struct fixture *f = fixture_new(8, 8);
        struct text t;

        (void)state;
        fixture_service(f, "a", "h1", 80, "production");
        fixture_service(f, "b", "h1 h2", 81, "production");
        fixture_service(f, "c", "h3", 82, "staging");
        fixture_service(f, "quiet-1", "h3", 0, "staging");
        fixture_service(f, "quiet-2", "h3", 0, "staging");
        fixture_edge(f, "a", "b", 81, "", 1, 10);
        fixture_edge(f, "c", "c", 82, "", 1, 10);
        fixture_finish(f);
        t = render(f);
        draws(&t);
        assert_non_null(strstr(t.data, "label=<<b>production</b>>"));
        assert_non_null(strstr(t.data, "label=<<b>staging</b>>"));
        assert_int_equal(occurrences(t.data, "subgraph cluster_"), 4);
        text_free(&t);
        fixture_free(f);
}

/* Whatever a workload calls itself, dot draws it without a word. */
static void test_hostile_names(void **state)
{
        static const char *const names[] = {
                "a\"b",
                "back\\slash",
                "end\\",
                "\\N\\G",
                "<html>&lt;&bogus;</table>",
                "]];} digraph x {",
                "-> a [label=1]",
                "tab\tnew\nline",
                "ctl\x01\x1b[2J",
                "broken\xff\xfe",
                "cut\xe6\x97",
                "gr\xc3\xbc\xc3\x9f",
                "\xe6\x97\xa5\xe6\x9c\xac\xf0\x9f\xa6\x89",
                "",
                " ",
                "a:b:c",
                "%s%n",
                "<b>",
                "c1\xc2\x85x",
                "&",
                "&#0;",
        };
        struct fixture *f = fixture_new(64, 256);
        char *longest = fixture_text(f, "%07000d", 1);
        struct text t;

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                struct view_service *s = fixture_service(f, names[i], "h", 80, names[i]);

                s->version = names[i];
                s->hosts.items[0] = names[i];
                fixture_edge(f, names[i], names[(i + 1) % ARRAY_SIZE(names)], 80, names[i], 1, 100);
        }
        fixture_service(f, longest, "h", 80, "");
        fixture_edge(f, longest, "an end that no service names", 80, longest, 1, 100);
        fixture_finish(f);
        t = render(f);
        draws(&t);
        assert_null(strchr(t.data, '\x1b'));
        text_free(&t);
        fixture_free(f);
}

/* Circles of calls between hosts and environments, at random; a ring is what Graphviz fails on most. */
static void test_circles(void **state)
{
        const char *seed_text = getenv("SEED");
        unsigned seed = seed_text ? (unsigned)atoi(seed_text) : 1;

        (void)state;
        print_message("# SEED=%u\n", seed);
        for (int round = 0; round < 30; round++) {
                unsigned n = 3 + (unsigned)rand_r(&seed) % 22, hosts = 1 + (unsigned)rand_r(&seed) % 6;
                struct fixture *f = fixture_new(n, 3 * n);
                struct text t;

                for (unsigned i = 0; i < n; i++) {
                        unsigned h = (unsigned)rand_r(&seed) % (hosts + 1);

                        fixture_service(f, fixture_text(f, "service-%02u", i), h ? fixture_text(f, "host-%u", h) : "a b", 80,
                                        round % 3 && h % 2 ? "production" : "staging");
                }
                for (unsigned i = 0; i < n + (unsigned)rand_r(&seed) % n; i++) {
                        unsigned from = round % 2 ? i % n : (unsigned)rand_r(&seed) % n;
                        unsigned to = round % 2 && i < n ? (i + 1) % n : (unsigned)rand_r(&seed) % n;

                        fixture_edge(f, f->view.services[from].name, f->view.services[to].name, 80, "http", 1, 1000);
                }
                fixture_finish(f);
                t = render(f);
                draws(&t);
                text_free(&t);
                fixture_free(f);
        }
}

/* The budget for all of it is 250 ms on an idle machine; this catches what became quadratic. */
static void test_large(void **state)
{
        struct fixture *f = fixture_large(10000, 100000);
        int64_t before = clock_monotonic();
        struct text t = render(f);

        (void)state;
        assert_true(clock_monotonic() - before < 20 * NSEC_PER_SEC);
        assert_true(occurrences(t.data, " -> ") > 90000);
        text_free(&t);
        fixture_free(f);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_shop),          cmocka_unit_test(test_incidents_are_marked),
                cmocka_unit_test(test_forty),         cmocka_unit_test(test_port_in_name),
                cmocka_unit_test(test_empty),         cmocka_unit_test(test_environments),
                cmocka_unit_test(test_hostile_names), cmocka_unit_test(test_circles),
                cmocka_unit_test(test_large),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
