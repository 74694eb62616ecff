/* Who a service is, from what is known of its owner; with a small /proc of our own. */
#include "agent/identity.h"
#include "agent/owners.h"
#include "agent/text.h"

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

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define POD "/kubepods/burstable/pod2c48913c-b29f-11e7-9350-020968147796/" ID

static char proc[64];

static void put(const char *path, const char *text, size_t size)
{
        char full[256];
        FILE *file;

        snprintf(full, sizeof(full), "%s/%s", proc, path);
        for (char *p = full + strlen(proc) + 1; (p = strchr(p, '/')); p++) {
                *p = '\0';
                mkdir(full, 0700);
                *p = '/';
        }
        file = fopen(full, "w");
        assert_non_null(file);
        assert_int_equal(fwrite(text, 1, size, file), size);
        fclose(file);
}

static int set_up(void **state)
{
        static const char environment[] = "PATH=/bin\0HOSTNAME=payments-7d9c5b6f4-x2x9z\0A=b";
        static const char hostile[] = "HOSTNAME=../../etc\033[2J";

        (void)state;
        strcpy(proc, "/tmp/identity-test-XXXXXX");
        assert_non_null(mkdtemp(proc));
        put("10/environ", environment, sizeof(environment));
        put("10/root/var/run/secrets/kubernetes.io/serviceaccount/namespace", "shop\n", 5);
        put("11/environ", hostile, sizeof(hostile));
        put("12/environ", environment, sizeof(environment));
        put("13/cgroup", "1:name=systemd:/system.slice/cron.service\n0::/\n", 47);
        put("14/cgroup", "3:memory:/docker/" ID "\n0::/system.slice/containerd.service\n", 17 + 64 + 37);
        put("etc/namespace", "stolen", 6);
        return 0;
}

static int tear_down(void **state)
{
        char command[128];

        (void)state;
        snprintf(command, sizeof(command), "rm -rf '%s'", proc);
        return system(command);
}

static struct identity recognise(const struct service_match *matches, const char *cgroup, const char *exe, uint16_t port,
                                 uint32_t pid)
{
        struct identity_facts facts = {
                .cgroup_path = cgroup, .exe_path = exe, .comm = "comm", .exe_inode = 7, .listen_port = port, .pid = pid
        };
        struct identity identity;

        identity_recognise(matches, proc, &facts, &identity);
        return identity;
}

#define CHECK(identity_, kind_, service_, instance_)                                                                               \
        do {                                                                                                                       \
                struct identity i_ = identity_;                                                                                    \
                assert_int_equal(i_.kind, kind_);                                                                                  \
                assert_string_equal(i_.service, service_);                                                                         \
                assert_string_equal(i_.instance, instance_);                                                                       \
        } while (0)

static void order_of_precedence(void **state)
{
        (void)state;
        CHECK(recognise(NULL, "/system.slice/nginx.service", "/usr/sbin/nginx", 80, 0), IDENTITY_UNIT, "nginx", "nginx.service");
        CHECK(recognise(NULL, "/system.slice/system-l.slice/l@1.service", "/x", 0, 0), IDENTITY_UNIT, "l@", "l@1.service");
        CHECK(recognise(NULL, "/machine.slice/machine-a.scope/payload/system.slice/nginx.service", "/usr/sbin/nginx", 80, 0),
              IDENTITY_UNIT, "nginx", "a/nginx.service");
        CHECK(recognise(NULL, "/docker/" ID, "/usr/sbin/nginx", 80, 0), IDENTITY_CONTAINER, "0123456789ab", ID);
        CHECK(recognise(NULL, "/lxc/mail", "/sbin/init", 0, 0), IDENTITY_CONTAINER, "mail", "mail");
        CHECK(recognise(NULL, "/user.slice/user-0.slice/session-1.scope", "/usr/bin/python3.11", 8000, 0), IDENTITY_EXECUTABLE,
              "python3.11:8000", "");
        CHECK(recognise(NULL, "/", "/opt/my app/server (deleted)", 0, 0), IDENTITY_EXECUTABLE, "server", "");
        CHECK(recognise(NULL, "", ".../very/long/tool", 0, 0), IDENTITY_EXECUTABLE, "tool", "");
        CHECK(recognise(NULL, "", "", 0, 0), IDENTITY_EXECUTABLE, "comm", "");
}

