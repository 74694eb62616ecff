/* The coordinator's URL: what is dialled, and what is refused with a sentence. */
#include "agent/uplink_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void accepted(void **state)
{
        static const struct {
                const char *url, *host;
                uint16_t port;
                bool secure, loopback;
        } cases[] = {
                { "tcp://127.0.0.1:7337", "127.0.0.1", 7337, false, true },
                { "tcp://127.9.9.9:1", "127.9.9.9", 1, false, true },
                { "tcp://localhost:7337", "localhost", 7337, false, true },
                { "tcp://[::1]:7337", "::1", 7337, false, true },
                { "tls+tcp://10.0.0.1:65535", "10.0.0.1", 65535, true, false },
                { "tls+tcp://hub.example:7337", "hub.example", 7337, true, false },
                { "tls+tcp://[2001:db8::1]:7337", "2001:db8::1", 7337, true, false },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct uplink_url url;
                const char *why = NULL;

                assert_int_equal(uplink_parse_url(cases[i].url, &url, &why), 0);
                assert_null(uplink_url_expected(cases[i].url));
                assert_string_equal(url.host, cases[i].host);
                assert_int_equal(url.port, cases[i].port);
                assert_int_equal(url.secure, cases[i].secure);
                assert_int_equal(url.loopback, cases[i].loopback);
        }
}

static void refused(void **state)
{
        static const char *const cases[] = { "",
                                             "127.0.0.1:7337",
                                             "http://127.0.0.1:7337",
                                             "tcp://10.0.0.1:7337",
                                             "tcp://127.0.0.1.example:7337",
                                             "tcp://hub:7337",
                                             "tcp://[::2]:7337",
                                             "tls+tcp://hub",
                                             "tls+tcp://hub:",
                                             "tls+tcp://hub:0",
                                             "tls+tcp://hub:65536",
                                             "tls+tcp://hub:7337/path",
                                             "tls+tcp://hub:-1",
                                             "tls+tcp://:7337",
                                             "tls+tcp://[::1:7337",
                                             "tls+tcp://[::1]7337",
                                             "tls+tcp://::1:7337",
                                             "tls+tcp://h ub:7337",
                                             "tls+tcp://user@hub:7337" };
        char long_url[400] = "tls+tcp://";
        struct uplink_url url;
        const char *why;

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                why = NULL;
                assert_int_equal(uplink_parse_url(cases[i], &url, &why), -EINVAL);
                assert_non_null(why);
                assert_non_null(uplink_url_expected(cases[i]));
        }
        memset(long_url + 10, 'a', 300);
        strcpy(long_url + 310, ":7337");
        assert_int_equal(uplink_parse_url(long_url, &url, &why), -EINVAL);
}

int main(void)
{
        static const struct CMUnitTest tests[] = { cmocka_unit_test(accepted), cmocka_unit_test(refused) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
