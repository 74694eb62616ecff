/* Turns DOT into SVG by running Graphviz' `dot` beside the loop: input and output are files in
 * memory, the end is a descriptor, and a deadline ends a layout that takes too long. */
#pragma once

#include "proto/base.h"
#include "proto/loop.h"

struct svg;

/* Called once from the loop, never from svg_start(). r: 0, -ENOENT (no Graphviz), -ETIMEDOUT, -EIO.
 * `fd` is the picture, at its beginning; the callee may take it by setting it to -1. */
typedef void (*svg_function)(void *data, int r, int *fd, size_t size);

MUST_CHECK int svg_start(struct loop *loop, const char *dot, size_t size, svg_function function, void *data, struct svg **ret_svg);
/* Ends it without a call. */
void svg_free(struct svg **svg);
