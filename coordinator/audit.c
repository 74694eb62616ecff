#include "coordinator/audit_internal.h"
#include "coordinator/digest.h"
#include "coordinator/dsse.h"
#include "coordinator/statement.h"
#include "proto/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int audit_refuse(struct audit *audit, int r, const char *format, ...)
{
        va_list args;

        va_start(args, format);
        vsnprintf(audit->why, sizeof(audit->why), format, args);
        va_end(args);
        audit->refused = true;
        return r;
}

int audit_recover(struct audit *audit)
{
        struct audit_state *state = NULL;
        int r;

        /* The journal is read again from the disk, and written anew: what a failed fsync left in memory
         * counts for nothing. */
        audit_state_free(&audit->state);
        r = audit_state_open(audit, &state);
        if (r < 0) {
                audit->refused = true;
                return r;
        }
        audit->state = state;
        audit->refused = false;
        audit->why[0] = '\0';
        return 0;
}

int audit_new(const struct audit_options *options, struct audit **ret_audit)
{
        struct audit *audit = calloc(1, sizeof(*audit));

        if (!audit)
                return -ENOMEM;
        audit->state_dir = strdup(options->state_dir);
        audit->name = strdup(options->name);
        audit->io = options->io ? options->io : &audit_io_real;
        if (!audit->state_dir || !audit->name) {
                audit_free(&audit);
                return -ENOMEM;
        }
        if (audit_recover(audit) < 0)
                audit->refused = true;
        *ret_audit = audit;
        return 0;
}

void audit_free(struct audit **audit)
{
        if (!*audit)
                return;
        audit_state_free(&(*audit)->state);
        audit_frame_free(&(*audit)->writer);
        free((*audit)->state_dir);
        free((*audit)->name);
        free(*audit);
        *audit = NULL;
}

uint64_t audit_size(const struct audit *audit)
{
        return audit->state ? audit_state_size(audit->state) : 0;
}

const char *audit_refusal(const struct audit *audit)
{
        return audit->refused ? audit->why : NULL;
}

const char *audit_checkpoint(const struct audit *audit)
{
        return audit->state ? audit->state->note : "";
}

const char *audit_public_key(const struct audit *audit)
{
        return audit->state ? audit->state->key_text : "";
}

int audit_sign_checkpoint(const struct audit_state *state, const struct tlog_edge *edge, char ret_note[NOTE_MAX + 1],
                          size_t *ret_size)
{
        struct checkpoint checkpoint = { .size = edge->size };
        char text[NOTE_MAX + 1];
        int r = tlog_edge_root(edge, &checkpoint.root);

        if (r < 0)
                return r;
        snprintf(checkpoint.origin, sizeof(checkpoint.origin), "%s", state->origin);
        return audit_key_note(state->key, &state->keys.keys[state->keys.count - 1], text, checkpoint_format(&checkpoint, text),
                              ret_note, ret_size);
}

const char *audit_evidence_path(const char *digest, char ret_path[AUDIT_PATH_MAX])
{
        snprintf(ret_path, AUDIT_PATH_MAX, "evidence/%.2s/%.64s", digest, digest);
        return ret_path;
}

int audit_put_evidence(struct audit_state *state, const uint8_t *data, size_t size, bool durable)
{
        char text[DIGEST_TEXT_SIZE], path[AUDIT_PATH_MAX];
        uint8_t digest[DIGEST_SIZE];
        int r = digest_of(data, size, digest);

        if (r < 0)
                return r;
        return audit_file_put(&state->files, audit_evidence_path(digest_text(digest, text), path), 0600, data, size, durable);
}

/* An entry: the statement in its signed envelope. */
static int make_entry(const struct audit_state *state, const struct audit_record *record, struct audit_pending *ret)
{
        CLEANUP_FREE char *statement = NULL;
        CLEANUP_FREE uint8_t *message = NULL;
        CLEANUP_FREE uint8_t *entry = NULL;
        uint8_t digest[DIGEST_SIZE], signature[NOTE_SIGNATURE_SIZE];
        size_t size, message_size;
        int r = 0;

        if (record->evidence && record->evidence_size > AUDIT_EVIDENCE_MAX)
                return -E2BIG;
        if (record->evidence)
                r = digest_of(record->evidence, record->evidence_size, digest);
        if (r == 0)
                r = statement_make(record, record->evidence ? digest : NULL, &statement, &size);
        if (r == 0)
                r = dsse_message(statement, size, &message, &message_size);
        if (r == 0)
                r = audit_key_sign(state->key, message, message_size, signature);
        if (r == 0)
                r = dsse_join(statement, size, &state->keys.keys[state->keys.count - 1], signature, &entry, &ret->size);
        if (r == 0 && ret->size > AUDIT_ENTRY_MAX)
                r = -E2BIG;
        if (r == 0)
                r = tlog_leaf(entry, ret->size, &ret->leaf);
        if (r < 0)
                return r;
        ret->bytes = TAKE_PTR(entry);
        ret->unsynced = record->evidence;
        if (record->evidence)
                memcpy(ret->evidence, digest, DIGEST_SIZE);
        return 0;
}

