/* What the coordinator is told in its file: a bad value is refused with file, line, key and expectation. */
#include "coordinator/config.h"

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
                { "tls: {ca: a}\n", ": tls: expected all of ca, certificate and key, or none" },
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

int main(void)
{
        static const struct CMUnitTest tests[] = { cmocka_unit_test(good), cmocka_unit_test(bad) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
