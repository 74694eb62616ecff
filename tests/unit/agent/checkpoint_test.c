/* What is kept of the coordinator's audit log: nothing takes its place that the agent could not start from, or that is of
 * another log or an older one, whatever the link's child says. */
#include "agent/checkpoint.h"
#include "proto/note.h"
#include "tests/unit/agent/folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static int keep(const char *origin, uint64_t log_size, uint64_t said)
{
        struct checkpoint checkpoint = { .size = log_size };
        const uint8_t public[NOTE_PUBLIC_SIZE] = { 1 }, signature[NOTE_SIGNATURE_SIZE] = { 0 };
        char text[NOTE_MAX + 1], note[NOTE_MAX + 1];
        struct note_key key;
        size_t size;

        snprintf(checkpoint.origin, sizeof(checkpoint.origin), "%s", origin);
        assert_int_equal(note_key_make("log", public, &key), 0);
        size = checkpoint_format(&checkpoint, text);
        assert_int_equal(note_join(text, size, &key, signature, note, &size), 0);
        return checkpoint_keep(folder, note, size, said);
}

static void kept_is(uint64_t log_size)
{
        struct checkpoint_file file;

        assert_int_equal(checkpoint_load(folder, &file), 0);
        assert_int_equal(file.log_size, log_size);
}

static void only_what_continues(void **state)
{
        struct checkpoint_file file;
        char long_note[ACTION_CHECKPOINT_MAX + 2];

        (void)state;
        memset(long_note, 'x', sizeof(long_note));
        assert_int_equal(checkpoint_load(folder, &file), -ENOENT);
        assert_int_equal(checkpoint_keep(folder, "rubbish", 7, 1), -EPROTO);
        assert_int_equal(checkpoint_keep(folder, long_note, sizeof(long_note), 1), -EPROTO);
        assert_int_equal(checkpoint_keep(folder, "", 0, 0), -EPROTO);
        assert_int_equal(checkpoint_load(folder, &file), -ENOENT);
        assert_int_equal(keep("example.org/log", 5, 6), -EPROTO);
        assert_int_equal(keep("example.org/log", 5, 5), 0);
        kept_is(5);
        assert_int_equal(checkpoint_keep(folder, "rubbish", 7, 9), -EPROTO);
        assert_int_equal(keep("example.org/other", 9, 9), -EXDEV);
        assert_int_equal(keep("example.org/log", 4, 4), -ESTALE);
        kept_is(5);
        assert_int_equal(keep("example.org/log", 5, 5), 0);
        assert_int_equal(keep("example.org/log", 8, 8), 0);
        kept_is(8);
}

static void what_is_damaged_stays(void **state)
{
        struct checkpoint_file file;

        (void)state;
        folder_file("/audit-checkpoint", "rubbish");
        assert_int_equal(checkpoint_load(folder, &file), -EBADMSG);
        assert_int_equal(keep("example.org/log", 8, 8), -EBADMSG);
        assert_int_equal(checkpoint_load(folder, &file), -EBADMSG);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(only_what_continues), cmocka_unit_test(what_is_damaged_stays) };

        return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
