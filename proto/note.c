#include "proto/note.h"
#include "proto/base64.h"

#include <inttypes.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#define ALGORITHM 0x01 /* Ed25519 */
#define DASH "\xe2\x80\x94 "

static bool is_name(const char *name, size_t length)
{
        if (length == 0 || length > NOTE_NAME_MAX)
                return false;
        for (size_t i = 0; i < length; i++)
                if (name[i] <= ' ' || name[i] > '~' || name[i] == '+')
                        return false;
        return true;
}

int note_key_make(const char *name, const uint8_t public[NOTE_PUBLIC_SIZE], struct note_key *ret_key)
{
        uint8_t bytes[NOTE_NAME_MAX + 2 + NOTE_PUBLIC_SIZE], digest[32];
        size_t length = strlen(name);

        if (!is_name(name, length))
                return -EINVAL;
        memcpy(bytes, name, length);
        bytes[length] = '\n';
        bytes[length + 1] = ALGORITHM;
        memcpy(bytes + length + 2, public, NOTE_PUBLIC_SIZE);
        if (EVP_Digest(bytes, length + 2 + NOTE_PUBLIC_SIZE, digest, NULL, EVP_sha256(), NULL) != 1)
                return -ENOMEM;
        memcpy(ret_key->name, name, length + 1);
        memcpy(ret_key->public, public, NOTE_PUBLIC_SIZE);
        ret_key->id = (uint32_t)digest[0] << 24 | (uint32_t)digest[1] << 16 | (uint32_t)digest[2] << 8 | digest[3];
        return 0;
}

void note_key_format(const struct note_key *key, char ret_text[NOTE_KEY_TEXT_MAX])
{
        uint8_t bytes[1 + NOTE_PUBLIC_SIZE] = { ALGORITHM };
        int n = snprintf(ret_text, NOTE_KEY_TEXT_MAX, "%s+%08" PRIx32 "+", key->name, key->id);

        memcpy(bytes + 1, key->public, NOTE_PUBLIC_SIZE);
        base64_encode(bytes, sizeof(bytes), ret_text + n);
}

int note_key_parse(const char *text, size_t length, struct note_key *ret_key)
{
        uint8_t bytes[1 + NOTE_PUBLIC_SIZE];
        char name[NOTE_NAME_MAX + 1], again[NOTE_KEY_TEXT_MAX];
        const char *plus = memchr(text, '+', length);
        struct note_key key;
        size_t size;
        int r;

        if (!plus || !is_name(text, (size_t)(plus - text)) || length < (size_t)(plus - text) + 10)
                return -EINVAL;
        if (base64_decode(plus + 10, length - (size_t)(plus - text) - 10, bytes, sizeof(bytes), &size) < 0 ||
            size != sizeof(bytes) || bytes[0] != ALGORITHM)
                return -EINVAL;
        memcpy(name, text, (size_t)(plus - text));
        name[plus - text] = '\0';
        r = note_key_make(name, bytes + 1, &key);
        if (r < 0)
                return r;
        /* The key id and its plus as well. */
        note_key_format(&key, again);
        if (strlen(again) != length || memcmp(again, text, length) != 0)
                return -EINVAL;
        *ret_key = key;
        return 0;
}

int note_verify_bytes(const struct note_key *key, const void *data, size_t size, const uint8_t signature[NOTE_SIGNATURE_SIZE])
{
        EVP_PKEY *public = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key->public, NOTE_PUBLIC_SIZE);
        EVP_MD_CTX *context = EVP_MD_CTX_new();
        int r = -ENOMEM;

        if (public && context && EVP_DigestVerifyInit(context, NULL, NULL, NULL, public) == 1)
                r = EVP_DigestVerify(context, signature, NOTE_SIGNATURE_SIZE, data, size) == 1 ? 0 : -EBADMSG;
        EVP_MD_CTX_free(context);
        EVP_PKEY_free(public);
        ERR_clear_error();
        return r;
}

/* Whole lines, without control characters. */
static bool is_text(const char *text, size_t size)
{
        if (size == 0 || text[size - 1] != '\n')
                return false;
        for (size_t i = 0; i < size; i++)
                if (((unsigned char)text[i] < ' ' && text[i] != '\n') || text[i] == '\x7f')
                        return false;
        return true;
}

struct signature_line {
        const char *name;
        size_t name_length;
        uint32_t id;
        uint8_t bytes[NOTE_SIGNATURE_SIZE];
        bool ours; /* of a length that Ed25519's have */
};

static int parse_line(const char *line, size_t length, struct signature_line *ret)
{
        uint8_t bytes[NOTE_MAX];
        const char *name = line + strlen(DASH), *blank;
        size_t size;

        if (length <= strlen(DASH) || memcmp(line, DASH, strlen(DASH)) != 0)
                return -EBADMSG;
        blank = memchr(name, ' ', length - strlen(DASH));
        if (!blank || !is_name(name, (size_t)(blank - name)))
                return -EBADMSG;
        if (base64_decode(blank + 1, length - (size_t)(blank + 1 - line), bytes, sizeof(bytes), &size) < 0 || size < 5)
                return -EBADMSG;
        *ret = (struct signature_line){ .name = name,
                                        .name_length = (size_t)(blank - name),
                                        .id = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
                                              bytes[3],
                                        .ours = size == 4 + NOTE_SIGNATURE_SIZE };
        if (ret->ours)
                memcpy(ret->bytes, bytes + 4, NOTE_SIGNATURE_SIZE);
        return 0;
}

