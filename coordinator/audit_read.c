/* What is read from the audit log while it is open. */
#include "coordinator/audit_internal.h"
#include "coordinator/digest.h"
#include "coordinator/dsse.h"
#include "coordinator/statement.h"

#include <stdlib.h>
#include <string.h>

/* A whole tile, as hashes. */
static int read_tile(struct audit_state *s, unsigned level, uint64_t number)
{
        char path[AUDIT_PATH_MAX];
        CLEANUP_FREE uint8_t *data = NULL;
        size_t size;
        int r;

        if (s->cache.known && s->cache.level == level && s->cache.number == number)
                return 0;
        r = audit_file_read(&s->files, audit_tile_path((int)level, number, AUDIT_TILE_WIDTH, path), AUDIT_TILE_SIZE, &data, &size);
        if (r == 0 && size != AUDIT_TILE_SIZE)
                r = -EBADMSG;
        if (r < 0)
                return r == -ENOENT ? -EBADMSG : r;
        memcpy(s->cache.hashes, data, AUDIT_TILE_SIZE);
        s->cache.level = level;
        s->cache.number = number;
        s->cache.known = true;
        return 0;
}

/* Of leaves that all lie below `base`. */
static int read_stored(struct audit_state *s, unsigned height, uint64_t index, struct tlog_hash *ret_hash)
{
        unsigned level = height / AUDIT_TILE_BITS, within = height % AUDIT_TILE_BITS;
        uint64_t first = index << within, number = first / AUDIT_TILE_WIDTH;
        const struct tlog_hash *hashes = s->cache.hashes;
        int r;

        if (level > 0 && number == (s->base >> (level * AUDIT_TILE_BITS)) / AUDIT_TILE_WIDTH) {
                hashes = s->levels[level].hashes;
        } else {
                r = read_tile(s, level, number);
                if (r < 0)
                        return r;
        }
        return audit_tile_fold(hashes + first % AUDIT_TILE_WIDTH, within, ret_hash);
}

int audit_read_node(void *state, unsigned height, uint64_t index, struct tlog_hash *ret_hash)
{
        struct audit_state *s = state;
        struct tlog_hash left, right;
        int r;

        if ((index + 1) << height <= s->base)
                return read_stored(s, height, index, ret_hash);
        if (height == 0) {
                if (index >= audit_state_size(s))
                        return -ERANGE;
                *ret_hash = s->pending[index - s->base].leaf;
                return 0;
        }
        r = audit_read_node(s, height - 1, 2 * index, &left);
        if (r == 0)
                r = audit_read_node(s, height - 1, 2 * index + 1, &right);
        return r < 0 ? r : tlog_node(&left, &right, ret_hash);
}

int audit_consistency(struct audit *audit, uint64_t size, struct tlog_hash ret_proof[TLOG_PROOF_MAX], size_t *ret_count)
{
        if (!audit->state)
                return -EROFS;
        return tlog_prove_consistency(size, audit_size(audit), audit_read_node, audit->state, ret_proof, ret_count);
}

int audit_inclusion(struct audit *audit, uint64_t index, struct tlog_hash ret_proof[TLOG_PROOF_MAX], size_t *ret_count)
{
        if (!audit->state)
                return -EROFS;
        return tlog_prove_inclusion(index, audit_size(audit), audit_read_node, audit->state, ret_proof, ret_count);
}

static int visit_one(uint64_t index, const uint8_t *bytes, size_t size, audit_entry_function function, void *data)
{
        struct audit_entry entry = { .index = index, .bytes = bytes, .size = size };
        struct statement statement;
        struct dsse dsse;
        int r = dsse_parse(bytes, size, &dsse);

        if (r < 0)
                return r;
        r = statement_parse((const char *)dsse.payload, dsse.size, &statement);
        dsse_free(&dsse);
        if (r < 0)
                return r;
        entry.at = statement.at;
        entry.kind = statement.kind;
        entry.incident = statement.incident;
        entry.action = statement.action;
        entry.evidence = statement.evidence;
        entry.predicate = statement.data;
        r = tlog_leaf(bytes, size, &entry.leaf);
        if (r == 0)
                r = function(data, &entry);
        statement_free(&statement);
        return r;
}

/* Those of a whole bundle. */
static int visit_bundle(struct audit_state *s, uint64_t number, uint64_t from, uint64_t to, audit_entry_function function,
                        void *data)
{
        uint64_t index = number * AUDIT_TILE_WIDTH;
        char path[AUDIT_PATH_MAX];
        CLEANUP_FREE uint8_t *bundle = NULL;
        size_t size, at = 0;
        int r = audit_file_read(&s->files, audit_tile_path(AUDIT_BUNDLE_LEVEL, number, AUDIT_TILE_WIDTH, path), AUDIT_BUNDLE_MAX,
                                &bundle, &size);

        if (r < 0)
                return r == -ENOENT || r == -EFBIG ? -EBADMSG : r;
        for (unsigned i = 0; i < AUDIT_TILE_WIDTH && index < to; i++, index++) {
                const uint8_t *entry;
                size_t length;

                if (audit_bundle_take(bundle, size, &at, &entry, &length) != 0)
                        return -EBADMSG;
                if (index < from)
                        continue;
                r = visit_one(index, entry, length, function, data);
                if (r < 0)
                        return r;
        }
        return 0;
}

int audit_visit(struct audit *audit, uint64_t from, uint64_t to, audit_entry_function function, void *data)
{
        struct audit_state *s = audit->state;
        int r = 0;

        if (!s)
                return -EROFS;
        to = MIN(to, audit_state_size(s));
        while (from < to && from < s->base && r == 0) {
                uint64_t number = from / AUDIT_TILE_WIDTH;

                r = visit_bundle(s, number, from, to, function, data);
                from = (number + 1) * AUDIT_TILE_WIDTH;
        }
        for (; from < to && r >= 0; from++) {
                const struct audit_pending *p = &s->pending[from - s->base];

                r = visit_one(from, p->bytes, p->size, function, data);
        }
        return r < 0 ? r : 0;
}

int audit_evidence(struct audit *audit, const char *digest, uint8_t **ret_data, size_t *ret_size)
{
        char path[AUDIT_PATH_MAX], text[DIGEST_TEXT_SIZE];
        uint8_t actual[DIGEST_SIZE];
        CLEANUP_FREE uint8_t *data = NULL;
        size_t size;
        int r;

        if (!audit->state)
                return -EROFS;
        if (strlen(digest) != 2 * DIGEST_SIZE || strspn(digest, "0123456789abcdef") != 2 * DIGEST_SIZE)
                return -ENOENT;
        r = audit_file_read(&audit->state->files, audit_evidence_path(digest, path), AUDIT_EVIDENCE_MAX, &data, &size);
        if (r == 0)
                r = digest_of(data, size, actual);
        if (r < 0)
                return r == -EFBIG ? -EBADMSG : r;
        if (strcmp(digest_text(actual, text), digest) != 0)
                return -EBADMSG;
        *ret_data = TAKE_PTR(data);
        *ret_size = size;
        return 0;
}