static void pods(void **state)
{
        char environment[300] = "HOSTNAME=";
        size_t length = strlen(environment);

        (void)state;
        CHECK(recognise(NULL, POD, "/app", 8080, 10), IDENTITY_KUBERNETES, "shop/payments", "payments-7d9c5b6f4-x2x9z");
        CHECK(recognise(NULL, POD, "/app", 8080, 12), IDENTITY_KUBERNETES, "payments", "payments-7d9c5b6f4-x2x9z");
        CHECK(recognise(NULL, POD, "/app", 8080, 0), IDENTITY_KUBERNETES, "app", "2c48913c-b29f-11e7-9350-020968147796");
        CHECK(recognise(NULL, POD, "", 8080, 0), IDENTITY_KUBERNETES, "pod-2c48913c", "2c48913c-b29f-11e7-9350-020968147796");
        /* On the host's network it is called like the host. */
        assert_int_equal(gethostname(environment + length, sizeof(environment) - length), 0);
        put("15/environ", environment, strlen(environment) + 1);
        CHECK(recognise(NULL, POD, "/usr/local/bin/kube-proxy", 10249, 15), IDENTITY_KUBERNETES, "kube-proxy",
              "2c48913c-b29f-11e7-9350-020968147796");
        /* What a pod calls itself is believed only if it could be a pod's name. */
        CHECK(recognise(NULL, POD, "/app", 8080, 11), IDENTITY_KUBERNETES, "app", "2c48913c-b29f-11e7-9350-020968147796");
}

/* A pod that links its namespace file to a file of the host gets the one in its own root, or none. */
static void links_stay_inside(void **state)
{
        char path[256], target[128];

        (void)state;
        snprintf(path, sizeof(path), "%s/12/root/var", proc);
        put("12/root/x", "", 0);
        mkdir(path, 0700);
        strcat(path, "/run");
        snprintf(target, sizeof(target), "%s/links", proc);
        put("links/secrets/kubernetes.io/serviceaccount/namespace", "stolen", 6);
        assert_int_equal(symlink(target, path), 0);
        CHECK(recognise(NULL, POD, "/app", 8080, 12), IDENTITY_KUBERNETES, "payments", "payments-7d9c5b6f4-x2x9z");
        unlink(path);
}

static void pod_names(void **state)
{
        static const char *const pairs[][2] = {
                { "payments-7d9c5b6f4-x2x9z", "payments" },
                { "db-0", "db" },
                { "db-12", "db" },
                { "node-exporter-x2x9z", "node-exporter" },
                { "report-28123456-x2x9z", "report" },
                { "single", "single" },
                { "my-api", "my-api" },
                { "a-b-c", "a-b-c" },
                { "kube-apiserver-node1", "kube-apiserver-node1" },
                { "-x2x9z", "-x2x9z" },
                { "my-api-6f9d9c7b5-abcde", "my-api-6f9d9c7b5-abcde" }, /* vowels never occur in a hash */
        };
        char name[64];

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
                identity_pod_workload(pairs[i][0], name, sizeof(name));
                assert_string_equal(name, pairs[i][1]);
        }
}

static void both_hierarchies(void **state)
{
        (void)state;
        CHECK(recognise(NULL, "/", "/usr/sbin/cron", 0, 13), IDENTITY_UNIT, "cron", "cron.service");
        CHECK(recognise(NULL, "/system.slice/containerd.service", "/usr/sbin/nginx", 80, 14), IDENTITY_CONTAINER, "0123456789ab",
              ID);
        /* The runtime itself has no other path. */
        CHECK(recognise(NULL, "/system.slice/containerd.service", "/usr/bin/containerd", 0, 13), IDENTITY_UNIT, "cron",
              "cron.service");
        CHECK(recognise(NULL, "/system.slice/containerd.service", "/usr/bin/containerd", 0, 99), IDENTITY_UNIT, "containerd",
              "containerd.service");
        /* A unit in the default hierarchy is not looked up in the others. */
        CHECK(recognise(NULL, "/system.slice/nginx.service", "/usr/sbin/nginx", 80, 13), IDENTITY_UNIT, "nginx", "nginx.service");
}

