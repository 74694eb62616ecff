/* The answer to `signatures`: what is loaded, in JSON. */
#pragma once

#include "coordinator/render.h"

struct signature_set;

void signatures_json(struct text *out, const struct signature_set *set, int64_t now);
