/* The addresses of a host: its own, those of other namespaces read through their processes, and what
 * is left out. */
#include "agent/addresses.h"
#include "proto/address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define SECOND NSEC_PER_SEC

/* As the kernel prints a namespace with lo and eth0 at 172.17.0.2/16. */
static const char fib_trie[] = "Main:\n"
                               "  +-- 0.0.0.0/0 3 0 5\n"
                               "     |-- 0.0.0.0\n"
                               "        /0 universe UNICAST\n"
                               "     +-- 127.0.0.0/8 2 0 2\n"
                               "        +-- 127.0.0.0/31 1 0 0\n"
                               "           |-- 127.0.0.0\n"
                               "              /8 host LOCAL\n"
                               "           |-- 127.0.0.1\n"
                               "              /32 host LOCAL\n"
                               "     +-- 172.17.0.0/16 2 0 2\n"
                               "        |-- 172.17.0.0\n"
                               "           /16 link UNICAST\n"
                               "        |-- 172.17.0.2\n"
                               "           /32 host LOCAL\n"
                               "        |-- 172.17.255.255\n"
                               "           /32 link BROADCAST\n";
static const char if_inet6[] = "fd000000000000000000000000000007 02 40 00 80     eth0\n"
                               "fe800000000000000042acfffe110002 02 40 20 80     eth0\n"
                               "00000000000000000000000000000001 01 80 10 80       lo\n"
                               "nonsense\n";

static char proc[64];

static void put(const char *name, const char *text)
{
        char path[128];
        FILE *file;

        snprintf(path, sizeof(path), "%s/%s", proc, name);
        file = fopen(path, "w");
        assert_non_null(file);
        fputs(text, file);
        fclose(file);
}

static int set_up(void **state)
{
        char path[128];

        (void)state;
        strcpy(proc, "/tmp/addresses-test-XXXXXX");
        assert_non_null(mkdtemp(proc));
        for (const char *const *d = (const char *const[]){ "42", "42/net", "42/ns", NULL }; *d; d++) {
                snprintf(path, sizeof(path), "%s/%s", proc, *d);
                assert_int_equal(mkdir(path, 0700), 0);
        }
        put("42/net/fib_trie", fib_trie);
        put("42/net/if_inet6", if_inet6);
        put("42/ns/net", "");
        return 0;
}

static int tear_down(void **state)
{
        char command[128];

        (void)state;
        snprintf(command, sizeof(command), "rm -rf '%s'", proc);
        return system(command);
}

static bool has(const struct addresses *addresses, const char *text, uint32_t netns)
{
        const struct summary_address *list;
        struct address wanted;
        size_t count;

        assert_int_equal(address_parse(text, &wanted), 0);
        list = addresses_list(addresses, &count);
        for (size_t i = 0; i < count; i++)
                if (list[i].netns == netns && address_compare(&list[i].address, &wanted) == 0)
                        return true;
        return false;
}

static size_t count_of(const struct addresses *addresses, uint32_t netns)
{
        const struct summary_address *list;
        size_t count, n = 0;

        list = addresses_list(addresses, &count);
        for (size_t i = 0; i < count; i++)
                n += list[i].netns == netns;
        return n;
}

static void other_namespaces(void **state)
{
        struct addresses *addresses;
        char path[128];
        struct stat st;
        uint32_t netns;

        (void)state;
        snprintf(path, sizeof(path), "%s/42/ns/net", proc);
        assert_int_equal(stat(path, &st), 0);
        netns = (uint32_t)st.st_ino;
        assert_int_equal(addresses_new(proc, &addresses), 0);
        addresses_learn_namespace(addresses, netns, 42, 0);
        addresses_learn_namespace(addresses, netns + 1, 42, 0); /* lives elsewhere by now */
        addresses_learn_namespace(addresses, netns, 0, 0);
        addresses_refresh(addresses, SECOND);
        assert_true(has(addresses, "172.17.0.2", netns));
        assert_true(has(addresses, "fd00::7", netns));
        assert_int_equal(count_of(addresses, netns), 2);
        assert_int_equal(count_of(addresses, netns + 1), 0);
        addresses_free(&addresses);
}

static void what_is_met(void **state)
{
        static const char *const kept[] = { "10.0.0.1", "2001:db8::1" };
        static const char *const left_out[] = { "127.0.0.1", "::1",         "0.0.0.0", "::",
                                                "fe80::1",   "169.254.1.1", "ff02::1", "224.0.0.1" };
        struct addresses *addresses;
        struct address a;
        size_t count;

        (void)state;
        assert_int_equal(addresses_new("/nowhere", &addresses), 0);
        for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
                assert_int_equal(address_parse(kept[i], &a), 0);
                addresses_learn(addresses, a.bytes, 9, SECOND);
                addresses_learn(addresses, a.bytes, 9, 2 * SECOND);
                assert_true(has(addresses, kept[i], 9));
        }
        for (size_t i = 0; i < ARRAY_SIZE(left_out); i++) {
                assert_int_equal(address_parse(left_out[i], &a), 0);
                addresses_learn(addresses, a.bytes, 9, SECOND);
        }
        assert_int_equal(count_of(addresses, 9), 2);
        addresses_refresh(addresses, 4000 * SECOND); /* not met for an hour */
        assert_int_equal(count_of(addresses, 9), 0);
        for (uint32_t i = 0; i < 2 * ADDRESSES_MAX; i++) {
                memcpy(a.bytes + 12, &i, 4);
                memcpy(a.bytes, "\x20\x01", 2);
                addresses_learn(addresses, a.bytes, 9, SECOND);
        }
        (void)addresses_list(addresses, &count);
        assert_int_equal(count, ADDRESSES_MAX); /* those of this machine included */
        addresses_free(&addresses);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(other_namespaces), cmocka_unit_test(what_is_met) };

        return cmocka_run_group_tests(tests, set_up, tear_down);
}
