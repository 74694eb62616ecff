/* Entries of an audit log, their bundles and the journal: whatever is in such a file is taken or refused
 * within its bounds, and what is taken has but one spelling. */
#include "coordinator/audit_journal.h"
#include "coordinator/audit_tiles.h"
#include "coordinator/digest.h"
#include "coordinator/dsse.h"
#include "coordinator/statement.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
        if (!good)
                abort();
}

static void try_statement(const char *text, size_t size)
{
        struct statement s;

        if (statement_parse(text, size, &s) < 0)
                return;
        check(s.kind < AUDIT_KINDS && json_is_object(s.data) && s.at >= 0);
        check(!s.evidence || strlen(s.evidence) == 2 * DIGEST_SIZE);
        statement_free(&s);
}

static void try_entry(const uint8_t *entry, size_t size)
{
        struct note_key key = { .name = "a" };
        CLEANUP_FREE uint8_t *again = NULL;
        struct dsse d;
        size_t length;
        char *plus;

        if (dsse_parse(entry, size, &d) < 0)
                return;
        /* The name in a key's own form, as ours have it: then the envelope comes out as it was. */
        plus = strchr(d.key, '+');
        if (plus && strlen(plus) == 9 && strspn(plus + 1, "0123456789abcdef") == 8) {
                snprintf(key.name, sizeof(key.name), "%.*s", (int)(plus - d.key), d.key);
                key.id = (uint32_t)strtoul(plus + 1, NULL, 16);
                check(dsse_join(d.payload, d.size, &key, d.signature, &again, &length) == 0);
                check(length == size && memcmp(again, entry, size) == 0);
        }
        (void)!dsse_verify(&d, &key);
        try_statement((const char *)d.payload, d.size);
        dsse_free(&d);
}

static void try_bundle(const uint8_t *bundle, size_t size)
{
        const uint8_t *entry;
        size_t at = 0, length;

        for (unsigned i = 0; i < 300 && audit_bundle_take(bundle, size, &at, &entry, &length) == 0; i++) {
                check(entry >= bundle && entry + length <= bundle + size && at <= size);
                try_entry(entry, length);
        }
}

static void try_frames(const uint8_t *journal, size_t size, size_t at)
{
        struct audit_frame f;
        const char *why;
        int r;

        while ((r = audit_frame_take(journal, size, &at, &f, &why)) == 0) {
                const uint8_t *data;
                size_t in = 0, length;

                check(at <= size && f.entries_size <= size && f.note_size <= size);
                while (audit_frame_evidence(&f, &in, &data, &length) == 0)
                        check(data + length <= journal + size);
                try_bundle(f.entries, f.entries_size);
        }
        check(r == 1 || r == -ENODATA || (r == -EBADMSG && *why));
}

/* A frame around what is given, so that what lies behind its digest is reached. */
static void try_as_body(const uint8_t *data, size_t size)
{
        static const uint8_t done[4] = { 'd', 'o', 'n', 'e' };
        uint8_t *frame = malloc(12 + size + DIGEST_SIZE + 4);
        uint32_t length = (uint32_t)size;

        check(frame != NULL);
        memcpy(frame, "nsAF", 4);
        for (unsigned i = 0; i < 4; i++) {
                frame[4 + i] = (uint8_t)(length >> (24 - 8 * i));
                frame[8 + i] = (uint8_t)(~length >> (24 - 8 * i));
        }
        memcpy(frame + 12, data, size);
        check(digest_of(data, size, frame + 12 + size) == 0);
        memcpy(frame + 12 + size + DIGEST_SIZE, done, 4);
        try_frames(frame, 12 + size + DIGEST_SIZE + 4, 0);
        free(frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        uint8_t *copy = malloc(size + 1);
        char origin[64];
        uint64_t base;
        size_t at = 0;

        check(copy != NULL);
        memcpy(copy, data, size);
        copy[size] = '\0';
        try_statement((const char *)copy, size);
        try_entry(copy, size);
        try_bundle(copy, size);
        try_frames(copy, size, 0);
        try_as_body(copy, size);
        if (audit_journal_begin(copy, size, origin, sizeof(origin), &base, &at) == 0) {
                check(at <= size && base % AUDIT_TILE_WIDTH == 0);
                try_frames(copy, size, at);
        }
        free(copy);
        return 0;
}
