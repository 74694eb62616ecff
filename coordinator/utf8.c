#include "coordinator/utf8.h"

size_t utf8_length(const char *string)
{
        const unsigned char *s = (const unsigned char *)string;
        unsigned low = 0x80, high = 0xbf;
        size_t n;

        if (s[0] < 0x80)
                return 1;
        if (s[0] < 0xc2 || s[0] > 0xf4)
                return 0;
        n = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
        if (s[0] == 0xe0)
                low = 0xa0;
        else if (s[0] == 0xed)
                high = 0x9f;
        else if (s[0] == 0xf0)
                low = 0x90;
        else if (s[0] == 0xf4)
                high = 0x8f;
        if (s[1] < low || s[1] > high)
                return 0;
        for (size_t i = 2; i < n; i++)
                if (s[i] < 0x80 || s[i] > 0xbf)
                        return 0;
        return n;
}

bool utf8_is_control(const char *string)
{
        const unsigned char *s = (const unsigned char *)string;

        return s[0] < 0x20 || s[0] == 0x7f || (s[0] == 0xc2 && s[1] < 0xa0);
}

void utf8_clean(char *s)
{
        while (*s) {
                size_t n = utf8_length(s);

                if (n == 0)
                        *s = '?';
                s += MAX(n, (size_t)1);
        }
}
