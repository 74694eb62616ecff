#include "coordinator/recorder.h"
#include "coordinator/bytes.h"
#include "coordinator/core.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct recorded {
        uint64_t id; /* 0: free */
        uint8_t *data;
        size_t size, capacity;
        uint64_t base;  /* bytes of the recording before data[0] */
        size_t given;   /* of data, with the last answer */
        bool overflown; /* something after `size` is missing */
        int64_t asked;
};

struct recorder {
        struct recorded items[RECORDER_RECORDINGS_MAX];
};

int recorder_new(struct recorder **ret_recorder)
{
        struct recorder *r = calloc(1, sizeof(*r));

        if (!r)
                return -ENOMEM;
        *ret_recorder = r;
        return 0;
}

static void forget(struct recorded *i)
{
        free(i->data);
        *i = (struct recorded){ 0 };
}

void recorder_free(struct recorder **recorder)
{
        for (size_t i = 0; *recorder && i < RECORDER_RECORDINGS_MAX; i++)
                forget(&(*recorder)->items[i]);
        free(*recorder);
        *recorder = NULL;
}

size_t recorder_count(const struct recorder *r)
{
        size_t count = 0;

        for (size_t i = 0; i < RECORDER_RECORDINGS_MAX; i++)
                count += r->items[i].id != 0;
        return count;
}

static struct recorded *find(struct recorder *r, uint64_t id)
{
        for (size_t i = 0; i < RECORDER_RECORDINGS_MAX; i++)
                if (r->items[i].id == id)
                        return &r->items[i];
        return NULL;
}

int recorder_begin(struct recorder *r, uint64_t id, int64_t now)
{
        struct recorded *i = find(r, id);

        if (!i)
                i = find(r, 0);
        if (!i)
                return -EBUSY;
        forget(i);
        i->id = id;
        i->asked = now;
        return 0;
}

void recorder_end(struct recorder *r, uint64_t id)
{
        struct recorded *i = find(r, id);

        if (i)
                forget(i);
}

void recorder_expire(struct recorder *r, int64_t now)
{
        for (size_t i = 0; i < RECORDER_RECORDINGS_MAX; i++)
                if (r->items[i].id && now - r->items[i].asked > RECORDER_SILENT_NS)
                        forget(&r->items[i]);
}

static bool reserve(struct recorded *i, size_t more)
{
        size_t capacity = MAX(i->capacity, (size_t)64 << 10);
        uint8_t *new;

        if (more > RECORDER_BYTES_MAX - i->size)
                return false;
        while (capacity < i->size + more)
                capacity *= 2;
        if (capacity == i->capacity)
                return true;
        new = realloc(i->data, capacity);
        if (!new)
                return false;
        i->data = new;
        i->capacity = capacity;
        return true;
}

static void append(struct recorded *i, const void *data, size_t size)
{
        if (size > 0)
                memcpy(i->data + i->size, data, size);
        i->size += size;
}

void recorder_add(struct recorder *r, enum recording_kind kind, int64_t at, const void *more, size_t more_size, const void *data,
                  size_t size)
{
        struct recording_frame f = { .kind = kind, .at = at, .size = more_size + size };
        uint8_t head[RECORDING_FRAME_HEAD];

        recording_frame_head(&f, head);
        for (size_t n = 0; n < RECORDER_RECORDINGS_MAX; n++) {
                struct recorded *i = &r->items[n];

                if (i->id == 0 || i->overflown)
                        continue;
                if (!reserve(i, sizeof(head) + f.size)) {
                        i->overflown = true;
                        continue;
                }
                append(i, head, sizeof(head));
                append(i, more, more_size);
                append(i, data, size);
        }
}

/* Those before `after` have arrived. */
static int drop_given(struct recorded *i, uint64_t after)
{
        if (after == i->base)
                return 0;
        if (after != i->base + i->given)
                return -EINVAL;
        i->size -= i->given;
        memmove(i->data, i->data + i->given, i->size);
        i->base = after;
        i->given = 0;
        /* What a burst took goes back. */
        if (i->size == 0 && i->capacity > RECORDER_ANSWER_MAX) {
                free(i->data);
                i->data = NULL;
                i->capacity = 0;
        }
        return 0;
}

int recorder_read(struct recorder *r, uint64_t id, uint64_t after, int64_t now, const uint8_t **ret_data, size_t *ret_size)
{
        struct recorded *i = find(r, id);
        const uint8_t *data, *end, *next;
        struct recording_frame f;
        const char *why;

        if (!i)
                return -ENOENT;
        if (drop_given(i, after) < 0)
                return -EINVAL;
        i->asked = now;
        if (i->size == 0 && i->overflown) {
                forget(i);
                return -EOVERFLOW;
        }
        data = next = i->data;
        end = data + i->size;
        while (next < end && recording_frame_take(&next, end, &f, &why) == 0) {
                if (i->given > 0 && (size_t)(next - data) > RECORDER_ANSWER_MAX)
                        break;
                i->given = (size_t)(next - data);
        }
        *ret_data = data;
        *ret_size = i->given;
        return 0;
}

struct snapshot {
        struct writer *out;
        int64_t at;
};

static void write_frame(struct writer *out, enum recording_kind kind, int64_t at, size_t size)
{
        uint8_t head[RECORDING_FRAME_HEAD];

        recording_frame_head(&(struct recording_frame){ .kind = kind, .at = at, .size = size }, head);
        write_raw(out, head, sizeof(head));
}

static int put(void *data, uint32_t kind, const void *key, size_t key_size, const void *value, size_t value_size)
{
        struct snapshot *s = data;
        uint8_t head[RECORDING_STORED_HEAD];
        size_t size = sizeof(head) + key_size + value_size;

        /* A slice of history that no frame can hold: as if memory had been short for it. */
        if (size > RECORDING_FRAME_MAX || key_size > UINT16_MAX)
                return 0;
        write_frame(s->out, RECORDING_STORED, s->at, size);
        recording_stored_head(kind, key_size, head);
        write_raw(s->out, head, sizeof(head));
        write_raw(s->out, key, key_size);
        write_raw(s->out, value, value_size);
        return s->out->failed ? -ENOMEM : 0;
}

int recorder_snapshot(struct core *core, struct writer *out)
{
        const struct core_options *o = core_options_of(core);
        struct snapshot s = { out, core_time(core) };
        /* what the tables are hashed with: their order may decide between equals */
        struct recording_start start = { o->secret ? o->secret : o->coordinator, o->memory_max, o->forget_after,
                                         o->host_stale_after, "" };
        uint8_t packed[RECORDING_START_SIZE];
        int r;

        snprintf(start.version, sizeof(start.version), "%s", NIGHTSHIFT_VERSION);
        recording_start_pack(&start, packed);
        write_frame(out, RECORDING_START, s.at, sizeof(packed));
        write_raw(out, packed, sizeof(packed));
        r = core_snapshot(core, put, &s);
        if (r < 0)
                return r;
        write_frame(out, RECORDING_LOADED, s.at, 0);
        return out->failed ? -ENOMEM : 0;
}
