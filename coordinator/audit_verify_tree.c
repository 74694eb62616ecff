/* Bundles against tiles, tiles against each other, and all of it against the checkpoints. Where two
 * disagree, the one that agrees with the level above is right. */
#include "coordinator/audit_verify_internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A tile of `width` hashes. False, with a finding, if it cannot be had. */
static bool read_tile(struct verifier *v, unsigned level, uint64_t number, unsigned width, struct tlog_hash *ret_hashes)
{
        CLEANUP_FREE uint8_t *data = NULL;
        char path[AUDIT_PATH_MAX];
        size_t size;
        int r = audit_file_read(&v->files, audit_tile_path((int)level, number, width, path), AUDIT_TILE_SIZE, &data, &size);

        if (r < 0) {
                verify_find(v, path, "it cannot be read: %s", strerror(-r));
                return false;
        }
        v->verified->files++;
        if (size != width * TLOG_HASH_SIZE) {
                verify_find(v, path, "it is of %zu bytes, not of %zu", size, (size_t)width * TLOG_HASH_SIZE);
                return false;
        }
        memcpy(ret_hashes, data, size);
        return true;
}

/* The hash that the level above stores of tile `number` of `level`, of a whole tile there or of its part. */
static bool parent_of(struct verifier *v, unsigned level, uint64_t number, struct tlog_hash *ret_hash)
{
        CLEANUP_FREE uint8_t *data = NULL;
        uint64_t above = number / AUDIT_TILE_WIDTH, last = (v->base >> ((level + 1) * AUDIT_TILE_BITS)) / AUDIT_TILE_WIDTH;
        unsigned width =
                above < last ? AUDIT_TILE_WIDTH : (unsigned)((v->base >> ((level + 1) * AUDIT_TILE_BITS)) % AUDIT_TILE_WIDTH);
        char path[AUDIT_PATH_MAX];
        size_t size;

        if (audit_file_read(&v->files, audit_tile_path((int)level + 1, above, width, path), AUDIT_TILE_SIZE, &data, &size) < 0 ||
            size != width * TLOG_HASH_SIZE || number % AUDIT_TILE_WIDTH >= width)
                return false;
        memcpy(ret_hash, data + number % AUDIT_TILE_WIDTH * TLOG_HASH_SIZE, TLOG_HASH_SIZE);
        return true;
}

/* Which hashes of a tile are others than those computed. */
static void compare_tile(struct verifier *v, unsigned level, uint64_t number, unsigned width, const struct tlog_hash *computed)
{
        struct tlog_hash stored[AUDIT_TILE_WIDTH];
        char path[AUDIT_PATH_MAX];

        if (!read_tile(v, level, number, width, stored))
                return;
        for (unsigned i = 0; i < width; i++)
                if (!tlog_hash_equal(&stored[i], &computed[i])) {
                        verify_find(v, audit_tile_path((int)level, number, width, path),
                                    "hash %u at byte %u is not that of what lies below it", i, i * TLOG_HASH_SIZE);
                        return;
                }
}

/* A whole tile's hash becomes one of the level above. */
static void add_hash(struct verifier *v, unsigned level, uint64_t number, const struct tlog_hash *hash)
{
        struct tlog_hash above;
        int r;

        if (level == AUDIT_LEVELS)
                return;
        v->levels[level].hashes[v->levels[level].count++] = *hash;
        if (v->levels[level].count < AUDIT_TILE_WIDTH)
                return;
        v->levels[level].count = 0;
        compare_tile(v, level, number / AUDIT_TILE_WIDTH, AUDIT_TILE_WIDTH, v->levels[level].hashes);
        r = audit_tile_fold(v->levels[level].hashes, AUDIT_TILE_BITS, &above);
        if (r < 0)
                v->failed = r;
        else
                add_hash(v, level + 1, number / AUDIT_TILE_WIDTH, &above);
}

/* What a bundle's file holds: leaf hashes, and where each entry begins. */
struct bundle {
        uint8_t *data;
        size_t size;
        unsigned count; /* entries that could be taken */
        bool whole;     /* as many as there should be, and nothing behind them */
        struct tlog_hash leaves[AUDIT_TILE_WIDTH];
        const uint8_t *entries[AUDIT_TILE_WIDTH];
        size_t sizes[AUDIT_TILE_WIDTH];
};

static bool read_bundle(struct verifier *v, uint64_t number, unsigned width, struct bundle *b)
{
        char path[AUDIT_PATH_MAX];
        size_t at = 0;
        int r;

        *b = (struct bundle){ 0 };
        r = audit_file_read(&v->files, audit_tile_path(AUDIT_BUNDLE_LEVEL, number, width, path), AUDIT_BUNDLE_MAX, &b->data,
                            &b->size);
        if (r < 0) {
                verify_find(v, path, "it cannot be read: %s", strerror(-r));
                return false;
        }
        v->verified->files++;
        while (b->count < width && audit_bundle_take(b->data, b->size, &at, &b->entries[b->count], &b->sizes[b->count]) == 0) {
                r = tlog_leaf(b->entries[b->count], b->sizes[b->count], &b->leaves[b->count]);
                if (r < 0)
                        v->failed = r;
                b->count++;
        }
        b->whole = b->count == width && at == b->size;
        return true;
}

