/* The private half of the audit log's key, by OpenSSL. */
#include "coordinator/audit_keys.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdlib.h>

#define PEM_MAX 4096

struct audit_key {
        EVP_PKEY *pair;
};

static int hold(EVP_PKEY *pair, int otherwise, struct audit_key **ret_key)
{
        struct audit_key *key = pair ? calloc(1, sizeof(*key)) : NULL;

        ERR_clear_error();
        if (!key) {
                EVP_PKEY_free(pair);
                return pair ? -ENOMEM : otherwise;
        }
        key->pair = pair;
        *ret_key = key;
        return 0;
}

int audit_key_new(struct audit_key **ret_key)
{
        return hold(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), -EIO, ret_key);
}

void audit_key_free(struct audit_key **key)
{
        if (*key)
                EVP_PKEY_free((*key)->pair);
        free(*key);
        *key = NULL;
}

int audit_key_read(const struct audit_files *state, const char *name, struct audit_key **ret_key)
{
        CLEANUP_FREE uint8_t *pem = NULL;
        EVP_PKEY *pair = NULL;
        size_t size;
        BIO *bio;
        int r = audit_file_read(state, name, PEM_MAX, &pem, &size);

        if (r < 0)
                return r;
        bio = BIO_new_mem_buf(pem, (int)size);
        if (bio)
                pair = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
        BIO_free(bio);
        OPENSSL_cleanse(pem, size);
        if (pair && EVP_PKEY_get_base_id(pair) != EVP_PKEY_ED25519) {
                EVP_PKEY_free(pair);
                pair = NULL;
        }
        return hold(pair, -EBADMSG, ret_key);
}

int audit_key_write(const struct audit_files *state, const char *name, const struct audit_key *key)
{
        BIO *bio = BIO_new(BIO_s_secmem());
        char *pem;
        long size;
        int r = -ENOMEM;

        if (bio && PEM_write_bio_PKCS8PrivateKey(bio, key->pair, NULL, NULL, 0, NULL, NULL) == 1) {
                size = BIO_get_mem_data(bio, &pem);
                r = audit_file_put(state, name, 0600, pem, (size_t)size, true);
        }
        BIO_free(bio);
        ERR_clear_error();
        return r;
}

void audit_key_public(const struct audit_key *key, uint8_t ret_public[NOTE_PUBLIC_SIZE])
{
        size_t size = NOTE_PUBLIC_SIZE;

        if (EVP_PKEY_get_raw_public_key(key->pair, ret_public, &size) != 1)
                abort(); /* of Ed25519 it is always there */
}

int audit_key_sign(const struct audit_key *key, const void *data, size_t size, uint8_t ret_signature[NOTE_SIGNATURE_SIZE])
{
        EVP_MD_CTX *context = EVP_MD_CTX_new();
        size_t length = NOTE_SIGNATURE_SIZE;
        bool ok = context && EVP_DigestSignInit(context, NULL, NULL, NULL, key->pair) == 1 &&
                  EVP_DigestSign(context, ret_signature, &length, data, size) == 1;

        EVP_MD_CTX_free(context);
        ERR_clear_error();
        return ok ? 0 : -EIO;
}

int audit_key_note(const struct audit_key *key, const struct note_key *public, const char *text, size_t size,
                   char ret_note[NOTE_MAX + 1], size_t *ret_size)
{
        uint8_t signature[NOTE_SIGNATURE_SIZE];
        int r = audit_key_sign(key, text, size, signature);

        return r < 0 ? r : note_join(text, size, public, signature, ret_note, ret_size);
}
