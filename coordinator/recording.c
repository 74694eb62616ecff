/* Frames and what they hold. See recording.h. */
#include "coordinator/recording_internal.h"
#include "proto/wire.h"

#include <string.h>

static const struct {
        uint32_t least, most;
} sizes[] = {
        [RECORDING_START] = { RECORDING_START_SIZE, RECORDING_START_SIZE },
        [RECORDING_STORED] = { RECORDING_STORED_HEAD + 1, RECORDING_FRAME_MAX },
        [RECORDING_SUMMARY] = { 1, WIRE_MESSAGE_MAX },
        [RECORDING_POLL] = { RECORDING_POLL_HEAD + 1, RECORDING_POLL_HEAD + 4096 },
        [RECORDING_GAP] = { 1, RECORDING_GAP_MAX },
        [RECORDING_END] = { 0, 0 },
        [RECORDING_ANNOUNCE] = { 4, 3 * 4097 },
};

void recording_number(uint8_t *to, uint64_t value, unsigned bytes)
{
        for (unsigned i = 0; i < bytes; i++)
                to[i] = (uint8_t)(value >> (8 * i));
}

uint64_t recording_number_of(const uint8_t *from, unsigned bytes)
{
        uint64_t value = 0;

        for (unsigned i = 0; i < bytes; i++)
                value |= (uint64_t)from[i] << (8 * i);
        return value;
}

void recording_frame_head(const struct recording_frame *f, uint8_t head[RECORDING_FRAME_HEAD])
{
        head[0] = (uint8_t)f->kind;
        recording_number(head + 1, (uint64_t)f->at, 8);
        recording_number(head + 9, f->size, 4);
}

int recording_frame_take(const uint8_t **data, const uint8_t *end, struct recording_frame *ret_frame, const char **ret_why)
{
        struct recording_frame f;
        const uint8_t *p = *data;

        *ret_why = "a frame does not fit its block";
        if ((size_t)(end - p) < RECORDING_FRAME_HEAD)
                return -EBADMSG;
        f = (struct recording_frame){ (enum recording_kind)p[0], (int64_t)recording_number_of(p + 1, 8), p + RECORDING_FRAME_HEAD,
                                      (size_t)recording_number_of(p + 9, 4) };
        if (f.size > (size_t)(end - p) - RECORDING_FRAME_HEAD)
                return -EBADMSG;
        *ret_why = "a frame of no known kind: was it recorded by a later version?";
        if (f.kind < RECORDING_START || f.kind > RECORDING_ANNOUNCE)
                return -EBADMSG;
        *ret_why = "a frame of a size that its kind cannot have";
        if (f.size < sizes[f.kind].least || f.size > sizes[f.kind].most)
                return -EBADMSG;
        *ret_why = "a frame from before 1970";
        if (f.at < 0)
                return -EBADMSG;
        *data = f.data + f.size;
        *ret_frame = f;
        return 0;
}

void recording_start_pack(const struct recording_start *s, uint8_t data[RECORDING_START_SIZE])
{
        memset(data, 0, RECORDING_START_SIZE);
        recording_number(data, s->coordinator, 8);
        recording_number(data + 8, s->memory_max, 8);
        recording_number(data + 16, (uint64_t)s->forget_after, 8);
        recording_number(data + 24, (uint64_t)s->host_stale_after, 8);
        memcpy(data + 32, s->version, strnlen(s->version, sizeof(s->version) - 1));
}

int recording_start_unpack(const struct recording_frame *f, struct recording_start *ret_start)
{
        struct recording_start s = { recording_number_of(f->data, 8), recording_number_of(f->data + 8, 8),
                                     (int64_t)recording_number_of(f->data + 16, 8), (int64_t)recording_number_of(f->data + 24, 8),
                                     "" };

        memcpy(s.version, f->data + 32, sizeof(s.version) - 1);
        for (char *c = s.version; *c; c++)
                if (*c < ' ' || *c > '~')
                        return -EBADMSG;
        if (s.memory_max == 0 || s.memory_max > UINT64_C(1) << 50 || s.forget_after <= 0 || s.host_stale_after <= 0)
                return -EBADMSG;
        *ret_start = s;
        return 0;
}

void recording_stored_head(uint32_t kind, size_t key_size, uint8_t head[RECORDING_STORED_HEAD])
{
        recording_number(head, kind, 4);
        recording_number(head + 4, key_size, 2);
}

int recording_stored_unpack(const struct recording_frame *f, struct recording_stored *ret_stored)
{
        struct recording_stored s = { .kind = (uint32_t)recording_number_of(f->data, 4),
                                      .key = f->data + RECORDING_STORED_HEAD,
                                      .key_size = (size_t)recording_number_of(f->data + 4, 2) };

        if (s.key_size > f->size - RECORDING_STORED_HEAD)
                return -EBADMSG;
        s.value = s.key + s.key_size;
        s.value_size = f->size - RECORDING_STORED_HEAD - s.key_size;
        *ret_stored = s;
        return 0;
}

void recording_poll_head(uint64_t session, uint64_t acknowledged, uint8_t head[RECORDING_POLL_HEAD])
{
        recording_number(head, session, 8);
        recording_number(head + 8, acknowledged, 8);
}

int recording_poll_unpack(const struct recording_frame *f, struct recording_poll *ret_poll)
{
        struct recording_poll p = { recording_number_of(f->data, 8), recording_number_of(f->data + 8, 8), "" };
        size_t length = f->size - RECORDING_POLL_HEAD;

        memcpy(p.host, f->data + RECORDING_POLL_HEAD, length);
        if (memchr(p.host, 0, length) || p.session == 0)
                return -EBADMSG;
        *ret_poll = p;
        return 0;
}

int recording_announce_unpack(const struct recording_frame *f, struct recording_announce *ret_announce)
{
        const char *at[3], *p = (const char *)f->data, *end = p + f->size;

        for (size_t i = 0; i < ARRAY_SIZE(at); i++) {
                const char *nul = memchr(p, 0, (size_t)(end - p));

                if (!nul)
                        return -EBADMSG;
                at[i] = p;
                p = nul + 1;
        }
        if (p != end || !*at[0] || !*at[1])
                return -EBADMSG;
        *ret_announce = (struct recording_announce){ at[0], at[1], at[2] };
        return 0;
}
