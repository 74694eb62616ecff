/* One picture of `watch`: a head of two lines, then the busiest edges. */
#pragma once

#include "proto/base.h"

#include <jansson.h>

struct text;

/* `status` and `edges` are the answers to these verbs, the latter over a window. `height` 0: all rows. */
MUST_CHECK int watch_draw(struct text *out, json_t *status, json_t *edges, size_t width, size_t height, bool colour);
