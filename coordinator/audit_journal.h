/* The journal of the audit log: what was appended since the last whole bundle. One frame an append, by
 * one write and one fsync; when 256 entries are there their bundle and tiles become durable, and a
 * journal without them takes its place. So partial tiles and bundles, and evidence until then, are but
 * copies that are made again after a crash.
 *
 *   journal  "nightshift audit journal 1\n" ORIGIN "\n" BASE "\n" HEX "\n", frames
 *   frame    "nsAF", length of the body, its complement, body, SHA-256 of the body, "done"
 *   body     count of entries, count of evidence (16 bits each), the entries as in a bundle, evidence (each
 *            behind its length in 32 bits), the signed checkpoint after it (behind its length in 16 bits)
 *
 * Numbers are big-endian. BASE is the index of the first entry, HEX the first half of the SHA-256 of the
 * lines before. A last frame that is cut off, or has a sector of zeros, is one whose write did not complete: nobody was
 * told of it. Anything else that does not fit is damage. */
#pragma once

#include "proto/base.h"

#define AUDIT_JOURNAL_MAX ((size_t)1 << 30)
#define AUDIT_JOURNAL_HEAD_MAX 512

struct audit_frame {
        unsigned entries_count, evidence_count;
        const uint8_t *entries; /* in a bundle's form */
        size_t entries_size;
        const uint8_t *evidence;
        size_t evidence_size;
        const char *note;
        size_t note_size;
};

/* Returns the length. */
size_t audit_journal_head(const char *origin, uint64_t base, char ret_head[AUDIT_JOURNAL_HEAD_MAX]);
/* -EBADMSG: it does not begin as a journal. */
MUST_CHECK int audit_journal_begin(const uint8_t *data, size_t size, char *ret_origin, size_t origin_size, uint64_t *ret_base,
                                   size_t *ret_at);
/* The next frame from *at on, which is moved behind it. 0; 1: there is none; -ENODATA: one that did not
 * complete; -EBADMSG: damage, with what is damaged in *ret_why. */
MUST_CHECK int audit_frame_take(const uint8_t *data, size_t size, size_t *at, struct audit_frame *ret_frame, const char **ret_why);
/* The next piece of evidence of a frame: 0; 1: there is none. */
MUST_CHECK int audit_frame_evidence(const struct audit_frame *frame, size_t *at, const uint8_t **ret_data, size_t *ret_size);

/* A frame in the making: entries, then evidence, then its end. */
struct audit_frame_writer {
        uint8_t *data;
        size_t size, capacity;
        bool failed; /* no memory */
        unsigned entries, evidence;
};
void audit_frame_begin(struct audit_frame_writer *writer);
void audit_frame_add_entry(struct audit_frame_writer *writer, const uint8_t *entry, size_t size);
void audit_frame_add_evidence(struct audit_frame_writer *writer, const uint8_t *data, size_t size);
/* -ENOMEM. */
MUST_CHECK int audit_frame_end(struct audit_frame_writer *writer, const char *note, size_t note_size);
void audit_frame_free(struct audit_frame_writer *writer);
