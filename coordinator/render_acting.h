/* What is done and how far it may go, in JSON. Pure functions of the state of acting. */
#pragma once

#include "coordinator/acting.h"
#include "coordinator/render.h"

/* The array `actions`: those that are not over first, then the latest first. */
void render_actions(struct text *out, const struct acting *acting, int64_t now);
/* The array `authority`: every unit of which something is known, and those of the actions that are there. */
void render_authority(struct text *out, const struct acting *acting, int64_t now);
/* The object `paused` of `status`, or null. */
void render_pause(struct text *out, const struct pause *pause);
/* The array `log` of `explain`: the entries that are of the incident. */
struct log_index;
void render_log(struct text *out, const struct log_index *index, uint64_t incident);
/* The members `actions` and `outlook` of `explain`. `outlook` NULL: there is none, the incident is over. */
void render_outlook(struct text *out, const struct acting *acting, uint64_t incident, const struct outlook *outlook, int64_t now);
