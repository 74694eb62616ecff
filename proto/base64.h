/* Base64 (RFC 4648, section 4, padded), the one spelling of every content: what has other characters,
 * wrong padding or bits that mean nothing is refused, so that no text can be changed unnoticed. */
#pragma once

#include "proto/base.h"

#define BASE64_LENGTH(size) (((size) + 2) / 3 * 4)

/* Writes BASE64_LENGTH(size) characters and a NUL; returns that length. */
size_t base64_encode(const void *data, size_t size, char *ret_text);
/* At most `room` bytes. -EINVAL: it is none; -ENOBUFS: it holds more. */
MUST_CHECK int base64_decode(const char *text, size_t length, void *ret_data, size_t room, size_t *ret_size);
