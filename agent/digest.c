#include "agent/digest.h"

#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void digest_data(const void *data, size_t size, struct action_digest *ret_digest)
{
        /* It fails without memory only, and then nothing that is compared must come out. */
        if (EVP_Digest(data, size, ret_digest->bytes, NULL, EVP_sha256(), NULL) != 1)
                abort();
}

void digest_text(struct action_digest *ret_digest, const char *format, ...)
{
        char text[1024];
        va_list arguments;
        int n;

        va_start(arguments, format);
        n = vsnprintf(text, sizeof(text), format, arguments);
        va_end(arguments);
        digest_data(text, MIN((size_t)MAX(n, 0), sizeof(text) - 1), ret_digest);
}
