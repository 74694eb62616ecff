#include "coordinator/dot_internal.h"
#include "coordinator/render.h"

#include <stdio.h>
#include <string.h>

#define NAME_MOST 28
#define MARKS_MOST 3

static const struct {
        const char *dot, *border, *fill;
} colours[] = {
        [VIEW_HEALTH_UNKNOWN] = { DOT_FAINT, "#94a3b8", "#ffffff" },
        [VIEW_HEALTH_OK] = { "#16a34a", "#64748b", "#ffffff" },
        [VIEW_HEALTH_WARN] = { "#d97706", "#d97706", "#fff7e8" },
        [VIEW_HEALTH_BAD] = { "#dc2626", "#dc2626", "#fef0f0" },
};

static void row(struct text *out, const char *colour)
{
        text_puts(out, "<tr><td align=\"left\"><font point-size=\"9\" color=\"");
        text_puts(out, colour);
        text_puts(out, "\">");
}

static void end_row(struct text *out)
{
        text_puts(out, "</font></td></tr>");
}

static void separator(struct text *out, bool *any)
{
        if (*any)
                text_puts(out, " · ");
        *any = true;
}

/* "nginx:8080" that listens on 8080 and nowhere else. */
static bool port_in_name(const struct view_service *s)
{
        const char *colon = strrchr(s->name, ':');
        char port[8];

        if (!colon || s->listening_count == 0)
                return false;
        for (size_t i = 0; i < s->listening_count; i++) {
                snprintf(port, sizeof(port), "%u", s->listening[i].port);
                if (strcmp(colon + 1, port) != 0)
                        return false;
        }
        return true;
}

/* What a reader asks next: where it listens, how many there are of it, which build, and where it
 * runs if no box around it says so. */
static void details(struct text *out, const struct view_service *s, bool placed)
{
        bool any = false, told = port_in_name(s);

        if ((s->listening_count == 0 || told) && s->instances < 2 && !*s->version && (placed || s->hosts.count == 0))
                return;
        row(out, DOT_QUIET);
        for (size_t i = 0, shown = 0; !told && i < s->listening_count; i++) {
                bool seen = false;

                for (size_t k = 0; k < i; k++)
                        seen |= s->listening[k].port == s->listening[i].port;
                if (seen)
                        continue;
                if (shown++ == 3) {
                        text_puts(out, " …");
                        break;
                }
                if (shown == 1)
                        any = true;
                else
                        text_puts(out, " ");
                text_puts(out, ":");
                text_uint(out, s->listening[i].port);
        }
        if (s->instances > 1) {
                separator(out, &any);
                text_puts(out, "×");
                text_uint(out, s->instances);
        }
        if (*s->version) {
                separator(out, &any);
                dot_html(out, s->version, 14);
        }
        if (!placed && s->hosts.count > 0) {
                separator(out, &any);
                dot_html(out, s->hosts.items[0], 16);
                if (s->hosts.count > 1) {
                        text_puts(out, " +");
                        text_uint(out, s->hosts.count - 1);
                }
        }
        end_row(out);
}

/* "▲ i2 connection-pool-leak" for each, as far as a box has room. */
static void marks(struct text *out, const struct view_service *s)
{
        for (size_t i = 0; i < s->marks_count; i++) {
                row(out, DOT_TROUBLE);
                if (i == MARKS_MOST) {
                        text_puts(out, "▲ ");
                        text_uint(out, s->marks_count - i);
                        text_puts(out, " more");
                        end_row(out);
                        return;
                }
                text_puts(out, "<b>▲ ");
                dot_html(out, s->marks[i].id, 12);
                text_puts(out, "</b> ");
                dot_html(out, s->marks[i].signature, NAME_MOST);
                end_row(out);
        }
}

void dot_write_service(struct text *out, const struct dot_node *n, bool placed)
{
        const struct view_service *s = n->service;
        size_t health = s && (size_t)s->health < ARRAY_SIZE(colours) ? s->health : VIEW_HEALTH_UNKNOWN;
        bool marked = s && s->marks_count > 0;

        text_puts(out, " [color=\"");
        text_puts(out, marked ? DOT_TROUBLE : colours[health].border);
        text_puts(out, "\" fillcolor=\"");
        text_puts(out, colours[health].fill);
        if (marked || health >= VIEW_HEALTH_WARN)
                text_puts(out, marked ? "\" penwidth=\"3" : "\" penwidth=\"2");
        text_puts(out, "\" tooltip=\"");
        dot_tooltip(out, n->name);
        text_puts(out, "\" label=<<table border=\"0\" cellborder=\"0\" cellspacing=\"0\" cellpadding=\"1\"><tr><td "
                       "align=\"left\">");
        if (health != VIEW_HEALTH_UNKNOWN) {
                text_puts(out, "<font color=\"");
                text_puts(out, colours[health].dot);
                text_puts(out, "\">●</font> ");
        }
        text_puts(out, "<b>");
        dot_html(out, *n->name ? n->name : "?", NAME_MOST);
        text_puts(out, "</b></td></tr>");
        if (s)
                details(out, s, placed);
        if (marked)
                marks(out, s);
        text_puts(out, "</table>>];\n");
}

void dot_write_external(struct text *out, const struct dot_model *m, uint32_t index)
{
        const struct dot_node *n = &m->nodes[index];

        text_puts(out, " [style=\"rounded,dashed,filled\" color=\"" DOT_FAINT "\" fillcolor=\"" DOT_GROUND
                       "\" fontcolor=\"" DOT_QUIET "\" tooltip=\"");
        dot_tooltip(out, n->name);
        if (n->members == 1) {
                text_puts(out, "\" label=<");
                dot_html(out, *n->name ? n->name : "?", NAME_MOST + 18);
                text_puts(out, ">];\n");
                return;
        }
        text_puts(out, " and others\" label=<<table border=\"0\" cellborder=\"0\" cellspacing=\"0\" cellpadding=\"1\"><tr><td "
                       "align=\"left\"><b>");
        text_uint(out, n->members);
        text_puts(out, n->is_client ? " clients" : " servers");
        text_puts(out, "</b></td></tr>");
        for (uint32_t i = index, shown = 0; i < m->nodes_count && shown < 3; i++) {
                if (m->nodes[i].into != index)
                        continue;
                row(out, DOT_QUIET);
                dot_html(out, m->nodes[i].name, NAME_MOST);
                if (++shown == 3 && n->members > 3)
                        text_puts(out, " …");
                end_row(out);
        }
        text_puts(out, "</table>>];\n");
}
