/* The format of recordings: what was written is read back, and whatever is cut or flipped afterwards is
 * noticed; the buffers in which the coordinator keeps it; and what a replay refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "coordinator/recorder.h"
#include "coordinator/recording_internal.h"
#include "coordinator/replay.h"
#include "tests/unit/coordinator/world.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#define FRAMES 12

static char path[64];

static struct recording_frame frame(enum recording_kind kind, int64_t at, const void *data, size_t size)
{
        return (struct recording_frame){ kind, at, data, size };
}

static void expected(size_t i, struct recording_frame *ret_frame)
{
        static uint8_t start[RECORDING_START_SIZE], stored[] = { 1, 0, 0, 0, 1, 0, 'h', 'x', 'y' }, poll[RECORDING_POLL_HEAD + 4];
        const struct recording_start s = { 42, 1u << 30, SECONDS(3600), SECONDS(60), "0.1.0" };

        recording_start_pack(&s, start);
        recording_poll_head(7, 1, poll);
        memcpy(poll + RECORDING_POLL_HEAD, "host", 4);
        const struct recording_frame frames[FRAMES] = {
                frame(RECORDING_START, T0, start, sizeof(start)),
                frame(RECORDING_STORED, T0, stored, sizeof(stored)),
                frame(RECORDING_LOADED, T0, NULL, 0),
                frame(RECORDING_TICK, T0 + 1, NULL, 0),
                frame(RECORDING_SUMMARY, T0 + 2, "a summary that is none", 22),
                frame(RECORDING_POLL, T0 + 2, poll, sizeof(poll)),
                frame(RECORDING_SETTLE, T0 + 3, NULL, 0),
                frame(RECORDING_ALIGN, T0 + 3, NULL, 0),
                frame(RECORDING_GAP, T0 + 4, "gone", 4),
                frame(RECORDING_START, T0 + 5, start, sizeof(start)),
                frame(RECORDING_LOADED, T0 + 5, NULL, 0),
                frame(RECORDING_END, T0 + 5, NULL, 0),
        };
        *ret_frame = frames[i];
}

/* In three blocks. */
static size_t write_file(uint8_t *image, size_t capacity)
{
        struct recording_writer *w = NULL;
        struct recording_frame f;
        ssize_t n;
        int fd;

        unlink(path);
        assert_int_equal(recording_create(path, &w), 0);
        for (size_t i = 0; i + 1 < FRAMES; i++) {
                expected(i, &f);
                assert_int_equal(recording_put(w, &f), 0);
                if (i == 3 || i == 7)
                        assert_int_equal(recording_flush(w), 0);
        }
        assert_int_equal(recording_finish(w), 0);
        fd = open(path, O_RDONLY);
        n = read(fd, image, capacity);
        close(fd);
        assert_int_equal(n, recording_written(w));
        recording_writer_free(&w);
        return (size_t)n;
}

static int memory(const uint8_t *data, size_t size)
{
        int fd = memfd_create("recording", MFD_CLOEXEC);

        assert_int_equal(write(fd, data, size), size);
        return fd;
}

/* How many frames are read, each of which must be what was written; -errno of what came instead. */
static int read_all(const uint8_t *data, size_t size, int *ret_count, struct recording_failure *failure, bool *ret_cut)
{
        struct recording_reader *reader = NULL;
        struct recording_frame f, want;
        int r = recording_open_fd(memory(data, size), &reader, failure);

        *ret_count = 0;
        if (r < 0)
                return r;
        while ((r = recording_next(reader, &f, failure)) > 0) {
                assert_true(*ret_count < FRAMES);
                expected((size_t)(*ret_count)++, &want);
                assert_int_equal(f.kind, want.kind);
                assert_int_equal(f.at, want.at);
                assert_int_equal(f.size, want.size);
                if (f.size)
                        assert_memory_equal(f.data, want.data, f.size);
        }
        *ret_cut = recording_facts(reader)->cut;
        recording_reader_free(&reader);
        return r;
}

static void test_what_was_written_is_read(void **state)
{
        static uint8_t image[4096];
        size_t size = write_file(image, sizeof(image));
        struct recording_writer *again = NULL;
        struct recording_failure failure;
        struct stat st;
        bool cut = true;
        int count;

        (void)state;
        assert_int_equal(read_all(image, size, &count, &failure, &cut), 0);
        assert_int_equal(count, FRAMES);
        assert_false(cut);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
        assert_int_equal(recording_create(path, &again), -EEXIST);
}

