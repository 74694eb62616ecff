/* What the coordinator is told in its file: a bad value is refused with file, line, key and expectation. */
#include "coordinator/config.h"
#include "coordinator/policy_keys.h"
#include "coordinator/webhook_url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static int read_text(const char *text, struct config *ret_config, struct yaml_config_error *error)
{
        static char path[] = "/tmp/coordinator-config-XXXXXX";
        char name[] = "nightshift-coordinator", option[] = "--config", *argv[] = { name, option, path, NULL };
        int fd, r;

        strcpy(strrchr(path, '-'), "-XXXXXX");
        fd = mkstemp(path);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
        close(fd);
        optind = 1;
        r = config_read(3, argv, ret_config, error);
        unlink(path);
        return r;
}

static void good(void **state)
{
        static const char *const texts[] = {
                "",
                "listen: tcp://127.0.0.1:7337\n",
                "listen: [\"tcp://[::1]:7337\", tcp://localhost:7338]\nhttp: off\nlog_level: debug\n",
                "listen: tls+tcp://0.0.0.0:7337\ntls: {ca: a, certificate: b, key: c}\nhttp: \"[::1]:80\"\n",
                "tickets: {webhook: {url: \"https://a.example/x?y\"}}\npages: {command: [/bin/page, me], after: 0}\n",
                "tickets: {directory: off, webhook: {url: \"http://127.0.0.2:80/\"}}\npages: {webhook: {url: "
                "\"http://[::1]:80/\"}}\n",
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                struct yaml_config_error error;
                struct config config;

                if (read_text(texts[i], &config, &error) < 0)
                        fail_msg("'%s': %s", texts[i], error.text);
                config_free(&config);
        }
}

static void bad(void **state)
{
        static const struct {
                const char *text, *says;
        } cases[] = {
                { "http: off\nlisten: 7337\n",
                  ":2: listen: expected tls+tcp://ADDRESS:PORT, or tcp://127.0.0.1:PORT on loopback, found" },
                { "listen:\n - tcp://127.0.0.1:1\n - tcp://0.0.0.0:7337\n",
                  ":3: listen: expected tls+tcp://ADDRESS:PORT beyond loopback" },
                { "listen: tls+tcp://example.org:7337\n", ":1: listen: expected" },
                { "http: 99999\n", ":1: http: expected ADDRESS:PORT such as" },
                { "memory: 1GiB\nlog_level: verbose\n",
                  ":2: log_level: expected error, warning, notice, info or debug, found 'verbose'" },
                { "http: off\ntls: {ca: a}\n", ":2: tls: expected all of ca, certificate and key, or none" },
                { "limits:\n ramp: {first: 0}\n", ":2: limits.ramp.first: expected a whole number from 1 to 64, found '0'" },
                { "limits: {cool_down: 5}\n",
                  ":1: limits.cool_down: expected a duration such as 30s, 5m or 24h from 1m to 1d, found" },
                { "limits: {at_once: {host: many}}\n", ":1: limits.at_once.host: expected a whole number, found 'many'" },
                { "authority: {alone: {alpha: 50%}}\n",
                  ":1: authority.alone.alpha: expected a ratio such as 0.25 or 25% from 1e-06 to 0.4, found '50%'" },
                { "authority: {alone: {alpha: -1}}\n",
                  ":1: authority.alone.alpha: expected a ratio such as 0.25 or 25%, found '-1'" },
                { "authority: {alone: {alpha: nan}}\n", ":1: authority.alone.alpha: expected a ratio" },
                { "authority:\n  alone:\n    p0: 0.9\n    p1: 0.8\n", ":4: authority.alone.p1: expected more than p0 beside it" },
                { "limits:\n  ramp: {first: 8}\n", ": limits.ramp.most: expected at least limits.ramp.first" },
                { "evidence: {max: 3}\n",
                  ":1: unknown key 'evidence.max'; expected one of: max_age, confidence, sick_share, sick_hosts" },
                { "tickets: {webhook: {url: \"http://example.org/\"}}\n",
                  ":1: tickets.webhook.url: expected https://HOST/..., or http:// on a loopback address, found" },
                { "tickets: {webhook: {url: \"file:///etc/passwd\"}}\n", ":1: tickets.webhook.url: expected https://HOST/" },
                { "pages:\n webhook:\n  url: https://a/\n  url_file: b\n",
                  ":4: pages.webhook.url_file: expected url or url_file, not both" },
                { "pages:\n command: [page, me]\n", ":2: pages.command: expected the whole path of a program first" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct yaml_config_error error;
                struct config config;

                assert_true(read_text(cases[i].text, &config, &error) < 0);
                if (!strstr(error.text, cases[i].says))
                        fail_msg("'%s' says '%s', not '%s'", cases[i].text, error.text, cases[i].says);
        }
}

static void urls(void **state)
{
        static const char *const good[] = { "https://a.example",          "https://a.example:8443/x?y=z",
                                            "https://10.0.0.1/",          "https://[2001:db8::1]:1/x",
                                            "http://127.0.0.1:1/x?token", "http://localhost",
                                            "http://LOCALHOST/",          "http://[::1]/x" };
        static const char *const bad[] = { "",
                                           "a.example",
                                           "ftp://a.example/",
                                           "https://",
                                           "https:///x",
                                           "https://user:secret@a.example/",
                                           "https://a.example\\@b.example/",
                                           "https://a.example/ x",
                                           "https://a.example/\nHost: b",
                                           "https://a.example#x",
                                           "https://[::1/",
                                           "http://a.example/",
                                           "http://127.0.0.1.a.example/",
                                           "http://127.0.0.1@a.example/",
                                           "http://128.0.0.1/",
                                           "http://localhost.a.example/",
                                           "http://[::2]/",
                                           "http://[::1]a.example/",
                                           "HTTP://127.0.0.1/" };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(good); i++)
                if (webhook_url_expected(good[i]))
                        fail_msg("'%s' is refused", good[i]);
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                if (!webhook_url_expected(bad[i]))
                        fail_msg("'%s' is taken", bad[i]);
}

