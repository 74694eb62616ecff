/* Cgroup paths as they are found on real hosts, and what they say. */
#include "agent/cgroup_path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define UID "2c48913c-b29f-11e7-9350-020968147796"
#define UID_ "2c48913c_b29f_11e7_9350_020968147796"

static const struct {
        const char *path;
        enum cgroup_workload_kind kind;
        const char *unit, *machine, *container, *runtime, *pod;
} cases[] = {
        /* systemd */
        { "/system.slice/nginx.service", CGROUP_UNIT, "nginx.service", "", "", "", "" },
        { "/system.slice/system-postgresql.slice/postgresql@15-main.service", CGROUP_UNIT, "postgresql@15-main.service", "", "", "",
          "" },
        { "/system.slice/system-getty.slice/getty@tty1.service", CGROUP_UNIT, "getty@tty1.service", "", "", "", "" },
        { "/system.slice/docker.service", CGROUP_UNIT, "docker.service", "", "", "", "" },
        { "/system.slice/app.service/workers/3", CGROUP_UNIT, "app.service", "", "", "", "" },
        { "/init.scope", CGROUP_NOTHING, "", "", "", "", "" },
        { "/", CGROUP_NOTHING, "", "", "", "", "" },
        { "", CGROUP_NOTHING, "", "", "", "", "" },
        { "/system.slice", CGROUP_NOTHING, "", "", "", "", "" },
        { "/.service", CGROUP_NOTHING, "", "", "", "", "" },
        /* sessions, user managers, and what is started by hand */
        { "/user.slice/user-1000.slice/session-3.scope", CGROUP_NOTHING, "", "", "", "", "" },
        { "/user.slice/user-1000.slice/user@1000.service/init.scope", CGROUP_NOTHING, "", "", "", "", "" },
        { "/user.slice/user-1000.slice/user@1000.service/app.slice/pipewire.service", CGROUP_UNIT, "pipewire.service", "", "", "",
          "" },
        { "/user.slice/user-1000.slice/user@1000.service/app.slice/app-gnome-firefox-4211.scope", CGROUP_NOTHING, "", "", "", "",
          "" },
        { "/user.slice/user-1000.slice/user@1000.service/tmux-spawn-6b9f.scope", CGROUP_NOTHING, "", "", "", "", "" },
        { "/system.slice/run-r0d61d0e3dd7d4a54a47f1a7a5f4cd1c0.scope", CGROUP_NOTHING, "", "", "", "", "" },
        { "/system.slice/run-u1234.service", CGROUP_NOTHING, "", "", "", "", "" },
        { "/system.slice/run-r0d61d0e3dd7d4a54a47f1a7a5f4cd1c0.service", CGROUP_NOTHING, "", "", "", "", "" },
        { "/system.slice/run-backup.service", CGROUP_UNIT, "run-backup.service", "", "", "", "" },
        /* Docker, Podman, containerd, CRI-O */
        { "/system.slice/docker-" ID ".scope", CGROUP_CONTAINER, "", "", ID, "docker", "" },
        { "/docker/" ID, CGROUP_CONTAINER, "", "", ID, "docker", "" },
        { "/docker/" ID "/system.slice/nginx.service", CGROUP_CONTAINER, "", "", ID, "docker", "" },
        { "/system.slice/docker-" ID ".scope/init.scope", CGROUP_CONTAINER, "", "", ID, "docker", "" },
        { "/machine.slice/libpod-" ID ".scope/container", CGROUP_CONTAINER, "", "", ID, "libpod", "" },
        { "/machine.slice/libpod-conmon-" ID ".scope", CGROUP_NOTHING, "", "", "", "", "" },
        { "/libpod_parent/libpod-" ID, CGROUP_CONTAINER, "", "", ID, "libpod", "" },
        { "/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" ID ".scope/container", CGROUP_CONTAINER, "", "", ID,
          "libpod", "" },
        { "/system.slice/web.service/libpod-payload-" ID, CGROUP_CONTAINER, "", "", ID, "libpod", "" },
        { "/system.slice/nerdctl-" ID ".scope", CGROUP_CONTAINER, "", "", ID, "nerdctl", "" },
        { "/default/" ID, CGROUP_CONTAINER, "", "", ID, "", "" },
        { "/ecs/8e9f0a1b2c3d4e5f8e9f0a1b2c3d4e5f/" ID, CGROUP_CONTAINER, "", "", ID, "", "" },
        { "/ecs/8e9f0a1b2c3d4e5f8e9f0a1b2c3d4e5f/8e9f0a1b2c3d4e5f8e9f0a1b2c3d4e5f-2531612879", CGROUP_CONTAINER, "", "",
          "8e9f0a1b2c3d4e5f8e9f0a1b2c3d4e5f-2531612879", "", "" },
        /* Kubernetes: the systemd driver, the cgroupfs driver, static pods, and inside of kind's nodes */
        { "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" UID_ ".slice/cri-containerd-" ID ".scope", CGROUP_POD,
          "", "", ID, "cri-containerd", UID },
        { "/kubepods.slice/kubepods-pod" UID_ ".slice/crio-" ID ".scope", CGROUP_POD, "", "", ID, "crio", UID },
        { "/kubepods.slice/kubepods-pod" UID_ ".slice/crio-conmon-" ID ".scope", CGROUP_POD, "", "", "", "", UID },
        { "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" UID_ ".slice/docker-" ID ".scope", CGROUP_POD, "", "",
          ID, "docker", UID },
        { "/kubepods/burstable/pod" UID "/" ID, CGROUP_POD, "", "", ID, "", UID },
        { "/kubepods/pod" UID "/" ID, CGROUP_POD, "", "", ID, "", UID },
        { "/kubepods/besteffort/pod0123456789abcdef0123456789abcdef/" ID, CGROUP_POD, "", "", ID, "",
          "0123456789abcdef0123456789abcdef" },
        { "/kubepods/besteffort/podium/" ID, CGROUP_CONTAINER, "", "", ID, "", "" },
        { "/system.slice/containerd.service/kubepods-burstable-pod" UID_ ".slice:cri-containerd:" ID, CGROUP_POD, "", "", ID,
          "cri-containerd", UID },
        { "/docker/" ID "/kubelet/kubepods/besteffort/pod" UID "/" ID, CGROUP_POD, "", "", ID, "", UID },
        { "/system.slice/docker-" ID ".scope/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/"
          "kubelet-kubepods-burstable-pod" UID_ ".slice/cri-containerd-" ID ".scope",
          CGROUP_POD, "", "", ID, "cri-containerd", UID },
        /* system containers: their units count */
        { "/machine.slice/systemd-nspawn@web.service/payload/system.slice/nginx.service", CGROUP_UNIT, "nginx.service", "web", "",
          "", "" },
        { "/machine.slice/machine-web\\x2d1.scope/payload/system.slice/redis-server.service", CGROUP_UNIT, "redis-server.service",
          "web-1", "", "", "" },
        { "/machine.slice/machine-web.scope/payload/init.scope", CGROUP_NOTHING, "", "web", "", "", "" },
        { "/machine.slice/machine-web.scope/payload", CGROUP_MACHINE, "", "web", "", "", "" },
        { "/machine.slice/systemd-nspawn@web.service/supervisor", CGROUP_UNIT, "systemd-nspawn@web.service", "", "", "", "" },
        { "/machine.slice/machine-qemu\\x2d3\\x2ddb.scope/libvirt/emulator", CGROUP_MACHINE, "", "db", "", "", "" },
        { "/ns-web/payload/system.slice/nginx.service", CGROUP_UNIT, "nginx.service", "", "", "", "" },
        { "/lxc.payload.mail/system.slice/postfix.service", CGROUP_UNIT, "postfix.service", "mail", "", "", "" },
        { "/lxc/mail/system.slice/postfix.service", CGROUP_UNIT, "postfix.service", "mail", "", "", "" },
        { "/lxc.payload/mail", CGROUP_MACHINE, "", "mail", "", "", "" },
        { "/lxc.monitor.mail", CGROUP_NOTHING, "", "", "", "", "" },
        /* not an id */
        { "/foo/g123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", CGROUP_NOTHING, "", "", "", "", "" },
        { "/foo/x" ID, CGROUP_NOTHING, "", "", "", "", "" },
        { "/../../system.slice/nginx.service", CGROUP_UNIT, "nginx.service", "", "", "", "" },
};

