/* Fingerprints from process trees that this test makes up, and the paths and settings they are made of. */
#include "agent/builds.h"
#include "agent/fingerprint.h"
#include "agent/inside.h"
#include "agent/release_path.h"
#include "agent/settings_key.h"
#include "proto/summary.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char top[64];
static const struct hash_key key = { 11, 12 };

static void file(const char *path, const char *data, size_t size)
{
        char whole[512];
        int fd;

        snprintf(whole, sizeof(whole), "%s%s", top, path);
        for (char *p = whole + strlen(top) + 1; (p = strchr(p, '/')); p++) {
                *p = '\0';
                mkdir(whole, 0755);
                *p = '/';
        }
        unlink(whole);
        fd = open(whole, O_CREAT | O_WRONLY | O_TRUNC, 0644);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, data, size), size);
        close(fd);
}

static void text(const char *path, const char *data)
{
        file(path, data, strlen(data));
}

static void link_to(const char *path, const char *target)
{
        char whole[512];

        snprintf(whole, sizeof(whole), "%s%s", top, path);
        unlink(whole);
        assert_int_equal(symlink(target, whole), 0);
}

static void process(const char *folder, const char *arguments, size_t arguments_size, const char *environment,
                    size_t environment_size)
{
        char target[512];

        file("/proc/7/cmdline", arguments, arguments_size);
        file("/proc/7/environ", environment, environment_size);
        text("/proc/7/mountinfo", "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n");
        snprintf(target, sizeof(target), "%s/root", top);
        link_to("/proc/7/root", target);
        snprintf(target, sizeof(target), "%s/root%s", top, folder);
        link_to("/proc/7/cwd", target);
}
#define PROCESS(folder, arguments, environment)                                                                                    \
        process(folder, arguments, sizeof(arguments) - 1, environment, sizeof(environment) - 1)

static int set_up(void **state)
{
        (void)state;
        strcpy(top, "/tmp/fingerprint-test-XXXXXX");
        assert_non_null(mkdtemp(top));
        text("/root/srv/app/releases/2026-11-24/server.js", "first");
        text("/root/srv/app/releases/2026-11-24/package-lock.json", "{}");
        text("/root/srv/app/releases/2026-11-25/server.js", "second");
        text("/root/etc/app.yaml", "password: secret\n");
        link_to("/root/srv/app/current", "releases/2026-11-24");
        return 0;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
        (void)st;
        (void)flag;
        (void)ftw;
        return remove(path);
}

static int tear_down(void **state)
{
        (void)state;
        nftw(top, remove_one, 16, FTW_DEPTH | FTW_PHYS);
        return 0;
}

static struct fingerprint *read_at(const char *executable, int64_t started)
{
        static struct fingerprint f;
        static char path[128], proc[128];
        struct executable e = { .path = path, .build = "abc" };
        struct fingerprint_facts facts = {
                .proc = proc, .pid = 7, .started = started, .executable = &e, .cgroup = "", .key = &key
        };
        uint64_t used;

        snprintf(path, sizeof(path), "%s", executable);
        snprintf(proc, sizeof(proc), "%s/proc", top);
        assert_int_equal(fingerprint_read(&facts, &f, &used), 0);
        return &f;
}

static const struct setting *find(const struct fingerprint *f, enum setting_kind kind, const char *name)
{
        for (uint32_t i = 0; i < f->settings.count; i++)
                if (f->settings.items[i].kind == kind && strcmp(f->settings.items[i].name, name) == 0)
                        return &f->settings.items[i];
        return NULL;
}

static void a_release_behind_a_link(void **state)
{
        struct fingerprint *f, before;

        (void)state;
        PROCESS("/", "node\0/srv/app/current/server.js\0--config\0/etc/app.yaml\0", "PATH=/bin\0PASSWORD=hush\0APP_VERSION=1.4\0");
        f = read_at("/usr/bin/node", clock_wall() + NSEC_PER_SEC);
        assert_string_equal(f->program, "node server.js");
        assert_string_equal(f->release, "/srv/app/releases/2026-11-24");
        assert_string_equal(f->version, "1.4");
        assert_string_equal(f->build, "abc");
        assert_int_not_equal(f->code, 0);
        assert_non_null(find(f, SETTING_FILE, "/etc/app.yaml"));
        assert_non_null(find(f, SETTING_FLAG, "--config"));
        assert_non_null(find(f, SETTING_ENVIRONMENT, "PASSWORD"));
        assert_null(find(f, SETTING_ENVIRONMENT, "APP_VERSION")); /* told as the version */
        before = *f;
        /* The link is turned: whoever starts now runs the next release. */
        link_to("/root/srv/app/current", "releases/2026-11-25");
        f = read_at("/usr/bin/node", clock_wall() + 2 * NSEC_PER_SEC);
        assert_string_equal(f->release, "/srv/app/releases/2026-11-25");
        assert_int_not_equal(f->code, before.code);
        /* Whoever started before does not, and what it does run cannot be told any more. */
        f = read_at("/usr/bin/node", clock_wall() - 3600 * NSEC_PER_SEC);
        assert_string_equal(f->release, "");
        assert_int_equal(f->code, 0);
}

