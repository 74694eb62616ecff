/* Moments as people write them. */
#pragma once

#include "proto/base.h"

#define TIME_TEXT_EXPECTED "a time such as 2026-05-01T02:00:00Z, 02:00, \"yesterday 02:00\" or \"2 hours ago\""

/* RFC 3339 with a zone; without one it is local: "2026-05-01", "2026-05-01 02:00[:00]"; "HH:MM[:SS]" is
 * the last time the clock showed that; "today" and "yesterday", alone or with HH:MM; "now"; "2 hours ago",
 * "90s ago", "1h30m ago". -EINVAL. */
MUST_CHECK int time_text_parse(const char *text, int64_t now, int64_t *ret_ns);
