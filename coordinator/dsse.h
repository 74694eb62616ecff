/* DSSE envelopes (secure-systems-lab, protocol 1.0.2) with one Ed25519 signature, in the one spelling
 * that this writes: what is spelled otherwise is refused, so that an envelope is named by its bytes.
 *
 *   {"payload":BASE64,"payloadType":"application/vnd.in-toto+json","signatures":[{"keyid":NAME+ID,"sig":BASE64}]} */
#pragma once

#include "proto/note.h"

#define DSSE_TYPE "application/vnd.in-toto+json"

/* What is signed: "DSSEv1 LENGTH TYPE LENGTH PAYLOAD". The caller frees. A checkpoint never begins so. */
MUST_CHECK int dsse_message(const void *payload, size_t size, uint8_t **ret_message, size_t *ret_size);
/* The envelope; the caller frees. */
MUST_CHECK int dsse_join(const void *payload, size_t size, const struct note_key *key, const uint8_t signature[NOTE_SIGNATURE_SIZE],
                         uint8_t **ret_envelope, size_t *ret_size);

struct dsse {
        uint8_t *payload; /* with a NUL behind it that does not count */
        size_t size;
        char key[NOTE_NAME_MAX + 16]; /* NAME+ID */
        uint8_t signature[NOTE_SIGNATURE_SIZE];
};
/* -EBADMSG. The signature is not looked at: see dsse_verify(). */
MUST_CHECK int dsse_parse(const uint8_t *envelope, size_t size, struct dsse *ret_dsse);
void dsse_free(struct dsse *dsse);
/* -EKEYREJECTED: it is not the key's. */
MUST_CHECK int dsse_verify(const struct dsse *dsse, const struct note_key *key);