/* The first entry that is another than the tree's; `width` if none is. */
static unsigned first_other(const struct bundle *b, const struct tlog_hash *leaves, unsigned width)
{
        unsigned i = 0;

        while (i < b->count && tlog_hash_equal(&b->leaves[i], &leaves[i]))
                i++;
        return i < b->count || b->count < width ? i : width;
}

static void find_entry(struct verifier *v, uint64_t number, unsigned width, const struct bundle *b, unsigned which)
{
        char path[AUDIT_PATH_MAX];

        audit_tile_path(AUDIT_BUNDLE_LEVEL, number, width, path);
        if (which < b->count)
                verify_find(v, path, "entry %" PRIu64 " at byte %zu is not the one that the tree has",
                            number * AUDIT_TILE_WIDTH + which, (size_t)(b->entries[which] - b->data));
        else if (which < width)
                verify_find(v, path, "it ends before entry %" PRIu64, number * AUDIT_TILE_WIDTH + which);
        else
                verify_find(v, path, "there is something behind its last entry");
}

static bool folds_to(struct verifier *v, const struct tlog_hash *leaves, const struct tlog_hash *parent)
{
        struct tlog_hash hash;
        int r = audit_tile_fold(leaves, AUDIT_TILE_BITS, &hash);

        if (r < 0)
                v->failed = r;
        return r == 0 && tlog_hash_equal(&hash, parent);
}

/* Entries and tile disagree, or one of them is missing: chooses the hashes that are right. */
static const struct tlog_hash *arbitrate(struct verifier *v, uint64_t number, const struct bundle *b, const struct tlog_hash *tile)
{
        unsigned which = tile ? first_other(b, tile, AUDIT_TILE_WIDTH) : AUDIT_TILE_WIDTH;
        struct tlog_hash parent;
        bool has_parent = parent_of(v, 0, number, &parent);
        char path[AUDIT_PATH_MAX];

        if (b->whole && (!tile || (has_parent && folds_to(v, b->leaves, &parent)))) {
                if (tile)
                        verify_find(v, audit_tile_path(0, number, AUDIT_TILE_WIDTH, path),
                                    "hash %u at byte %u is not that of entry %" PRIu64, which, which * TLOG_HASH_SIZE,
                                    number * AUDIT_TILE_WIDTH + which);
                return b->leaves;
        }
        if (!tile)
                return NULL;
        find_entry(v, number, AUDIT_TILE_WIDTH, b, which);
        if (!has_parent || !folds_to(v, tile, &parent))
                verify_find(v, audit_tile_path(0, number, AUDIT_TILE_WIDTH, path), "hash %u may be the wrong one instead", which);
        return tile;
}

static void add_entries(struct verifier *v, uint64_t number, struct bundle *b, const struct tlog_hash *right, unsigned width)
{
        bool other[AUDIT_TILE_WIDTH];

        for (unsigned i = 0; i < width; i++) {
                other[i] = i >= b->count || !tlog_hash_equal(&b->leaves[i], &right[i]);
                verify_add_leaf(v, &right[i]);
        }
        verify_batch_hold(v, b->data, b->size);
        for (unsigned i = 0; i < MIN(b->count, width); i++)
                verify_batch_add(v, number * AUDIT_TILE_WIDTH + i, b->entries[i], b->sizes[i], other[i]);
        b->data = NULL;
}

void verify_bundles(struct verifier *v)
{
        struct bundle *b = malloc(sizeof(*b));

        if (!b) {
                v->failed = -ENOMEM;
                return;
        }
        for (uint64_t number = 0; number < v->base / AUDIT_TILE_WIDTH && !v->failed; number++) {
                struct tlog_hash tile[AUDIT_TILE_WIDTH], hash;
                bool has_tile = read_tile(v, 0, number, AUDIT_TILE_WIDTH, tile);
                bool has_bundle = read_bundle(v, number, AUDIT_TILE_WIDTH, b);
                const struct tlog_hash *right = has_tile ? tile : NULL;
                int r;

                if (has_bundle && !(has_tile && b->whole && first_other(b, tile, AUDIT_TILE_WIDTH) == AUDIT_TILE_WIDTH))
                        right = arbitrate(v, number, b, right);
                if (!right) {
                        verify_find(v, "tile", "what lies behind entry %" PRIu64 " was not looked at", number * AUDIT_TILE_WIDTH);
                        v->has_checkpoint = v->has_journal = false;
                        v->published = v->base = number * AUDIT_TILE_WIDTH;
                        free(b->data);
                        break;
                }
                add_entries(v, number, b, right, AUDIT_TILE_WIDTH);
                r = audit_tile_fold(right, AUDIT_TILE_BITS, &hash);
                if (r < 0)
                        v->failed = r;
                else
                        add_hash(v, 1, number, &hash);
        }
        free(b);
        for (unsigned level = 1; level < AUDIT_LEVELS && !v->failed; level++)
                if (v->levels[level].count)
                        compare_tile(v, level, (v->base >> (level * AUDIT_TILE_BITS)) / AUDIT_TILE_WIDTH, v->levels[level].count,
                                     v->levels[level].hashes);
}

