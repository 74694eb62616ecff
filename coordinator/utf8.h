/* UTF-8, as Unicode's table 3-7 has it: for writers that must stay well-formed whatever they are given. */
#pragma once

#include "proto/base.h"

/* Bytes of the well-formed character at `s`, or 0. Never looks past a terminating zero. */
size_t utf8_length(const char *s);
/* C0, DEL and C1; `s` is well-formed. */
bool utf8_is_control(const char *s);
/* Puts '?' for each byte that is not part of a well-formed character. */
void utf8_clean(char *s);