static const struct note_key *key_of(const struct signature_line *line, const struct note_key *keys, size_t count)
{
        for (size_t i = 0; i < count; i++)
                if (keys[i].id == line->id && strlen(keys[i].name) == line->name_length &&
                    memcmp(keys[i].name, line->name, line->name_length) == 0)
                        return &keys[i];
        return NULL;
}

/* Text and signatures are parted by the last empty line. */
static const char *find_signatures(const char *note, size_t size)
{
        for (size_t i = size; i-- > 1;)
                if (note[i] == '\n' && note[i - 1] == '\n')
                        return note + i + 1;
        return NULL;
}

int note_open(const char *note, size_t size, const struct note_key *keys, size_t keys_count, size_t *ret_text_size,
              const struct note_key **ret_key)
{
        const char *line = size > NOTE_MAX ? NULL : find_signatures(note, size), *end = note + size;
        const struct note_key *by = NULL;
        size_t text_size, count = 0;

        if (!line || line == end || !is_text(note, size))
                return -EBADMSG;
        text_size = (size_t)(line - note) - 1;
        while (line < end) {
                const char *next = memchr(line, '\n', (size_t)(end - line));
                const struct note_key *key;
                struct signature_line s;
                int r;

                if (++count > NOTE_SIGNATURES_MAX)
                        return -EBADMSG;
                r = parse_line(line, (size_t)(next - line), &s);
                if (r < 0)
                        return r;
                line = next + 1;
                key = key_of(&s, keys, keys_count);
                if (!key)
                        continue;
                r = s.ours ? note_verify_bytes(key, note, text_size, s.bytes) : -EBADMSG;
                if (r < 0)
                        return r == -EBADMSG ? -EKEYREJECTED : r;
                by = key;
        }
        if (!by)
                return -ENOKEY;
        *ret_text_size = text_size;
        if (ret_key)
                *ret_key = by;
        return 0;
}

int note_text(const char *note, size_t size, size_t *ret_text_size)
{
        size_t ignored;
        int r = note_open(note, size, NULL, 0, &ignored, NULL);

        if (r != -ENOKEY)
                return r < 0 ? r : -EBADMSG;
        *ret_text_size = (size_t)(find_signatures(note, size) - note) - 1;
        return 0;
}

int note_join(const char *text, size_t size, const struct note_key *key, const uint8_t signature[NOTE_SIGNATURE_SIZE],
              char ret_note[NOTE_MAX + 1], size_t *ret_size)
{
        uint8_t bytes[4 + NOTE_SIGNATURE_SIZE] = { (uint8_t)(key->id >> 24), (uint8_t)(key->id >> 16), (uint8_t)(key->id >> 8),
                                                   (uint8_t)key->id };
        char encoded[BASE64_LENGTH(4 + NOTE_SIGNATURE_SIZE) + 1];
        int n;

        if (!is_text(text, size))
                return -EINVAL;
        if (size > NOTE_MAX - NOTE_NAME_MAX - sizeof(encoded) - 8)
                return -ENOBUFS;
        memcpy(bytes + 4, signature, NOTE_SIGNATURE_SIZE);
        base64_encode(bytes, sizeof(bytes), encoded);
        memcpy(ret_note, text, size);
        n = snprintf(ret_note + size, NOTE_MAX + 1 - size, "\n" DASH "%s %s\n", key->name, encoded);
        *ret_size = size + (size_t)n;
        return 0;
}

/* Decimal, in its only spelling. */
static int parse_number(const char *text, size_t length, uint64_t *ret_number)
{
        uint64_t n = 0;

        if (length == 0 || length > 20 || (length > 1 && text[0] == '0'))
                return -EBADMSG;
        for (size_t i = 0; i < length; i++) {
                unsigned digit = (unsigned)(text[i] - '0');

                if (digit > 9 || n > (UINT64_MAX - digit) / 10)
                        return -EBADMSG;
                n = n * 10 + digit;
        }
        *ret_number = n;
        return 0;
}

/* The next line without its end; NULL if there is none. */
static const char *take_line(const char **text, const char *end, size_t *ret_length)
{
        const char *line = *text, *newline = line < end ? memchr(line, '\n', (size_t)(end - line)) : NULL;

        if (!newline)
                return NULL;
        *text = newline + 1;
        *ret_length = (size_t)(newline - line);
        return line;
}

int checkpoint_parse(const char *text, size_t size, struct checkpoint *ret_checkpoint)
{
        const char *next = text, *end = text + size, *line;
        struct checkpoint c = { 0 };
        size_t length, root_size;

        line = take_line(&next, end, &length);
        if (!line || length == 0 || length > NOTE_NAME_MAX || memchr(line, '\0', length))
                return -EBADMSG;
        memcpy(c.origin, line, length);
        line = take_line(&next, end, &length);
        if (!line || parse_number(line, length, &c.size) < 0)
                return -EBADMSG;
        line = take_line(&next, end, &length);
        if (!line || base64_decode(line, length, c.root.bytes, sizeof(c.root.bytes), &root_size) < 0 || root_size != TLOG_HASH_SIZE)
                return -EBADMSG;
        while (next < end)
                if (!take_line(&next, end, &length) || length == 0)
                        return -EBADMSG;
        *ret_checkpoint = c;
        return 0;
}

size_t checkpoint_format(const struct checkpoint *c, char ret_text[NOTE_MAX + 1])
{
        char root[BASE64_LENGTH(TLOG_HASH_SIZE) + 1];

        base64_encode(c->root.bytes, TLOG_HASH_SIZE, root);
        return (size_t)snprintf(ret_text, NOTE_MAX + 1, "%s\n%" PRIu64 "\n%s\n", c->origin, c->size, root);
}