/* The part of a bundle and of a tile are what the journal says, byte by byte. */
static void compare_parts(struct verifier *v, const struct bundle *part, const struct tlog_hash *leaves, size_t count,
                          unsigned width)
{
        uint64_t number = v->base / AUDIT_TILE_WIDTH;
        char path[AUDIT_PATH_MAX];
        unsigned which;

        if (count < width) {
                verify_find(v, "journal", "it ends with entry %" PRIu64 ", but the checkpoint is of %" PRIu64, v->base + count,
                            v->published);
                return;
        }
        if (part) {
                which = first_other(part, leaves, width);
                if (which < width || !part->whole)
                        find_entry(v, number, width, part, which);
        }
        audit_tile_path(0, number, width, path);
        compare_tile(v, 0, number, width, leaves);
}

/* Entries behind the last whole bundle, as the journal has them; *ret_leaves is the caller's. */
static size_t take_journal(struct verifier *v, struct tlog_hash **ret_leaves)
{
        char origin[NOTE_NAME_MAX + 1];
        struct tlog_hash *leaves = NULL;
        size_t count = 0, at;
        struct audit_frame frame;
        const char *why;
        uint64_t base;

        if (audit_journal_begin(v->journal, v->journal_size, origin, sizeof(origin), &base, &at) < 0)
                return 0;
        verify_batch_hold(v, NULL, 0);
        while (audit_frame_take(v->journal, v->journal_size, &at, &frame, &why) == 0 && !v->failed) {
                struct tlog_hash *more = reallocarray(leaves, count + frame.entries_count + 1, sizeof(*leaves)), root;
                struct checkpoint c;
                const uint8_t *entry;
                size_t in_frame = 0, size;
                int r;

                if (!more) {
                        v->failed = -ENOMEM;
                        break;
                }
                leaves = more;
                while (audit_bundle_take(frame.entries, frame.entries_size, &in_frame, &entry, &size) == 0) {
                        r = tlog_leaf(entry, size, &leaves[count]);
                        if (r < 0)
                                v->failed = r;
                        verify_add_leaf(v, &leaves[count]);
                        verify_batch_add(v, v->base + count++, entry, size, false);
                }
                r = v->keys_good ? audit_keys_open_checkpoint(&v->keys, frame.note, frame.note_size, &c) : -EAGAIN;
                if (r == 0 && (tlog_edge_root(&v->edge, &root) < 0 || c.size != v->edge.size || !tlog_hash_equal(&root, &c.root)))
                        r = -EBADMSG;
                if (r < 0 && r != -EAGAIN)
                        verify_find(v, "journal", "the checkpoint before byte %zu is not that of the entries before it", at);
        }
        *ret_leaves = leaves;
        return count;
}

/* Without a journal there are but the parts: which of them is right, the checkpoint tells. */
static void take_parts(struct verifier *v, struct bundle *part, unsigned width)
{
        uint64_t number = v->base / AUDIT_TILE_WIDTH;
        struct tlog_hash tile[AUDIT_TILE_WIDTH], root;
        struct tlog_edge edge = v->edge;
        bool has_tile = read_tile(v, 0, number, width, tile), tile_is_right = false;
        unsigned which = has_tile ? first_other(part, tile, width) : width;

        if (has_tile && v->has_checkpoint) {
                for (unsigned i = 0; i < width && !v->failed; i++)
                        v->failed = tlog_edge_add(&edge, 0, &tile[i]);
                tile_is_right = tlog_edge_root(&edge, &root) == 0 && tlog_hash_equal(&root, &v->checkpoint.root);
        }
        if (!part->whole || (which < width && tile_is_right)) {
                find_entry(v, number, width, part, which);
        } else if (which < width) {
                char path[AUDIT_PATH_MAX];

                verify_find(v, audit_tile_path(0, number, width, path), "hash %u at byte %u is not that of entry %" PRIu64, which,
                            which * TLOG_HASH_SIZE, number * AUDIT_TILE_WIDTH + which);
        }
        if (part->whole || has_tile)
                add_entries(v, number, part, has_tile && (tile_is_right || !part->whole) ? tile : part->leaves, width);
}

void verify_rest(struct verifier *v)
{
        unsigned width = (unsigned)(v->published - v->base);
        struct bundle *part = calloc(1, sizeof(*part));
        struct tlog_hash *leaves = NULL;
        bool has_part;
        size_t count;

        if (!part || v->failed) {
                v->failed = v->failed ? v->failed : -ENOMEM;
                free(part);
                return;
        }
        has_part = width && read_bundle(v, v->base / AUDIT_TILE_WIDTH, width, part);
        if (v->has_journal) {
                count = take_journal(v, &leaves);
                if (width && !v->failed)
                        compare_parts(v, has_part ? part : NULL, leaves, count, width);
        } else if (has_part) {
                take_parts(v, part, width);
        }
        free(leaves);
        free(part->data);
        free(part);
}
