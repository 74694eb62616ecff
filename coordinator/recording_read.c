#include "coordinator/recording_internal.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

struct block {
        uint32_t raw, stored, data_crc;
        int64_t first, last;
};

/* What may come next. */
enum state { EXPECT_START, EXPECT_STORED, EXPECT_INPUT, EXPECT_NOTHING };

struct recording_reader {
        int fd;
        uint64_t whole; /* end of the last whole block */
        uint64_t at;    /* of the next block */
        uint64_t offset;
        struct recording_facts facts;
        enum state state;
        bool gap; /* before a START: after another part, which may also end here */
        int64_t last;
        struct block block;
        uint8_t *raw, *stored;
        size_t raw_capacity, stored_capacity;
        const uint8_t *frame, *end;
};

static int fail(struct recording_failure *failure, uint64_t offset, int r, const char *format, ...) PRINTF_LIKE(4, 5);
static int fail(struct recording_failure *failure, uint64_t offset, int r, const char *format, ...)
{
        va_list args;

        failure->offset = offset;
        va_start(args, format);
        vsnprintf(failure->why, sizeof(failure->why), format, args);
        va_end(args);
        return r;
}

/* All of it, or what there is: -ENODATA where the file ends before. */
static int read_at(int fd, void *data, size_t size, uint64_t at)
{
        uint8_t *to = data;

        while (size > 0) {
                ssize_t n = pread(fd, to, size, (off_t)at);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        return -ENODATA;
                to += n;
                at += (uint64_t)n;
                size -= (size_t)n;
        }
        return 0;
}

static int read_head(struct recording_reader *r, struct recording_failure *failure)
{
        uint8_t head[RECORDING_HEAD];
        int result = read_at(r->fd, head, sizeof(head), 0);

        if (result == -ENODATA)
                return fail(failure, 0, -EBADMSG, "too short for a recording");
        if (result < 0)
                return fail(failure, 0, result, "it cannot be read: %s", strerror(-result));
        if (memcmp(head, RECORDING_MAGIC, 8) != 0)
                return fail(failure, 0, -EBADMSG, "not a recording: it does not begin with " RECORDING_MAGIC);
        if (recording_number_of(head + 12, 4) != crc32(0, head, 12))
                return fail(failure, 8, -EBADMSG, "the head of the file is damaged: its checksum differs");
        if (recording_number_of(head + 8, 4) != RECORDING_VERSION)
                return fail(failure, 8, -EBADMSG, "a recording of version %" PRIu64 ", where this program reads version %d",
                            recording_number_of(head + 8, 4), RECORDING_VERSION);
        return 0;
}

/* -ENODATA: the block is not whole. */
static int read_block_head(const struct recording_reader *r, uint64_t at, struct block *ret_block,
                           struct recording_failure *failure)
{
        uint8_t head[RECORDING_BLOCK_HEAD];
        struct block b;
        int result = read_at(r->fd, head, sizeof(head), at);

        if (result == -ENODATA)
                return result;
        if (result < 0)
                return fail(failure, at, result, "it cannot be read: %s", strerror(-result));
        if (memcmp(head, RECORDING_BLOCK_MAGIC, 4) != 0)
                return fail(failure, at, -EBADMSG, "damaged: no block begins here");
        if (recording_number_of(head + 32, 4) != crc32(0, head, 32))
                return fail(failure, at, -EBADMSG, "the head of a block is damaged: its checksum differs");
        b = (struct block){ .raw = (uint32_t)recording_number_of(head + 4, 4),
                            .stored = (uint32_t)recording_number_of(head + 8, 4),
                            .data_crc = (uint32_t)recording_number_of(head + 12, 4),
                            .first = (int64_t)recording_number_of(head + 16, 8),
                            .last = (int64_t)recording_number_of(head + 24, 8) };
        if (b.raw < RECORDING_FRAME_HEAD || b.raw > RECORDING_BLOCK_MAX || b.stored == 0 || b.stored > compressBound(b.raw))
                return fail(failure, at, -EBADMSG, "a block of a size that none can have: %u bytes, packed %u", b.raw, b.stored);
        if (b.first < 0 || b.last < b.first)
                return fail(failure, at, -EBADMSG, "a block that ends before it begins");
        if (b.stored > r->facts.size - at - RECORDING_BLOCK_HEAD)
                return -ENODATA;
        *ret_block = b;
        return 0;
}

static int read_block_heads(struct recording_reader *r, struct recording_failure *failure)
{
        struct recording_facts *f = &r->facts;
        struct block b;
        int result = 0;

        for (r->whole = RECORDING_HEAD; r->whole < f->size; r->whole += RECORDING_BLOCK_HEAD + b.stored) {
                result = read_block_head(r, r->whole, &b, failure);
                if (result < 0)
                        break;
                if (f->blocks > 0 && b.first < f->to)
                        return fail(failure, r->whole, -EBADMSG, "a block that begins before the one in front of it ends");
                if (f->blocks++ == 0)
                        f->from = b.first;
                f->to = b.last;
        }
        f->cut = result == -ENODATA;
        f->cut_at = r->whole;
        return result == -ENODATA ? 0 : result;
}

