#include "coordinator/bytes.h"
#include "coordinator/recording_internal.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

struct recording_writer {
        int fd;
        int failed; /* the first -errno */
        uint64_t size;
        struct writer raw;
        int64_t first, last;
        uint8_t *stored;
        size_t stored_capacity;
};

static int write_all(int fd, const uint8_t *data, size_t size)
{
        while (size > 0) {
                ssize_t n = write(fd, data, size);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return n < 0 ? -errno : -EIO;
                data += n;
                size -= (size_t)n;
        }
        return 0;
}

int recording_create(const char *path, struct recording_writer **ret_writer)
{
        struct recording_writer *w = calloc(1, sizeof(*w));
        uint8_t head[RECORDING_HEAD];
        int r = 0;

        if (!w)
                return -ENOMEM;
        w->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (w->fd < 0) {
                r = -errno;
                recording_writer_free(&w);
                return r;
        }
        memcpy(head, RECORDING_MAGIC, 8);
        recording_number(head + 8, RECORDING_VERSION, 4);
        recording_number(head + 12, crc32(0, head, 12), 4);
        r = write_all(w->fd, head, sizeof(head));
        if (r < 0) {
                unlink(path);
                recording_writer_free(&w);
                return r;
        }
        w->size = sizeof(head);
        *ret_writer = w;
        return 0;
}

void recording_writer_free(struct recording_writer **writer)
{
        struct recording_writer *w = *writer;

        *writer = NULL;
        if (!w)
                return;
        fd_close(&w->fd);
        writer_free(&w->raw);
        free(w->stored);
        free(w);
}

uint64_t recording_written(const struct recording_writer *w)
{
        return w->size;
}

static int pack_block(struct recording_writer *w, size_t *ret_size)
{
        uLongf stored = compressBound(w->raw.size);
        uint8_t *data;

        if (w->stored_capacity < RECORDING_BLOCK_HEAD + stored) {
                data = realloc(w->stored, RECORDING_BLOCK_HEAD + stored);
                if (!data)
                        return -ENOMEM;
                w->stored = data;
                w->stored_capacity = RECORDING_BLOCK_HEAD + stored;
        }
        data = w->stored;
        if (compress2(data + RECORDING_BLOCK_HEAD, &stored, w->raw.data, w->raw.size, Z_DEFAULT_COMPRESSION) != Z_OK)
                return -ENOMEM;
        memcpy(data, RECORDING_BLOCK_MAGIC, 4);
        recording_number(data + 4, w->raw.size, 4);
        recording_number(data + 8, stored, 4);
        recording_number(data + 12, crc32(0, data + RECORDING_BLOCK_HEAD, (uInt)stored), 4);
        recording_number(data + 16, (uint64_t)w->first, 8);
        recording_number(data + 24, (uint64_t)w->last, 8);
        recording_number(data + 32, crc32(0, data, 32), 4);
        *ret_size = RECORDING_BLOCK_HEAD + stored;
        return 0;
}

int recording_flush(struct recording_writer *w)
{
        size_t size = 0;
        int r = w->failed;

        if (r < 0 || w->raw.size == 0)
                return r;
        r = w->raw.failed ? -ENOMEM : pack_block(w, &size);
        if (r == 0) {
                r = write_all(w->fd, w->stored, size);
                /* Half a block would look like a cut; without it the file is as it was before. */
                if (r < 0 && (ftruncate(w->fd, (off_t)w->size) < 0 || lseek(w->fd, 0, SEEK_END) < 0))
                        r = -EIO;
        }
        if (r < 0) {
                w->failed = r;
                return r;
        }
        w->size += size;
        w->raw.size = 0;
        return 0;
}

int recording_put(struct recording_writer *w, const struct recording_frame *f)
{
        uint8_t head[RECORDING_FRAME_HEAD];

        if (w->failed < 0)
                return w->failed;
        if (f->size > RECORDING_FRAME_MAX)
                return -E2BIG;
        if (f->at < w->last)
                return -ERANGE;
        if (w->raw.size == 0)
                w->first = f->at;
        w->last = f->at;
        recording_frame_head(f, head);
        write_raw(&w->raw, head, sizeof(head));
        write_raw(&w->raw, f->data, f->size);
        return w->raw.size >= RECORDING_BLOCK_WANTED || w->raw.failed ? recording_flush(w) : 0;
}

int recording_finish(struct recording_writer *w)
{
        int r = recording_put(w, &(struct recording_frame){ .kind = RECORDING_END, .at = w->last });

        if (r == 0)
                r = recording_flush(w);
        if (r == 0 && fsync(w->fd) < 0 && errno != EINVAL)
                r = -errno;
        return r;
}
