/* Writes JSON into a text, fast and well-formed: commas are put by looking at what was written last.
 * Strings may hold anything: what is not UTF-8 becomes U+FFFD, control characters are escaped (the
 * C1 ones too, which a terminal would obey). Numbers that JSON has no word for are null. */
#pragma once

#include "proto/base.h"

struct text;

/* jansson has functions of these names, which do something else: in a program that has both, the linker
 * must not take the one for the other. No file includes both headers. */
#define json_string json_write_string
#define json_null json_write_null

/* `key` is NULL inside an array and for the outermost value. */
void json_open(struct text *out, const char *key, char bracket); /* '{' or '[' */
void json_close(struct text *out, char bracket);                 /* '}' or ']' */
/* The same for an element of a long array: begins a line, so that lines are elements. */
void json_open_line(struct text *out, char bracket);

void json_string(struct text *out, const char *key, const char *value);
void json_uint(struct text *out, const char *key, uint64_t value);
void json_int(struct text *out, const char *key, int64_t value);
/* Three decimals, without trailing zeros. */
void json_number(struct text *out, const char *key, double value);
/* Six decimals: for ratios. */
void json_ratio(struct text *out, const char *key, double value);
void json_bool(struct text *out, const char *key, bool value);
void json_null(struct text *out, const char *key);
void json_time(struct text *out, const char *key, int64_t ns); /* 0 is null */
