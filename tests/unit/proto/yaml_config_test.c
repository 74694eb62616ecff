#include "proto/yaml_config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct sample {
        char *name, *path;
        struct yaml_config_strings list;
        bool on;
        int64_t count, wait;
        uint64_t size;
};

static const char *name_expected(const char *text)
{
        return strcmp(text, "nobody") == 0 ? "somebody" : NULL;
}

#define AT(member) .offset = offsetof(struct sample, member)
static const struct yaml_config_key keys[] = {
        { "name", YAML_CONFIG_STRING, AT(name), .expected = name_expected },
        { "list", YAML_CONFIG_STRINGS, AT(list), .initial = "one" },
        { "on", YAML_CONFIG_BOOL, AT(on) },
        { "deep.path", YAML_CONFIG_STRING, AT(path), .initial = "/x" },
        { "deep.count", YAML_CONFIG_INTEGER, AT(count), .initial = "3", .min = 1, .max = 9 },
        { "deep.wait", YAML_CONFIG_DURATION, AT(wait), .initial = "10s", .min = NSEC_PER_SEC, .max = 3600 * NSEC_PER_SEC },
        { "size", YAML_CONFIG_BYTES, AT(size), .initial = "1MiB", .min = 4096, .max = 1 << 30 },
};

static int load(const char *text, size_t size, struct sample *s, struct yaml_config_error *error)
{
        char path[] = "/tmp/yaml-config-XXXXXX";
        int fd = mkstemp(path), r;

        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, size), size);
        close(fd);
        memset(s, 0, sizeof(*s));
        memset(error, 0, sizeof(*error));
        assert_int_equal(yaml_config_defaults(keys, ARRAY_SIZE(keys), s), 0);
        r = yaml_config_load(path, keys, ARRAY_SIZE(keys), s, error);
        unlink(path);
        return r;
}

static void test_good(void **state)
{
        static const char text[] =
                "# a comment\nname: \"web 1\"\nlist: [a, b, c]\non: yes\ndeep: {path: '/y', count: 9, wait: 1m}\nsize: 64 KiB\n";
        struct yaml_config_error error;
        struct sample s;

        (void)state;
        assert_int_equal(load(text, sizeof(text) - 1, &s, &error), 0);
        assert_string_equal(s.name, "web 1");
        assert_int_equal(s.list.count, 3);
        assert_string_equal(s.list.items[2], "c");
        assert_true(s.on);
        assert_string_equal(s.path, "/y");
        assert_int_equal(s.count, 9);
        assert_int_equal(s.wait, 60 * NSEC_PER_SEC);
        assert_int_equal(s.size, 65536);
        yaml_config_free(keys, ARRAY_SIZE(keys), &s);
}

static void test_defaults(void **state)
{
        static const char *const empty[] = { "", "\n", "# nothing\n", "---\n", "{}\n" };
        struct yaml_config_error error;
        struct sample s;

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(empty); i++) {
                assert_int_equal(load(empty[i], strlen(empty[i]), &s, &error), 0);
                assert_null(s.name);
                assert_int_equal(s.list.count, 1);
                assert_string_equal(s.path, "/x");
                assert_int_equal(s.count, 3);
                yaml_config_free(keys, ARRAY_SIZE(keys), &s);
        }
        /* One scalar is a list of one, and a list of none is none. */
        assert_int_equal(load("list: solo\n", 11, &s, &error), 0);
        assert_string_equal(s.list.items[0], "solo");
        yaml_config_free(keys, ARRAY_SIZE(keys), &s);
        assert_int_equal(load("list: []\n", 9, &s, &error), 0);
        assert_int_equal(s.list.count, 0);
        yaml_config_free(keys, ARRAY_SIZE(keys), &s);
}

