#include "coordinator/markdown.h"
#include "coordinator/render.h"
#include "coordinator/utf8.h"

#include <string.h>
#include <strings.h>

/* CommonMark 0.30, 2.4: any punctuation of ASCII may be escaped. These mean something inside of a line. ':' and '.' do in
 * bare addresses (https://..., www.), '@' in mentions and mail. */
static const char inside[] = "\\`*_[]<>&|~!#$@^{}";

/* What would begin a list, a heading's underline or a quotation where a line begins with it. */
static size_t begins_block(const char *s)
{
        size_t digits = strspn(s, "0123456789");

        if (strchr("-+=", *s) && *s)
                return 1;
        return digits && (s[digits] == '.' || s[digits] == ')') ? digits + 1 : 0;
}

static bool is_address(const char *s, size_t at)
{
        if (s[at] == ':')
                return s[at + 1] == '/' && s[at + 2] == '/';
        return s[at] == '.' && at >= 3 && strncasecmp(s + at - 3, "www", 3) == 0;
}

void markdown_text(struct text *out, const char *s)
{
        size_t block;

        s += strspn(s, " \t\r\n\v\f");
        block = begins_block(s);
        for (size_t i = 0; s[i];) {
                size_t n = utf8_length(s + i);

                if (n == 0 || utf8_is_control(s + i)) {
                        text_puts(out, s[i] == '\n' || s[i] == '\t' ? " " : "?");
                        i += MAX(n, (size_t)1);
                        continue;
                }
                if (n == 1 && (strchr(inside, s[i]) || i + 1 == block || is_address(s, i)))
                        text_puts(out, "\\");
                text_append(out, s + i, n);
                i += n;
        }
}
