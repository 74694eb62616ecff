#include "coordinator/notice_template.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 32
#define NAME_MAX_TEMPLATE 128

/* A growing text, as jansson's own strings are of fixed length. */
struct growing {
        char *data;
        size_t length;
        bool failed;
};

static void add(struct growing *g, const char *data, size_t length)
{
        char *more = g->failed ? NULL : realloc(g->data, g->length + length + 1);

        if (!more) {
                g->failed = true;
                return;
        }
        memcpy(more + g->length, data, length);
        g->data = more;
        g->length += length;
        g->data[g->length] = '\0';
}

/* "explain.cause.kind". */
static const json_t *member(const json_t *notice, const char *name, size_t length)
{
        if (length == 0)
                return NULL;
        while (notice && length > 0) {
                const char *dot = memchr(name, '.', length);
                size_t n = dot ? (size_t)(dot - name) : length;
                char part[NAME_MAX_TEMPLATE];

                if (n >= sizeof(part))
                        return NULL;
                memcpy(part, name, n);
                part[n] = '\0';
                notice = json_object_get(notice, part);
                name += dot ? n + 1 : n;
                length -= dot ? n + 1 : n;
        }
        return notice;
}

/* The first {{NAME}} at or after `text`, without blanks around it. */
static const char *find(const char *text, const char **ret_name, size_t *ret_length, const char **ret_after)
{
        const char *open = strstr(text, "{{"), *close = open ? strstr(open + 2, "}}") : NULL, *last;

        if (!close)
                return NULL;
        for (*ret_name = open + 2; *ret_name < close && **ret_name == ' '; ++*ret_name)
                ;
        for (last = close; last > *ret_name && last[-1] == ' '; last--)
                ;
        *ret_length = (size_t)(last - *ret_name);
        *ret_after = close + 2;
        return open;
}

static void add_value(struct growing *g, const json_t *value)
{
        char *text;

        if (!value || json_is_null(value))
                return;
        if (json_is_string(value)) {
                add(g, json_string_value(value), json_string_length(value));
                return;
        }
        text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
        if (!text)
                g->failed = true;
        else
                add(g, text, strlen(text));
        free(text);
}

static json_t *fill_text(const char *text, const json_t *notice)
{
        struct growing g = { 0 };
        const char *name = "", *after = "", *open;
        json_t *filled = NULL;
        size_t length = 0;

        open = find(text, &name, &length, &after);
        if (open == text && !*after) {
                const json_t *value = member(notice, name, length);

                return value ? json_deep_copy(value) : json_null();
        }
        add(&g, "", 0);
        while ((open = find(text, &name, &length, &after))) {
                add(&g, text, (size_t)(open - text));
                add_value(&g, member(notice, name, length));
                text = after;
        }
        add(&g, text, strlen(text));
        if (!g.failed)
                filled = json_stringn(g.data, g.length);
        free(g.data);
        return filled;
}

static json_t *fill(const json_t *template, const json_t *notice, unsigned depth)
{
        json_t *filled, *value;
        const char *key;
        size_t i;

        if (depth > DEPTH_MAX)
                return NULL;
        if (json_is_string(template))
                return fill_text(json_string_value(template), notice);
        if (json_is_object(template)) {
                filled = json_object();
                json_object_foreach((json_t *)template, key,
                                    value) if (filled && json_object_set_new(filled, key, fill(value, notice, depth + 1)) < 0)
                {
                        json_decref(filled);
                        filled = NULL;
                }
                return filled;
        }
        if (json_is_array(template)) {
                filled = json_array();
                json_array_foreach(template, i,
                                   value) if (filled && json_array_append_new(filled, fill(value, notice, depth + 1)) < 0)
                {
                        json_decref(filled);
                        filled = NULL;
                }
                return filled;
        }
        return json_deep_copy(template);
}

json_t *notice_template_fill(const json_t *template, const json_t *notice)
{
        return fill(template, notice, 0);
}
