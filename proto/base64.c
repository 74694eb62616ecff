#include "proto/base64.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t base64_encode(const void *data, size_t size, char *ret_text)
{
        const uint8_t *d = data;
        char *p = ret_text;

        for (; size >= 3; size -= 3, d += 3) {
                uint32_t v = (uint32_t)d[0] << 16 | (uint32_t)d[1] << 8 | d[2];

                *p++ = digits[v >> 18];
                *p++ = digits[v >> 12 & 63];
                *p++ = digits[v >> 6 & 63];
                *p++ = digits[v & 63];
        }
        if (size > 0) {
                uint32_t v = (uint32_t)d[0] << 16 | (size == 2 ? (uint32_t)d[1] << 8 : 0);

                *p++ = digits[v >> 18];
                *p++ = digits[v >> 12 & 63];
                *p++ = size == 2 ? digits[v >> 6 & 63] : '=';
                *p++ = '=';
        }
        *p = '\0';
        return (size_t)(p - ret_text);
}

/* 64 and more: no digit. */
static uint32_t value(char c)
{
        if (c >= 'A' && c <= 'Z')
                return (uint32_t)(c - 'A');
        if (c >= 'a' && c <= 'z')
                return (uint32_t)(c - 'a') + 26;
        if (c >= '0' && c <= '9')
                return (uint32_t)(c - '0') + 52;
        return c == '+' ? 62 : c == '/' ? 63 : 64;
}

int base64_decode(const char *text, size_t length, void *ret_data, size_t room, size_t *ret_size)
{
        size_t padding = 0, size, at = 0;
        uint8_t *out = ret_data;

        if (length % 4)
                return -EINVAL;
        while (padding < 2 && padding < length && text[length - 1 - padding] == '=')
                padding++;
        size = length / 4 * 3 - padding;
        if (size > room)
                return -ENOBUFS;
        for (size_t i = 0; i < length; i += 4) {
                size_t given = i + 4 == length ? 4 - padding : 4;
                uint32_t v = 0;

                for (size_t k = 0; k < 4; k++) {
                        uint32_t digit = k < given ? value(text[i + k]) : 0;

                        if (digit > 63)
                                return -EINVAL;
                        v = v << 6 | digit;
                }
                if ((given == 3 && v & 0xff) || (given == 2 && v & 0xffff))
                        return -EINVAL;
                out[at++] = (uint8_t)(v >> 16);
                if (given > 2)
                        out[at++] = (uint8_t)(v >> 8);
                if (given > 3)
                        out[at++] = (uint8_t)v;
        }
        *ret_size = at;
        return 0;
}
