/* One picture of `watch`: a head of two lines, what is open of trouble, then the busiest edges. */
#pragma once

#include "proto/base.h"

#include <jansson.h>

struct text;

/* `status`, `edges` and `incidents` are the answers to these verbs, the second over a window; times are shown as
 * of `now`. `height` 0: all rows. */
MUST_CHECK int watch_draw(struct text *out, json_t *status, json_t *edges, json_t *incidents, int64_t now, size_t width,
                          size_t height, bool colour);
