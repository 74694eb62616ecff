/* What the parts of `compare` share: the fields that are judged, and what was found. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

/* What a lost event takes from a field: one of the field's count (KIND), any number of bytes (BYTES), nothing (FIRM). */
enum shortfall { FIRM, KIND, BYTES };

struct field {
        const char *truth, *object, *inner, *name; /* name in the truth; path in an edge of the answer */
        enum shortfall shortfall;
};
#define FIELDS_COUNT 14
extern const struct field fields[FIELDS_COUNT];

/* compare.c */
extern unsigned differences, edges_equal;
extern long long lost, explained;
long long number(const json_t *object, const char *name);
const char *text(const json_t *object, const char *name);
/* A service found by its executable is NAME or NAME:PORT. */
bool named(const char *service, const char *name);
void differ(const json_t *truth, const char *field, long long want, long long have);
long long most(long long a, long long b);
/* How many connections at least have so many bytes, by the largest that the truth knows. */
long long connections_of(const json_t *truth, const char *field, long long bytes);

/* compare_server.c: what came to a server's port, by its own count, from whomever. */
void compare_server(const json_t *truth, const json_t *edges);
