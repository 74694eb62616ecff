/* How much memory a process may have, in either layout of cgroups. */
#include "agent/memory_limit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/agent/folder.h"

#define HOST (64ULL << 30)

static uint64_t limit(const char *groups)
{
        char text[512];

        snprintf(text, sizeof(text), "%s", groups);
        return memory_limit_read(folder, text, HOST);
}

static void the_smallest_above(void **state)
{
        (void)state;
        folder_file("/a.slice/memory.max", "2000000\n");
        folder_file("/a.slice/b.slice/memory.max", "max\n");
        folder_file("/a.slice/b.slice/c.service/memory.max", "3000000\n");
        folder_file("/a.slice/b.slice/d.service/memory.max", "1000000\n");
        folder_file("/free.service/memory.max", "max\n");
        folder_file("/vast.service/memory.max", "9223372036854771712\n");
        folder_file("/odd.service/memory.max", "12 apples\n");
        assert_int_equal(limit("0::/a.slice/b.slice/c.service\n"), 2000000);
        assert_int_equal(limit("0::/a.slice/b.slice/d.service\n"), 1000000);
        assert_int_equal(limit("0::/a.slice/b.slice\n"), 2000000);
        /* Without the controller one level has no file, and the one above still counts. */
        assert_int_equal(limit("0::/a.slice/b.slice/d.service/inner\n"), 1000000);
        assert_int_equal(limit("0::/free.service\n"), HOST);
        assert_int_equal(limit("0::/vast.service\n"), HOST);
        assert_int_equal(limit("0::/odd.service\n"), HOST);
        assert_int_equal(limit("0::/\n"), HOST);
        assert_int_equal(limit("0::/../a.slice\n"), HOST);
        assert_int_equal(limit(""), HOST);
}

static void of_its_own_hierarchy(void **state)
{
        (void)state;
        folder_file("/memory/pay/memory.stat", "cache 0\nhierarchical_memory_limit 4096000\nhierarchical_memsw_limit 5\n");
        folder_file("/memory/free/memory.stat", "cache 0\nhierarchical_memory_limit 9223372036854771712\n");
        folder_file("/cpu,memory/both/memory.stat", "hierarchical_memory_limit 8192000\n");
        folder_file("/pay/memory.max", "1000\n");
        assert_int_equal(limit("5:memory:/pay\n3:cpu:/\n0::/pay\n"), 4096000);
        assert_int_equal(limit("5:memory:/free\n0::/pay\n"), HOST);
        assert_int_equal(limit("5:cpu,memory:/both\n0::/\n"), 8192000);
        assert_int_equal(limit("5:memory:/gone\n0::/pay\n"), HOST);
        assert_int_equal(limit("5:memoryless:/pay\n0::/pay\n"), 1000);
}

static void the_hosts(void **state)
{
        unsigned long long kib = 0;
        FILE *f = fopen("/proc/meminfo", "r");

        (void)state;
        assert_non_null(f);
        assert_int_equal(fscanf(f, "MemTotal: %llu kB", &kib), 1);
        fclose(f);
        assert_int_equal(memory_limit_host(), kib * 1024);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test_setup_teardown(the_smallest_above, folder_make, folder_remove),
                                            cmocka_unit_test_setup_teardown(of_its_own_hierarchy, folder_make, folder_remove),
                                            cmocka_unit_test(the_hosts) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
