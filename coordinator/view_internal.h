/* What the files of the view share. Each part of a view is a file of its own, with one function that
 * adds the rows; whatever a row holds is taken from the view's memory by view_take() and its like.
 * Nothing fails at once where memory is short: it is noted, and core_view() fails in the end. */
#pragma once

#include "coordinator/graph.h"
#include "coordinator/view.h"

struct arena;

struct view_builder {
        struct core *core;
        const struct view_query *query;
        struct arena *arena;
        struct view *view;
        bool short_of_memory;
        /* By rank of the service: copied name, and whether it is within the selection. */
        const char **names;
        uint32_t *distance;
        struct view_service **services;
        /* By index of the edge: gained since the moment that is shown, and since the window began. */
        struct delta *after, *since;
        int64_t window_from;
};

/* The parts, view_*.c. Services look at edges as they are shown, not at their rows: each part may be
 * made without the others. */
void view_add_hosts(struct view_builder *builder);
void view_add_services(struct view_builder *builder);
void view_add_edges(struct view_builder *builder);
void view_add_processes(struct view_builder *builder);
void view_add_pools(struct view_builder *builder);
MUST_CHECK int view_add_incidents(struct view_builder *builder);
/* Marks the services that have a row. */
void view_mark_incidents(struct view_builder *builder);
void view_add_deployments(struct view_builder *builder);
/* The service and the host that were asked for are known of. */
bool view_deployments_known(const struct view_builder *builder);
/* Fills the version of the services that have a row. */
void view_name_versions(struct view_builder *builder);

/* view_copy.c: zeroed memory, NULL when it is short; and copies of text, "" where there is none. */
void *view_take(struct view_builder *builder, size_t size);
const char *view_copy_text(struct view_builder *builder, const struct text *text);
const char *view_copy_string(struct view_builder *builder, const char *string);
/* The same copy for all rows that name the service. */
const char *view_service_name(struct view_builder *builder, const struct service *service);
/* A label of a host; "" if it has none of this key. */
const char *view_label(const struct host *host, const char *key);
/* For qsort() of strings. */
int view_by_string(const void *a, const void *b);

/* view_selection.c: what of the graph is asked for. */
bool view_host_selected(const struct view_builder *builder, const struct host *host);
/* An edge that had counted something by the moment that is shown. */
bool view_edge_was_there(const struct view_builder *builder, const struct edge *edge);
bool view_edge_selected(const struct view_builder *builder, const struct edge *edge);
/* Fills `distance`; -ENOENT if the service that was asked for is not there. */
MUST_CHECK int view_measure_distance(struct view_builder *builder);

/* view_hosts.c: nothing is missing of what a host counted from `from` to the moment that is shown. */
bool view_host_complete(const struct view_builder *builder, const struct host *host, int64_t from);

/* view_edges.c: the same of the hosts whose counts the edge's are. */
bool view_edge_complete(const struct view_builder *builder, const struct edge *edge, int64_t from);
/* The difference, or 0: a join that becomes known late moves counts to another edge. */
int64_t view_gained(int64_t more, int64_t less);

/* view_health.c: judges the services that have a row. */
void view_judge(struct view_builder *builder);
