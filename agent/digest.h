/* SHA-256 of states: what is bound in an approval must not be made to collide. */
#pragma once

#include "proto/action.h"

void digest_data(const void *data, size_t size, struct action_digest *ret_digest);
/* Of the formatted text, up to 1 KiB of it. */
void digest_text(struct action_digest *ret_digest, const char *format, ...) PRINTF_LIKE(2, 3);
