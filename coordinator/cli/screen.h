/* The terminal while `watch` draws on it: alternate screen, no cursor, keys without echo. Whatever
 * ends the program by way of a signal that can be caught, the terminal is as it was before. */
#pragma once

#include "proto/base.h"

MUST_CHECK int screen_enter(void);
void screen_leave(void);
/* Waits until a key, a change of size, an ending signal or `until` (monotonic). */
enum screen_event { SCREEN_NOTHING, SCREEN_KEY, SCREEN_RESIZED, SCREEN_END };
enum screen_event screen_wait(int64_t until, char *ret_key);
/* Makes INT, TERM and HUP end the wait; also without screen_enter(). */
MUST_CHECK int screen_signals(void);
