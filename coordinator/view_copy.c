/* What a view is made of lies in its own memory: room for rows, and copies of text. */
#include "coordinator/view_internal.h"
#include "proto/arena.h"

#include <string.h>

void *view_take(struct view_builder *b, size_t size)
{
        void *p = arena_alloc(b->arena, size);

        if (!p)
                b->short_of_memory = true;
        return p;
}

const char *view_copy_text(struct view_builder *b, const struct text *text)
{
        char *copy = text && text->length ? arena_strdup(b->arena, text->data, text->length) : "";

        if (!copy)
                b->short_of_memory = true;
        return copy ? copy : "";
}

const char *view_copy_string(struct view_builder *b, const char *string)
{
        char *copy = string[0] ? arena_strdup(b->arena, string, strlen(string)) : "";

        if (!copy)
                b->short_of_memory = true;
        return copy ? copy : "";
}

const char *view_service_name(struct view_builder *b, const struct service *s)
{
        if (!b->names[s->rank])
                b->names[s->rank] = view_copy_string(b, s->name);
        return b->names[s->rank];
}

const char *view_label(const struct host *h, const char *key)
{
        for (uint32_t i = 0; i < h->labels_count; i++)
                if (strcmp(h->labels[2 * i]->data, key) == 0)
                        return h->labels[2 * i + 1]->data;
        return "";
}

int view_by_string(const void *a, const void *b)
{
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}
