#include "coordinator/cli/rows.h"
#include "coordinator/cli/rows_shapes.h"
#include "coordinator/render.h"
#include "coordinator/values.h"

#include <stdio.h>
#include <string.h>

/* What no signature can see, since there is no room to measure it. */
static void unwatched(struct text *out, json_t *object, bool colour)
{
        json_t *u = json_object_get(object, "unwatched");
        long long edges = json_integer_value(json_object_get(u, "edges"));
        long long services = json_integer_value(json_object_get(u, "services"));

        if (edges + services == 0)
                return;
        table_tone_begin(out, TABLE_WARN, colour);
        text_printf(out, "Not watched, for want of `memory`: %lld edges, %lld services.", edges, services);
        table_tone_end(out, TABLE_WARN, colour);
        text_puts(out, "\n");
}

static int status(struct text *out, json_t *root, bool colour)
{
        static const char *const plain[] = { "hosts", "services", "edges", "incidents_open", "lost_events" };
        static const char *const words[] = { "hosts", "services", "edges", "open incidents", "lost events" };
        json_t *s = json_object_get(root, "status"), *paused = json_object_get(s, "paused");
        bool complete = json_is_true(json_object_get(root, "complete"));
        char b[VALUE_SIZE];

        if (!json_is_object(s))
                return -EBADMSG;
        text_printf(out, "%-16s%s\n", "version", value_string(s, "version"));
        text_printf(out, "%-16s%s\n", "up", value_duration(b, json_number_value(json_object_get(s, "uptime_s"))));
        for (size_t i = 0; i < ARRAY_SIZE(plain); i++)
                text_printf(out, "%-16s%s\n", words[i], value_count(b, json_object_get(s, plain[i])));
        text_printf(out, "%-16s%s\n", "paused", json_is_object(paused) ? value_string(paused, "why") : "no");
        text_printf(out, "%-16s", "complete");
        table_tone_begin(out, complete ? TABLE_GOOD : TABLE_WARN, colour);
        text_puts(out, complete ? "yes" : "no: an agent lost events or is silent, see `nightshift hosts`");
        table_tone_end(out, complete ? TABLE_GOOD : TABLE_WARN, colour);
        text_puts(out, "\n");
        unwatched(out, s, colour);
        return out->failed;
}

/* What the rows cannot say. */
static void notes(struct text *out, json_t *root, bool colour)
{
        if (!json_is_true(json_object_get(root, "complete"))) {
                table_tone_begin(out, TABLE_WARN, colour);
                text_puts(out, "Incomplete: an agent lost events or is silent; see `nightshift hosts`.");
                table_tone_end(out, TABLE_WARN, colour);
                text_puts(out, "\n");
        }
        unwatched(out, root, colour);
}

int rows_draw(struct text *out, const char *verb, json_t *root, int64_t now, size_t width, bool colour)
{
        struct table *t = NULL;
        json_t *array;
        size_t which = 0;
        int r;

        if (strcmp(verb, "status") == 0)
                return status(out, root, colour);
        while (which < rows_shapes_count && strcmp(verb, rows_shapes[which].verb))
                which++;
        array = json_object_get(root, verb);
        if (which == rows_shapes_count || !json_is_array(array))
                return -EBADMSG;
        if (json_array_size(array) == 0) {
                text_printf(out, "%s\n", rows_shapes[which].empty);
                notes(out, root, colour);
                return out->failed;
        }
        r = table_new(&t);
        if (r < 0)
                return r;
        for (const struct table_column *c = rows_shapes[which].columns; c->header; c++)
                table_column(t, c->header, c->align, c->shrink, c->rank);
        for (size_t i = 0; i < json_array_size(array); i++) {
                table_row(t);
                rows_shapes[which].row(t, json_array_get(array, i), now);
        }
        r = table_print(t, width, 0, colour, out);
        table_free(&t);
        if (r == 0)
                notes(out, root, colour);
        return r;
}
