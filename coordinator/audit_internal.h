/* What the files of the audit log share. */
#pragma once

#include "coordinator/audit.h"
#include "coordinator/audit_files.h"
#include "coordinator/audit_journal.h"
#include "coordinator/audit_keys.h"
#include "coordinator/audit_tiles.h"

/* So many entries may wait for their bundles to become durable. */
#define AUDIT_PENDING_MAX 2048
#define AUDIT_JOURNAL_FILE "journal"
#define AUDIT_CHECKPOINT_FILE "checkpoint"
#define AUDIT_KEY_NEXT_FILE "audit.key.next"

struct audit_pending {
        uint8_t *bytes;
        size_t size;
        struct tlog_hash leaf;
        bool unsynced; /* its evidence is durable in the journal alone */
        uint8_t evidence[TLOG_HASH_SIZE];
};

/* What is known of the log while it is open. */
struct audit_state {
        struct audit_files files; /* of the log's folder */
        struct audit_keys keys;
        struct audit_key *key;
        char key_text[NOTE_KEY_TEXT_MAX];
        char origin[NOTE_NAME_MAX + 1];

        /* [0, base) lies in whole bundles, durably; [base, size) in the journal. */
        uint64_t base;
        struct audit_pending pending[AUDIT_PENDING_MAX];
        size_t pending_count;
        struct tlog_edge edge; /* of all entries */
        char note[NOTE_MAX + 1];
        size_t note_size;
        int journal;
        size_t journal_size;

        /* Hashes of the tiles that are whole, as far as they do not fill one of the next level. */
        struct {
                unsigned count;
                struct tlog_hash hashes[AUDIT_TILE_WIDTH];
        } levels[AUDIT_LEVELS]; /* 0 is unused: its hashes are the leaves of `pending` */

        /* What was published in part, by level and, last, of the entries. */
        unsigned published[AUDIT_LEVELS + 1];
        uint64_t published_size; /* of the checkpoint in the file */

        struct {
                bool known;
                unsigned level;
                uint64_t number;
                struct tlog_hash hashes[AUDIT_TILE_WIDTH];
        } cache; /* the tile read last */
};

struct audit {
        char *state_dir, *name;
        const struct audit_io *io;
        struct audit_state *state; /* NULL: it cannot be opened */
        bool refused;
        char why[512];
        struct audit_frame_writer writer;
};

/* audit.c */
/* Nothing is appended from now on; returns `r`. */
int audit_refuse(struct audit *audit, int r, const char *format, ...) PRINTF_LIKE(3, 4);
/* Signs a checkpoint of the tree whose right edge this is. */
MUST_CHECK int audit_sign_checkpoint(const struct audit_state *state, const struct tlog_edge *edge, char ret_note[NOTE_MAX + 1],
                                     size_t *ret_size);
static inline uint64_t audit_state_size(const struct audit_state *state)
{
        return state->base + state->pending_count;
}
/* evidence/AB/ABCD...: returns `ret_path`. */
const char *audit_evidence_path(const char *digest, char ret_path[AUDIT_PATH_MAX]);
MUST_CHECK int audit_put_evidence(struct audit_state *state, const uint8_t *data, size_t size, bool durable);

/* audit_open.c */
void audit_state_free(struct audit_state **state);
MUST_CHECK int audit_state_open(struct audit *audit, struct audit_state **ret_state);

/* audit_read.c: tlog_read_function of an audit_state. */
int audit_read_node(void *state, unsigned height, uint64_t index, struct tlog_hash *ret_hash);

/* audit_publish.c */
/* Makes whole bundles of what is pending durable, and begins a journal without it. */
MUST_CHECK int audit_state_settle(struct audit_state *state);
MUST_CHECK int audit_state_publish(struct audit_state *state);
/* A journal with what is pending takes the place of the present one. */
MUST_CHECK int audit_state_begin_journal(struct audit_state *state);
