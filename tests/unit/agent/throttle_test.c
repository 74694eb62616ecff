/* Where the kernel tells how long a cgroup was kept waiting, in either layout. */
#include "agent/throttle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/agent/folder.h"

static int told(const char *groups, uint64_t *ret_ns)
{
        char text[512], path[256];
        int r;

        snprintf(text, sizeof(text), "%s", groups);
        r = throttle_path(folder, text, path, sizeof(path));
        return r < 0 ? r : throttle_read(path, ret_ns);
}

static void either_layout(void **state)
{
        uint64_t ns = 7;

        (void)state;
        folder_file("/pay/cpu.stat", "usage_usec 5\nnr_periods 3\nnr_throttled 2\nthrottled_usec 1500\n");
        folder_file("/free/cpu.stat", "usage_usec 5\n");
        folder_file("/cpu,cpuacct/pay/cpu.stat", "nr_periods 3\nnr_throttled 2\nthrottled_time 2500000\n");
        assert_int_equal(told("0::/pay\n", &ns), 0);
        assert_int_equal(ns, 1500000);
        assert_int_equal(told("0::/free\n", &ns), -ENOENT);
        assert_int_equal(told("0::/gone\n", &ns), -ENOENT);
        assert_int_equal(told("0::/../pay\n", &ns), -ENOENT);
        assert_int_equal(ns, 1500000);
        assert_int_equal(told("5:memory:/x\n3:cpu,cpuacct:/pay\n0::/free\n", &ns), 0);
        assert_int_equal(ns, 2500000);
        assert_int_equal(told("3:cpuset:/pay\n", &ns), -ENOENT);
        assert_int_equal(told("", &ns), -ENOENT);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test_setup_teardown(either_layout, folder_make, folder_remove) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
