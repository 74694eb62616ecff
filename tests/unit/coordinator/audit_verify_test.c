/* The verifier: a sound log is verified, also while it is written; and whichever byte of whichever file is
 * changed, that is found, and in that file. */
#include "coordinator/audit_tiles.h"
#include "coordinator/audit_verify.h"
#include "tests/unit/coordinator/audit_rig.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

static char folder[128], last_file[256], last_sentence[512];
static unsigned in_other_files;
static const char *expected_file;

static void on_finding(void *data, const struct audit_finding *f)
{
        (void)data;
        snprintf(last_file, sizeof(last_file), "%s", f->file);
        snprintf(last_sentence, sizeof(last_sentence), "%s", f->sentence);
        if (expected_file && strcmp(f->file, expected_file) != 0) {
                in_other_files++;
                print_error("%s: %s\n", f->file, f->sentence);
        }
}

static uint64_t verify(const struct audit_verify_options *options, struct audit_verified *ret)
{
        struct audit_verified verified;
        int r;

        last_file[0] = last_sentence[0] = '\0';
        in_other_files = 0;
        r = audit_verify(folder, options, on_finding, NULL, &verified);
        assert_int_equal(r, 0);
        if (ret)
                *ret = verified;
        return verified.findings;
}

static void make_log(unsigned entries, unsigned published)
{
        struct audit *audit = rig_open_well();
        uint64_t index;

        snprintf(folder, sizeof(folder), "%s/audit", rig_folder);
        for (unsigned n = 0; n < entries; n++) {
                assert_int_equal(rig_append(audit, n, &index), 0);
                if (n + 1 == published)
                        assert_int_equal(audit_publish(audit), 0);
        }
        if (published > entries)
                assert_int_equal(audit_publish(audit), 0);
        audit_free(&audit);
}

static void test_sound_logs(void **state)
{
        static const unsigned sizes[] = { 0, 1, 2, 3, 100, 255, 256, 257, 512, 600 };
        struct audit_verified v;

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(sizes); i += rig_count(1, 3)) {
                make_log(sizes[i], 1000);
                if (verify(NULL, &v))
                        fail_msg("%u entries: %s: %s", sizes[i], last_file, last_sentence);
                assert_int_equal(v.entries, sizes[i]);
                assert_int_equal(v.evidence, (sizes[i] + 6) / 7);
                rig_tear_down(NULL);
                rig_set_up(NULL);
        }
}

/* With entries that are in the journal alone, as after a crash. */
static void test_unpublished(void **state)
{
        struct audit_verified v;

        (void)state;
        make_log(300, 280);
        if (verify(NULL, &v))
                fail_msg("%s: %s", last_file, last_sentence);
        assert_int_equal(v.entries, 300);
        rig_run("rm %s/journal%s", folder, "");
        assert_int_equal(verify(NULL, &v), 0);
        assert_int_equal(v.entries, 280);
}

/* Each `step`th byte of the file, and its first ones, one bit changed in each, then another. */
static unsigned flip(const char *file, unsigned first, unsigned step)
{
        char path[1024];
        unsigned flips = 0;
        uint8_t byte;
        int fd;

        snprintf(path, sizeof(path), "%s/%s", folder, file);
        fd = open(path, O_RDWR | O_CLOEXEC);
        assert_true(fd >= 0);
        expected_file = file;
        for (off_t at = 0; pread(fd, &byte, 1, at) == 1; at += at < first ? 1 : step) {
                uint8_t changed = byte ^ (uint8_t)(1u << (at % 8));

                assert_int_equal(pwrite(fd, &changed, 1, at), 1);
                if (verify(NULL, NULL) == 0 || in_other_files)
                        fail_msg("byte %lld of %s from %02x to %02x: found in %s", (long long)at, file, byte, changed,
                                 *last_file ? last_file : "none");
                assert_int_equal(pwrite(fd, &byte, 1, at), 1);
                flips++;
        }
        expected_file = NULL;
        close(fd);
        return flips;
}

/* Every file below `path`. */
static unsigned flip_all(const char *path, unsigned first, unsigned step)
{
        char full[1024], inner[512];
        struct dirent *entry;
        unsigned flips = 0;
        struct stat st;
        DIR *d;

        snprintf(full, sizeof(full), "%s/%s", folder, path);
        d = opendir(full);
        assert_non_null(d);
        while ((entry = readdir(d))) {
                if (entry->d_name[0] == '.')
                        continue;
                snprintf(inner, sizeof(inner), "%s%s%s", path, *path ? "/" : "", entry->d_name);
                snprintf(full, sizeof(full), "%s/%s", folder, inner);
                assert_int_equal(stat(full, &st), 0);
                flips += S_ISDIR(st.st_mode) ? flip_all(inner, first, step) : flip(inner, first, step);
        }
        closedir(d);
        return flips;
}

static void add_key(void)
{
        struct audit *audit = rig_open_well();
        char key[NOTE_KEY_TEXT_MAX];
        uint64_t index;

        assert_int_equal(audit_rotate_key(audit, key), 0);
        assert_int_equal(rig_append(audit, 2, &index), 0);
        assert_int_equal(audit_publish(audit), 0);
        audit_free(&audit);
}

static void test_every_byte_of_a_small_log(void **state)
{
        unsigned flips;

        (void)state;
        make_log(2, 2);
        add_key();
        assert_int_equal(verify(NULL, NULL), 0);
        flips = flip_all("", 1, rig_count(1, 61));
        print_message("%u bytes of a log of three entries and two keys\n", flips);
        assert_int_equal(verify(NULL, NULL), 0);
        /* As somebody else has it, who has no journal. */
        rig_run("rm %s/journal%s", folder, "");
        assert_int_equal(verify(NULL, NULL), 0);
        flip_all("", 1, rig_count(1, 61));
}

