/* Values of an answer in JSON as people read them: sizes, counts, times. */
#pragma once

#include "proto/base.h"

#include <jansson.h>

#define VALUE_SIZE 64

/* "-" for what is absent or null. All return `buffer`. */
const char *value_count(char buffer[VALUE_SIZE], json_t *v);         /* 1234567 -> "1.23M" */
const char *value_size(char buffer[VALUE_SIZE], json_t *v);          /* bytes -> "1.2 MB" */
const char *value_micros(char buffer[VALUE_SIZE], json_t *v);        /* -> "830 µs", "1.2 ms" */
const char *value_percent(char buffer[VALUE_SIZE], json_t *v);       /* 0.0123 -> "1.2 %" */
const char *value_duration(char buffer[VALUE_SIZE], double seconds); /* "3 s", "4 min", "2 h 5 min", "3 d 2 h" */
/* RFC 3339 as local time: the clock alone today, else with the date. */
const char *value_time(char buffer[VALUE_SIZE], json_t *v, int64_t now);
/* The same in UTC, with the date: for whoever reads it elsewhere, and later. */
const char *value_time_utc(char buffer[VALUE_SIZE], json_t *v);
const char *value_rate(char buffer[VALUE_SIZE], double per_second); /* "0.5", "12", "1.2k" */
const char *value_bytes(char buffer[VALUE_SIZE], double bytes);

/* Of a nested object, without complaints: NULL where it is not. */
json_t *value_at(json_t *object, const char *key, const char *inner);
const char *value_string(json_t *object, const char *key); /* "" if absent */