static void a_release_by_folder(void **state)
{
        (void)state;
        PROCESS("/srv/app/releases/2026-11-25", "node\0server.js\0", "");
        assert_string_equal(read_at("/usr/bin/node", 0)->release, "/srv/app/releases/2026-11-25");
        PROCESS("/", "payd\0", "");
        assert_string_equal(read_at("/opt/payments-2.1.0/bin/payd", 0)->release, "/opt/payments-2.1.0");
        assert_string_equal(read_at("/usr/bin/payd", 0)->release, "");
}

static void values_leave_no_trace(void **state)
{
        struct fingerprint *f;

        (void)state;
        PROCESS("/", "mysql\0-pSecret1\0--password=Secret2\0--token\0Secret3\0Secret4\0-Dkey=Secret5\0", "KEY=Secret6\0");
        f = read_at("/usr/bin/mysql", 0);
        assert_int_equal(f->settings.count, 6);
        assert_non_null(find(f, SETTING_FLAG, "-p"));
        assert_non_null(find(f, SETTING_FLAG, "--password"));
        assert_non_null(find(f, SETTING_FLAG, "--token"));
        assert_non_null(find(f, SETTING_FLAG, "-Dkey"));
        assert_null(memmem(f, sizeof(*f), "Secret", 6));
}

static void digests_need_the_key(void **state)
{
        struct settings a = { .key = { 1, 2 } }, b = { .key = { 1, 2 } }, c = { .key = { 1, 3 } };

        (void)state;
        settings_environment(&a, "P=x\0Q=x\0", 8);
        settings_environment(&b, "P=x\0Q=y\0", 8);
        settings_environment(&c, "P=x\0Q=x\0", 8);
        assert_int_equal(a.items[0].digest, b.items[0].digest);
        assert_int_not_equal(a.items[1].digest, b.items[1].digest);
        assert_int_not_equal(a.items[0].digest, c.items[0].digest);
        assert_int_not_equal(a.items[0].digest, a.items[1].digest); /* equal values do not show */
}

static void what_passes_is_no_setting(void **state)
{
        static const char environment[] = "INVOCATION_ID=1\0PAYMENTS_SERVICE_HOST=10.0.0.1\0PWD=/x\0LEVEL=3\0HOSTNAME=pod-7\0";
        struct settings s = { 0 };

        (void)state;
        settings_environment(&s, environment, sizeof(environment) - 1);
        assert_int_equal(s.count, 1);
        assert_string_equal(s.items[0].name, "LEVEL");
}

static void declared_versions(void **state)
{
        static const char several[] = "GIT_COMMIT=abc\0DD_VERSION=2\0",
                          attributes[] = "OTEL_RESOURCE_ATTRIBUTES=service.name=x,service.version=3.1,a=b\0DD_VERSION=2\0";
        struct settings s = { 0 };

        (void)state;
        settings_environment(&s, several, sizeof(several) - 1);
        assert_string_equal(s.version, "2");
        memset(&s, 0, sizeof(s));
        settings_environment(&s, attributes, sizeof(attributes) - 1);
        assert_string_equal(s.version, "3.1");
}

/* setproctitle writes over arguments and environment: nothing is known of them then. */
static void titles_are_no_arguments(void **state)
{
        static const char *const titles[] = { "nginx: master process /usr/sbin/nginx -g daemon on;", "puma 6 (tcp://0:80) [app]" };
        struct settings s = { 0 };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(titles); i++) {
                memset(&s, 0, sizeof(s));
                settings_arguments(&s, titles[i], strlen(titles[i]) + 1, NULL);
                assert_int_equal(s.count, 0);
                assert_int_equal(s.unknown, 1u << SETTING_FLAG);
        }
        memset(&s, 0, sizeof(s));
        settings_arguments(&s, "/usr/bin/payd", 14, NULL);
        assert_int_equal(s.unknown, 0);
        settings_environment(&s, "title over it\0 X\0", 17);
        assert_int_equal(s.unknown, 1u << SETTING_ENVIRONMENT);
}

