/* What the picture shows, before a word of DOT is written: the view's services and edges as indexed
 * nodes and links, with external ends that have exactly the same neighbours merged into one node, so
 * that a web server is drawn with "214 clients" and not with 214 boxes.
 *
 * The model borrows the view's strings; the order is that of the view. */
#pragma once

#include "coordinator/view.h"

struct text;

struct dot_node {
        const char *name;
        const struct view_service *service; /* NULL if only an edge names it */
        bool external;
        uint32_t links;      /* 0: stands alone */
        uint32_t into;       /* drawn as part of this node; itself if drawn */
        uint32_t members;    /* how many it stands for */
        bool is_client;      /* of the first link, for the words of a merged node */
        uint16_t port;       /* of the first link */
        uint64_t neighbours; /* digest of its links */
};

struct dot_link {
        uint32_t client, server;      /* nodes */
        const struct view_edge *edge; /* the first of those merged */
        uint64_t open, bytes, attempted, failed, errors;
        double rate; /* bytes a second */
        uint32_t merged;
        bool hidden; /* merged into an earlier one */
};

struct dot_model {
        struct dot_node *nodes;
        size_t nodes_count;
        struct dot_link *links;
        size_t links_count;
};

MUST_CHECK int dot_model_new(const struct view *view, struct dot_model *ret_model);
void dot_model_free(struct dot_model *model);

/* Sets *ret_circles, and leaves it otherwise, if groups of nodes (boxes of hosts or environments) call
 * each other in a circle. `groups` has one below `groups_count` for each node. -ENOMEM. */
MUST_CHECK int dot_circles(const struct dot_model *model, const uint32_t *groups, uint32_t groups_count, bool *ret_circles);

/* Quoted identifier; text of an HTML-like label, cut in the middle beyond `most` characters (0: never);
 * text inside a quoted tooltip, without the quotes. Whatever the text holds, DOT stays well-formed. */
void dot_identifier(struct text *out, const char *string);
void dot_html(struct text *out, const char *string, size_t most);
void dot_tooltip(struct text *out, const char *string);