/* One write, one fsync. */
static int write_frame(struct audit *audit)
{
        struct audit_state *s = audit->state;
        const struct audit_frame_writer *w = &audit->writer;
        int r = audit->io->write(audit->io->data, s->journal, w->data, w->size, (off_t)s->journal_size);

        if (r == 0)
                r = audit->io->sync(audit->io->data, s->journal);
        if (r < 0)
                return audit_refuse(audit, r, "the audit log cannot be written: %s", strerror(-r));
        s->journal_size += w->size;
        return 0;
}

/* The frame, and in `ret_edge` the tree with it, of records whose entries are behind those pending. */
static int make_frame(struct audit *audit, const struct audit_record *records, size_t count, struct tlog_edge *ret_edge,
                      char ret_note[NOTE_MAX + 1], size_t *ret_size)
{
        struct audit_state *s = audit->state;
        struct audit_frame_writer *w = &audit->writer;
        int r = 0;

        *ret_edge = s->edge;
        audit_frame_begin(w);
        for (size_t i = 0; i < count && r == 0; i++) {
                const struct audit_pending *p = &s->pending[s->pending_count + i];

                audit_frame_add_entry(w, p->bytes, p->size);
                r = tlog_edge_add(ret_edge, 0, &p->leaf);
        }
        for (size_t i = 0; i < count && r == 0; i++)
                if (records[i].evidence)
                        audit_frame_add_evidence(w, records[i].evidence, records[i].evidence_size);
        if (r == 0)
                r = audit_sign_checkpoint(s, ret_edge, ret_note, ret_size);
        return r < 0 ? r : audit_frame_end(w, ret_note, *ret_size);
}

int audit_append_all(struct audit *audit, const struct audit_record *records, size_t count, uint64_t *ret_index)
{
        struct audit_state *s = audit->state;
        struct tlog_edge edge;
        char note[NOTE_MAX + 1];
        size_t made = 0, note_size = 0;
        int r = 0;

        if (audit->refused)
                return -EROFS;
        if (count == 0 || count > AUDIT_RECORDS_MAX)
                return -EINVAL;
        if (s->pending_count + count > AUDIT_PENDING_MAX) {
                r = audit_publish(audit);
                if (r < 0)
                        return r;
        }
        while (made < count && r == 0) {
                r = make_entry(s, &records[made], &s->pending[s->pending_count + made]);
                made += r == 0;
        }
        if (r == 0)
                r = make_frame(audit, records, count, &edge, note, &note_size);
        if (r == 0)
                r = write_frame(audit);
        if (r < 0) {
                while (made > 0)
                        free(TAKE_PTR(s->pending[s->pending_count + --made].bytes));
                return r;
        }
        *ret_index = audit_state_size(s);
        s->pending_count += count;
        s->edge = edge;
        memcpy(s->note, note, note_size + 1);
        s->note_size = note_size;
        /* The journal has it; if the file cannot be made, this append stands and the next is refused. */
        for (size_t i = 0; i < count && r == 0; i++)
                if (records[i].evidence)
                        r = audit_put_evidence(s, records[i].evidence, records[i].evidence_size, false);
        if (r < 0)
                audit_refuse(audit, r, "evidence cannot be put into the audit log: %s", strerror(-r));
        return 0;
}

int audit_publish(struct audit *audit)
{
        int r;

        if (audit->refused)
                return -EROFS;
        r = audit_state_settle(audit->state);
        if (r == 0)
                r = audit_state_publish(audit->state);
        return r < 0 ? audit_refuse(audit, r, "the audit log cannot be brought up to date: %s", strerror(-r)) : 0;
}
