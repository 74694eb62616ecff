#include "coordinator/dot_internal.h"
#include "coordinator/render.h"

#include <math.h>
#include <string.h>

/* Failures are judged against the attempts of the same window: a few in ten thousand are weather. */
static size_t link_health(const struct dot_link *l)
{
        uint64_t tried = MAX(l->attempted, l->failed), bad = l->failed + l->errors;

        if (bad == 0)
                return VIEW_HEALTH_OK;
        if (bad * 5 >= tried)
                return VIEW_HEALTH_BAD;
        return bad * 100 >= tried ? VIEW_HEALTH_WARN : VIEW_HEALTH_OK;
}

/* The incident of the client that is about this server, or NULL. */
static const struct view_mark *mark_of(const struct dot_node *client, const struct dot_node *server, const struct dot_link *l)
{
        const struct view_service *s = client->service;

        for (size_t i = 0; s && i < s->marks_count; i++)
                if (s->marks[i].port == l->edge->port && strcmp(s->marks[i].server, server->name) == 0)
                        return &s->marks[i];
        return NULL;
}

/* From 1 to 5 by the logarithm of the traffic against the busiest link of the picture, or against a
 * megabyte a second if nothing is that busy: a quiet system looks quiet. */
static double width(const struct dot_link *l, double busiest)
{
        return 1 + 4 * log1p(l->rate / 100) / log1p(MAX(busiest, 1e6) / 100);
}

static void size_text(struct text *out, double bytes)
{
        static const char *const units[] = { "B", "kB", "MB", "GB", "TB", "PB" };
        size_t i = 0;

        while (bytes >= 999.5 && i + 1 < ARRAY_SIZE(units)) {
                bytes /= 1000;
                i++;
        }
        text_printf(out, bytes < 9.95 && i > 0 ? "%.1f %s" : "%.0f %s", bytes, units[i]);
}

static void write_tooltip(struct text *out, const struct dot_link *l, const char *client, const char *server)
{
        text_puts(out, " edgetooltip=\"");
        dot_tooltip(out, client);
        text_puts(out, " to ");
        dot_tooltip(out, server);
        text_puts(out, l->edge->transport == TRANSPORT_UDP ? ", udp port " : ", port ");
        text_uint(out, l->edge->port);
        text_puts(out, ": ");
        text_uint(out, l->open);
        text_puts(out, " open, ");
        text_uint(out, l->failed);
        text_puts(out, " failed, ");
        size_text(out, (double)l->bytes);
        text_puts(out, "\"");
}

void dot_write_link(struct text *out, const struct dot_model *model, const struct dot_link *l, double busiest, bool tooltip)
{
        static const char *const strokes[] = {
                [VIEW_HEALTH_WARN] = "#d97706",
                [VIEW_HEALTH_BAD] = "#dc2626",
        };
        const struct dot_node *client = &model->nodes[l->client], *server = &model->nodes[l->server];
        bool external = client->external || server->external, udp = l->edge->transport == TRANSPORT_UDP;
        const struct view_mark *mark = mark_of(client, server, l);
        size_t health = mark ? VIEW_HEALTH_BAD : link_health(l);
        unsigned tenths = (unsigned)(width(l, busiest) * 10 + 0.5);

        text_puts(out, "  ");
        dot_identifier(out, client->name);
        text_puts(out, " -> ");
        dot_identifier(out, server->name);
        text_puts(out, " [penwidth=");
        text_uint(out, tenths / 10);
        text_puts(out, ".");
        text_uint(out, tenths % 10);
        if (external)
                text_puts(out, health == VIEW_HEALTH_OK ? " style=dashed color=\"" DOT_FAINT "\"" : " style=dashed");
        if (health >= VIEW_HEALTH_WARN) {
                text_puts(out, " color=\"");
                text_puts(out, strokes[health]);
                text_puts(out, "\" fontcolor=\"");
                text_puts(out, strokes[health]);
                text_puts(out, "\"");
        }
        text_puts(out, mark ? " label=<▲ " : " label=<");
        if (*l->edge->protocol) {
                dot_html(out, l->edge->protocol, 20);
        } else {
                text_puts(out, ":");
                text_uint(out, l->edge->port);
        }
        if (udp)
                text_puts(out, "/udp");
        if (l->open) {
                text_puts(out, " · ");
                text_uint(out, l->open);
        }
        /* A low line below keeps the edge from striking the words through. */
        text_puts(out, "<br/><font point-size=\"4\"> </font>>");
        if (tooltip)
                write_tooltip(out, l, client->name, server->name);
        text_puts(out, "];\n");
}
