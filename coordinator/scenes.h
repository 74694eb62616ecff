/* Makes the scene that acting decides by (situation.h) from the graph: open incidents with the instances of their
 * services, what depends on them, and how the predictions of remedies under way read. Reads the core and changes
 * nothing in it. */
#pragma once

#include "coordinator/acting.h"

struct core;
struct seen;

/* `scene` lives as long as what it is made of. Who leads and whether the log works is for the caller to fill in.
 * -ENOMEM. */
MUST_CHECK int seen_new(const struct core *core, const struct acting *acting, int64_t now, struct seen **ret_seen);
void seen_free(struct seen **seen);
/* The highest id of an open incident; 0: there is none. */
uint64_t scenes_latest(const struct core *core);
struct scene *seen_scene(struct seen *seen);
