/* Snapshots for whoever asks: everything is copied into memory of the view's own. */
#include "coordinator/incident.h"
#include "coordinator/view_internal.h"
#include "proto/arena.h"

#include <stdlib.h>

#define VIEW_MEMORY_MAX (UINT64_C(2) << 30)
#define JUDGED (3600 * NSEC_PER_SEC)

/* What core_view() hands out begins with the view. */
struct view_owned {
        struct view view;
        struct arena *arena;
};

void view_free(struct view **view)
{
        struct view_owned *owned = (struct view_owned *)*view;

        if (!owned)
                return;
        arena_free(&owned->arena);
        free(owned);
        *view = NULL;
}

/* A large graph takes a while to put together: it is not done anew for each question, but no
 * more than a second late. */
#define ASSEMBLE_AT_ONCE 20000
#define ASSEMBLE_PER_END (5 * NSEC_PER_USEC)
#define TOTALS_AT_ONCE 5000
#define TOTALS_OLD (2 * NSEC_PER_SEC)

void core_begin_settle(struct core *core, int64_t now)
{
        int64_t age, pace = 0;

        core_advance(core, now);
        age = core->now - core->assembled_at;
        if (core->ends_count > ASSEMBLE_AT_ONCE)
                pace = MIN(core->ends_count * ASSEMBLE_PER_END, NSEC_PER_SEC);
        if (core->changed ? age >= pace : age >= NSEC_PER_SEC) {
                core_note(core, CORE_INPUT_SETTLE);
                assembly_add(core);
        }
}

static void settle(struct core *core, int64_t now)
{
        core_begin_settle(core, now);
        work_finish(core);
}

static int prepare(struct view_builder *b)
{
        struct core *core = b->core;
        int r = 0;

        settle(core, core->now);
        if (b->query->at && b->query->at < core->now) {
                if (core->history.begin == 0 || b->query->at < core->history.begin)
                        return -ERANGE;
                r = history_since(core, b->query->at, &b->after, &b->view->as_of);
                if (r < 0)
                        return r;
        }
        if (b->query->window) {
                r = history_since(core, b->view->as_of - b->query->window, &b->since, &b->window_from);
                if (r < 0)
                        return r;
        }
        services_order(core);
        b->names = view_take(b, (core->order_count + 1) * sizeof(*b->names));
        b->services = view_take(b, (core->order_count + 1) * sizeof(struct view_service *));
        if (!b->names || !b->services)
                return -ENOMEM;
        if (b->query->host && !host_find(core, b->query->host))
                return -ENOENT;
        if (b->query->service) {
                b->distance = view_take(b, (core->order_count + 1) * sizeof(*b->distance));
                if (!b->distance)
                        return -ENOMEM;
                r = view_measure_distance(b);
        }
        return r;
}

/* The totals of a small graph are fresh whoever asks; of a large one, as of the last slice. */
static bool totals_are_old(const struct core *core)
{
        return !work_underway(core) && core->changed && core->ends_count < TOTALS_AT_ONCE &&
               core->now - core->assembled_at >= TOTALS_OLD;
}

size_t core_rows(const struct core *core)
{
        return (size_t)core->ends_count + core->edges_count;
}

/* Since when it matters what hosts told: what signatures judge is of the last hour, but for what is usual. */
static int64_t contributes_from(const struct view_builder *b)
{
        if (b->query->window)
                return b->core->now - b->query->window;
        return b->query->parts & VIEW_INCIDENTS ? b->core->now - JUDGED : 0;
}

int core_view(struct core *core, int64_t now, const struct view_query *query, struct view **ret_view)
{
        static const struct view_query everything = { .parts = VIEW_GRAPH };
        struct view_owned *owned = calloc(1, sizeof(*owned));
        struct view_builder b = { .core = core, .query = query ? query : &everything };
        bool graph;
        int r;

        graph = b.query->parts & (VIEW_SERVICES | VIEW_EDGES | VIEW_PROCESSES | VIEW_POOLS | VIEW_INCIDENTS);
        if (graph || !work_underway(core))
                core_advance(core, now);
        if (!graph && totals_are_old(core))
                settle(core, now);
        if (!owned)
                return -ENOMEM;
        r = arena_new(VIEW_MEMORY_MAX, &owned->arena);
        if (r < 0)
                goto fail;
        b.arena = owned->arena;
        b.view = &owned->view;
        b.view->as_of = MAX(core->now, now);
        b.view->complete = !core_refuses(core); /* a host that nothing else here speaks of, perhaps */
        b.view->uptime_ns = core->now - core->started;
        if (graph) {
                r = prepare(&b);
                if (r < 0)
                        goto fail;
        }
        if (b.query->parts & VIEW_DEPLOYMENTS && !view_deployments_known(&b)) {
                r = -ENOENT;
                goto fail;
        }
        for (uint32_t i = 0; i < core->hosts_count; i++) {
                const struct host *h = core->hosts[i];

                if (h->session == 0)
                        continue;
                b.view->hosts_total++;
                b.view->lost_events += h->lost_before + h->lost;
                if (b.query->parts & (VIEW_STATUS | VIEW_HOSTS | VIEW_DEPLOYMENTS | VIEW_INCIDENTS) &&
                    !(b.query->parts & VIEW_EDGES))
                        b.view->complete = b.view->complete && view_host_complete(&b, h, contributes_from(&b));
        }
        b.view->unwatched_edges = core->unwatched.edges;
        b.view->unwatched_services = core->unwatched.services;
        b.view->services_total = work_underway(core) ? core->services_settled : core->services_named;
        b.view->edges_total = core->edges_live;
        if (b.query->parts & VIEW_HOSTS)
                view_add_hosts(&b);
        if (graph && b.query->parts & VIEW_EDGES)
                view_add_edges(&b);
        if (graph && b.query->parts & VIEW_SERVICES)
                view_add_services(&b);
        if (graph && b.query->parts & VIEW_PROCESSES)
                view_add_processes(&b);
        if (graph && b.query->parts & VIEW_POOLS)
                view_add_pools(&b);
        for (uint32_t i = 0; i < core->incidents_count; i++)
                b.view->incidents_open += incident_is_open(core->incidents[i]);
        if (b.query->parts & VIEW_INCIDENTS) {
                r = view_add_incidents(&b);
                if (r < 0)
                        goto fail;
        }
        if (b.query->parts & VIEW_DEPLOYMENTS)
                view_add_deployments(&b);
        if (b.short_of_memory) {
                r = -ENOMEM;
                goto fail;
        }
        free(b.after);
        free(b.since);
        *ret_view = &owned->view;
        return 0;
fail : {
        struct view *view = &owned->view;

        free(b.after);
        free(b.since);
        view_free(&view);
}
        return r;
}
