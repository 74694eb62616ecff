/* The audit log: what the coordinator saw, decided and did, in an order that cannot be changed later
 * without anybody noticing. On disk it is a transparency log in the C2SP formats (tlog-tiles,
 * tlog-checkpoint, signed-note); an entry is a DSSE envelope around an in-toto statement, bulky
 * evidence lies beside it by digest. audit_journal.h says how an append becomes durable.
 *
 * One writer, the daemon, under the lock of its state folder. No audit log, no action: a function that
 * appends returns 0 only when all of it is on disk, and whoever acts does so only after that. If an
 * append fails, nothing of it may be taken for written, and every later one fails at once with -EROFS
 * until audit_recover() has succeeded.
 *
 * Never in it: keys, secrets, or content of messages. What a workload chose (names, versions) stands in
 * it as JSON strings, escaped. */
#pragma once

#include "proto/tlog.h"

#include <jansson.h>

#define AUDIT_ENTRY_MAX 65535         /* bytes of an entry, by the format */
#define AUDIT_EVIDENCE_MAX (4u << 20) /* bytes of one piece of evidence */
#define AUDIT_RECORDS_MAX 16          /* appended together */

struct audit;

enum audit_kind {
        AUDIT_EVIDENCE,      /* what was seen: an incident's signs, a deployment that was announced */
        AUDIT_DIAGNOSIS,     /* the causes as ranked, and those that were ruled out */
        AUDIT_DECISION,      /* a remedy was chosen or not: plan, limits and authority as computed */
        AUDIT_APPROVAL,      /* a person said yes or no to a plan, named by its digest */
        AUDIT_INTENT,        /* about to be dispatched; there is no action without it */
        AUDIT_RESULT,        /* what the agent says it did */
        AUDIT_VERDICT,       /* verified, falsified, unknown */
        AUDIT_REVERT,        /* undone, or stuck */
        AUDIT_GRANT,         /* authority by hand: granted, capped, expired */
        AUDIT_PAUSE,         /* paused, resumed */
        AUDIT_CONFIGURATION, /* started, reloaded, key rotated */
        AUDIT_KINDS
};
/* "evidence", "diagnosis", ... as `audit list` shows it. */
const char *audit_kind_name(enum audit_kind kind);
bool audit_kind_parse(const char *name, enum audit_kind *ret_kind);

/* What is to be appended; all of it stays the caller's. */
struct audit_record {
        enum audit_kind kind;
        int64_t at;                    /* wall clock */
        const char *incident, *action; /* ids as `incidents` and `actions` show them; NULL: none */
        const json_t *predicate;       /* an object: whatever belongs to the kind */
        const void *evidence;          /* bulky, stored by digest; NULL: none */
        size_t evidence_size;
};

/* Durable on return, by one fsync for all of them together and their evidence; *ret_index is that of the
 * first, and theirs follow each other. The records are written whole or, as far as anybody is told, not
 * at all.
 * -EROFS: the log is refused since an earlier failure. -E2BIG: an entry would be larger than
 * AUDIT_ENTRY_MAX (put it into evidence), nothing was written and the log goes on. -EINVAL: the predicate
 * is no object, or holds what is not UTF-8; likewise. Other -errno (-ENOSPC, -EIO): refused from now on. */
MUST_CHECK int audit_append_all(struct audit *audit, const struct audit_record *records, size_t count, uint64_t *ret_index);

/* One of them. */
MUST_CHECK static inline int audit_append(struct audit *audit, enum audit_kind kind, int64_t at, const char *incident,
                                          const char *action, const json_t *predicate, uint64_t *ret_index)
{
        struct audit_record record = { .kind = kind, .at = at, .incident = incident, .action = action, .predicate = predicate };

        return audit_append_all(audit, &record, 1, ret_index);
}

/* An entry as it is read back. */
struct audit_entry {
        uint64_t index;
        int64_t at;
        enum audit_kind kind;
        const char *incident, *action; /* NULL: none */
        const char *evidence;          /* SHA-256 in hexadecimal; NULL: none */
        const json_t *predicate;       /* as it was appended */
        struct tlog_hash leaf;
        const uint8_t *bytes; /* the envelope */
        size_t size;
};
/* Lives until it returns; a negative result ends the visit and is returned. */
typedef int (*audit_entry_function)(void *data, const struct audit_entry *entry);

/* Visits the entries from index `from` on, below `to` and the size, in order: to rebuild from it what was
 * decided. -EBADMSG: an entry is damaged. */
MUST_CHECK int audit_visit(struct audit *audit, uint64_t from, uint64_t to, audit_entry_function function, void *data);

uint64_t audit_size(const struct audit *audit);
/* NULL, or why nothing can be appended, in a sentence: then the system observes only. */
const char *audit_refusal(const struct audit *audit);

/* The latest checkpoint, a signed note: it travels with each dispatch. Lives until the next append. */
const char *audit_checkpoint(const struct audit *audit);
/* What shows an agent whose last checkpoint was of `size` entries that ours is a continuation of it: see
 * proto/witness.h. -ERANGE: we have fewer, which is a log that was rolled back. */
MUST_CHECK int audit_consistency(struct audit *audit, uint64_t size, struct tlog_hash ret_proof[TLOG_PROOF_MAX], size_t *ret_count);
/* What shows that entry `index` is in the log of the latest checkpoint. -ERANGE. */
MUST_CHECK int audit_inclusion(struct audit *audit, uint64_t index, struct tlog_hash ret_proof[TLOG_PROOF_MAX], size_t *ret_count);

struct audit_io;
struct audit_options {
        const char *state_dir;     /* the log is STATE_DIR/audit, its key STATE_DIR/audit.key */
        const char *name;          /* of a log that is made: "nightshift/" and this, and some random digits */
        const struct audit_io *io; /* NULL: the real one */
};
#define AUDIT_FOLDER "audit"
#define AUDIT_KEY_FILE "audit.key"

/* Opens the log, or makes it and its key; what a crash left unfinished is finished or, if nobody was told
 * of it, dropped. If it cannot be opened there is an audit all the same, which refuses appends:
 * audit_refusal() says why. -ENOMEM. */
MUST_CHECK int audit_new(const struct audit_options *options, struct audit **ret_audit);
void audit_free(struct audit **audit);
/* Opens it once more after a failure. 0, or -errno as audit_refusal() says. */
MUST_CHECK int audit_recover(struct audit *audit);

/* Brings what others read up to date: the checkpoint in the file, partial tiles and bundles. Call it about
 * once a second and before a stop; nothing to do costs nothing. It takes milliseconds, more when 256
 * entries are complete. -errno: it failed, and the log is refused from now on. */
MUST_CHECK int audit_publish(struct audit *audit);

/* A new key signs from now on, see audit_keys.h; the old one is gone. The caller appends the entry that
 * says so. `ret_key`: the new one, as text of NOTE_KEY_TEXT_MAX. */
MUST_CHECK int audit_rotate_key(struct audit *audit, char *ret_key);
/* The present key's public half, likewise. "" if there is none. */
const char *audit_public_key(const struct audit *audit);

/* Evidence of an entry by its digest in hexadecimal; the caller frees. -ENOENT, -EBADMSG: it is damaged. */
MUST_CHECK int audit_evidence(struct audit *audit, const char *digest, uint8_t **ret_data, size_t *ret_size);