/* Every number of the policy can be configured, and by default is what safety demands. */
static void policy(void **state)
{
        struct yaml_config_error error;
        struct policy defaults, other;
        struct config config;
        json_t *json;

        (void)state;
        policy_defaults(&defaults);
        assert_null(policy_expected(&defaults, &(const char *){ NULL }));
        assert_int_equal(read_text("", &config, &error), 0);
        assert_true(policy_same(&config.policy, &defaults));
        config_free(&config);
        assert_int_equal(defaults.share_percent, 25);
        assert_int_equal(defaults.attempts_most, 3);
        assert_true(defaults.trials[RUNG_PROPOSE].p1 == .95 && defaults.trials[RUNG_ALONE_SMALL].alpha == .01);

        assert_int_equal(read_text("limits: {hourly: {host: 2}, cool_down: 20m}\n"
                                   "authority: {alone: {alpha: 0.5%}, decays_after: 30d}\n",
                                   &config, &error),
                         0);
        assert_false(policy_same(&config.policy, &defaults));
        other = defaults;
        other.host_hourly = 2;
        other.cool_down = 1200 * NSEC_PER_SEC;
        other.trials[RUNG_ALONE_SMALL].alpha = .005;
        other.decays_after = 30 * 86400 * NSEC_PER_SEC;
        assert_true(policy_same(&config.policy, &other));

        /* As the audit log has it. */
        json = policy_to_json(&config.policy);
        assert_int_equal(json_object_size(json), policy_keys_count);
        assert_int_equal(policy_from_json(json, &other), 0);
        assert_true(policy_same(&config.policy, &other));
        json_object_del(json, "limits.cool_down");
        assert_int_equal(policy_from_json(json, &other), 0);
        assert_int_equal(other.cool_down, defaults.cool_down);
        json_object_set_new(json, "limits.nonsense", json_integer(1));
        assert_int_equal(policy_from_json(json, &other), -EBADMSG);
        json_object_del(json, "limits.nonsense");
        json_object_set_new(json, "limits.attempts", json_real(1));
        assert_int_equal(policy_from_json(json, &other), -EBADMSG);
        json_decref(json);
        config_free(&config);
}

/* No byte of it is outside of the table. */
static void policy_is_whole(void **state)
{
        struct policy p;
        bool *known = calloc(sizeof(p), 1);
        size_t left = 0;

        (void)state;
        for (size_t i = 0; i < policy_keys_count; i++) {
                size_t size = policy_keys[i].type == YAML_CONFIG_COUNT ? 4 : 8;

                for (size_t k = 0; k < size; k++) {
                        assert_false(known[policy_keys[i].offset + k]);
                        known[policy_keys[i].offset + k] = true;
                }
        }
        for (size_t i = 0; i < sizeof(p); i++)
                left += !known[i];
        /* What the compiler puts between a count and what comes after it. */
        assert_true(left <= 12);
        free(known);
}

int main(void)
{
        static const struct CMUnitTest tests[] = { cmocka_unit_test(good), cmocka_unit_test(bad), cmocka_unit_test(urls),
                                                   cmocka_unit_test(policy), cmocka_unit_test(policy_is_whole) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