static void paths(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct cgroup_workload w;

                print_message("# %s\n", cases[i].path);
                cgroup_parse(cases[i].path, &w);
                assert_int_equal(w.kind, cases[i].kind);
                assert_string_equal(w.unit, cases[i].unit);
                assert_string_equal(w.machine, cases[i].machine);
                assert_string_equal(w.container, cases[i].container);
                assert_string_equal(w.runtime, cases[i].runtime);
                assert_string_equal(w.pod, cases[i].pod);
        }
}

/* A unit is this host's own only below slices: everybody may name one inside what is his. */
static void units_of_this_host(void **state)
{
        static const struct {
                const char *path, *host_unit;
                bool own;
        } places[] = {
                { "/system.slice/ledger.service", "ledger.service", true },
                { "/system.slice/ledger.service/workers/3", "ledger.service", true },
                { "/ns-web/payload/system.slice/ledger.service", "ledger.service", true },
                { "/machine.slice/systemd-nspawn@web.service/supervisor", "systemd-nspawn@web.service", true },
                { "/user.slice/user-1000.slice/user@1000.service/app.slice/ledger.service", "user@1000.service", false },
                { "/user.slice/user-1000.slice/session-3.scope/ledger.service", "session-3.scope", false },
                { "/system.slice/delegated.service/ledger.service", "delegated.service", false },
                { "/system.slice/delegated.service/system.slice/ledger.service", "delegated.service", false },
                { "/machine.slice/machine-web.scope/payload/system.slice/ledger.service", "machine-web.scope", false },
                { "/machine.slice/systemd-nspawn@web.service/payload/system.slice/ledger.service", "systemd-nspawn@web.service",
                  false },
                { "/lxc.payload.mail/system.slice/ledger.service", "", false },
                { "/lxc/mail/system.slice/ledger.service", "", false },
                { "/docker/" ID "/system.slice/ledger.service", "", false },
                { "/system.slice/docker-" ID ".scope/system.slice/ledger.service", "docker-" ID ".scope", false },
                { "/kubepods/pod" UID "/" ID "/ledger.service", "", false },
                { "/", "", false },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
                struct cgroup_workload w;

                print_message("# %s\n", places[i].path);
                cgroup_parse(places[i].path, &w);
                assert_string_equal(w.host_unit, places[i].host_unit);
                assert_int_equal(cgroup_is_host_unit(&w), places[i].own);
        }
        assert_true(cgroup_unit_is("ledger@1.service", "ledger@.service"));
        assert_true(cgroup_unit_is("ledger@1.service", "ledger@1.service"));
        assert_false(cgroup_unit_is("ledger@10.service", "ledger@1.service"));
        assert_false(cgroup_unit_is("ledger.service", "ledger@.service"));
        assert_false(cgroup_unit_is("ledgers@1.service", "ledger@.service"));
}

