/* Turns a view into what people and programs read: JSON exactly as in the interface page, DOT, and
 * tables. Pure functions of the view; the same view gives the same bytes. */
#pragma once

#include "coordinator/view.h"

/* A growing buffer of text; `failed` latches the first -ENOMEM, so that writers need not check. */
struct text {
        char *data;
        size_t length, capacity;
        int failed;
};
void text_free(struct text *text);
void text_append(struct text *text, const char *data, size_t length);
void text_puts(struct text *text, const char *string);
void text_printf(struct text *text, const char *format, ...) PRINTF_LIKE(2, 3);
/* Room for `more` bytes at the end, or NULL; what was written there counts once `length` says so. */
char *text_reserve(struct text *text, size_t more);
void text_uint(struct text *text, uint64_t value);
/* RFC 3339 in UTC with milliseconds. */
void text_time(struct text *text, int64_t ns);

/* What later stages than the graph add to `status` and to `explain`, as members of that object; `incident` is its
 * id. Of `status` it writes `paused`. */
struct render_more {
        void (*write)(void *data, struct text *out, const char *incident);
        void *data;
};

/* `more` may be NULL. `verb` is status, hosts, services, edges, processes, deployments or graph. -ENOENT for another. */
MUST_CHECK int render_json(struct text *out, const char *verb, const struct view *view, const struct render_more *more);
MUST_CHECK int render_dot(struct text *out, const struct view *view);
