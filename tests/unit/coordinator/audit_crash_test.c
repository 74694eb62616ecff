/* The coordinator killed, the power gone, the disk full or an fsync failed, at each single step that the
 * audit log takes on its disk: whatever was acknowledged is there afterwards, in order and verified, what
 * was not is there whole or not at all, and nothing is appended after a failure before the log was opened
 * again. */
#include "coordinator/audit_verify.h"
#include "tests/unit/coordinator/audit_rig.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

enum mode {
        KILL,    /* a write stops half-way, and so does the process */
        POWER,   /* and only what was synced is on the disk */
        NO_ROOM, /* a write stops half-way and is refused, once; what syncs or renames fails once too */
        MODES
};
static const char *const mode_names[] = { "kill", "power loss", "failure" };

static struct {
        enum mode mode;
        unsigned steps, stop_at; /* 0: never */
        bool dead;
} disk;
static char durable[80]; /* what the disk has kept: contents by inode, and names of inodes by folder */

/* True if this step is the one that is interrupted. */
static bool stops(void)
{
        disk.steps++;
        if (disk.steps != disk.stop_at)
                return false;
        disk.dead = disk.mode != NO_ROOM;
        return true;
}

static int trouble(void)
{
        return disk.mode == NO_ROOM ? -ENOSPC : -EIO;
}

static void copy(const char *from, const char *to)
{
        CLEANUP_FD int in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        char buffer[65536];
        ssize_t n;

        assert_true(in >= 0 && out >= 0);
        while ((n = read(in, buffer, sizeof(buffer))) > 0)
                assert_int_equal(write(out, buffer, (size_t)n), n);
}

/* The place in `durable` of a path of the state folder. */
static void names_of(const char *path, char *ret, size_t size)
{
        snprintf(ret, size, "%s/names%s", durable, path + strlen(rig_folder));
}

static void make_folders(char *path)
{
        for (char *c = path + 1; *c; c++)
                if (*c == '/') {
                        *c = '\0';
                        assert_true(mkdir(path, 0700) == 0 || errno == EEXIST);
                        *c = '/';
                }
        assert_true(mkdir(path, 0700) == 0 || errno == EEXIST);
}

static void remove_files(const char *folder)
{
        struct dirent *entry;
        DIR *d = opendir(folder);

        assert_non_null(d);
        while ((entry = readdir(d)))
                if (entry->d_type == DT_REG)
                        assert_int_equal(unlinkat(dirfd(d), entry->d_name, 0), 0);
        closedir(d);
}

static void keep_names(const char *folder)
{
        char kept[1024], inner[1300];
        struct dirent *entry;
        struct stat st;
        DIR *d;

        names_of(folder, kept, sizeof(kept));
        make_folders(kept);
        remove_files(kept);
        d = opendir(folder);
        assert_non_null(d);
        while ((entry = readdir(d))) {
                FILE *name;

                snprintf(inner, sizeof(inner), "%s/%s", folder, entry->d_name);
                assert_int_equal(lstat(inner, &st), 0);
                if (!S_ISREG(st.st_mode))
                        continue;
                snprintf(inner, sizeof(inner), "%s/%s", kept, entry->d_name);
                name = fopen(inner, "we");
                assert_non_null(name);
                fprintf(name, "%llu", (unsigned long long)st.st_ino);
                fclose(name);
        }
        closedir(d);
}

static void content_path(ino_t inode, char *ret, size_t size)
{
        snprintf(ret, size, "%s/contents/%llu", durable, (unsigned long long)inode);
}

static void keep(int fd)
{
        char link[64], path[1024], to[256];
        struct stat st;
        ssize_t n;

        snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        n = readlink(link, path, sizeof(path) - 1);
        assert_true(n > 0);
        path[n] = '\0';
        assert_int_equal(fstat(fd, &st), 0);
        if (S_ISDIR(st.st_mode)) {
                keep_names(path);
                return;
        }
        content_path(st.st_ino, to, sizeof(to));
        copy(link, to);
}

