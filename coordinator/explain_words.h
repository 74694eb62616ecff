/* An incident in words, as a good engineer's note has it: the claim, what shows it, what speaks against
 * it, what was ruled out, what it comes from, what happens if nothing is done, what was decided and what would be. For the
 * terminal, for tickets and for notices: there is no second one. What is not our own text does nothing where it is shown. */
#pragma once

#include "coordinator/render.h"

#include <jansson.h>

/* Markdown has its times in UTC, the others in local time. */
enum words_style { WORDS_PLAIN, WORDS_COLOUR, WORDS_MARKDOWN };

/* `root` is the coordinator's answer to `explain`. -EBADMSG if it is none. */
MUST_CHECK int explain_words(struct text *out, json_t *root, int64_t now, enum words_style style);
