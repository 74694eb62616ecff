/* The graph in a terminal: each client with what it talks to. */
#pragma once

#include "proto/base.h"

#include <jansson.h>

struct text;

/* Draws the answer to `graph`. -EBADMSG if it is not what it should be. */
MUST_CHECK int tree_draw(struct text *out, json_t *root, size_t width, bool colour);