static void keep_all(const char *folder)
{
        char inner[1300], to[256];
        struct dirent *entry;
        struct stat st;
        DIR *d;

        keep_names(folder);
        d = opendir(folder);
        while ((entry = readdir(d))) {
                if (entry->d_name[0] == '.')
                        continue;
                snprintf(inner, sizeof(inner), "%s/%s", folder, entry->d_name);
                assert_int_equal(lstat(inner, &st), 0);
                content_path(st.st_ino, to, sizeof(to));
                if (S_ISDIR(st.st_mode))
                        keep_all(inner);
                else
                        copy(inner, to);
        }
        closedir(d);
}

/* The state folder as the disk has kept it: what was never synced is an empty file. */
static void lose_power(const char *kept, const char *folder)
{
        char inner[1300], real[1300], content[256];
        struct dirent *entry;
        struct stat st;
        DIR *d = opendir(kept);

        assert_non_null(d);
        assert_true(mkdir(folder, 0700) == 0 || errno == EEXIST);
        while ((entry = readdir(d))) {
                unsigned long long inode = 0;
                FILE *name;

                if (entry->d_name[0] == '.')
                        continue;
                snprintf(inner, sizeof(inner), "%s/%s", kept, entry->d_name);
                snprintf(real, sizeof(real), "%s/%s", folder, entry->d_name);
                assert_int_equal(lstat(inner, &st), 0);
                if (S_ISDIR(st.st_mode)) {
                        lose_power(inner, real);
                        continue;
                }
                name = fopen(inner, "re");
                assert_int_equal(fscanf(name, "%llu", &inode), 1);
                fclose(name);
                content_path((ino_t)inode, content, sizeof(content));
                if (access(content, F_OK) == 0)
                        copy(content, real);
                else
                        fclose(fopen(real, "we"));
        }
        closedir(d);
}

static int shim_open(void *data, int folder, const char *name, int flags, mode_t mode)
{
        char content[256];
        struct stat st;
        int fd;

        if (disk.dead || (flags & O_CREAT && stops()))
                return trouble();
        fd = audit_io_real.open(data, folder, name, flags, mode);
        if (fd >= 0 && flags & O_TRUNC && fstat(fd, &st) == 0) {
                content_path(st.st_ino, content, sizeof(content));
                unlink(content);
        }
        return fd;
}

static int shim_write(void *data, int fd, const void *bytes, size_t size, off_t at)
{
        if (disk.dead)
                return trouble();
        if (stops()) {
                assert_int_equal(audit_io_real.write(data, fd, bytes, size / 2, at), 0);
                return trouble();
        }
        return audit_io_real.write(data, fd, bytes, size, at);
}

static int shim_sync(void *data, int fd)
{
        (void)data;
        if (disk.dead || stops())
                return trouble();
        if (disk.mode == POWER)
                keep(fd);
        return 0;
}

static int shim_rename(void *data, int folder, const char *from, const char *to)
{
        if (disk.dead || stops())
                return trouble();
        return audit_io_real.rename(data, folder, from, to);
}

static int shim_remove(void *data, int folder, const char *name, int flags)
{
        if (disk.dead || stops())
                return trouble();
        return audit_io_real.remove(data, folder, name, flags);
}

static int shim_mkdir(void *data, int folder, const char *name, mode_t mode)
{
        if (disk.dead || stops())
                return trouble();
        return audit_io_real.mkdir(data, folder, name, mode);
}

static const struct audit_io shim = {
        .open = shim_open, .write = shim_write, .sync = shim_sync, .rename = shim_rename, .remove = shim_remove, .mkdir = shim_mkdir
};

#define APPENDS 5

/* Opens the log, appends to it with what comes between, and changes the key. Returns how many entries are acknowledged. */
static unsigned live(unsigned before)
{
        struct audit *audit = rig_open(&shim);
        char key[NOTE_KEY_TEXT_MAX];
        unsigned acknowledged = before;

        for (unsigned n = 0; n < APPENDS && !disk.dead; n++) {
                uint64_t index = 0;
                int r = rig_append(audit, acknowledged, &index);

                if (r == 0) {
                        assert_int_equal(index, acknowledged);
                        acknowledged++;
                }
                if (r == 0 && n == 2)
                        r = audit_publish(audit);
                if (r == 0 && n == 3 && before == 0)
                        r = audit_rotate_key(audit, key);
                if (r < 0 && !disk.dead) {
                        /* No audit log, no action: until it was opened again. */
                        assert_non_null(audit_refusal(audit));
                        assert_int_equal(rig_append(audit, acknowledged, &index), -EROFS);
                        assert_int_equal(audit_recover(audit), 0);
                        assert_null(audit_refusal(audit));
                        /* The one that failed is there, or it is not. */
                        assert_in_range(audit_size(audit), acknowledged, acknowledged + 1);
                        acknowledged = (unsigned)audit_size(audit);
                }
        }
        audit_free(&audit);
        return acknowledged;
}

