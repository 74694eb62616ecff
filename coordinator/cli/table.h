/* Tables for people: columns sized to a width. Text columns shrink first, then the least important
 * columns go, and those in which nothing stands; numbers are right-aligned and never cut. Text from workloads is made harmless:
 * control characters become '?'. */
#pragma once

#include "proto/base.h"

struct text;
struct table;

enum table_align { TABLE_LEFT, TABLE_RIGHT };
enum table_tone { TABLE_PLAIN, TABLE_BOLD, TABLE_FAINT, TABLE_GOOD, TABLE_WARN, TABLE_BAD };

MUST_CHECK int table_new(struct table **ret_table);
void table_free(struct table **table);

/* For tables whose columns are data. */
struct table_column {
        const char *header;
        enum table_align align;
        unsigned shrink, rank;
};

/* `shrink`: may be cut down to so many characters, 0 never. Columns with the highest `rank` go first;
 * rank 0 stays. */
void table_column(struct table *table, const char *header, enum table_align align, unsigned shrink, unsigned rank);
void table_row(struct table *table);
/* Next cell of the row. */
void table_cell(struct table *table, enum table_tone tone, const char *text);
void table_cellf(struct table *table, enum table_tone tone, const char *format, ...) PRINTF_LIKE(3, 4);
size_t table_rows(const struct table *table);

/* `width` 0: as wide as it is. `rows` 0: all. `colour`: with escape sequences. -ENOMEM. */
MUST_CHECK int table_print(const struct table *table, size_t width, size_t rows, bool colour, struct text *out);

/* Characters that a terminal needs for it. */
size_t table_text_width(const char *text);
/* Harmless, and cut to `width` characters (0: never). Returns the width used. */
size_t table_text(struct text *out, const char *text, size_t width);
void table_tone_begin(struct text *out, enum table_tone tone, bool colour);
void table_tone_end(struct text *out, enum table_tone tone, bool colour);