static void test_cut_anywhere(void **state)
{
        static uint8_t image[4096];
        size_t size = write_file(image, sizeof(image));
        struct recording_failure failure;
        int count, before = 0;

        (void)state;
        for (size_t n = 0; n < size; n++) {
                bool cut = false;
                int r = read_all(image, n, &count, &failure, &cut);

                if (n < RECORDING_HEAD) {
                        assert_int_equal(r, -EBADMSG);
                        continue;
                }
                assert_int_equal(r, 0);
                assert_true(cut);
                assert_true(count == 0 || count == 4 || count == 8);
                assert_true(count >= before);
                before = count;
        }
        assert_int_equal(before, 8);
}

static void test_flipped_anywhere(void **state)
{
        static uint8_t image[4096];
        size_t size = write_file(image, sizeof(image));
        struct recording_failure failure;
        int count;

        (void)state;
        for (size_t bit = 0; bit < 8 * size; bit++) {
                bool cut = false;

                image[bit / 8] ^= (uint8_t)(1 << bit % 8);
                assert_int_equal(read_all(image, size, &count, &failure, &cut), -EBADMSG);
                assert_true(failure.offset <= bit / 8);
                assert_true(*failure.why);
                image[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
}

/* A file with one block of these frames, whose head says so. */
static size_t one_block(uint8_t *image, const uint8_t *raw, size_t raw_size, uint32_t said, int64_t first, int64_t last)
{
        uint8_t *head = image + RECORDING_HEAD;
        uLongf stored = 4096;

        write_file(image, 4096);
        assert_int_equal(compress2(head + RECORDING_BLOCK_HEAD, &stored, raw, raw_size, 6), Z_OK);
        memcpy(head, RECORDING_BLOCK_MAGIC, 4);
        recording_number(head + 4, said, 4);
        recording_number(head + 8, stored, 4);
        recording_number(head + 12, crc32(0, head + RECORDING_BLOCK_HEAD, (uInt)stored), 4);
        recording_number(head + 16, (uint64_t)first, 8);
        recording_number(head + 24, (uint64_t)last, 8);
        recording_number(head + 32, crc32(0, head, 32), 4);
        return RECORDING_HEAD + RECORDING_BLOCK_HEAD + stored;
}

static void refused(const uint8_t *raw, size_t raw_size, uint32_t said, int64_t first, int64_t last, const char *why)
{
        static uint8_t image[8192];
        size_t size = one_block(image, raw, raw_size, said, first, last);
        struct recording_reader *reader = NULL;
        struct recording_failure failure = { 0 };
        struct recording_frame f;
        int r = recording_open_fd(memory(image, size), &reader, &failure);

        while (r == 0 && (r = recording_next(reader, &f, &failure)) > 0)
                r = 0;
        recording_reader_free(&reader);
        assert_int_equal(r, -EBADMSG);
        if (!strstr(failure.why, why))
                fail_msg("'%s' has no '%s'", failure.why, why);
        assert_int_equal(failure.offset, RECORDING_HEAD);
}

static size_t add(uint8_t *raw, size_t at, struct recording_frame f)
{
        recording_frame_head(&f, raw + at);
        if (f.size && f.data)
                memcpy(raw + at + RECORDING_FRAME_HEAD, f.data, f.size);
        return at + RECORDING_FRAME_HEAD + (f.data ? f.size : 0);
}

/* Whoever can compute a checksum. */
static void test_lies_are_refused(void **state)
{
        static uint8_t raw[1024];
        struct recording_frame start, loaded;
        size_t n, both;

        (void)state;
        expected(0, &start);
        expected(2, &loaded);
        n = add(raw, 0, frame(RECORDING_TICK, T0, NULL, 0));
        refused(raw, n, (uint32_t)n, T0, T0, "where none of its kind can be");
        refused(raw, n, (uint32_t)n + 1, T0, T0, "does not unpack");
        refused(raw, n, (uint32_t)n - 1, T0, T0, "none can have");
        refused(raw, n, UINT32_MAX, T0, T0, "none can have");
        refused(raw, n, (uint32_t)n, T0 + 1, T0 + 1, "does not begin when");
        refused(raw, n, (uint32_t)n, T0, T0 - 1, "ends before it begins");
        n = add(raw, 0, frame((enum recording_kind)99, T0, NULL, 0));
        refused(raw, n, (uint32_t)n, T0, T0, "of no known kind");
        n = add(raw, 0, frame(RECORDING_START, T0, start.data, start.size - 1));
        refused(raw, n, (uint32_t)n, T0, T0, "a size that its kind cannot have");
        n = add(raw, 0, frame(RECORDING_SUMMARY, T0, NULL, UINT32_MAX));
        refused(raw, n, (uint32_t)n, T0, T0, "does not fit");
        both = add(raw, add(raw, 0, start), loaded);
        n = add(raw, both, frame(RECORDING_TICK, T0 - 1, NULL, 0));
        refused(raw, n, (uint32_t)n, T0, T0, "at which it cannot be");
        n = add(raw, both, frame(RECORDING_TICK, T0 + 1, NULL, 0));
        refused(raw, n, (uint32_t)n, T0, T0, "at which it cannot be");
        n = add(raw, add(raw, both, frame(RECORDING_END, T0, NULL, 0)), frame(RECORDING_TICK, T0, NULL, 0));
        refused(raw, n, (uint32_t)n, T0, T0, "where none of its kind can be");
}

static void replay_refuses(struct recording_frame start, struct recording_frame f, const char *why)
{
        struct recording_reader *reader = NULL;
        struct recording_failure failure = { 0 };
        struct recording_writer *w = NULL;
        struct replay *p = NULL;

        unlink(path);
        assert_int_equal(recording_create(path, &w), 0);
        assert_int_equal(recording_put(w, &start), 0);
        assert_int_equal(recording_put(w, &(struct recording_frame){ .kind = RECORDING_LOADED, .at = T0 }), 0);
        assert_int_equal(recording_put(w, &f), 0);
        assert_int_equal(recording_finish(w), 0);
        recording_writer_free(&w);
        assert_int_equal(recording_open(path, &reader, &failure), 0);
        assert_int_equal(replay_new(&reader, NULL, NULL, &p), 0);
        assert_int_equal(replay_run(p, INT64_MAX, &failure), -EBADMSG);
        if (!strstr(failure.why, why))
                fail_msg("'%s' has no '%s'", failure.why, why);
        replay_free(&p);
}

static void test_what_does_not_parse_is_no_input(void **state)
{
        static uint8_t data[RECORDING_POLL_HEAD + 4];
        uint8_t start_data[RECORDING_START_SIZE], *packed = NULL;
        struct wire_request poll = { .kind = WIRE_POLL, .poll = { 1, "host", 0 } };
        struct recording_frame start;
        size_t size;

        (void)state;
        expected(0, &start);
        replay_refuses(start, frame(RECORDING_SUMMARY, T0, "nonsense", 8), "a summary that does not parse: ");
        assert_int_equal(wire_pack_request(&poll, &packed, &size), 0);
        replay_refuses(start, frame(RECORDING_SUMMARY, T0, packed, size), "no summary of a host");
        free(packed);
        memcpy(data + RECORDING_POLL_HEAD, "host", 4);
        replay_refuses(start, frame(RECORDING_POLL, T0, data, sizeof(data)), "a poll of nobody");
        memcpy(start_data, start.data, sizeof(start_data));
        memset(start_data + 8, 0, 8);
        start.data = start_data;
        replay_refuses(start, frame(RECORDING_TICK, T0, NULL, 0), "options that no coordinator can have");
}

/* A disk that is full, as a limit of the file's size shows it. */
static void test_a_full_disk_leaves_whole_blocks(void **state)
{
        struct rlimit before, small;
        struct recording_reader *reader = NULL;
        struct recording_failure failure;
        struct recording_writer *w = NULL;
        struct recording_frame f;
        uint8_t noise[20000];
        int r = 0, count = 0;

        (void)state;
        for (size_t i = 0; i < sizeof(noise); i++)
                noise[i] = (uint8_t)((i * i * 2654435761u) >> 13);
        unlink(path);
        assert_int_equal(recording_create(path, &w), 0);
        signal(SIGXFSZ, SIG_IGN);
        getrlimit(RLIMIT_FSIZE, &before);
        small = before;
        small.rlim_cur = 50000;
        setrlimit(RLIMIT_FSIZE, &small);
        for (size_t i = 0; i < 3; i++) {
                expected(i, &f);
                assert_int_equal(recording_put(w, &f), 0);
        }
        for (int i = 0; i < 10 && r == 0; i++) {
                f = frame(RECORDING_SUMMARY, T0 + i, noise, sizeof(noise));
                assert_int_equal(recording_put(w, &f), 0);
                r = recording_flush(w);
        }
        assert_int_equal(r, -EFBIG);
        assert_int_equal(recording_put(w, &f), -EFBIG);
        assert_int_equal(recording_finish(w), -EFBIG);
        setrlimit(RLIMIT_FSIZE, &before);
        recording_writer_free(&w);
        assert_int_equal(recording_open(path, &reader, &failure), 0);
        assert_false(recording_facts(reader)->cut);
        while ((r = recording_next(reader, &f, &failure)) > 0)
                count++;
        assert_int_equal(r, 0);
        assert_true(count > 4 && count < 13);
        assert_true(recording_facts(reader)->cut);
        recording_reader_free(&reader);
}

static void test_a_slow_reader_is_told(void **state)
{
        static uint8_t megabyte[1 << 20];
        struct recorder *r = NULL;
        const uint8_t *data, *end;
        struct recording_frame f;
        uint64_t after = 0;
        const char *why;
        int kept = 0, result;
        size_t size;

        (void)state;
        assert_int_equal(recorder_new(&r), 0);
        assert_int_equal(recorder_read(r, 5, 0, 0, &data, &size), -ENOENT);
        assert_int_equal(recorder_begin(r, 5, 0), 0);
        assert_int_equal(recorder_read(r, 5, 0, 0, &data, &size), 0);
        assert_int_equal(size, 0);
        for (int i = 0; i < 100; i++)
                recorder_add(r, RECORDING_SUMMARY, T0 + i, "ab", 2, megabyte, sizeof(megabyte));
        assert_int_equal(recorder_read(r, 5, 0, 0, &data, &size), 0);
        assert_int_equal(recorder_read(r, 5, 1, 0, &data, &size), -EINVAL);
        assert_int_equal(recorder_read(r, 5, size + 1, 0, &data, &size), -EINVAL);
        /* Asked again, it is the same. */
        while ((result = recorder_read(r, 5, after, 0, &data, &size)) == 0) {
                assert_true(size > 0 && size <= RECORDER_ANSWER_MAX);
                for (end = data + size; data < end; kept++) {
                        assert_int_equal(recording_frame_take(&data, end, &f, &why), 0);
                        assert_int_equal(f.at, T0 + kept);
                        assert_int_equal(f.size, 2 + sizeof(megabyte));
                        assert_memory_equal(f.data, "ab", 2);
                }
                after += size;
        }
        assert_int_equal(result, -EOVERFLOW);
        assert_int_equal(kept, RECORDER_BYTES_MAX / (sizeof(megabyte) + 2 + RECORDING_FRAME_HEAD));
        assert_int_equal(recorder_count(r), 0);
        assert_int_equal(recorder_read(r, 5, after, 0, &data, &size), -ENOENT);
        recorder_free(&r);
}

static void test_recordings_are_few_and_are_forgotten(void **state)
{
        struct recorder *r = NULL;
        const uint8_t *data;
        size_t size;

        (void)state;
        assert_int_equal(recorder_new(&r), 0);
        assert_int_equal(recorder_begin(r, 1, 0), 0);
        assert_int_equal(recorder_begin(r, 2, 0), 0);
        assert_int_equal(recorder_begin(r, 3, 0), -EBUSY);
        assert_int_equal(recorder_begin(r, 2, 0), 0);
        recorder_end(r, 1);
        assert_int_equal(recorder_begin(r, 3, 0), 0);
        assert_int_equal(recorder_read(r, 3, 0, RECORDER_SILENT_NS, &data, &size), 0);
        recorder_expire(r, RECORDER_SILENT_NS + 1);
        assert_int_equal(recorder_count(r), 1);
        assert_int_equal(recorder_read(r, 2, 0, RECORDER_SILENT_NS, &data, &size), -ENOENT);
        recorder_free(&r);
}

static int remove_file(void **state)
{
        (void)state;
        unlink(path);
        return 0;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_what_was_written_is_read),
                cmocka_unit_test(test_cut_anywhere),
                cmocka_unit_test(test_flipped_anywhere),
                cmocka_unit_test(test_lies_are_refused),
                cmocka_unit_test(test_what_does_not_parse_is_no_input),
                cmocka_unit_test(test_a_full_disk_leaves_whole_blocks),
                cmocka_unit_test(test_a_slow_reader_is_told),
                cmocka_unit_test(test_recordings_are_few_and_are_forgotten),
        };

        snprintf(path, sizeof(path), "/tmp/nightshift-recording-%d", (int)getpid());
        return cmocka_run_group_tests(tests, NULL, remove_file);
}