static void on_finding(void *data, const struct audit_finding *f)
{
        (void)data;
        print_error("%s: %s\n", f->file, f->sentence);
}

static void check(const char *what, unsigned acknowledged)
{
        struct audit *audit = rig_open(NULL);
        struct audit_verified verified;
        char folder[128];
        unsigned size;

        snprintf(folder, sizeof(folder), "%s/audit", rig_folder);
        if (audit_refusal(audit))
                fail_msg("%s at step %u: %s", what, disk.stop_at, audit_refusal(audit));
        size = (unsigned)audit_size(audit);
        if (size < acknowledged || size > acknowledged + 1)
                fail_msg("%s at step %u: %u entries, of which %u were acknowledged", what, disk.stop_at, size, acknowledged);
        rig_check(audit, size);
        for (unsigned n = 0; n < 2; n++) {
                uint64_t index;

                assert_int_equal(rig_append(audit, size + n, &index), 0);
        }
        assert_int_equal(audit_publish(audit), 0);
        audit_free(&audit);
        /* Hundreds of signatures take a while. */
        if (size > APPENDS && disk.stop_at % 4)
                return;
        assert_int_equal(audit_verify(folder, NULL, on_finding, NULL, &verified), 0);
        if (verified.findings)
                fail_msg("%s at step %u: the log is not verified", what, disk.stop_at);
        assert_int_equal(verified.entries, size + 2);
}

/* Every step, in every mode, of a log that had `before` entries. */
static void at_every_step(unsigned before)
{
        char first[80];
        unsigned steps;

        snprintf(first, sizeof(first), "%s.first", rig_folder);
        snprintf(durable, sizeof(durable), "%s.durable", rig_folder);
        if (before) {
                struct audit *audit = rig_open_well();
                uint64_t index;

                for (unsigned n = 0; n < before; n++)
                        assert_int_equal(rig_append(audit, n, &index), 0);
                /* Opened once more, its journal is without the evidence, which would be most of the steps. */
                audit_free(&audit);
                audit = rig_open_well();
                audit_free(&audit);
        }
        rig_run("cp -a %s %s", rig_folder, first);
        memset(&disk, 0, sizeof(disk));
        assert_int_equal(live(before), before + APPENDS);
        steps = disk.steps;
        for (enum mode mode = 0; mode < MODES; mode++)
                for (unsigned stop = 1; stop <= steps; stop += rig_count(1, before ? 37 : 11)) {
                        unsigned acknowledged;

                        rig_run("rm -rf %s %s", rig_folder, durable);
                        rig_run("cp -a %s %s", first, rig_folder);
                        rig_run("mkdir -p %s/contents %s/names", durable, durable);
                        memset(&disk, 0, sizeof(disk));
                        disk.mode = mode;
                        disk.stop_at = stop;
                        if (mode == POWER)
                                keep_all(rig_folder);
                        acknowledged = live(before);
                        if (mode == POWER) {
                                char names[128];

                                rig_run("rm -rf %s%s", rig_folder, "");
                                snprintf(names, sizeof(names), "%s/names", durable);
                                lose_power(names, rig_folder);
                        }
                        check(mode_names[mode], acknowledged);
                }
        print_message("%u steps, %u ways to fail at each%s\n", steps, MODES, rig_count(0, 1) ? ", some of them" : "");
        rig_run("rm -rf %s %s", first, durable);
}

static void test_a_log_that_is_made(void **state)
{
        (void)state;
        at_every_step(0);
}

/* While a bundle of 256 becomes whole. */
static void test_a_bundle_that_is_filled(void **state)
{
        (void)state;
        at_every_step(254);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_a_log_that_is_made, rig_set_up, rig_tear_down),
                cmocka_unit_test_setup_teardown(test_a_bundle_that_is_filled, rig_set_up, rig_tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
