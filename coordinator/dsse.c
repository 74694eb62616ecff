#include "coordinator/dsse.h"
#include "proto/base64.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BEFORE_PAYLOAD "{\"payload\":\""
#define BEFORE_KEY "\",\"payloadType\":\"" DSSE_TYPE "\",\"signatures\":[{\"keyid\":\""
#define BEFORE_SIGNATURE "\",\"sig\":\""
#define AFTER "\"}]}"

int dsse_message(const void *payload, size_t size, uint8_t **ret_message, size_t *ret_size)
{
        char head[64];
        int n = snprintf(head, sizeof(head), "DSSEv1 %zu %s %zu ", strlen(DSSE_TYPE), DSSE_TYPE, size);
        uint8_t *message = malloc((size_t)n + size);

        if (!message)
                return -ENOMEM;
        memcpy(message, head, (size_t)n);
        memcpy(message + n, payload, size);
        *ret_message = message;
        *ret_size = (size_t)n + size;
        return 0;
}

static void key_text(const struct note_key *key, char ret_text[NOTE_NAME_MAX + 16])
{
        snprintf(ret_text, NOTE_NAME_MAX + 16, "%s+%08" PRIx32, key->name, key->id);
}

int dsse_join(const void *payload, size_t size, const struct note_key *key, const uint8_t signature[NOTE_SIGNATURE_SIZE],
              uint8_t **ret_envelope, size_t *ret_size)
{
        char name[NOTE_NAME_MAX + 16], *envelope, *p;

        key_text(key, name);
        /* A name (see note.h) may have quotes and backslashes, which JSON escapes: ours has not. */
        if (strpbrk(name, "\"\\"))
                return -EINVAL;
        envelope = malloc(sizeof(BEFORE_PAYLOAD BEFORE_KEY BEFORE_SIGNATURE AFTER) + BASE64_LENGTH(size) + strlen(name) +
                          BASE64_LENGTH(NOTE_SIGNATURE_SIZE));
        if (!envelope)
                return -ENOMEM;
        p = stpcpy(envelope, BEFORE_PAYLOAD);
        p += base64_encode(payload, size, p);
        p = stpcpy(p, BEFORE_KEY);
        p = stpcpy(p, name);
        p = stpcpy(p, BEFORE_SIGNATURE);
        p += base64_encode(signature, NOTE_SIGNATURE_SIZE, p);
        p = stpcpy(p, AFTER);
        *ret_envelope = (uint8_t *)envelope;
        *ret_size = (size_t)(p - envelope);
        return 0;
}

/* Passes over `what`; false if something else stands there. */
static bool pass(const char **p, const char *end, const char *what)
{
        size_t length = strlen(what);

        if ((size_t)(end - *p) < length || memcmp(*p, what, length) != 0)
                return false;
        *p += length;
        return true;
}

/* Up to the closing quote. */
static bool take(const char **p, const char *end, const char **ret_text, size_t *ret_length)
{
        const char *quote = memchr(*p, '"', (size_t)(end - *p));

        if (!quote || memchr(*p, '\\', (size_t)(quote - *p)) || memchr(*p, '\0', (size_t)(quote - *p)))
                return false;
        *ret_text = *p;
        *ret_length = (size_t)(quote - *p);
        *p = quote;
        return true;
}

int dsse_parse(const uint8_t *envelope, size_t size, struct dsse *ret_dsse)
{
        const char *p = (const char *)envelope, *end = p + size, *payload, *key, *signature;
        size_t payload_length, key_length, signature_length, n;
        struct dsse d;

        if (!pass(&p, end, BEFORE_PAYLOAD) || !take(&p, end, &payload, &payload_length) || !pass(&p, end, BEFORE_KEY) ||
            !take(&p, end, &key, &key_length) || !pass(&p, end, BEFORE_SIGNATURE) ||
            !take(&p, end, &signature, &signature_length) || !pass(&p, end, AFTER) || p != end)
                return -EBADMSG;
        if (key_length >= sizeof(d.key) || base64_decode(signature, signature_length, d.signature, sizeof(d.signature), &n) < 0 ||
            n != NOTE_SIGNATURE_SIZE)
                return -EBADMSG;
        memcpy(d.key, key, key_length);
        d.key[key_length] = '\0';
        d.payload = malloc(payload_length / 4 * 3 + 1);
        if (!d.payload)
                return -ENOMEM;
        if (base64_decode(payload, payload_length, d.payload, payload_length / 4 * 3, &d.size) < 0) {
                free(d.payload);
                return -EBADMSG;
        }
        d.payload[d.size] = '\0';
        *ret_dsse = d;
        return 0;
}

void dsse_free(struct dsse *dsse)
{
        free(dsse->payload);
        dsse->payload = NULL;
}

int dsse_verify(const struct dsse *d, const struct note_key *key)
{
        CLEANUP_FREE uint8_t *message = NULL;
        char name[NOTE_NAME_MAX + 16];
        size_t size;
        int r;

        key_text(key, name);
        if (strcmp(name, d->key) != 0)
                return -EKEYREJECTED;
        r = dsse_message(d->payload, d->size, &message, &size);
        if (r == 0)
                r = note_verify_bytes(key, message, size, d->signature);
        return r == -EBADMSG ? -EKEYREJECTED : r;
}