static void explicit_mapping(void **state)
{
        const struct service_match container = { .service = "box", .container = "0123456789ab*" };
        const struct service_match cgroup = { .next = &container, .service = "batch", .cgroup = "/batch.slice/*" };
        const struct service_match both = { .next = &cgroup, .service = "both", .unit = "app.service", .executable = "worker" };
        const struct service_match path = { .next = &both, .service = "tool", .executable = "/opt/*/tool" };
        const struct service_match pod = { .next = &path, .service = "pay", .pod = "payments" };
        const struct service_match ledger = { .next = &pod, .service = "ledger", .unit = "ledger@.service" };

        (void)state;
        CHECK(recognise(&ledger, "/system.slice/ledger@7.service", "/x", 0, 0), IDENTITY_EXPLICIT, "ledger", "ledger@7.service");
        /* Who only names a unit so does not join the service. */
        CHECK(recognise(&ledger, "/user.slice/user-7.slice/user@7.service/app.slice/ledger@7.service", "/x", 0, 0), IDENTITY_UNIT,
              "ledger@", "ledger@7.service");
        CHECK(recognise(&ledger, "/machine.slice/machine-a.scope/payload/system.slice/ledger@7.service", "/x", 0, 0), IDENTITY_UNIT,
              "ledger@", "a/ledger@7.service");
        CHECK(recognise(&ledger, POD, "/x", 0, 10), IDENTITY_EXPLICIT, "pay", "payments-7d9c5b6f4-x2x9z");
        CHECK(recognise(&ledger, "/user.slice/session-1.scope", "/opt/a/tool", 99, 0), IDENTITY_EXPLICIT, "tool", "tool:99");
        CHECK(recognise(&ledger, "/system.slice/app.service", "/usr/bin/worker", 0, 0), IDENTITY_EXPLICIT, "both", "app.service");
        CHECK(recognise(&ledger, "/system.slice/app.service", "/usr/bin/other", 0, 0), IDENTITY_UNIT, "app", "app.service");
        CHECK(recognise(&ledger, "/batch.slice/x.scope", "/bin/sh", 0, 0), IDENTITY_EXPLICIT, "batch", "sh");
        CHECK(recognise(&ledger, "/docker/" ID, "/bin/sh", 0, 0), IDENTITY_EXPLICIT, "box", ID);
}

/* A file with two names goes by the one that it was started by, as long as that is one of them. */
static void names_of_one_file(void **state)
{
        const struct service_match by_path = { .service = "path", .executable = "/usr/sbin/cached" };
        const struct service_match by_name = { .next = &by_path, .service = "cache", .executable = "cache-server" };
        struct identity_facts facts = {
                .cgroup_path = "/", .exe_path = "/usr/bin/cache-check", .exe_inode = 7, .listen_port = 6379, .pid = 20
        };
        static const char *const lies[] = { "cache-tool", "nowhere", "../bin/cache-server", "..", ".", "", "dir" };
        struct identity identity;
        char path[256];

        (void)state;
        put("20/root/usr/bin/cache-check", "elf", 3);
        put("20/root/usr/bin/cache-tool", "elf", 3);
        put("20/root/usr/bin/dir/x", "", 0);
        snprintf(path, sizeof(path), "%s/20/root/usr/bin/cache-server", proc);
        assert_int_equal(symlink("cache-check", path), 0);
        facts.comm = "cache-server";
        identity_recognise(NULL, proc, &facts, &identity);
        CHECK(identity, IDENTITY_EXECUTABLE, "cache-server:6379", "");
        assert_string_equal(identity.executable, "/usr/bin/cache-check");
        identity_recognise(&by_name, proc, &facts, &identity);
        CHECK(identity, IDENTITY_EXPLICIT, "cache", "cache-server:6379");
        facts.exe_path = "/usr/bin/cache-check (deleted)"; /* replaced by an upgrade */
        identity_recognise(NULL, proc, &facts, &identity);
        CHECK(identity, IDENTITY_EXECUTABLE, "cache-server:6379", "");
        facts.exe_path = "/usr/bin/cache-check";
        for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
                facts.comm = lies[i];
                identity_recognise(&by_name, proc, &facts, &identity);
                CHECK(identity, IDENTITY_EXECUTABLE, "cache-check:6379", "");
        }
        /* Hard links are names, too; all clients of a file are one owner, and have its own name. */
        put("20/root/usr/sbin/x", "", 0);
        assert_int_equal(chdir(proc), 0);
        assert_int_equal(link("20/root/usr/bin/cache-check", "20/root/usr/sbin/cached"), 0);
        assert_int_equal(link("20/root/usr/bin/cache-check", "20/root/usr/sbin/first"), 0);
        facts.comm = "cached";
        facts.exe_path = "/usr/sbin/first";
        identity_recognise(&by_name, proc, &facts, &identity);
        CHECK(identity, IDENTITY_EXPLICIT, "path", "cached:6379");
        facts.listen_port = 0;
        identity_recognise(NULL, proc, &facts, &identity);
        CHECK(identity, IDENTITY_EXECUTABLE, "first", "");
        /* The process is gone. */
        facts.listen_port = 6379;
        facts.pid = 21;
        identity_recognise(NULL, proc, &facts, &identity);
        CHECK(identity, IDENTITY_EXECUTABLE, "first:6379", "");
}

