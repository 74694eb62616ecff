/* SHA-256 (FIPS 180-4), for names of contents. */
#pragma once

#include "proto/base.h"

#define DIGEST_SIZE 32
#define DIGEST_TEXT_SIZE (2 * DIGEST_SIZE + 1)

/* -ENOMEM. */
MUST_CHECK int digest_of(const void *data, size_t size, uint8_t ret_digest[DIGEST_SIZE]);
/* In lower-case hexadecimal; returns `buffer`. */
const char *digest_text(const uint8_t digest[DIGEST_SIZE], char buffer[DIGEST_TEXT_SIZE]);
