/* What the files of the verifier share. */
#pragma once

#include "coordinator/audit_files.h"
#include "coordinator/audit_journal.h"
#include "coordinator/audit_keys.h"
#include "coordinator/audit_tiles.h"
#include "coordinator/audit_verify.h"

/* An entry that is to be looked at by itself. */
struct verify_entry {
        uint64_t index;
        const uint8_t *bytes; /* of a buffer that the batch owns */
        size_t size;
        bool known_bad; /* the tree has told so */
        int result;     /* 0, -EBADMSG: it is no entry, -EKEYREJECTED: signed by another */
        bool has_evidence;
        uint8_t evidence[TLOG_HASH_SIZE];
};

/* Entries that are looked at together, on all processors. */
struct verify_batch {
        struct verify_entry *entries;
        size_t count, capacity, bytes;
        uint8_t **buffers;
        size_t buffers_count, buffers_capacity;
};

struct verify_finding {
        char file[AUDIT_PATH_MAX];
        char sentence[256];
};

struct verifier {
        struct audit_files files;
        const struct audit_verify_options *options;
        struct audit_verified *verified;
        unsigned threads;
        int failed; /* -errno of what has nothing to do with the log */

        struct verify_finding *findings;
        size_t findings_count, findings_capacity;

        struct audit_keys keys;
        bool keys_good;
        bool has_checkpoint; /* and it is signed as it should be */
        struct checkpoint checkpoint;
        uint8_t *checkpoint_bytes;
        size_t checkpoint_bytes_size;
        bool has_given;
        struct checkpoint given;

        /* [0, base) lies in whole bundles, [base, published) in a part of one, [base, ...) in the journal. */
        uint64_t base, published;
        bool has_journal; /* and it is good to its end */
        uint8_t *journal;
        size_t journal_size;

        struct tlog_edge edge; /* of the entries so far, as far as is known what they are */
        struct {
                unsigned count;
                struct tlog_hash hashes[AUDIT_TILE_WIDTH];
        } levels[AUDIT_LEVELS]; /* of the tile that is being filled; 0 is unused */
        struct verify_batch batch;
        uint8_t (*evidence)[TLOG_HASH_SIZE]; /* that entries name; sorted once all are known */
        size_t evidence_count, evidence_capacity;
        bool names_missing; /* entries that cannot be read may name more */
};

/* Something is wrong there. */
void verify_find(struct verifier *v, const char *file, const char *format, ...) PRINTF_LIKE(3, 4);
/* The next entry of the tree. */
void verify_add_leaf(struct verifier *v, const struct tlog_hash *leaf);

/* audit_verify_tree.c: whole bundles and tiles; then what lies behind them. */
void verify_bundles(struct verifier *v);
void verify_rest(struct verifier *v);

/* audit_verify_entries.c. The batch takes `buffer`, which the entries added next lie in. */
void verify_batch_hold(struct verifier *v, uint8_t *buffer, size_t size);
void verify_batch_add(struct verifier *v, uint64_t index, const uint8_t *bytes, size_t size, bool known_bad);
void verify_batch_end(struct verifier *v);
void verify_batch_free(struct verify_batch *batch);

/* audit_verify_files.c: evidence, and what does not belong there. */
void verify_files(struct verifier *v);
