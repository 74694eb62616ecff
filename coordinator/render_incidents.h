/* Incidents in JSON. Pure functions of the view. */
#pragma once

#include "coordinator/render.h"

/* An element of the array `incidents`. */
void render_incident_row(struct text *out, const struct view_incident *incident);
/* The object `explain`: the same, with subjects, evidence, what speaks against it, and causes. */
void render_incident_chain(struct text *out, const struct view_incident *incident, const struct render_more *more);
