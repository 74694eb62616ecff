/* The audit log as its writer sees it: what is appended is there after every restart, in order, and its
 * proofs hold; bounds are kept; keys change hands. */
#include "tests/unit/coordinator/audit_rig.h"

#include "proto/witness.h"

#include <fcntl.h>
#include <sys/stat.h>

static void test_begins_empty(void **state)
{
        struct audit *audit = rig_open_well();
        struct note_key key;
        char path[128];
        struct stat st;

        (void)state;
        rig_check(audit, 0);
        assert_int_equal(note_key_parse(audit_public_key(audit), strlen(audit_public_key(audit)), &key), 0);
        snprintf(path, sizeof(path), "%s/audit.key", rig_folder);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
        audit_free(&audit);
        audit = rig_open_well();
        rig_check(audit, 0);
        audit_free(&audit);
}

/* Over two whole bundles, with restarts at odd places and with and without publishing in between. */
static void test_grows_over_restarts(void **state)
{
        struct audit *audit = rig_open_well();
        unsigned count = rig_count(700, 270);

        (void)state;
        for (unsigned n = 0; n < count; n++) {
                uint64_t index = 99999;

                assert_int_equal(rig_append(audit, n, &index), 0);
                assert_int_equal(index, n);
                if (n % 50 == 13 || n == 300)
                        assert_int_equal(audit_publish(audit), 0);
                if (n % 97 == 96 || n == 255 || n == 256 || n == 512) {
                        audit_free(&audit);
                        audit = rig_open_well();
                        rig_check(audit, n + 1);
                }
        }
        rig_check(audit, count);
        audit_free(&audit);
}

static int proofs_of(struct audit *audit, const struct note_key *key, const char *old_note)
{
        struct tlog_hash proof[TLOG_PROOF_MAX];
        const char *note = audit_checkpoint(audit), *sentence;
        struct checkpoint now, old;
        size_t count, text_size;

        assert_int_equal(note_open(old_note, strlen(old_note), key, 1, &text_size, NULL), 0);
        assert_int_equal(checkpoint_parse(old_note, text_size, &old), 0);
        assert_int_equal(audit_consistency(audit, old.size, proof, &count), 0);
        return witness_check(old_note, strlen(old_note), note, strlen(note), key, 1, proof, count, &now, &sentence);
}

/* A witness that saw the log at any size accepts it at any later one. */
static void test_witnesses_accept_continuations(void **state)
{
        struct audit *audit = rig_open_well();
        static char notes[600][512];
        struct note_key key;
        uint64_t index;

        (void)state;
        assert_int_equal(note_key_parse(audit_public_key(audit), strlen(audit_public_key(audit)), &key), 0);
        for (unsigned n = 0; n < rig_count(600, 260); n++) {
                snprintf(notes[n], sizeof(notes[n]), "%s", audit_checkpoint(audit));
                assert_int_equal(rig_append(audit, n, &index), 0);
                if (n == 258 || n == 530)
                        assert_int_equal(audit_publish(audit), 0);
                if (n % 97 == 0 || (n > 256 && n < 259) || n > 598)
                        for (unsigned old = 0; old <= n; old += rig_count(1, 29))
                                assert_int_equal(proofs_of(audit, &key, notes[old]), 0);
        }
        audit_free(&audit);
}

static void test_inclusion(void **state)
{
        struct audit *audit = rig_open_well();
        struct tlog_hash proof[TLOG_PROOF_MAX];
        struct checkpoint c;
        uint64_t index;
        size_t count;

        (void)state;
        for (unsigned n = 0; n < 300; n++)
                assert_int_equal(rig_append(audit, n, &index), 0);
        assert_int_equal(checkpoint_parse(audit_checkpoint(audit),
                                          (size_t)(strstr(audit_checkpoint(audit), "\n\n") + 1 - audit_checkpoint(audit)), &c),
                         0);
        for (unsigned n = 0; n < 300; n++) {
                struct tlog_hash leaf = { { 0 } };

                assert_int_equal(audit_inclusion(audit, n, proof, &count), 0);
                assert_int_equal(tlog_check_inclusion(n, &leaf, c.size, &c.root, proof, count), -EBADMSG);
        }
        assert_int_equal(audit_inclusion(audit, 300, proof, &count), -ERANGE);
        audit_free(&audit);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_begins_empty, rig_set_up, rig_tear_down),
                cmocka_unit_test_setup_teardown(test_grows_over_restarts, rig_set_up, rig_tear_down),
                cmocka_unit_test_setup_teardown(test_witnesses_accept_continuations, rig_set_up, rig_tear_down),
                cmocka_unit_test_setup_teardown(test_inclusion, rig_set_up, rig_tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
