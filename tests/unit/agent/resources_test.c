/* What a host has of what all that runs there share. */
#include "agent/resources.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/agent/folder.h"

static struct summary_resources read_all(void)
{
        struct summary_resources r;

        resources_read(folder, &r);
        return r;
}

static void what_is_not_there_is_not_known(void **state)
{
        struct summary_resources r = read_all();

        (void)state;
        assert_int_equal(r.ports, 0);
        assert_int_equal(r.memory_bytes, 0);
        assert_int_equal(r.memory_available_bytes, 0);
        assert_int_equal(r.oom_kills, 0);
        folder_file("/meminfo", "MemTotally: 1 kB\n");
        folder_file("/vmstat", "oom_killed 5\n");
        folder_file("/sys/net/ipv4/ip_local_port_range", "60999 32768\n");
        r = read_all();
        assert_int_equal(r.ports, 0);
        assert_int_equal(r.memory_bytes, 0);
        assert_int_equal(r.oom_kills, 0);
        folder_file("/sys/net/ipv4/ip_local_port_range", "1 65536\n");
        assert_int_equal(read_all().ports, 0);
}

static void memory_and_kills(void **state)
{
        struct summary_resources r;

        (void)state;
        folder_file("/meminfo", "MemTotal:       16384000 kB\nMemFree:          100 kB\nMemAvailable:    4096000 kB\n");
        folder_file("/vmstat", "nr_free_pages 9\noom_kill 3\nnuma_hit 1\n");
        r = read_all();
        assert_int_equal(r.memory_bytes, UINT64_C(16384000) * 1024);
        assert_int_equal(r.memory_available_bytes, UINT64_C(4096000) * 1024);
        assert_int_equal(r.oom_kills, 3);
}

static void ports_less_those_reserved(void **state)
{
        (void)state;
        folder_file("/sys/net/ipv4/ip_local_port_range", "32768\t60999\n");
        assert_int_equal(read_all().ports, 28232);
        folder_file("/sys/net/ipv4/ip_local_reserved_ports", "\n");
        assert_int_equal(read_all().ports, 28232);
        folder_file("/sys/net/ipv4/ip_local_reserved_ports", "8080,32760-32769,40000,60999-61010\n");
        assert_int_equal(read_all().ports, 28232 - 2 - 1 - 1);
        /* The kernel hands out none then; one is told, so that it is not taken for unknown. */
        folder_file("/sys/net/ipv4/ip_local_reserved_ports", "1-65535\n");
        assert_int_equal(read_all().ports, 1);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(what_is_not_there_is_not_known, folder_make, folder_remove),
                cmocka_unit_test_setup_teardown(memory_and_kills, folder_make, folder_remove),
                cmocka_unit_test_setup_teardown(ports_less_those_reserved, folder_make, folder_remove),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
