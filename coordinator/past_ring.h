/* The cells of a past: see struct past_ring. It takes memory by twos as cells come, up to its limit; where there is
 * none it begins anew, and what has gone is not known. Numbers of cells do not go back. */
#pragma once

#include "coordinator/past.h"

void past_ring_add_load(struct core *core, struct past_ring *ring, uint32_t limit, int64_t number, float load);
/* Becomes part of the cell's mean. */
void past_ring_add_levels(struct core *core, struct past_ring *ring, uint32_t limit, int64_t number, const float levels[2]);
/* Puts a whole cell in its place; `levels` NULL: all are zero. */
void past_ring_restore(struct core *core, struct past_ring *ring, uint32_t limit, int64_t number, uint8_t measured, float load,
                       const float *levels);
void past_ring_free(struct core *core, struct past_ring *ring);

/* What was measured in a cell, as in struct past_ring; 0: nothing. */
uint8_t past_ring_measured(const struct past_ring *ring, int64_t number);
/* Of a cell in which something was measured. */
float past_ring_load(const struct past_ring *ring, int64_t number);
float past_ring_level(const struct past_ring *ring, int64_t number, int which);
