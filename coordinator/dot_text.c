#include "coordinator/dot.h"
#include "coordinator/render.h"
#include "coordinator/utf8.h"

#include <string.h>

enum dialect { IDENTIFIER, HTML, TOOLTIP };

/* One character, or U+FFFD for what a renderer would complain about or a terminal would obey. */
static size_t character(struct text *out, const char *s, enum dialect dialect)
{
        size_t n = utf8_length(s);

        if (n == 0 || utf8_is_control(s)) {
                text_puts(out, "\xef\xbf\xbd");
                return MAX(n, (size_t)1);
        }
        switch (n == 1 ? *s : 0) {
        case '"':
                text_puts(out, dialect == HTML ? "&quot;" : "\\\"");
                break;
        case '\\':
                text_puts(out, dialect == HTML ? "\\" : "\\\\");
                break;
        case '&':
                text_puts(out, dialect == IDENTIFIER ? "&" : "&amp;");
                break;
        case '<':
                text_puts(out, dialect == HTML ? "&lt;" : "<");
                break;
        case '>':
                text_puts(out, dialect == HTML ? "&gt;" : ">");
                break;
        default:
                text_append(out, s, n);
        }
        return n;
}

/* Most text is plain: it goes out in runs. */
static bool is_plain(char c)
{
        return (c >= 'a' && c <= 'z') || (c >= '-' && c <= ':') || (c >= 'A' && c <= 'Z') || c == '_' || c == '@' || c == ' ';
}

static void all(struct text *out, const char *s, enum dialect dialect)
{
        while (*s) {
                size_t n = 0;

                while (is_plain(s[n]))
                        n++;
                if (n > 0)
                        text_append(out, s, n);
                else
                        n = character(out, s, dialect);
                s += n;
        }
}

void dot_identifier(struct text *out, const char *string)
{
        text_append(out, "\"", 1);
        all(out, string, IDENTIFIER);
        text_append(out, "\"", 1);
}

void dot_tooltip(struct text *out, const char *string)
{
        all(out, string, TOOLTIP);
}

void dot_html(struct text *out, const char *string, size_t most)
{
        size_t count = 0, head, skip;

        for (const char *s = string; *s; count++)
                s += MAX(utf8_length(s), (size_t)1);
        if (most == 0 || count <= most) {
                all(out, string, HTML);
                return;
        }
        /* The end tells siblings apart as often as the beginning does. */
        head = most * 2 / 3;
        skip = count - most;
        for (size_t i = 0; *string; i++) {
                if (i >= head && i < head + skip) {
                        if (i == head)
                                text_puts(out, "…");
                        string += MAX(utf8_length(string), (size_t)1);
                        continue;
                }
                string += character(out, string, HTML);
        }
}
