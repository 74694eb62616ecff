#include "proto/wire_internal.h"

#include <string.h>

/* Bytes of the valid character at `p`, or 0 (RFC 3629, table 3-7 of the Unicode standard). */
static size_t character_length(const uint8_t *p, size_t left)
{
        uint8_t low = 0x80, high = 0xbf;
        size_t length;

        if (p[0] < 0x80)
                return p[0] >= 0x20 && p[0] != 0x7f;
        if (p[0] < 0xc2 || p[0] > 0xf4)
                return 0;
        length = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
        if (length > left)
                return 0;
        if (p[0] == 0xe0 || p[0] == 0xc2) /* shortest form; and U+0080 to U+009F are controls */
                low = 0xa0;
        else if (p[0] == 0xed)
                high = 0x9f;
        else if (p[0] == 0xf0)
                low = 0x90;
        else if (p[0] == 0xf4)
                high = 0x8f;
        if (p[1] < low || p[1] > high)
                return 0;
        for (size_t i = 2; i < length; i++)
                if ((p[i] & 0xc0) != 0x80)
                        return 0;
        return length;
}

bool wire_text_valid(const char *text, size_t length)
{
        const uint8_t *p = (const uint8_t *)text;

        for (size_t i = 0, n; i < length; i += n) {
                n = character_length(p + i, length - i);
                if (n == 0)
                        return false;
        }
        return true;
}

void wire_text_clean(char *to, const char *from, size_t length)
{
        const uint8_t *p = (const uint8_t *)from;

        for (size_t i = 0, n; i < length; i += n) {
                n = character_length(p + i, length - i);
                if (n > 0)
                        memcpy(to + i, from + i, n);
                else
                        to[i] = '?';
                n = MAX(n, (size_t)1);
        }
        to[length] = 0;
}

size_t wire_text_length(const char *text, size_t max)
{
        size_t length = strnlen(text, max + 1);

        if (length <= max)
                return length;
        for (length = max; length > 0 && ((uint8_t)text[length] & 0xc0) == 0x80; length--)
                ;
        return length;
}