static void only_regular_files_within_the_root(void **state)
{
        struct inside_file f;
        struct inside in;
        char path[256], whole[256];
        int fd = -1;

        (void)state;
        PROCESS("/", "x\0", "");
        text("/outside", "not yours");
        snprintf(whole, sizeof(whole), "%s/root/fifo", top);
        assert_int_equal(mkfifo(whole, 0600), 0);
        snprintf(whole, sizeof(whole), "%s/outside", top);
        link_to("/root/absolute", whole);
        link_to("/root/above", "../outside");
        snprintf(whole, sizeof(whole), "%s/proc", top);
        inside_open(whole, 7, &in);
        assert_int_equal(inside_file(&in, "/", "/fifo", NULL, 0, &f, &fd), -EINVAL);
        assert_int_equal(inside_file(&in, "/", "/srv", NULL, 0, &f, &fd), -EINVAL);
        assert_int_equal(inside_file(&in, "/", "/absolute", NULL, 0, &f, &fd), -ENOENT);
        assert_int_equal(inside_file(&in, "/", "/above", NULL, 0, &f, &fd), -ENOENT);
        assert_int_equal(inside_file(&in, "/srv/app/current", "server.js", path, sizeof(path), &f, &fd), 0);
        assert_string_equal(path, "/srv/app/releases/2026-11-24/server.js");
        assert_int_equal(f.size, 5);
        close(fd);
        inside_close(&in);
        /* A mount that may hang: what is not in the kernel's memory, or lies there, is left alone. */
        text("/proc/7/mountinfo", "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 0:30 / /srv rw - nfs4 server:/srv rw\n");
        inside_open(whole, 7, &in);
        assert_non_null(in.mounts);
        assert_int_equal(inside_file(&in, "/", "/srv/app/current/server.js", NULL, 0, &f, &fd), -EREMOTE);
        inside_close(&in);
        text("/proc/7/mountinfo", "");
        inside_open(whole, 7, &in);
        assert_int_equal(inside_file(&in, "/", "/etc/app.yaml", NULL, 0, &f, &fd), -EREMOTE);
        inside_close(&in);
}

static void large_files_by_their_ends(void **state)
{
        uint64_t a = 0, b = 0, used = 0;
        char whole[128];
        int fd;

        (void)state;
        snprintf(whole, sizeof(whole), "%s/archive", top);
        fd = open(whole, O_CREAT | O_RDWR, 0600);
        assert_int_equal(ftruncate(fd, 1 << 20), 0);
        assert_int_equal(inside_digest(fd, 1 << 20, 8192, &key, &a, &used), 0);
        assert_int_equal(used, 8192);
        assert_int_equal(pwrite(fd, "x", 1, (1 << 20) - 1), 1);
        assert_int_equal(inside_digest(fd, 1 << 20, 8192, &key, &b, &used), 0);
        assert_int_not_equal(a, b);
        close(fd);
}

