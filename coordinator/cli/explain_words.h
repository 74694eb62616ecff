/* An incident in words, as a good engineer's note has it: the claim, what shows it, what speaks against
 * it, what was ruled out, what it comes from, and what happens if nothing is done. */
#pragma once

#include "coordinator/render.h"

#include <jansson.h>

/* `root` is the coordinator's answer to `explain`. -EBADMSG if it is none. */
MUST_CHECK int explain_words(struct text *out, json_t *root, int64_t now, bool colour);
