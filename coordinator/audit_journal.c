#include "coordinator/audit_journal.h"
#include "coordinator/audit_tiles.h"
#include "coordinator/digest.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TITLE "nightshift audit journal 1\n"
#define FRAME_MAGIC "nsAF"
#define FRAME_DONE "done"
#define FRAME_HEAD 12
#define FRAME_TAIL (DIGEST_SIZE + 4)
#define BODY_HEAD 4
#define SECTOR 512
#define HEX 32

static uint32_t get32(const uint8_t *p)
{
        return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static unsigned get16(const uint8_t *p)
{
        return (unsigned)p[0] << 8 | p[1];
}

static void put32(uint8_t *p, uint32_t v)
{
        p[0] = (uint8_t)(v >> 24);
        p[1] = (uint8_t)(v >> 16);
        p[2] = (uint8_t)(v >> 8);
        p[3] = (uint8_t)v;
}

static void put16(uint8_t *p, unsigned v)
{
        p[0] = (uint8_t)(v >> 8);
        p[1] = (uint8_t)v;
}

size_t audit_journal_head(const char *origin, uint64_t base, char ret_head[AUDIT_JOURNAL_HEAD_MAX])
{
        int n = snprintf(ret_head, AUDIT_JOURNAL_HEAD_MAX, TITLE "%.250s\n%" PRIu64 "\n", origin, base);
        char text[DIGEST_TEXT_SIZE];
        uint8_t digest[DIGEST_SIZE];

        if (digest_of(ret_head, (size_t)n, digest) < 0)
                return 0;
        return (size_t)n +
               (size_t)snprintf(ret_head + n, AUDIT_JOURNAL_HEAD_MAX - (size_t)n, "%.*s\n", HEX, digest_text(digest, text));
}

int audit_journal_begin(const uint8_t *data, size_t size, char *ret_origin, size_t origin_size, uint64_t *ret_base, size_t *ret_at)
{
        char text[AUDIT_JOURNAL_HEAD_MAX], head[AUDIT_JOURNAL_HEAD_MAX], *origin, *number, *end;
        size_t taken = MIN(size, sizeof(text) - 1), length;
        uint64_t base;

        memcpy(text, data, taken);
        text[taken] = '\0';
        if (strncmp(text, TITLE, strlen(TITLE)) != 0)
                return -EBADMSG;
        origin = text + strlen(TITLE);
        number = strchr(origin, '\n');
        if (!number || (size_t)(number - origin) >= origin_size)
                return -EBADMSG;
        *number++ = '\0';
        base = strtoull(number, &end, 10);
        if (*end != '\n' || base % AUDIT_TILE_WIDTH)
                return -EBADMSG;
        /* In its only spelling. */
        length = audit_journal_head(origin, base, head);
        if (length == 0 || size < length || memcmp(head, data, length) != 0)
                return -EBADMSG;
        snprintf(ret_origin, origin_size, "%s", origin);
        *ret_base = base;
        *ret_at = length;
        return 0;
}

/* A sector of what was to be written last never arrived: it reads as zeros. */
static bool is_torn(const uint8_t *data, size_t at, size_t size)
{
        while (at < size) {
                size_t end = MIN((at / SECTOR + 1) * SECTOR, size), i = at;

                while (i < end && data[i] == 0)
                        i++;
                if (i == end && end - at >= 4)
                        return true;
                at = end;
        }
        return false;
}

static int parse_body(const uint8_t *body, size_t size, struct audit_frame *ret)
{
        struct audit_frame f;
        const uint8_t *piece;
        size_t at = BODY_HEAD, length;

        if (size < BODY_HEAD)
                return -EBADMSG;
        f = (struct audit_frame){ .entries_count = get16(body), .evidence_count = get16(body + 2), .entries = body + BODY_HEAD };
        for (unsigned i = 0; i < f.entries_count; i++)
                if (audit_bundle_take(body, size, &at, &piece, &length) != 0)
                        return -EBADMSG;
        f.entries_size = at - BODY_HEAD;
        f.evidence = body + at;
        for (unsigned i = 0; i < f.evidence_count; i++) {
                if (size - at < 4 || size - at - 4 < get32(body + at))
                        return -EBADMSG;
                at += 4 + (size_t)get32(body + at);
        }
        f.evidence_size = (size_t)(body + at - f.evidence);
        if (size - at < 2 || size - at - 2 != get16(body + at))
                return -EBADMSG;
        f.note = (const char *)body + at + 2;
        f.note_size = get16(body + at);
        *ret = f;
        return 0;
}

int audit_frame_take(const uint8_t *data, size_t size, size_t *at, struct audit_frame *ret_frame, const char **ret_why)
{
        const uint8_t *p = data + *at;
        size_t left = size - *at, length;
        uint8_t digest[DIGEST_SIZE];
        int r;

        *ret_why = "";
        if (left == 0)
                return 1;
        if (left < FRAME_HEAD)
                return -ENODATA;
        length = get32(p + 4);
        *ret_why = "the beginning of a frame";
        if (memcmp(p, FRAME_MAGIC, 4) != 0 || get32(p + 8) != ~(uint32_t)length)
                return is_torn(data, *at, size) ? -ENODATA : -EBADMSG;
        if (left - FRAME_HEAD < length || left - FRAME_HEAD - length < FRAME_TAIL)
                return -ENODATA;
        *ret_why = "the end of a frame";
        if (memcmp(p + FRAME_HEAD + length + DIGEST_SIZE, FRAME_DONE, 4) != 0)
                return is_torn(data, *at, size) ? -ENODATA : -EBADMSG;
        r = digest_of(p + FRAME_HEAD, length, digest);
        if (r < 0)
                return r;
        *ret_why = "a frame, whose digest is another";
        if (memcmp(digest, p + FRAME_HEAD + length, DIGEST_SIZE) != 0)
                return left == FRAME_HEAD + length + FRAME_TAIL && is_torn(data, *at, size) ? -ENODATA : -EBADMSG;
        *ret_why = "the parts of a frame";
        r = parse_body(p + FRAME_HEAD, length, ret_frame);
        if (r < 0)
                return r;
        *at += FRAME_HEAD + length + FRAME_TAIL;
        *ret_why = "";
        return 0;
}

int audit_frame_evidence(const struct audit_frame *frame, size_t *at, const uint8_t **ret_data, size_t *ret_size)
{
        if (*at == frame->evidence_size)
                return 1;
        *ret_size = get32(frame->evidence + *at);
        *ret_data = frame->evidence + *at + 4;
        *at += 4 + *ret_size;
        return 0;
}

static uint8_t *reserve(struct audit_frame_writer *w, size_t more)
{
        size_t capacity = MAX(w->capacity, (size_t)4096);
        uint8_t *data;

        if (w->failed)
                return NULL;
        while (capacity - w->size < more)
                capacity *= 2;
        if (capacity != w->capacity) {
                data = realloc(w->data, capacity);
                if (!data) {
                        w->failed = true;
                        return NULL;
                }
                w->data = data;
                w->capacity = capacity;
        }
        w->size += more;
        return w->data + w->size - more;
}

void audit_frame_begin(struct audit_frame_writer *w)
{
        w->size = 0;
        w->entries = w->evidence = 0;
        (void)reserve(w, FRAME_HEAD + BODY_HEAD);
}

void audit_frame_add_entry(struct audit_frame_writer *w, const uint8_t *entry, size_t size)
{
        uint8_t *p = reserve(w, 2 + size);

        if (!p)
                return;
        put16(p, (unsigned)size);
        memcpy(p + 2, entry, size);
        w->entries++;
}

void audit_frame_add_evidence(struct audit_frame_writer *w, const uint8_t *data, size_t size)
{
        uint8_t *p = reserve(w, 4 + size);

        if (!p)
                return;
        put32(p, (uint32_t)size);
        memcpy(p + 4, data, size);
        w->evidence++;
}

int audit_frame_end(struct audit_frame_writer *w, const char *note, size_t note_size)
{
        uint8_t *p = reserve(w, 2 + note_size + FRAME_TAIL);
        uint32_t length;
        int r;

        if (!p)
                return -ENOMEM;
        put16(p, (unsigned)note_size);
        memcpy(p + 2, note, note_size);
        length = (uint32_t)(w->size - FRAME_HEAD - FRAME_TAIL);
        memcpy(w->data, FRAME_MAGIC, 4);
        put32(w->data + 4, length);
        put32(w->data + 8, ~length);
        put16(w->data + FRAME_HEAD, w->entries);
        put16(w->data + FRAME_HEAD + 2, w->evidence);
        r = digest_of(w->data + FRAME_HEAD, length, p + 2 + note_size);
        memcpy(p + 2 + note_size + DIGEST_SIZE, FRAME_DONE, 4);
        return r;
}

void audit_frame_free(struct audit_frame_writer *w)
{
        free(w->data);
        *w = (struct audit_frame_writer){ 0 };
}
