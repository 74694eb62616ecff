/* The columns of each verb's table, and how a row of the answer fills them. */
#pragma once

#include "coordinator/cli/table.h"

#include <jansson.h>

struct rows_shape {
        const char *verb;
        const char *empty;                  /* what is said instead of a table without rows */
        const struct table_column *columns; /* ended by one without a header */
        void (*row)(struct table *t, json_t *row, int64_t now);
};

extern const struct rows_shape rows_shapes[];
extern const size_t rows_shapes_count;

/* Columns and rows of rows_acting.c. */
extern const struct table_column rows_actions_columns[];
void rows_actions_row(struct table *t, json_t *row, int64_t now);
extern const struct table_column rows_authority_columns[];
void rows_authority_row(struct table *t, json_t *row, int64_t now);
