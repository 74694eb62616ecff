#include "coordinator/digest.h"

#include <openssl/evp.h>
#include <stdio.h>

int digest_of(const void *data, size_t size, uint8_t ret_digest[DIGEST_SIZE])
{
        return EVP_Digest(data, size, ret_digest, NULL, EVP_sha256(), NULL) == 1 ? 0 : -ENOMEM;
}

const char *digest_text(const uint8_t digest[DIGEST_SIZE], char buffer[DIGEST_TEXT_SIZE])
{
        for (size_t i = 0; i < DIGEST_SIZE; i++)
                snprintf(buffer + 2 * i, 3, "%02x", digest[i]);
        return buffer;
}
