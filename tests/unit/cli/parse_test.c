#include "coordinator/cli/verbs.h"
#include "coordinator/render.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static int parse(const char *line, struct invocation *i, enum cli_asked *asked, char *sentence, size_t size)
{
        static char buffer[1024];
        char *argv[64] = { (char *)"nightshift" }, *rest = buffer, *word;
        struct text error = { 0 };
        int argc = 1, r;

        strcpy(buffer, line);
        while ((word = strsep(&rest, " ")))
                argv[argc++] = word;
        r = invocation_parse(argc, argv, i, asked, &error);
        strncpy(sentence, error.data ? error.data : "", size - 1);
        text_free(&error);
        return r;
}

static void test_good(void **state)
{
        static const char *const lines[] = {
                "status",
                "--format json edges --service shop --depth 3 --window 5m",
                "edges --format=json --host=web1",
                "graph --format svg",
                "--control /x graph --at 02:00",
                "completion bash",
                "--control /x deployed --service shop --version 2.1",
                "watch --window 10s",
                "ca issue web1 --whatever",
        };
        struct invocation i;
        enum cli_asked asked;
        char sentence[512] = "";

        (void)state;
        for (size_t k = 0; k < ARRAY_SIZE(lines); k++) {
                if (parse(lines[k], &i, &asked, sentence, sizeof(sentence)) < 0)
                        fail_msg("%s: %s", lines[k], sentence);
                assert_int_equal(asked, CLI_ASKED_RUN);
        }
        assert_int_equal(parse(lines[1], &i, &asked, sentence, sizeof(sentence)), 0);
        assert_string_equal(i.verb->name, "edges");
        assert_string_equal(i.format, "json");
        assert_string_equal(invocation_value(&i, "service"), "shop");
        assert_string_equal(invocation_value(&i, "depth"), "3");
        assert_string_equal(invocation_value(&i, "window"), "5m");
        assert_null(invocation_value(&i, "host"));
        assert_int_equal(parse("deployed --version 2.1 --service a", &i, &asked, sentence, sizeof(sentence)), 0);
        assert_int_equal(asked, CLI_ASKED_RUN); /* not the program's own version */
        assert_string_equal(invocation_value(&i, "version"), "2.1");
        assert_int_equal(parse("--version deployed", &i, &asked, sentence, sizeof(sentence)), 0);
        assert_int_equal(asked, CLI_ASKED_VERSION);
        assert_int_equal(parse("edges --service a --service b", &i, &asked, sentence, sizeof(sentence)), 0);
        assert_string_equal(invocation_value(&i, "service"), "b");
}

static void test_wrong(void **state)
{
        static const struct {
                const char *line, *says;
        } wrong[] = {
                { "ponds", "unknown verb 'ponds'" },
                { "edges --nope", "edges: unknown option --nope" },
                { "edges -x", "unknown option -x" },
                { "edges extra", "unexpected argument 'extra'" },
                { "edges --window", "--window needs a value" },
                { "edges --window=", "--window needs a value" },
                { "--format", "--format needs a value" },
                { "--format json", "a verb is missing" },
                { "edges --format dot", "expected one of table json, found 'dot'" },
                { "watch --format json", "no choice of --format" },
                { "graph --depth 2", "--depth needs a --service" },
                { "completion", "expected bash|zsh|fish" },
                { "status --help=yes", "--help takes no value" },
                { "status --service x", "status: unknown option --service" },
        };

        (void)state;
        for (size_t k = 0; k < ARRAY_SIZE(wrong); k++) {
                struct invocation i;
                enum cli_asked asked;
                char sentence[512] = "";

                assert_int_equal(parse(wrong[k].line, &i, &asked, sentence, sizeof(sentence)), -EINVAL);
                if (!strstr(sentence, wrong[k].says))
                        fail_msg("'%s' says '%s', not '%s'", wrong[k].line, sentence, wrong[k].says);
        }
}

static void test_help(void **state)
{
        struct invocation i;
        enum cli_asked asked;
        char sentence[512];
        struct text t = { 0 };

        (void)state;
        assert_int_equal(parse("--help", &i, &asked, sentence, sizeof(sentence)), 0);
        assert_int_equal(asked, CLI_ASKED_HELP);
        assert_int_equal(parse("edges -h", &i, &asked, sentence, sizeof(sentence)), 0);
        assert_int_equal(asked, CLI_ASKED_HELP);
        assert_int_equal(parse("help", &i, &asked, sentence, sizeof(sentence)), 0);
        assert_int_equal(asked, CLI_ASKED_HELP);
        assert_null(i.verb);
        assert_int_equal(parse("help edges", &i, &asked, sentence, sizeof(sentence)), 0);
        assert_int_equal(asked, CLI_ASKED_HELP);
        assert_string_equal(i.verb->name, "edges");
        assert_int_equal(parse("help nothing", &i, &asked, sentence, sizeof(sentence)), -EINVAL);
        assert_int_equal(parse("--version", &i, &asked, sentence, sizeof(sentence)), 0);
        assert_int_equal(asked, CLI_ASKED_VERSION);
        help_global(&t);
        for (size_t k = 0; k < cli_verbs_count; k++) {
                struct text v = { 0 };

                assert_non_null(strstr(t.data, cli_verbs[k].name));
                help_verb(&v, &cli_verbs[k]);
                for (const struct cli_option *const *o = cli_verbs[k].options; *o; o++)
                        assert_non_null(strstr(v.data, (*o)->name));
                text_free(&v);
        }
        text_free(&t);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_good),
                cmocka_unit_test(test_wrong),
                cmocka_unit_test(test_help),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
