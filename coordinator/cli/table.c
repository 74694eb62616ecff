#include "coordinator/cli/table.h"
#include "coordinator/render.h"
#include "coordinator/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#define COLUMNS_MAX 24
#define GAP 2
#define LEAST 6

struct column {
        const char *header;
        enum table_align align;
        unsigned shrink, rank;
        size_t width; /* the widest cell, or the header */
        bool used;    /* some cell holds something */
};

struct cell {
        char *text;
        enum table_tone tone;
};

struct table {
        struct column columns[COLUMNS_MAX];
        size_t columns_count;
        struct cell *cells; /* row by row */
        size_t cells_count, cells_capacity, rows;
        bool failed;
};

int table_new(struct table **ret_table)
{
        struct table *table = calloc(1, sizeof(*table));

        if (!table)
                return -ENOMEM;
        *ret_table = table;
        return 0;
}

void table_free(struct table **table)
{
        if (!*table)
                return;
        for (size_t i = 0; i < (*table)->cells_count; i++)
                free((*table)->cells[i].text);
        free((*table)->cells);
        free(*table);
        *table = NULL;
}

static unsigned decode(const char *s, size_t length)
{
        static const unsigned char masks[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
        unsigned c = (unsigned char)s[0] & masks[length];

        for (size_t i = 1; i < length; i++)
                c = c << 6 | ((unsigned char)s[i] & 0x3f);
        return c;
}

/* Bytes, columns, and whether the character is to be shown as it is. */
static size_t character(const char *s, size_t *ret_width, bool *ret_shown)
{
        size_t n = utf8_length(s);
        int w = 1;

        *ret_shown = n > 0 && !utf8_is_control(s);
        if (*ret_shown && n > 1) {
                w = wcwidth((wchar_t)decode(s, n));
                /* Unknown to this locale, or a direction mark, which would turn the line around. */
                if (w < 0 || (decode(s, n) >= 0x200b && decode(s, n) <= 0x206f && w == 0)) {
                        *ret_shown = false;
                        w = 1;
                }
        }
        *ret_width = (size_t)w;
        return MAX(n, (size_t)1);
}

size_t table_text_width(const char *text)
{
        size_t width = 0, w;
        bool shown;

        while (*text) {
                text += character(text, &w, &shown);
                width += w;
        }
        return width;
}

size_t table_text(struct text *out, const char *text, size_t width)
{
        size_t full = table_text_width(text), used = 0, w;
        bool shown, cut = width && full > width;

        while (*text) {
                size_t n = character(text, &w, &shown);

                if (cut && used + w > width - 1) {
                        text_puts(out, "…");
                        return used + 1;
                }
                text_append(out, shown ? text : "?", shown ? n : 1);
                used += w;
                text += n;
        }
        return used;
}

void table_column(struct table *table, const char *header, enum table_align align, unsigned shrink, unsigned rank)
{
        if (table->columns_count == COLUMNS_MAX)
                return;
        table->columns[table->columns_count++] = (struct column){ header, align, shrink, rank, table_text_width(header), false };
}

void table_row(struct table *table)
{
        size_t want = ++table->rows * table->columns_count;

        if (table->failed)
                return;
        if (want > table->cells_capacity) {
                size_t capacity = MAX(2 * table->cells_capacity, want + 64);
                struct cell *cells = realloc(table->cells, capacity * sizeof(*cells));

                if (!cells) {
                        table->failed = true;
                        return;
                }
                memset(cells + table->cells_capacity, 0, (capacity - table->cells_capacity) * sizeof(*cells));
                table->cells = cells;
                table->cells_capacity = capacity;
        }
        /* A short row leaves empty cells. */
        table->cells_count = (table->rows - 1) * table->columns_count;
}

void table_cell(struct table *table, enum table_tone tone, const char *text)
{
        struct column *column;

        if (table->failed || table->rows == 0 || table->cells_count >= table->rows * table->columns_count)
                return;
        column = &table->columns[table->cells_count % table->columns_count];
        column->width = MAX(column->width, table_text_width(text));
        column->used |= *text != '\0';
        table->cells[table->cells_count].text = strdup(text);
        if (!table->cells[table->cells_count].text)
                table->failed = true;
        table->cells[table->cells_count++].tone = tone;
}

void table_cellf(struct table *table, enum table_tone tone, const char *format, ...)
{
        char text[512];
        va_list args;

        va_start(args, format);
        vsnprintf(text, sizeof(text), format, args);
        va_end(args);
        table_cell(table, tone, text);
}

size_t table_rows(const struct table *table)
{
        return table->rows;
}

static size_t least(const struct column *c)
{
        return c->shrink ? MIN(c->width, MAX(c->shrink, table_text_width(c->header))) : c->width;
}

static size_t total(const size_t *widths, const bool *shown, size_t count)
{
        size_t sum = 0, n = 0;

        for (size_t i = 0; i < count; i++)
                if (shown[i]) {
                        sum += widths[i];
                        n++;
                }
        return n ? sum + GAP * (n - 1) : 0;
}

/* Drops columns until the rest fits when shrunk, then takes from the widest until it does. */
static void layout(const struct table *t, size_t width, size_t *widths, bool *shown)
{
        size_t lowest[COLUMNS_MAX];

        for (size_t i = 0; i < t->columns_count; i++) {
                widths[i] = t->columns[i].width;
                lowest[i] = least(&t->columns[i]);
                shown[i] = t->columns[i].used || t->columns[i].rank == 0;
        }
        if (width == 0)
                return;
        while (total(lowest, shown, t->columns_count) > width) {
                size_t worst = t->columns_count;

                for (size_t i = 0; i < t->columns_count; i++)
                        if (shown[i] && t->columns[i].rank &&
                            (worst == t->columns_count || t->columns[i].rank >= t->columns[worst].rank))
                                worst = i;
                if (worst == t->columns_count)
                        break;
                shown[worst] = false;
        }
        /* Nothing is left to drop: names get shorter than is good. */
        if (total(lowest, shown, t->columns_count) > width)
                for (size_t i = 0; i < t->columns_count; i++)
                        if (t->columns[i].shrink)
                                lowest[i] = MIN(lowest[i], (size_t)LEAST);
        while (total(widths, shown, t->columns_count) > width) {
                size_t widest = t->columns_count;

                for (size_t i = 0; i < t->columns_count; i++)
                        if (shown[i] && widths[i] > lowest[i] && (widest == t->columns_count || widths[i] > widths[widest]))
                                widest = i;
                if (widest == t->columns_count)
                        break;
                widths[widest]--;
        }
}

void table_tone_begin(struct text *out, enum table_tone tone, bool colour)
{
        static const char *const codes[] = { "", "\033[1m", "\033[2m", "\033[32m", "\033[33m", "\033[31m" };

        if (colour)
                text_puts(out, codes[tone]);
}

void table_tone_end(struct text *out, enum table_tone tone, bool colour)
{
        if (colour && tone != TABLE_PLAIN)
                text_puts(out, "\033[0m");
}

static void blanks(struct text *out, size_t count)
{
        while (count-- > 0)
                text_append(out, " ", 1);
}

/* Trailing blanks are held back until something follows them. */
static void put(struct text *out, const struct column *c, size_t width, const char *s, enum table_tone tone, bool colour,
                size_t *pending)
{
        size_t natural = table_text_width(s), used = MIN(natural, width);

        if (c->align == TABLE_RIGHT)
                *pending += width - used;
        if (natural) {
                blanks(out, *pending);
                *pending = 0;
                table_tone_begin(out, tone, colour);
                used = table_text(out, s, width);
                table_tone_end(out, tone, colour);
        }
        *pending += (c->align == TABLE_LEFT ? width - used : 0) + GAP;
}

int table_print(const struct table *t, size_t width, size_t rows, bool colour, struct text *out)
{
        size_t widths[COLUMNS_MAX], pending = 0;
        bool shown[COLUMNS_MAX];

        if (t->failed)
                return -ENOMEM;
        layout(t, width, widths, shown);
        for (size_t i = 0; i < t->columns_count; i++)
                if (shown[i])
                        put(out, &t->columns[i], widths[i], t->columns[i].header, TABLE_FAINT, colour, &pending);
        text_puts(out, "\n");
        for (size_t row = 0; row < t->rows && (rows == 0 || row < rows); row++) {
                pending = 0;
                for (size_t i = 0; i < t->columns_count; i++) {
                        const struct cell *cell = &t->cells[row * t->columns_count + i];

                        if (shown[i])
                                put(out, &t->columns[i], widths[i], cell->text ? cell->text : "", cell->tone, colour, &pending);
                }
                text_puts(out, "\n");
        }
        return out->failed;
}
