/* From the journal to the files that others read. */
#include "coordinator/audit_internal.h"
#include "coordinator/digest.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define ENTRIES AUDIT_LEVELS /* in `published` */

/* Entries as in a bundle; the caller frees. */
static int make_bundle(const struct audit_pending *entries, size_t count, uint8_t **ret_bundle, size_t *ret_size)
{
        uint8_t *bundle, *p;
        size_t size = 0;

        for (size_t i = 0; i < count; i++)
                size += 2 + entries[i].size;
        p = bundle = malloc(size ? size : 1);
        if (!bundle)
                return -ENOMEM;
        for (size_t i = 0; i < count; i++) {
                *p++ = (uint8_t)(entries[i].size >> 8);
                *p++ = (uint8_t)entries[i].size;
                memcpy(p, entries[i].bytes, entries[i].size);
                p += entries[i].size;
        }
        *ret_bundle = bundle;
        *ret_size = size;
        return 0;
}

static int put_bundle(struct audit_state *s, uint64_t number, unsigned width, bool durable)
{
        CLEANUP_FREE uint8_t *bundle = NULL;
        char path[AUDIT_PATH_MAX];
        size_t size;
        int r = make_bundle(s->pending, width, &bundle, &size);

        if (r < 0)
                return r;
        return audit_file_put(&s->files, audit_tile_path(AUDIT_BUNDLE_LEVEL, number, width, path), 0600, bundle, size, durable);
}

static int put_tile(struct audit_state *s, unsigned level, uint64_t number, const struct tlog_hash *hashes, unsigned width,
                    bool durable)
{
        char path[AUDIT_PATH_MAX];

        return audit_file_put(&s->files, audit_tile_path((int)level, number, width, path), 0600, hashes, width * TLOG_HASH_SIZE,
                              durable);
}

/* The leaves of the first `width` of what is pending. */
static void leaves(const struct audit_state *s, unsigned width, struct tlog_hash ret_hashes[AUDIT_TILE_WIDTH])
{
        for (unsigned i = 0; i < width; i++)
                ret_hashes[i] = s->pending[i].leaf;
}

/* Of tile `number` nothing in part is left. */
static int remove_parts(struct audit_state *s, unsigned slot, uint64_t number)
{
        int level = slot == ENTRIES ? AUDIT_BUNDLE_LEVEL : (int)slot;
        char path[AUDIT_PATH_MAX];
        int r = 0;

        if (s->published[slot])
                r = audit_file_remove(&s->files, audit_tile_path(level, number, s->published[slot], path), false);
        s->published[slot] = 0;
        if (r == 0)
                r = audit_file_remove(&s->files, audit_tile_parts_path(level, number, path), true);
        return r;
}

/* A hash more on `level`, which may fill a tile, and so on upwards. */
static int add_hash(struct audit_state *s, unsigned level, const struct tlog_hash *hash)
{
        struct tlog_hash above;
        uint64_t number;
        int r;

        if (level == AUDIT_LEVELS)
                return -EOVERFLOW;
        number = (s->base >> (level * AUDIT_TILE_BITS)) / AUDIT_TILE_WIDTH;
        s->levels[level].hashes[s->levels[level].count++] = *hash;
        if (s->levels[level].count < AUDIT_TILE_WIDTH)
                return 0;
        r = put_tile(s, level, number, s->levels[level].hashes, AUDIT_TILE_WIDTH, true);
        if (r == 0)
                r = remove_parts(s, level, number);
        if (r == 0)
                r = audit_tile_fold(s->levels[level].hashes, AUDIT_TILE_BITS, &above);
        if (r < 0)
                return r;
        s->levels[level].count = 0;
        return add_hash(s, level + 1, &above);
}

/* Evidence of what is pending is on disk as files, and no longer needs the journal. */
static int sync_evidence(struct audit_state *s)
{
        for (size_t i = 0; i < s->pending_count; i++) {
                struct audit_pending *p = &s->pending[i];
                char path[AUDIT_PATH_MAX], text[DIGEST_TEXT_SIZE];
                int fd, r;

                if (!p->unsynced)
                        continue;
                audit_evidence_path(digest_text(p->evidence, text), path);
                fd = s->files.io->open(s->files.io->data, s->files.folder, path, O_RDONLY, 0);
                if (fd < 0)
                        return fd;
                r = s->files.io->sync(s->files.io->data, fd);
                fd_close(&fd);
                if (r == 0)
                        r = audit_file_sync_name(&s->files, path);
                if (r < 0)
                        return r;
                p->unsynced = false;
        }
        return 0;
}