static void text_is_clean(void **state)
{
        struct identity identity = recognise(NULL, "/", "/tmp/ev\033il\xff\xc3\xa9\xc2\x85", 0, 0);
        char cut[8];

        (void)state;
        assert_string_equal(identity.service, "ev?il?\xc3\xa9??");
        text_copy(cut, sizeof(cut), "abcdef\xc3\xa9");
        assert_string_equal(cut, "abcdef");
        text_copy(cut, sizeof(cut), "abcde\xc3\xa9z");
        assert_string_equal(cut, "abcde\xc3\xa9");
        text_copy(cut, sizeof(cut), "\xf0\x9f\x8c\x99\xf0\x9f\x8c\x99");
        assert_string_equal(cut, "\xf0\x9f\x8c\x99");
}

static struct event_owner_named named(uint64_t cgroup, const char *path, const char *exe, uint16_t port)
{
        struct event_owner_named event = { .owner = { .cgroup = cgroup, .exe_inode = 7, .listen_port = port } };

        snprintf(event.cgroup_path, sizeof(event.cgroup_path), "%s", path);
        snprintf(event.exe_path, sizeof(event.exe_path), "%s", exe);
        return event;
}

static void owners_share_identities(void **state)
{
        struct owners *owners = NULL;
        struct event_owner_named a = named(1, "/system.slice/a.service", "/a", 0),
                                 b = named(2, "/user.slice/session-1.scope", "/usr/bin/curl", 0),
                                 c = named(3, "/user.slice/session-2.scope", "/usr/bin/curl", 0);
        uint32_t ia, ib, ic, unknown;
        bool changed = true;

        (void)state;
        assert_int_equal(owners_new(NULL, proc, &owners), 0);
        unknown = owners_identity(owners, &a.owner, 0);
        assert_string_equal(owners_get(owners, unknown)->service, "unknown");
        assert_int_equal(owners_learn(owners, &a, &changed), 0);
        assert_true(changed);
        assert_int_equal(owners_learn(owners, &a, &changed), 0);
        assert_false(changed);
        assert_int_equal(owners_learn(owners, &b, &changed), 0);
        assert_int_equal(owners_learn(owners, &c, &changed), 0);
        ia = owners_identity(owners, &a.owner, 0);
        ib = owners_identity(owners, &b.owner, 0);
        ic = owners_identity(owners, &c.owner, 0);
        assert_int_not_equal(ia, ib);
        assert_int_equal(ib, ic);
        assert_string_equal(owners_get(owners, ib)->service, "curl");
        assert_null(owners_get(owners, 999));
        owners_free(&owners);
        assert_null(owners);
}

