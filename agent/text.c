#include "agent/text.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Length of the well-formed UTF-8 character at `s` that is no control character, or 0. */
static size_t character(const unsigned char *s)
{
        uint32_t c;
        size_t n;

        if (*s < 0x80)
                return *s >= 0x20 && *s != 0x7f;
        if (*s >= 0xc2 && *s <= 0xdf)
                n = 2, c = *s & 0x1f;
        else if (*s >= 0xe0 && *s <= 0xef)
                n = 3, c = *s & 0x0f;
        else if (*s >= 0xf0 && *s <= 0xf4)
                n = 4, c = *s & 0x07;
        else
                return 0;
        for (size_t i = 1; i < n; i++) {
                if ((s[i] & 0xc0) != 0x80)
                        return 0;
                c = c << 6 | (s[i] & 0x3f);
        }
        if (c < 0xa0 || (n == 3 && c < 0x800) || (n == 4 && (c < 0x10000 || c > 0x10ffff)))
                return 0;
        if ((c >= 0xd800 && c <= 0xdfff) || c == 0x2028 || c == 0x2029)
                return 0;
        return n;
}

void text_clean(char *text)
{
        unsigned char *s = (unsigned char *)text;

        while (*s) {
                size_t n = character(s);

                if (n == 0) {
                        *s = '?';
                        n = 1;
                }
                s += n;
        }
}

void text_copy(char *to, size_t size, const char *from)
{
        size_t n = strnlen(from, size);

        if (n == size) {
                n = size - 1;
                /* Not in the middle of a character. */
                while (n > 0 && size - n < 4 && ((unsigned char)from[n] & 0xc0) == 0x80)
                        n--;
        }
        memcpy(to, from, n);
        to[n] = '\0';
        text_clean(to);
}

static int hex(char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

void text_unescape(char *text)
{
        char *to = text;

        for (const char *s = text; *s; s++) {
                if (s[0] == '\\' && s[1] == 'x' && hex(s[2]) >= 0 && hex(s[3]) >= 0) {
                        int c = hex(s[2]) << 4 | hex(s[3]);

                        *to++ = c ? (char)c : '?';
                        s += 3;
                } else {
                        *to++ = *s;
                }
        }
        *to = '\0';
}

bool text_is_hex(const char *text, size_t length)
{
        for (size_t i = 0; i < length; i++)
                if (hex(text[i]) < 0)
                        return false;
        return length > 0;
}

bool text_is_digits(const char *text, size_t length)
{
        for (size_t i = 0; i < length; i++)
                if (text[i] < '0' || text[i] > '9')
                        return false;
        return length > 0;
}

bool text_starts(const char *text, const char *prefix)
{
        return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool text_ends(const char *text, const char *suffix)
{
        size_t n = strlen(text), m = strlen(suffix);

        return n >= m && strcmp(text + n - m, suffix) == 0;
}

/* Reads until the buffer is full: some files of /proc come in pieces. */
ssize_t text_read_fd(int fd, char *buffer, size_t size)
{
        struct stat st;
        size_t n = 0;

        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return -EINVAL;
        while (n < size - 1) {
                ssize_t m = read(fd, buffer + n, size - 1 - n);

                if (m < 0)
                        return -errno;
                if (m == 0)
                        break;
                n += (size_t)m;
        }
        buffer[n] = '\0';
        return (ssize_t)n;
}

ssize_t text_read_file(const char *path, char *buffer, size_t size)
{
        CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

        return fd < 0 ? -errno : text_read_fd(fd, buffer, size);
}

int text_read_link(const char *path, char *buffer, size_t size)
{
        char target[4096];
        ssize_t n = readlink(path, target, sizeof(target) - 1);

        if (n < 0)
                return -errno;
        target[n] = '\0';
        if ((size_t)n < size)
                memcpy(buffer, target, (size_t)n + 1);
        else
                snprintf(buffer, size, "...%s", target + (size_t)n - (size - 4));
        return 0;
}