/* The first 256 pending leave the journal. */
static int settle_one(struct audit_state *s)
{
        uint64_t number = s->base / AUDIT_TILE_WIDTH;
        struct tlog_hash hashes[AUDIT_TILE_WIDTH], above;
        int r = put_bundle(s, number, AUDIT_TILE_WIDTH, true);

        leaves(s, AUDIT_TILE_WIDTH, hashes);
        if (r == 0)
                r = put_tile(s, 0, number, hashes, AUDIT_TILE_WIDTH, true);
        if (r == 0)
                r = remove_parts(s, ENTRIES, number);
        if (r == 0)
                r = remove_parts(s, 0, number);
        if (r == 0)
                r = audit_tile_fold(hashes, AUDIT_TILE_BITS, &above);
        if (r == 0)
                r = add_hash(s, 1, &above);
        if (r < 0)
                return r;
        for (unsigned i = 0; i < AUDIT_TILE_WIDTH; i++)
                free(s->pending[i].bytes);
        s->pending_count -= AUDIT_TILE_WIDTH;
        memmove(s->pending, s->pending + AUDIT_TILE_WIDTH, s->pending_count * sizeof(*s->pending));
        memset(s->pending + s->pending_count, 0, AUDIT_TILE_WIDTH * sizeof(*s->pending));
        s->base += AUDIT_TILE_WIDTH;
        return 0;
}

static int put_checkpoint(struct audit_state *s)
{
        int r = audit_file_put(&s->files, AUDIT_CHECKPOINT_FILE, 0600, s->note, s->note_size, true);

        if (r == 0)
                s->published_size = audit_state_size(s);
        return r;
}

int audit_state_begin_journal(struct audit_state *s)
{
        struct audit_frame_writer w = { 0 };
        char head[AUDIT_JOURNAL_HEAD_MAX], path[] = AUDIT_JOURNAL_FILE;
        size_t head_size = audit_journal_head(s->origin, s->base, head);
        CLEANUP_FREE uint8_t *whole = NULL;
        int fd, r = head_size ? 0 : -ENOMEM;

        /* Those that are left become one frame; their evidence has a file of its own by now. */
        if (r == 0 && s->pending_count) {
                audit_frame_begin(&w);
                for (size_t i = 0; i < s->pending_count; i++)
                        audit_frame_add_entry(&w, s->pending[i].bytes, s->pending[i].size);
                r = audit_frame_end(&w, s->note, s->note_size);
        }
        if (r == 0) {
                whole = malloc(head_size + w.size);
                r = whole ? 0 : -ENOMEM;
        }
        if (r == 0) {
                memcpy(whole, head, head_size);
                if (w.size)
                        memcpy(whole + head_size, w.data, w.size);
                r = audit_file_put(&s->files, path, 0600, whole, head_size + w.size, true);
        }
        if (r == 0) {
                fd = s->files.io->open(s->files.io->data, s->files.folder, path, O_WRONLY, 0);
                if (fd < 0) {
                        r = fd;
                } else {
                        fd_close(&s->journal);
                        s->journal = fd;
                        s->journal_size = head_size + w.size;
                }
        }
        audit_frame_free(&w);
        return r;
}

/* `width` hashes or entries of tile `number` take the place of those that were there before. */
static int publish_part(struct audit_state *s, unsigned slot, uint64_t number, const struct tlog_hash *hashes, unsigned width)
{
        int level = slot == ENTRIES ? AUDIT_BUNDLE_LEVEL : (int)slot;
        char path[AUDIT_PATH_MAX];
        unsigned before = s->published[slot];
        int r;

        if (width == before)
                return 0;
        r = slot == ENTRIES ? put_bundle(s, number, width, false) : put_tile(s, slot, number, hashes, width, false);
        if (r < 0)
                return r;
        s->published[slot] = width;
        return before ? audit_file_remove(&s->files, audit_tile_path(level, number, before, path), false) : 0;
}

int audit_state_publish(struct audit_state *s)
{
        struct tlog_hash hashes[AUDIT_TILE_WIDTH];
        int r;

        if (s->published_size == audit_state_size(s))
                return 0;
        leaves(s, (unsigned)s->pending_count, hashes);
        r = publish_part(s, ENTRIES, s->base / AUDIT_TILE_WIDTH, NULL, (unsigned)s->pending_count);
        if (r == 0)
                r = publish_part(s, 0, s->base / AUDIT_TILE_WIDTH, hashes, (unsigned)s->pending_count);
        for (unsigned level = 1; level < AUDIT_LEVELS && r == 0; level++)
                r = publish_part(s, level, (s->base >> (level * AUDIT_TILE_BITS)) / AUDIT_TILE_WIDTH, s->levels[level].hashes,
                                 s->levels[level].count);
        return r < 0 ? r : put_checkpoint(s);
}

int audit_state_settle(struct audit_state *s)
{
        int r;

        if (s->pending_count < AUDIT_TILE_WIDTH)
                return 0;
        r = sync_evidence(s);
        while (s->pending_count >= AUDIT_TILE_WIDTH && r == 0)
                r = settle_one(s);
        /* The checkpoint before the journal: without it nothing would say what the journal had held. */
        if (r == 0)
                r = audit_state_publish(s);
        return r < 0 ? r : audit_state_begin_journal(s);
}
