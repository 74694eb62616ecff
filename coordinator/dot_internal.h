/* What the writers of the picture share: its colours, where nodes are drawn, and who writes what. */
#pragma once

#include "coordinator/dot.h"

#include <stdint.h>

/* Drawn on a light ground of its own, so that the picture reads the same in a dark page. */
#define DOT_GROUND "#fbfcfe"
#define DOT_INK "#1e293b"
#define DOT_QUIET "#64748b"
#define DOT_FAINT "#94a3b8"
#define DOT_TROUBLE "#dc2626"

/* Where a node is drawn: in a box of its environment, of its host in that, or free. */
struct dot_place {
        const char *environment, *host; /* "" for no such box */
        uint32_t node;
};

/* The drawn nodes in the order of their boxes. */
struct dot_places {
        struct dot_place *items;
        size_t count;
        bool circles; /* boxes call each other in a circle */
};

MUST_CHECK int dot_places_new(const struct dot_model *model, const struct view *view, struct dot_places *ret_places);
void dot_places_free(struct dot_places *places);

/* Writes the attributes of a node, "[...];" and a line break. `placed`: a box tells its host. */
void dot_write_service(struct text *out, const struct dot_node *node, bool placed);
void dot_write_external(struct text *out, const struct dot_model *model, uint32_t index);
/* Writes a link whole. `busiest` is the greatest rate of the picture. */
void dot_write_link(struct text *out, const struct dot_model *model, const struct dot_link *link, double busiest, bool tooltip);
