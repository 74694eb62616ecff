/* Signed notes and checkpoints (C2SP signed-note and tlog-checkpoint), Ed25519. A note is
 *
 *   text, whole lines
 *   (an empty line)
 *   — NAME BASE64(key id, signature)
 *
 * and a checkpoint is one whose text is origin, size and base64 of the root, a line each; further lines
 * are for whoever knows them. A key is written NAME+KEYID+BASE64(0x01, public key), with the key id, in
 * hexadecimal, the first four bytes of SHA256(NAME || 0x0A || 0x01 || public key). */
#pragma once

#include "proto/tlog.h"

#define NOTE_NAME_MAX 200
#define NOTE_KEY_TEXT_MAX (NOTE_NAME_MAX + 64) /* with its NUL */
#define NOTE_MAX 4096                          /* bytes of a note; longer ones are refused */
#define NOTE_SIGNATURES_MAX 16
#define NOTE_PUBLIC_SIZE 32
#define NOTE_SIGNATURE_SIZE 64

struct note_key {
        char name[NOTE_NAME_MAX + 1];
        uint32_t id;
        uint8_t public[NOTE_PUBLIC_SIZE];
};

/* -EINVAL: no such name: it is empty, too long, not ASCII, or has a blank or a plus. */
MUST_CHECK int note_key_make(const char *name, const uint8_t public[NOTE_PUBLIC_SIZE], struct note_key *ret_key);
MUST_CHECK int note_key_parse(const char *text, size_t length, struct note_key *ret_key);
void note_key_format(const struct note_key *key, char ret_text[NOTE_KEY_TEXT_MAX]);

/* 0, or -EBADMSG: this is not the key's signature of `data`. */
MUST_CHECK int note_verify_bytes(const struct note_key *key, const void *data, size_t size,
                                 const uint8_t signature[NOTE_SIGNATURE_SIZE]);

/* 0: one of the keys has signed the note, and none that it names has signed something else; its text is
 * the first *ret_text_size bytes. Signatures of others are passed over. -EBADMSG: it is no note;
 * -ENOKEY: none of the keys has signed it; -EKEYREJECTED: a signature is wrong. */
MUST_CHECK int note_open(const char *note, size_t size, const struct note_key *keys, size_t keys_count, size_t *ret_text_size,
                         const struct note_key **ret_key);
/* The same for whoever was told no key: its form is checked, its signatures are not. -EBADMSG. */
MUST_CHECK int note_text(const char *note, size_t size, size_t *ret_text_size);
/* Puts text and one signature together. -EINVAL: the text is none (whole lines of UTF-8 without control
 * characters); -ENOBUFS: it would be longer than NOTE_MAX. */
MUST_CHECK int note_join(const char *text, size_t size, const struct note_key *key, const uint8_t signature[NOTE_SIGNATURE_SIZE],
                         char ret_note[NOTE_MAX + 1], size_t *ret_size);

struct checkpoint {
        char origin[NOTE_NAME_MAX + 1];
        uint64_t size;
        struct tlog_hash root;
};
/* Of the text of a note. -EBADMSG. */
MUST_CHECK int checkpoint_parse(const char *text, size_t size, struct checkpoint *ret_checkpoint);
/* Returns the length. */
size_t checkpoint_format(const struct checkpoint *checkpoint, char ret_text[NOTE_MAX + 1]);
