/* A capped region of memory that is filled piece by piece and emptied at once. It never grows past
 * its cap: an allocation that does not fit returns NULL, and the arena stays usable. */
#pragma once

#include "proto/base.h"

struct arena;

MUST_CHECK int arena_new(size_t cap, struct arena **ret_arena);
void arena_free(struct arena **arena);
/* Zeroed and aligned for any type; NULL when the cap is reached or memory is short. */
void *arena_alloc(struct arena *arena, size_t size);
/* The same, but not zeroed. */
void *arena_alloc_raw(struct arena *arena, size_t size);
char *arena_strdup(struct arena *arena, const char *text, size_t length);
/* Everything handed out becomes invalid; memory over `keep` bytes goes back to the system. */
void arena_reset(struct arena *arena, size_t keep);
size_t arena_used(const struct arena *arena);
/* True if an allocation was refused since the last reset. */
bool arena_refused(const struct arena *arena);