static void paths(void **state)
{
        static const struct {
                const char *path, *release, *program;
        } cases[] = {
                { "/srv/app/releases/41/bin/x", "/srv/app/releases/41", "x" },
                { "/srv/app/current/bin/x", "", "x" },
                { "/srv/app/releases/current/x", "", "x" },
                { "/srv/app/20261125093000/x", "/srv/app/20261125093000", "x" },
                { "/srv/app/2026-11-25T09/x", "/srv/app/2026-11-25T09", "x" },
                { "/opt/app-1.2.3/app-1.2.3.jar", "/opt/app-1.2.3", "app.jar" },
                { "/opt/app/v2.1/x", "/opt/app/v2.1", "x" },
                { "/opt/app/9f3c1de/x", "/opt/app/9f3c1de", "x" },
                { "/opt/deadbeef/x", "", "x" },
                { "/usr/bin/python3.11", "", "python" },
                { "/home/user1/project2/x", "", "x" },
                { "/data/1/x", "", "x" },
                { "/snap/app/123/bin/x", "/snap/app/123", "x" },
                { "/tmp/build-1.2.3/x", "", "x" },
                { "/proc/123/1.2/x", "", "x" },
                { "relative/1.2/x", "", "x" },
                { "/", "", "" },
                { "", "", "" },
                { "/usr/sbin/server-2", "", "server" },
                { "/x/x86_64-linux", "", "x86" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                char release[256], program[64];

                release_path_find(cases[i].path, release, sizeof(release));
                release_path_program(cases[i].path, program, sizeof(program));
                assert_string_equal(release, cases[i].release);
                assert_string_equal(program, cases[i].program);
        }
}

static void the_key_is_kept(void **state)
{
        struct hash_key a, b;
        char whole[128];
        struct stat st;

        (void)state;
        snprintf(whole, sizeof(whole), "%s/state/of/agent", top);
        assert_int_equal(settings_key_load(whole, &a), 0);
        assert_int_equal(settings_key_load(whole, &b), 0);
        assert_memory_equal(&a, &b, sizeof(a));
        snprintf(whole, sizeof(whole), "%s/state/of/agent/settings.key", top);
        assert_int_equal(stat(whole, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
        /* One that others may read is no key. */
        assert_int_equal(chmod(whole, 0644), 0);
        snprintf(whole, sizeof(whole), "%s/state/of/agent", top);
        assert_int_equal(settings_key_load(whole, &b), 0);
        assert_memory_not_equal(&a, &b, sizeof(a));
        assert_int_not_equal(settings_key_name(&a), settings_key_name(&b));
}

static void equal_builds_are_one_row(void **state)
{
        struct build *one[3] = { 0 };
        struct summary s = { 0 };
        struct builds *builds;
        struct executable e = { .path = (char *)"/usr/bin/payd", .build = "abc" };
        struct fingerprint_facts facts = { .pid = 7, .executable = &e, .cgroup = "" };
        uint64_t hash, other;
        char proc[128];

        (void)state;
        snprintf(proc, sizeof(proc), "%s/proc", top);
        PROCESS("/", "payd\0--level=3\0", "");
        assert_int_equal(builds_new(proc, &key, &builds), 0);
        assert_int_equal(builds_read(builds, &facts, &one[0]), -EAGAIN);
        builds_interval(builds);
        for (int i = 0; i < 3; i++) {
                if (i == 2)
                        strcpy(e.build, "def");
                assert_int_equal(builds_read(builds, &facts, &one[i]), 0);
        }
        assert_ptr_equal(one[0], one[1]);
        builds_begin(builds);
        for (int i = 0; i < 3; i++)
                assert_int_equal(builds_add(builds, 5, one[i], 100 + (uint64_t)i), 0);
        assert_int_equal(builds_add(builds, 6, NULL, 1), 0);
        assert_int_equal(builds_end(builds, 1000, &hash), 0);
        builds_rows(builds, &s);
        assert_int_equal(s.builds_count, 2);
        assert_int_equal(s.builds_pending, 1);
        assert_int_equal(s.builds[0].processes + s.builds[1].processes, 3);
        assert_int_equal(s.settings_count, 2);
        for (int i = 0; i < 2; i++)
                if (s.builds[i].processes == 2) {
                        assert_int_equal(s.builds[i].first_started, 1100);
                        assert_int_equal(s.builds[i].last_started, 1101);
                }
        builds_begin(builds);
        assert_int_equal(builds_add(builds, 5, one[0], 100), 0);
        assert_int_equal(builds_end(builds, 2000, &other), 0); /* the clock alone is no news */
        assert_int_not_equal(hash, other);
        builds_begin(builds);
        assert_int_equal(builds_add(builds, 5, one[0], 100), 0);
        assert_int_equal(builds_end(builds, 3000, &hash), 0);
        assert_int_equal(hash, other);
        for (int i = 0; i < 3; i++)
                builds_put(builds, &one[i]);
        builds_free(&builds);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        const struct CMUnitTest tests[] = {
                TEST(a_release_behind_a_link),   TEST(a_release_by_folder),
                TEST(values_leave_no_trace),     TEST(digests_need_the_key),
                TEST(what_passes_is_no_setting), TEST(declared_versions),
                TEST(titles_are_no_arguments),   TEST(only_regular_files_within_the_root),
                TEST(large_files_by_their_ends), TEST(paths),
                TEST(the_key_is_kept),           TEST(equal_builds_are_one_row),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
