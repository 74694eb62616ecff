/* Answers as tables: which columns a verb has, and how a row fills them. */
#pragma once

#include "coordinator/cli/table.h"

#include <jansson.h>

/* Draws the answer `root` to `verb`; `width` 0 is unlimited. -EBADMSG if it is not what it should be. */
MUST_CHECK int rows_draw(struct text *out, const char *verb, json_t *root, int64_t now, size_t width, bool colour);
