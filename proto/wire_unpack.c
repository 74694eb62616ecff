/* Columns back into a summary. Everything is checked here, before the core sees it. */
#include "proto/wire_table.h"

#include <string.h>

/* The strings stay where they were decoded; this finds where each begins. */
static int unpack_strings(struct wire_unpacker *u)
{
        const char *data = (const char *)u->m->strings.data, *end = data + u->m->strings.len;
        size_t count = 0;

        if (u->m->strings.len > 0 && end[-1] != 0)
                FAIL(u, "strings: the last one has no end");
        for (const char *p = data; p < end; p += strlen(p) + 1)
                count++;
        u->text = NEW_ROWS(u, (count + 1) * sizeof(*u->text));
        u->text[0] = "";
        for (const char *p = data; p < end; p += strlen(p) + 1) {
                size_t length = strlen(p);

                if (length > WIRE_TEXT_MAX)
                        FAIL(u, "strings: one is longer than 4096 bytes");
                if (!wire_text_valid(p, length))
                        FAIL(u, "strings: not UTF-8 without control characters");
                u->text[++u->text_count] = p;
        }
        return 0;
}

static int unpack_tables(struct wire_unpacker *u)
{
        if (u->m->addresses_v4.len % 4 != 0)
                FAIL(u, "addresses_v4: not a multiple of 4 bytes");
        if (u->m->addresses_v6.len % 16 != 0)
                FAIL(u, "addresses_v6: not a multiple of 16 bytes");
        u->v4_count = u->m->addresses_v4.len / 4;
        u->v6_count = u->m->addresses_v6.len / 16;
        return unpack_strings(u);
}

int wire_unpack_summary(const Nightshift__Summary *message, struct arena *arena, struct summary **ret_summary, const char **ret_why)
{
        static int (*const steps[])(struct wire_unpacker *) = { unpack_tables, wire_unpack_header, wire_unpack_host,
#define X(name, max) wire_unpack_##name,
                                                                WIRE_TABLES(X)
#undef X
        };
        struct wire_unpacker u = { .m = message, .arena = arena };

        u.s = arena_alloc(arena, sizeof(*u.s));
        if (!u.s)
                return -ENOBUFS;
        for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
                int r = steps[i](&u);

                if (r == -EBADMSG)
                        *ret_why = u.why;
                if (r < 0)
                        return r;
        }
        *ret_summary = u.s;
        return 0;
}