static void overlong(void **state)
{
        char path[8192];
        struct cgroup_workload w;

        (void)state;
        for (size_t length = 1; length < sizeof(path); length += 13) {
                memset(path, 'a', length);
                memcpy(path, "/", 1);
                memcpy(path + length - MIN(length, 9), "x.service", MIN(length, 9));
                path[length] = '\0';
                cgroup_parse(path, &w);
                memset(path, ':', length);
                cgroup_parse(path, &w);
        }
}

static void services_of_units(void **state)
{
        static const char *const pairs[][2] = {
                { "nginx.service", "nginx" },     { "ledger@1.service", "ledger@" },
                { "ledger@.service", "ledger@" }, { "a@b@c.service", "a@" },
                { "@x.service", "@x" },           { "odd", "odd" },
                { "x\\x2dy.service", "x\\x2dy" },
        };
        char service[CGROUP_NAME_SIZE];

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
                cgroup_unit_service(pairs[i][0], service, sizeof(service));
                assert_string_equal(service, pairs[i][1]);
        }
}

static void older_hierarchies(void **state)
{
        char docker[] = "12:memory:/docker/" ID "\n11:pids:/docker/" ID "\n1:name=systemd:/docker/" ID
                        "\n0::/system.slice/containerd.service\n";
        char both[] = "4:memory:/docker/" ID "\n1:name=systemd:/system.slice/nginx.service\n0::/\n";
        char none[] = "9:name=systemd:/\n8:pids:/\n0::/system.slice/nginx.service\n";
        char garbage[] = "\n:\n::\nabc\n1:\n";

        (void)state;
        assert_string_equal(cgroup_older_path(docker), "/docker/" ID);
        assert_string_equal(cgroup_older_path(both), "/system.slice/nginx.service");
        assert_null(cgroup_older_path(none));
        assert_null(cgroup_older_path(garbage));
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(paths), cmocka_unit_test(units_of_this_host),
                                            cmocka_unit_test(overlong), cmocka_unit_test(services_of_units),
                                            cmocka_unit_test(older_hierarchies) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
