/* With which keys an audit log is signed: key/0 is the first, as a line; each key/N after it is a note in
 * which its predecessor says from which entry on it signs instead,
 *
 *   nightshift audit key
 *   INDEX of the first entry that it signs
 *   KEY
 *
 * so that whoever trusts the first can follow. The private half of the last lies in a file of the state
 * folder, outside of the log: PEM, readable by the coordinator alone. */
#pragma once

#include "coordinator/audit_files.h"
#include "proto/note.h"

#define AUDIT_KEYS_MAX 64

struct checkpoint;
struct audit_keys {
        size_t count;
        struct note_key keys[AUDIT_KEYS_MAX];
        uint64_t from[AUDIT_KEYS_MAX]; /* index of the first entry */
};
/* -ENOENT: there is no log. -EBADMSG and others: key/COUNT is wrong, those before it are right. */
MUST_CHECK int audit_keys_read(const struct audit_files *files, struct audit_keys *ret_keys);
/* The key that signs entry `index`. */
const struct note_key *audit_keys_of_entry(const struct audit_keys *keys, uint64_t index);
/* Those that may sign a checkpoint of `size`: two at the moment of a change. */
const struct note_key *audit_keys_of_checkpoint(const struct audit_keys *keys, uint64_t size, size_t *ret_count);
/* A signed checkpoint of this log, by the keys that may sign it. -ENOKEY, -EKEYREJECTED: see note_open(); -EBADMSG. */
MUST_CHECK int audit_keys_open_checkpoint(const struct audit_keys *keys, const char *note, size_t size,
                                          struct checkpoint *ret_checkpoint);
const char *audit_keys_path(size_t number, char ret_path[AUDIT_PATH_MAX]);

/* The private half. */
struct audit_key;
MUST_CHECK int audit_key_new(struct audit_key **ret_key);
void audit_key_free(struct audit_key **key);
/* -EBADMSG: it is no key. */
MUST_CHECK int audit_key_read(const struct audit_files *state, const char *name, struct audit_key **ret_key);
MUST_CHECK int audit_key_write(const struct audit_files *state, const char *name, const struct audit_key *key);
void audit_key_public(const struct audit_key *key, uint8_t ret_public[NOTE_PUBLIC_SIZE]);
MUST_CHECK int audit_key_sign(const struct audit_key *key, const void *data, size_t size,
                              uint8_t ret_signature[NOTE_SIGNATURE_SIZE]);

/* A note of `text`, signed. */
MUST_CHECK int audit_key_note(const struct audit_key *key, const struct note_key *public, const char *text, size_t size,
                              char ret_note[NOTE_MAX + 1], size_t *ret_size);
/* The note in which `key` names its successor, for audit_keys_path(). */
MUST_CHECK int audit_key_hand_over(const struct audit_key *key, const struct note_key *public, const struct note_key *next,
                                   uint64_t from, char ret_note[NOTE_MAX + 1], size_t *ret_size);
