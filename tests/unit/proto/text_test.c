#include "proto/time_text.h"
#include "proto/units.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#define S NSEC_PER_SEC
#define NOW (INT64_C(1777600800) * S) /* 2026-05-01T02:00:00Z */

static void test_durations(void **state)
{
        static const struct {
                const char *text;
                int64_t ns;
        } good[] = {
                { "30s", 30 * S },         { "5m", 300 * S },    { "24h", 86400 * S },
                { "1h30m", 5400 * S },     { "500ms", S / 2 },   { "10", 10 * S },
                { "1.5h", 5400 * S },      { "2 h", 7200 * S },  { "0", 0 },
                { "7d", 604800 * S },      { "1w", 604800 * S }, { "3us", 3000 },
                { "1h 30m 5s", 5405 * S },
        };
        static const char *const bad[] = { "", "s", "5x", "-5s", "+5s", "1h30", "inf", "nan", "0x10s", "5 m x", "ms", ".5s" };
        int64_t ns;

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
                ns = -1;
                assert_int_equal(duration_parse(good[i].text, &ns), 0);
                assert_int_equal(ns, good[i].ns);
        }
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                if (duration_parse(bad[i], &ns) != -EINVAL)
                        fail_msg("'%s' was taken", bad[i]);
        assert_int_equal(duration_parse("1e9w", &ns), -ERANGE);
}

static void test_sizes(void **state)
{
        static const struct {
                const char *text;
                uint64_t bytes;
        } good[] = {
                { "4096", 4096 },
                { "512MiB", 512u << 20 },
                { "64 KiB", 65536 },
                { "1.5G", UINT64_C(3) << 29 },
                { "10kB", 10000 },
                { "2MB", 2000000 },
                { "7B", 7 },
                { "1k", 1024 },
                { "1TiB", UINT64_C(1) << 40 },
        };
        static const char *const bad[] = { "", "MiB", "12Q", "-1", "1MiBB", "1 2", "nan" };
        uint64_t bytes;

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
                assert_int_equal(bytes_parse(good[i].text, &bytes), 0);
                assert_int_equal(bytes, good[i].bytes);
        }
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                if (bytes_parse(bad[i], &bytes) != -EINVAL)
                        fail_msg("'%s' was taken", bad[i]);
        assert_int_equal(bytes_parse("99999999T", &bytes), -ERANGE);
}

/* The zone is two hours east of Greenwich: it is 04:00 there. */
static void test_times(void **state)
{
        static const struct {
                const char *text;
                int64_t ns;
        } good[] = {
                { "2026-05-01T02:00:00Z", NOW },
                { "2026-05-01T02:00:00.250Z", NOW + S / 4 },
                { "2026-05-01t04:00:00+02:00", NOW },
                { "2026-04-30 19:30:00-06:30", NOW },
                { "2026-05-01 04:00", NOW },
                { "2026-05-01", NOW - 4 * 3600 * S },
                { "now", NOW },
                { "2 hours ago", NOW - 7200 * S },
                { "1 hour ago", NOW - 3600 * S },
                { "90s ago", NOW - 90 * S },
                { "1h30m ago", NOW - 5400 * S },
                { "3 days ago", NOW - 3 * 86400 * S },
                { "5 min ago", NOW - 300 * S },
                { "10 minutes ago", NOW - 600 * S },
                { "03:30", NOW - 1800 * S },
                { "03:30:15", NOW - 1785 * S },
                { "05:00", NOW - 23 * 3600 * S }, /* that was yesterday */
                { "today", NOW - 4 * 3600 * S },
                { "today 01:00", NOW - 3 * 3600 * S },
                { "yesterday 02:00", NOW - 26 * 3600 * S },
                { "yesterday", NOW - 28 * 3600 * S },
        };
        static const char *const bad[] = {
                "",         "tomorrow",    "2 ago",       "ago",        "-2 hours ago",         "2026-13-01",
                "25:00",    "12:60",       "2026-05-01T", "2026-02-30", "2026-05-01T02:00:00+", "12:00x",
                "2026-5-1", "2 moons ago", "yesterday 3", "hours ago",  "99999 weeks ago"
        };
        int64_t ns;

        (void)state;
        setenv("TZ", "TEST-2", 1);
        tzset();
        for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
                if (time_text_parse(good[i].text, NOW, &ns) < 0)
                        fail_msg("'%s' was not taken", good[i].text);
                if (ns != good[i].ns)
                        fail_msg("'%s' is %+lld s off", good[i].text, (long long)((ns - good[i].ns) / S));
        }
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                if (time_text_parse(bad[i], NOW, &ns) != -EINVAL)
                        fail_msg("'%s' was taken", bad[i]);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_durations),
                cmocka_unit_test(test_sizes),
                cmocka_unit_test(test_times),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
