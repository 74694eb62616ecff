/* A recording that somebody hands us: the file as it is, if it begins as one does; else frames for which
 * a block with right checksums is made, so that what lies behind them is reached. It is replayed, and the
 * graph is looked at. */
#include "coordinator/core.h"
#include "coordinator/recording_internal.h"
#include "coordinator/replay.h"
#include "coordinator/signature.h"
#include "coordinator/view.h"
#include "proto/yaml_config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void make_block(int fd, const uint8_t *raw, size_t size)
{
        uint8_t head[RECORDING_HEAD + RECORDING_BLOCK_HEAD], *block = head + RECORDING_HEAD;
        uLongf stored = compressBound(size);
        uint8_t *data = malloc(stored);
        const uint8_t *next = raw;
        struct recording_frame f;
        const char *why;
        int64_t last = 0;

        if (!data || compress2(data, &stored, raw, size, 1) != Z_OK)
                abort();
        while (recording_frame_take(&next, raw + size, &f, &why) == 0)
                last = MAX(last, f.at);
        memcpy(head, RECORDING_MAGIC, 8);
        recording_number(head + 8, RECORDING_VERSION, 4);
        recording_number(head + 12, crc32(0, head, 12), 4);
        memcpy(block, RECORDING_BLOCK_MAGIC, 4);
        recording_number(block + 4, size, 4);
        recording_number(block + 8, stored, 4);
        recording_number(block + 12, crc32(0, data, (uInt)stored), 4);
        memcpy(block + 16, raw + 1, 8);
        recording_number(block + 24, (uint64_t)last, 8);
        recording_number(block + 32, crc32(0, block, 32), 4);
        if (write(fd, head, sizeof(head)) != (ssize_t)sizeof(head) || write(fd, data, stored) != (ssize_t)stored)
                abort();
        free(data);
}

static void look(struct core *core, int64_t now)
{
        static const struct view_query everything = {
                .parts = VIEW_GRAPH | VIEW_HOSTS | VIEW_PROCESSES | VIEW_POOLS | VIEW_INCIDENTS, .window = 60 * NSEC_PER_SEC
        };
        struct view *view = NULL;

        if (core_view(core, now, &everything, &view) == 0)
                view_free(&view);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const char *const built_in = SIGNATURES_BUILT_IN;
        static const struct core_options small = { .memory_max = 32u << 20 };
        static struct signature_set *signatures;
        struct recording_reader *reader = NULL;
        struct yaml_config_error error;
        struct recording_failure failure = { 0 };
        struct replay_facts facts;
        struct replay *p = NULL;
        int fd = memfd_create("recording", MFD_CLOEXEC), r;

        if (fd < 0)
                return 0;
        if (!signatures && signatures_load(&built_in, 1, &signatures, &error) < 0)
                abort();
        if (size < RECORDING_FRAME_HEAD || memcmp(data, RECORDING_MAGIC, 8) == 0) {
                if (write(fd, data, size) != (ssize_t)size)
                        abort();
        } else {
                make_block(fd, data, size);
        }
        r = recording_open_fd(fd, &reader, &failure);
        if (r == 0)
                r = replay_new(&reader, &small, signatures, &p);
        if (r == 0)
                r = replay_run(p, INT64_MAX, &failure);
        if (r < 0 && !*failure.why)
                abort();
        if (r == 0 && replay_core(p)) {
                replay_facts(p, &facts);
                look(replay_core(p), facts.now);
        }
        replay_free(&p);
        return 0;
}