int recording_open_fd(int fd, struct recording_reader **ret_reader, struct recording_failure *failure)
{
        struct recording_reader *r = calloc(1, sizeof(*r));
        struct stat st;
        int result;

        if (!r) {
                fd_close(&fd);
                return fail(failure, 0, -ENOMEM, "out of memory");
        }
        r->fd = fd;
        r->at = r->offset = RECORDING_HEAD;
        if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
                result = fail(failure, 0, -EINVAL, "not a regular file");
        else
                result = read_head(r, failure);
        if (result == 0) {
                r->facts.size = (uint64_t)st.st_size;
                result = read_block_heads(r, failure);
        }
        if (result < 0)
                recording_reader_free(&r);
        else
                *ret_reader = r;
        return result;
}

int recording_open(const char *path, struct recording_reader **ret_reader, struct recording_failure *failure)
{
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

        if (fd < 0)
                return fail(failure, 0, -errno, "it cannot be opened: %s", strerror(errno));
        return recording_open_fd(fd, ret_reader, failure);
}

void recording_reader_free(struct recording_reader **reader)
{
        struct recording_reader *r = *reader;

        *reader = NULL;
        if (!r)
                return;
        fd_close(&r->fd);
        free(r->raw);
        free(r->stored);
        free(r);
}

const struct recording_facts *recording_facts(const struct recording_reader *r)
{
        return &r->facts;
}

uint64_t recording_offset(const struct recording_reader *r)
{
        return r->offset;
}

static int reserve(uint8_t **buffer, size_t *capacity, size_t size)
{
        uint8_t *new;

        if (*capacity >= size)
                return 0;
        new = realloc(*buffer, size);
        if (!new)
                return -ENOMEM;
        *buffer = new;
        *capacity = size;
        return 0;
}

static int read_block(struct recording_reader *r, struct recording_failure *failure)
{
        struct block *b = &r->block;
        uLongf raw;
        uLong stored;
        int result = read_block_head(r, r->at, b, failure);

        if (result == 0 && reserve(&r->stored, &r->stored_capacity, b->stored) == 0 &&
            reserve(&r->raw, &r->raw_capacity, b->raw) == 0)
                result = read_at(r->fd, r->stored, b->stored, r->at + RECORDING_BLOCK_HEAD);
        else if (result == 0)
                return fail(failure, r->at, -ENOMEM, "out of memory");
        if (result == -ENODATA)
                return fail(failure, r->at, -EIO, "the file became shorter while it was read");
        if (result < 0)
                return *failure->why ? result : fail(failure, r->at, result, "it cannot be read: %s", strerror(-result));
        if (b->data_crc != crc32(0, r->stored, b->stored))
                return fail(failure, r->at, -EBADMSG, "a block is damaged: its checksum differs");
        raw = b->raw;
        stored = b->stored;
        if (uncompress2(r->raw, &raw, r->stored, &stored) != Z_OK || raw != b->raw || stored != b->stored)
                return fail(failure, r->at, -EBADMSG, "a block does not unpack to what its head says");
        r->offset = r->at;
        r->at += RECORDING_BLOCK_HEAD + b->stored;
        r->frame = r->raw;
        r->end = r->raw + b->raw;
        return 0;
}

static bool in_order(struct recording_reader *r, enum recording_kind kind)
{
        switch (r->state) {
        case EXPECT_START:
                if (kind == RECORDING_END && r->gap) {
                        r->state = EXPECT_NOTHING;
                        return true;
                }
                r->state = EXPECT_STORED;
                return kind == RECORDING_START;
        case EXPECT_STORED:
                if (kind == RECORDING_LOADED)
                        r->state = EXPECT_INPUT;
                return kind == RECORDING_STORED || kind == RECORDING_LOADED;
        case EXPECT_INPUT:
                if (kind == RECORDING_GAP) {
                        r->state = EXPECT_START;
                        r->gap = true;
                } else if (kind == RECORDING_END) {
                        r->state = EXPECT_NOTHING;
                }
                return kind >= RECORDING_SUMMARY;
        case EXPECT_NOTHING:
                break;
        }
        return false;
}

int recording_next(struct recording_reader *r, struct recording_frame *ret_frame, struct recording_failure *failure)
{
        struct recording_frame f;
        const char *why;
        int result;

        failure->why[0] = '\0';
        while (r->frame == r->end) {
                if (r->at >= r->whole) {
                        r->facts.cut = r->facts.cut || r->state != EXPECT_NOTHING;
                        return 0;
                }
                result = read_block(r, failure);
                if (result < 0)
                        return result;
                if ((int64_t)recording_number_of(r->frame + 1, 8) != r->block.first)
                        return fail(failure, r->offset, -EBADMSG, "a block that does not begin when its head says");
        }
        if (recording_frame_take(&r->frame, r->end, &f, &why) < 0)
                return fail(failure, r->offset, -EBADMSG, "%s", why);
        if (f.at < r->last || f.at > r->block.last)
                return fail(failure, r->offset, -EBADMSG, "a frame at a time at which it cannot be");
        if (!in_order(r, f.kind))
                return fail(failure, r->offset, -EBADMSG, "a frame where none of its kind can be");
        r->last = f.at;
        *ret_frame = f;
        return 1;
}
