#include "coordinator/cli/tree.h"
#include "coordinator/cli/table.h"
#include "coordinator/render.h"
#include "coordinator/values.h"

#include <stdio.h>
#include <string.h>

static void piece(struct text *out, enum table_tone tone, bool colour, const char *text, size_t width)
{
        table_tone_begin(out, tone, colour);
        table_text(out, text, width);
        table_tone_end(out, tone, colour);
}

/* ":5432 postgresql · 12 open · 3 failed · 1.2 MB", as much as the line holds. */
static void facts(struct text *out, json_t *edge, size_t room, bool colour)
{
        json_t *connections = json_object_get(edge, "connections");
        double failed = json_number_value(json_object_get(connections, "failed"));
        double bytes = json_number_value(value_at(edge, "bytes", "sent")) + json_number_value(value_at(edge, "bytes", "received"));
        const char *protocol = value_string(edge, "protocol");
        bool udp = strcmp(value_string(edge, "transport"), "udp") == 0;
        char text[256], b[VALUE_SIZE];

        snprintf(text, sizeof(text), ":%lld%s%s%s", (long long)json_integer_value(json_object_get(edge, "port")),
                 *protocol ? " " : "", protocol, udp ? "/udp" : "");
        text_puts(out, " ");
        piece(out, TABLE_PLAIN, colour, text, room);
        room -= MIN(room, table_text_width(text) + 1);
        snprintf(text, sizeof(text), " · %s open", value_count(b, json_object_get(connections, "open")));
        if (room <= table_text_width(text))
                return;
        piece(out, TABLE_PLAIN, colour, text, 0);
        room -= table_text_width(text);
        snprintf(text, sizeof(text), " · %s failed", value_count(b, json_object_get(connections, "failed")));
        if (failed > 0 && room > table_text_width(text)) {
                piece(out, TABLE_BAD, colour, text, 0);
                room -= table_text_width(text);
        }
        snprintf(text, sizeof(text), " · %s", value_bytes(b, bytes));
        if (bytes > 0 && room > table_text_width(text))
                piece(out, TABLE_FAINT, colour, text, 0);
}

/* The open incidents by the name of their service: an object whose references are its own. NULL without memory. */
static json_t *read_marks(json_t *root)
{
        json_t *marks = json_object(), *services = json_object_get(root, "services");

        for (size_t i = 0; marks && i < json_array_size(services); i++) {
                json_t *s = json_array_get(services, i), *incidents = json_object_get(s, "incidents");

                if (json_array_size(incidents) > 0 && json_object_set(marks, value_string(s, "name"), incidents) < 0)
                        break;
        }
        return marks;
}

/* "▲ i2 connection-pool-leak" for each, as many as the line has room for. */
static void write_marks(struct text *out, json_t *incidents, size_t room, bool colour)
{
        for (size_t i = 0; i < json_array_size(incidents); i++) {
                json_t *incident = json_array_get(incidents, i);
                char text[256];

                snprintf(text, sizeof(text), "  ▲ %s %s", value_string(incident, "id"), value_string(incident, "signature"));
                if (room < table_text_width(text))
                        return;
                piece(out, TABLE_BAD, colour, text, 0);
                room -= table_text_width(text);
        }
}

int tree_draw(struct text *out, json_t *root, size_t width, bool colour)
{
        json_t *edges = json_object_get(root, "edges"), *marks;
        size_t count = json_array_size(edges), room = width ? width : 200;
        const char *before = NULL;

        if (!json_is_array(edges))
                return -EBADMSG;
        if (count == 0)
                text_puts(out, "No connection has been seen yet.\n");
        marks = read_marks(root);
        for (size_t i = 0; i < count; i++) {
                json_t *edge = json_array_get(edges, i), *next = json_array_get(edges, i + 1);
                const char *client = value_string(edge, "client"), *server = value_string(edge, "server");
                bool last = !next || strcmp(value_string(next, "client"), client) != 0;
                bool marked = json_object_get(marks, server);
                size_t name = MIN(table_text_width(server), MAX(room * 2 / 3, (size_t)8));

                if (!before || strcmp(before, client)) {
                        piece(out, TABLE_BOLD, colour, client, room);
                        write_marks(out, json_object_get(marks, client), room - MIN(room, table_text_width(client)), colour);
                        text_puts(out, "\n");
                }
                before = client;
                text_puts(out, last ? "└─ " : "├─ ");
                piece(out, json_is_true(json_object_get(edge, "external")) ? TABLE_FAINT : TABLE_PLAIN, colour, server, name);
                if (marked)
                        piece(out, TABLE_BAD, colour, " ▲", 0);
                name += marked ? 2 : 0;
                facts(out, edge, room > name + 4 ? room - name - 4 : 0, colour);
                text_puts(out, "\n");
        }
        json_decref(marks);
        return out->failed;
}
