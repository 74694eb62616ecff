#include "coordinator/cli/watch_draw.h"
#include "coordinator/cli/table.h"
#include "coordinator/render.h"
#include "coordinator/values.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TROUBLE_MOST 3
#define TROUBLE_MANY_FROM 16 /* lines of the screen; below it, one incident has a line */

struct line {
        json_t *edge;
        double open, traffic, opened, window;
        size_t index;
};

static double n(json_t *v)
{
        return json_number_value(v);
}

static int by_activity(const void *a, const void *b)
{
        const struct line *p = a, *q = b;

        if (p->traffic != q->traffic)
                return p->traffic < q->traffic ? 1 : -1;
        if (p->opened != q->opened)
                return p->opened < q->opened ? 1 : -1;
        if (p->open != q->open)
                return p->open < q->open ? 1 : -1;
        return p->index < q->index ? -1 : 1;
}

static void head(struct text *out, json_t *root, json_t *edges, size_t width, bool colour)
{
        json_t *s = json_object_get(root, "status");
        bool complete = json_is_true(json_object_get(edges, "complete"));
        static const char *const counted[] = { "hosts", "services", "edges" };
        char clock[16], line[256], b[VALUE_SIZE];
        int used;
        time_t now = time(NULL);
        struct tm tm;

        localtime_r(&now, &tm);
        strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
        table_tone_begin(out, TABLE_BOLD, colour);
        text_puts(out, "nightshift");
        table_tone_end(out, TABLE_BOLD, colour);
        used = snprintf(line, sizeof(line), "  %s ", clock);
        for (size_t i = 0; i < ARRAY_SIZE(counted); i++) {
                json_t *v = json_object_get(s, counted[i]);
                int length = (int)strlen(counted[i]) - (n(v) == 1);

                used += snprintf(line + used, sizeof(line) - (size_t)used, "%s %s %.*s", i ? " ·" : "", value_count(b, v), length,
                                 counted[i]);
        }
        table_text(out, line, width > 10 ? width - 10 : 0);
        text_puts(out, "\n");
        if (!complete) {
                table_tone_begin(out, TABLE_WARN, colour);
                table_text(out, "incomplete: an agent lost events or is silent", width);
                table_tone_end(out, TABLE_WARN, colour);
        }
        text_puts(out, "\n");
}

static bool is_open(json_t *incident)
{
        const char *state = value_string(incident, "state");

        return strcmp(state, "open") == 0 || strcmp(state, "mitigating") == 0;
}

/* A line each for the first few: "▲ i2 shop connection-pool-leak since 13:12:20, reaches its limit at about 13:18:13".
 * Returns how many lines were written. */
static size_t trouble(struct text *out, json_t *incidents, int64_t now, size_t width, size_t height, bool colour)
{
        size_t open = 0, most = height && height < TROUBLE_MANY_FROM ? 1 : TROUBLE_MOST, lines = 0;
        char line[512], b[VALUE_SIZE];

        for (size_t i = 0; i < json_array_size(incidents); i++) {
                json_t *incident = json_array_get(incidents, i), *breach = value_at(incident, "breach_at", "likely");
                const char *server = value_string(incident, "server");
                int used;

                if (!is_open(incident) || open++ >= most)
                        continue;
                used = snprintf(line, sizeof(line), "▲ %s %s %s%s%s since %s", value_string(incident, "id"),
                                value_string(incident, "service"), value_string(incident, "signature"), *server ? " towards " : "",
                                server, value_time(b, json_object_get(incident, "onset_at"), now));
                if (json_is_string(breach) && (size_t)used < sizeof(line))
                        snprintf(line + used, sizeof(line) - (size_t)used, ", reaches its limit at about %s",
                                 value_time(b, breach, now));
                table_tone_begin(out, TABLE_BAD, colour);
                table_text(out, line, width);
                table_tone_end(out, TABLE_BAD, colour);
                text_puts(out, "\n");
                lines++;
        }
        if (open > lines) {
                snprintf(line, sizeof(line), "▲ %zu more incidents", open - lines);
                table_tone_begin(out, TABLE_BAD, colour);
                table_text(out, line, width);
                table_tone_end(out, TABLE_BAD, colour);
                text_puts(out, "\n");
                lines++;
        }
        return lines;
}

