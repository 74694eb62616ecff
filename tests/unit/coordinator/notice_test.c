/* What a notice and a ticket look like when names are chosen to harm: templates, and Markdown. */
#include "coordinator/explain_words.h"
#include "coordinator/markdown.h"
#include "coordinator/notice_template.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void becomes(const char *template_text, const char *expected)
{
        json_t *notice = json_loads("{\"id\":\"i7\",\"n\":3,\"none\":null,\"text\":\"a \\\"b\\\" {{id}} c\","
                                    "\"explain\":{\"cause\":{\"kind\":\"deployment\"},\"list\":[1,2]}}",
                                    0, NULL);
        json_t *template = json_loads(template_text, JSON_DECODE_ANY, NULL);
        json_t *filled = notice_template_fill(template, notice);
        char *text = json_dumps(filled, JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS);

        assert_non_null(template);
        assert_string_equal(text ? text : "", expected);
        free(text);
        json_decref(filled);
        json_decref(template);
        json_decref(notice);
}

static void test_template(void **state)
{
        (void)state;
        becomes("{\"a\":\"{{id}}\",\"b\":[\"x {{ id }}: {{explain.cause.kind}}\",7,true]}",
                "{\"a\":\"i7\",\"b\":[\"x i7: deployment\",7,true]}");
        becomes("\"{{n}}\"", "3");
        becomes("\"{{explain.list}}\"", "[1,2]");
        becomes("\"<{{explain.list}}>\"", "\"<[1,2]>\"");
        /* What is not there. */
        becomes("[\"{{no}}\",\"x{{explain.no.no}}y\",\"{{none}}\",\"{{id.kind}}\",\"{{}}\"]", "[null,\"xy\",null,null,null]");
        /* Quotes stay in their text, and what looks like a name is filled in once. */
        becomes("[\"{{text}}\",\"<{{text}}>\"]", "[\"a \\\"b\\\" {{id}} c\",\"<a \\\"b\\\" {{id}} c>\"]");
        becomes("[\"{{\",\"}}\",\"{{id\",\"{{id}\",\"{{{{id}}}}\"]", "[\"{{\",\"}}\",\"{{id\",\"{{id}\",\"}}\"]");
}

static void test_template_depth(void **state)
{
        json_t *deep = json_integer(1), *notice = json_object();

        (void)state;
        for (int i = 0; i < 100; i++) {
                json_t *outer = json_array();

                json_array_append_new(outer, deep);
                deep = outer;
        }
        assert_null(notice_template_fill(deep, notice));
        json_decref(deep);
        json_decref(notice);
}

static void escaped(const char *string, const char *expected)
{
        struct text out = { 0 };

        markdown_text(&out, string);
        assert_string_equal(out.data ? out.data : "", expected);
        text_free(&out);
}

static void test_markdown(void **state)
{
        (void)state;
        escaped("payments", "payments");
        escaped("connection-pool-leak", "connection-pool-leak");
        escaped("a_b*c`d", "a\\_b\\*c\\`d");
        escaped("[x](javascript:1)", "\\[x\\](javascript:1)");
        escaped("![x](y)", "\\!\\[x\\](y)");
        escaped("<script>&amp;", "\\<script\\>\\&amp;");
        escaped("https://evil.example/", "https\\://evil.example/");
        escaped("WWW.evil.example", "WWW\\.evil.example");
        escaped("@ann a@b.c", "\\@ann a\\@b.c");
        escaped("# h", "\\# h");
        escaped("- x", "\\- x");
        escaped("+ x", "\\+ x");
        escaped("===", "\\===");
        escaped("\n- x", "\\- x");
        escaped("12. x", "12\\. x");
        escaped("1) x", "1\\) x");
        escaped("     code", "code");
        escaped("a\n# b\r\nc", "a \\# b? c");
        escaped("\x1b[31m", "?\\[31m");
        escaped("\xc2\x9b", "?");
        escaped("\xff\xc3", "??");
        escaped("gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f");
        escaped("a\\b", "a\\\\b");
}

/* An answer to `explain` in which every text is a name that a workload could choose. */
static json_t *hostile(const char *name)
{
        return json_pack("{s:{s:s,s:s,s:s,s:s,s:s,s:s,s:i,s:n,s:n,s:[{s:s,s:i,s:s}],s:[{s:s,s:s,s:s,s:b,s:s,s:i,s:s}],s:[],"
                         "s:[{s:s,s:s,s:f,s:s}],s:[{s:s,s:s,s:s}],s:[s],s:[{s:s,s:s,s:s,s:s,s:[{s:s}],s:{s:s},s:s,s:s,s:s,s:s}],"
                         "s:{s:s,s:s,s:[{s:s}],s:{s:s},s:s,s:s,s:s},s:[{s:i,s:s,s:s}]}}",
                         "explain", "id", "i7", "service", name, "signature", name, "title", name, "state", "open", "server", name,
                         "port", 5432, "breach_at", "rate_per_hour", "subjects", "host", name, "pid", 7, "build", name, "evidence",
                         "signal", name, "unit", "count", "shape", "steady", "holds", 1, "host", name, "pid", 7, "of", name,
                         "against", "causes", "kind", name, "ref", name, "confidence", .5, "why", name, "ruled_out", "kind", name,
                         "ref", name, "why", name, "remedies", name, "actions", "id", "a1", "state", "proposed", "action", name,
                         "class", name, "targets", "host", name, "prediction", "says", name, "why", name, "limits", name,
                         "decided_by", name, "verdict", "verified", "outlook", "action", name, "class", name, "targets", "host",
                         name, "prediction", "says", name, "environment", name, "rung", name, "why_not", name, "log", "index", 3,
                         "kind", "evidence", "at", "2026-05-01T02:00:00.000Z");
}

static void test_words_are_harmless(void **state)
{
        /* In Markdown each of these would do something; nowhere may it be found with nothing before it. */
        static const char *const names[] = { "![x](http://evil.example)", "<img src=x>", "`code`", "_a_", "@ann", "&lt;" };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                json_t *root = hostile(names[i]);
                struct text out = { 0 };

                assert_non_null(root);
                assert_int_equal(explain_words(&out, root, 0, WORDS_MARKDOWN), 0);
                for (const char *s = out.data; (s = strstr(s, names[i])); s++)
                        assert_int_equal(s[-1], '\\');
                assert_non_null(strstr(out.data, "\n## What was decided\n"));
                assert_non_null(strstr(out.data, "  - entry 3: evidence at 2026-05-01 02:00:00 UTC\n"));
                text_free(&out);
                json_decref(root);
        }
}

static void test_words_on_a_terminal(void **state)
{
        json_t *root = hostile("\x1b]0;x\x07\xc2\x9b");
        struct text out = { 0 };

        (void)state;
        assert_int_equal(explain_words(&out, root, 0, WORDS_PLAIN), 0);
        for (size_t i = 0; i < out.length; i++)
                assert_true(out.data[i] == '\n' || (unsigned char)out.data[i] >= 0x20);
        assert_null(strstr(out.data, "\xc2\x9b"));
        text_free(&out);
        json_decref(root);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_template),
                cmocka_unit_test(test_template_depth),
                cmocka_unit_test(test_markdown),
                cmocka_unit_test(test_words_are_harmless),
                cmocka_unit_test(test_words_on_a_terminal),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
