/* The arrays of JSON answers that have a file of their own. */
#pragma once

#include "coordinator/render.h"

void render_deployments(struct text *out, const struct view *view);