static void columns(struct table *t)
{
        table_column(t, "CLIENT", TABLE_LEFT, 18, 0);
        table_column(t, "SERVER", TABLE_LEFT, 18, 0);
        table_column(t, "PORT", TABLE_LEFT, 6, 1);
        table_column(t, "OPEN", TABLE_RIGHT, 0, 0);
        table_column(t, "NEW/s", TABLE_RIGHT, 0, 2);
        table_column(t, "FAILED", TABLE_RIGHT, 0, 3);
        table_column(t, "SENT/s", TABLE_RIGHT, 0, 4);
        table_column(t, "RECEIVED/s", TABLE_RIGHT, 0, 4);
        table_column(t, "TURNAROUND", TABLE_RIGHT, 0, 5);
        table_column(t, "RTT", TABLE_RIGHT, 0, 6);
}

static void row(struct table *t, const struct line *l)
{
        json_t *e = l->edge, *failed = value_at(e, "connections", "failed");
        const char *protocol = value_string(e, "protocol");
        bool udp = strcmp(value_string(e, "transport"), "udp") == 0, external = json_is_true(json_object_get(e, "external"));
        enum table_tone tone = l->open > 0 || l->traffic > 0 || l->opened > 0 ? TABLE_PLAIN : TABLE_FAINT;
        double sent = n(value_at(e, "bytes", "sent")), received = n(value_at(e, "bytes", "received"));
        char b[VALUE_SIZE];

        table_row(t);
        table_cell(t, tone == TABLE_PLAIN ? TABLE_BOLD : tone, value_string(e, "client"));
        table_cell(t, tone == TABLE_PLAIN && !external ? TABLE_BOLD : tone, value_string(e, "server"));
        table_cellf(t, tone, "%lld%s%s%s", (long long)json_integer_value(json_object_get(e, "port")), *protocol ? " " : "",
                    protocol, udp ? "/udp" : "");
        table_cell(t, tone, value_count(b, value_at(e, "connections", "open")));
        table_cell(t, tone, value_rate(b, l->opened / l->window));
        table_cell(t, n(failed) > 0 ? TABLE_BAD : tone, value_count(b, failed));
        table_cell(t, tone, value_bytes(b, sent / l->window));
        table_cell(t, tone, value_bytes(b, received / l->window));
        table_cell(t, tone, value_micros(b, value_at(e, "turnaround_us", "p50")));
        table_cell(t, tone, value_micros(b, value_at(e, "rtt_us", "p50")));
}

int watch_draw(struct text *out, json_t *status, json_t *edges, json_t *incidents, int64_t now, size_t width, size_t height,
               bool colour)
{
        json_t *array = json_object_get(edges, "edges");
        size_t count = json_array_size(array), rows = count;
        CLEANUP_FREE struct line *lines = calloc(count + 1, sizeof(*lines));
        struct table *t = NULL;
        size_t lines_above;
        int r;

        if (!lines)
                return -ENOMEM;
        if (!json_is_array(array))
                return -EBADMSG;
        for (size_t i = 0; i < count; i++) {
                json_t *e = json_array_get(array, i);
                double window = n(json_object_get(e, "window_s"));

                lines[i] = (struct line){
                        .edge = e,
                        .open = n(value_at(e, "connections", "open")),
                        .opened = n(value_at(e, "connections", "opened")),
                        .traffic = n(value_at(e, "bytes", "sent")) + n(value_at(e, "bytes", "received")),
                        .window = window > 0 ? window : 1,
                        .index = i,
                };
        }
        if (count)
                qsort(lines, count, sizeof(*lines), by_activity);
        head(out, status, edges, width, colour);
        lines_above = trouble(out, json_object_get(incidents, "incidents"), now, width, height, colour);
        height = height ? MAX(height - MIN(lines_above, height), (size_t)1) : 0;
        if (count == 0) {
                text_puts(out, "No connection has been seen yet.\n");
                return out->failed;
        }
        /* Two lines of head, one of column heads, one for what is left out. */
        if (height && rows + 3 > height)
                rows = height > 5 ? height - 4 : 1;
        r = table_new(&t);
        if (r < 0)
                return r;
        columns(t);
        for (size_t i = 0; i < rows; i++)
                row(t, &lines[i]);
        r = table_print(t, width, 0, colour, out);
        table_free(&t);
        if (r == 0 && rows < count)
                text_printf(out, "%zu more edges", count - rows);
        return r;
}