/* NIGHTSHIFT_EVERY_BYTE=1: all of them, which takes an hour. */
static void test_bytes_of_a_large_log(void **state)
{
        unsigned step = getenv("NIGHTSHIFT_EVERY_BYTE") ? 1 : 9973, flips = 0;

        (void)state;
        make_log(rig_count(520, 260), rig_count(515, 260));
        assert_int_equal(verify(NULL, NULL), 0);
        if (rig_count(0, 1)) {
                flips = flip("checkpoint", 1, 99) + flip("tile/1/000.p/1", 1, 50) + flip("tile/entries/000", 1, 199999);
        } else {
                flips = flip_all("", 1, step);
        }
        print_message("%u bytes of a log of %u entries\n", flips, rig_count(520, 260));
}

static void test_missing_and_additional_files(void **state)
{
        static const char *const files[] = { "checkpoint",           "key/0",          "tile/0/000",
                                             "tile/0/001",           "tile/1/000.p/2", "tile/entries/000",
                                             "tile/entries/002.p/8", "tile/0/002.p/8" };
        static const char *const more[] = { "tile/0/002", "tile/0/002.p/7",   "tile/entries/003", "tile/2/000.p/1",
                                            "key/1x",     "evidence/ab/abcd", "something" };
        char path[512];

        (void)state;
        if (rig_count(0, 1))
                skip(); /* hundreds of signatures a file */
        make_log(520, 520);
        for (size_t i = 0; i < ARRAY_SIZE(files); i += rig_count(1, 4)) {
                snprintf(path, sizeof(path), "%s/%s", folder, files[i]);
                rig_run("mv %s %s", path, rig_folder);
                if (verify(NULL, NULL) == 0)
                        fail_msg("%s was not missed", files[i]);
                snprintf(path, sizeof(path), "%s/%s %s/%s", rig_folder,
                         strrchr(files[i], '/') ? strrchr(files[i], '/') + 1 : files[i], folder, files[i]);
                rig_run("mv %s%s", path, "");
        }
        for (size_t i = 0; i < ARRAY_SIZE(more); i += rig_count(1, 4)) {
                snprintf(path, sizeof(path), "%s/%s", folder, more[i]);
                rig_run("mkdir -p $(dirname %s) && echo >%s", path, path);
                expected_file = more[i];
                if (verify(NULL, NULL) != 1 || in_other_files)
                        fail_msg("%s was not noticed", more[i]);
                expected_file = NULL;
                rig_run("rm %s%s", path, "");
        }
        assert_int_equal(verify(NULL, NULL), 0);
}

/* Entries are taken away together with all that would say so: but not what was kept elsewhere. */
static void test_rolled_back_and_forked(void **state)
{
        struct audit *audit;
        struct audit_verify_options options = { 0 };
        char seen[NOTE_MAX + 1], first_key[NOTE_KEY_TEXT_MAX], path[160];
        uint64_t index;

        (void)state;
        make_log(20, 20);
        snprintf(path, sizeof(path), "%s.then", rig_folder);
        rig_run("cp -a %s %s", rig_folder, path);
        audit = rig_open_well();
        for (unsigned n = 20; n < 30; n++)
                assert_int_equal(rig_append(audit, n, &index), 0);
        snprintf(seen, sizeof(seen), "%s", audit_checkpoint(audit));
        snprintf(first_key, sizeof(first_key), "%s", audit_public_key(audit));
        audit_free(&audit);
        options.checkpoint = seen;
        options.checkpoint_size = strlen(seen);
        options.key = first_key;
        assert_int_equal(verify(&options, NULL), 0);

        /* The folder as it was then: nothing in it says that there was more. */
        rig_run("rm -r %s/*%s", rig_folder, "");
        rig_run("cp -a %s/. %s", path, rig_folder);
        assert_int_equal(verify(NULL, NULL), 0);
        assert_int_equal(verify(&options, NULL), 1);
        assert_non_null(strstr(last_sentence, "rolled back"));

        /* And with another history from there on. */
        audit = rig_open_well();
        for (unsigned n = 120; n < 140; n++)
                assert_int_equal(rig_append(audit, n, &index), 0);
        assert_int_equal(audit_publish(audit), 0);
        audit_free(&audit);
        assert_int_equal(verify(NULL, NULL), 0);
        assert_int_equal(verify(&options, NULL), 1);
        assert_non_null(strstr(last_sentence, "forked"));

        /* All of it anew, with a key of one's own. */
        rig_run("rm -r %s/*%s", rig_folder, "");
        make_log(40, 40);
        assert_int_equal(verify(NULL, NULL), 0);
        options.checkpoint = NULL;
        assert_int_equal(verify(&options, NULL), 1);
        assert_string_equal(last_file, "key/0");
        rig_run("rm -r %s%s", path, "");
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_sound_logs, rig_set_up, rig_tear_down),
                cmocka_unit_test_setup_teardown(test_unpublished, rig_set_up, rig_tear_down),
                cmocka_unit_test_setup_teardown(test_every_byte_of_a_small_log, rig_set_up, rig_tear_down),
                cmocka_unit_test_setup_teardown(test_bytes_of_a_large_log, rig_set_up, rig_tear_down),
                cmocka_unit_test_setup_teardown(test_missing_and_additional_files, rig_set_up, rig_tear_down),
                cmocka_unit_test_setup_teardown(test_rolled_back_and_forked, rig_set_up, rig_tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