static void owners_are_bounded(void **state)
{
        struct owners *owners = NULL;
        struct event_owner_named kept = named(1, "/system.slice/kept.service", "/a", 0);
        uint32_t id, last = 0;
        bool changed;

        (void)state;
        assert_int_equal(owners_new(NULL, proc, &owners), 0);
        assert_int_equal(owners_learn(owners, &kept, &changed), 0);
        id = owners_identity(owners, &kept.owner, 0);
        for (uint64_t i = 2; i < OWNERS_MAX + 100; i++) {
                struct event_owner_named event;
                char path[64];

                snprintf(path, sizeof(path), "/system.slice/u%lu.service", (unsigned long)i);
                event = named(i, path, "/a", 0);
                if (owners_learn(owners, &event, &changed) == 0) {
                        uint32_t now = owners_identity(owners, &event.owner, 0);

                        assert_true(now > last);
                        last = now;
                } else {
                        assert_true(i > OWNERS_MAX);
                        assert_string_equal(owners_get(owners, owners_identity(owners, &event.owner, 0))->service, "unknown");
                }
        }
        assert_true(owners_crowded(owners));
        assert_int_equal(owners_mark_begin(owners), 0);
        owners_mark(owners, id);
        owners_collect(owners);
        assert_false(owners_crowded(owners));
        assert_int_equal(owners_identity(owners, &kept.owner, 0), id);
        assert_string_equal(owners_get(owners, id)->service, "kept");
        assert_null(owners_get(owners, last));
        kept = named(5, "/system.slice/u5.service", "/a", 0);
        assert_int_equal(owners_learn(owners, &kept, &changed), 0);
        assert_true(owners_identity(owners, &kept.owner, 0) > last); /* never reused */
        owners_free(&owners);
}

static void owners_follow_the_configuration(void **state)
{
        const struct service_match match = { .service = "shop", .unit = "a.service" };
        struct event_owner_named a = named(1, "/system.slice/a.service", "/a", 0);
        struct owners *owners = NULL;
        bool changed;

        (void)state;
        assert_int_equal(owners_new(NULL, proc, &owners), 0);
        assert_int_equal(owners_learn(owners, &a, &changed), 0);
        assert_int_equal(owners_reconfigure(owners, &match), 0);
        assert_string_equal(owners_get(owners, owners_identity(owners, &a.owner, 0))->service, "shop");
        assert_int_equal(owners_reconfigure(owners, NULL), 0);
        assert_string_equal(owners_get(owners, owners_identity(owners, &a.owner, 0))->service, "a");
        owners_free(&owners);
}

/* Only the owner's file is kept, not what it was called: the configuration is asked about both again. */
static void names_outlive_a_new_configuration(void **state)
{
        const struct service_match match = { .service = "cache", .executable = "cache-server" };
        struct event_owner_named a = named(1, "/", "/usr/bin/cache-check", 6379);
        struct owners *owners = NULL;
        char path[256];
        bool changed;

        (void)state;
        a.pid = 22;
        memcpy(a.comm, "cache-server", 13);
        put("22/comm", "cache-server\n", 13);
        put("22/root/usr/bin/cache-check", "elf", 3);
        snprintf(path, sizeof(path), "%s/22/root/usr/bin/cache-server", proc);
        assert_int_equal(symlink("cache-check", path), 0);
        assert_int_equal(owners_new(NULL, proc, &owners), 0);
        assert_int_equal(owners_learn(owners, &a, &changed), 0);
        assert_string_equal(owners_get(owners, owners_identity(owners, &a.owner, 0))->service, "cache-server:6379");
        assert_int_equal(owners_reconfigure(owners, &match), 0);
        assert_string_equal(owners_get(owners, owners_identity(owners, &a.owner, 0))->service, "cache");
        assert_int_equal(owners_reconfigure(owners, NULL), 0);
        assert_string_equal(owners_get(owners, owners_identity(owners, &a.owner, 0))->service, "cache-server:6379");
        owners_free(&owners);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(order_of_precedence),
                cmocka_unit_test(pods),
                cmocka_unit_test(links_stay_inside),
                cmocka_unit_test(pod_names),
                cmocka_unit_test(both_hierarchies),
                cmocka_unit_test(explicit_mapping),
                cmocka_unit_test(names_of_one_file),
                cmocka_unit_test(text_is_clean),
                cmocka_unit_test(owners_share_identities),
                cmocka_unit_test(owners_are_bounded),
                cmocka_unit_test(owners_follow_the_configuration),
                cmocka_unit_test(names_outlive_a_new_configuration),
        };

        return cmocka_run_group_tests(tests, set_up, tear_down);
}