static void test_bad(void **state)
{
        static const struct {
                const char *text, *says;
        } bad[] = {
                { "nam: x\n", ":1: unknown key 'nam'; expected one of: name, list, on, deep, size" },
                { "\n\ndeep:\n  count: 3\n  cuont: 4\n", ":5: unknown key 'deep.cuont'; expected one of: path, count, wait" },
                { "deep.count: 3\n", ":1: unknown key 'deep.count'" },
                { "deep: 3\n", ":1: expected a mapping of keys to values under deep." },
                { "deep: [1]\n", ":1: expected a mapping" },
                { "\nname: nobody\n", ":2: name: expected somebody, found 'nobody'" },
                { "name:\n", ":1: name: expected a text, found ''" },
                { "name: ~\n", ":1: name: expected a text" },
                { "name: [x]\n", ":1: name: expected a text, found a list" },
                { "name: {x: y}\n", ":1: name: expected a text, found a mapping" },
                { "name: x\nname: y\n", ":2: name: given twice" },
                { "on: perhaps\n", ":1: on: expected true or false, found 'perhaps'" },
                { "deep: {count: 10}\n", ":1: deep.count: expected a whole number from 1 to 9, found '10'" },
                { "deep: {count: 1.5}\n", ":1: deep.count: expected a whole number, found '1.5'" },
                { "deep: {count: 99999999999999999999}\n", ":1: deep.count: expected a whole number" },
                { "deep: {wait: 2h}\n", ":1: deep.wait: expected a duration such as 30s, 5m or 24h from 1s to 1h, found '2h'" },
                { "size: 1\n", ":1: size: expected a size such as 512MiB from 4KiB to 1GiB, found '1'" },
                { "list: [a, [b]]\n", ":1: list: expected a text in the list" },
                { "? [a]\n: b\n", ":1: expected a key" },
                { "- a\n", ":1: expected a mapping" },
                { "just text\n", ":1: expected a mapping" },
                { "name: 'x\n", "expected YAML" },
                { "name: x\n\tlist: y\n", ":2: expected YAML" },
                { "deep: &d {path: *d}\n", ":1: deep.path: expected a text, found a mapping" },
                { "name: \"a\\0b\"\n", ":1: name: expected a text" },
                { "on: \"a\\nb\\e[2J\\N\"\n", ":1: on: expected true or false, found 'a?b?[2J?\?'" },
                { "\"a\\nb\": 1\n", ":1: unknown key 'a?b'" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                struct yaml_config_error error;
                struct sample s;

                assert_int_equal(load(bad[i].text, strlen(bad[i].text), &s, &error), -EBADMSG);
                if (!strstr(error.text, bad[i].says))
                        fail_msg("'%s' says '%s', not '%s'", bad[i].text, error.text, bad[i].says);
                assert_null(strchr(error.text, '\n'));
                yaml_config_free(keys, ARRAY_SIZE(keys), &s);
        }
}

static void test_no_file(void **state)
{
        struct yaml_config_error error;
        struct sample s = { 0 };

        (void)state;
        assert_int_equal(yaml_config_load("/nonexistent/x.yaml", keys, ARRAY_SIZE(keys), &s, &error), -ENOENT);
        assert_non_null(strstr(error.text, "/nonexistent/x.yaml: cannot be opened"));
        assert_int_equal(yaml_config_load("/dev", keys, ARRAY_SIZE(keys), &s, &error), -EBADMSG);
        assert_non_null(strstr(error.text, "regular file"));
}

/* Whatever is in it, it is taken or refused in a sentence. */
static void test_garbage(void **state)
{
        static const char *const pieces[] = { "name", "deep", "count", ":",  " ",   "\n",   "- ", "{",  "}",  "[",
                                              "]",    "&a",   "*a",    "\"", "'",   "#",    "3",  "1m", "\t", "|",
                                              ">",    "?",    "~",     ",",  "!!x", "\xff", "\\", "%",  "@",  "---\n" };
        const char *seed_text = getenv("SEED");
        unsigned seed = seed_text ? (unsigned)atoi(seed_text) : 7;

        (void)state;
        print_message("# SEED=%u\n", seed);
        for (int round = 0; round < 3000; round++) {
                char text[512] = "";
                struct yaml_config_error error;
                struct sample s;
                int r;

                for (int i = rand_r(&seed) % 40; i > 0; i--)
                        strcat(text, pieces[(size_t)rand_r(&seed) % ARRAY_SIZE(pieces)]);
                r = load(text, strlen(text), &s, &error);
                assert_true(r == 0 || (r == -EBADMSG && *error.text));
                yaml_config_free(keys, ARRAY_SIZE(keys), &s);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_good),    cmocka_unit_test(test_defaults), cmocka_unit_test(test_bad),
                cmocka_unit_test(test_no_file), cmocka_unit_test(test_garbage),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
