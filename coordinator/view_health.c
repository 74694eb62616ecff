/* How services fare, by the attempts to connect to them and by their listeners. */
#include "coordinator/view_internal.h"

#define HEALTH_WINDOW (120 * NSEC_PER_SEC)

/* Sums of attempts and failures by rank of the server; *ret_known where anything complete was seen. */
void view_judge(struct view_builder *b)
{
        struct core *core = b->core;
        struct tried {
                double attempts, failures;
                bool known;
        } *tried = view_take(b, (core->order_count + 1) * sizeof(*tried));

        if (!tried || b->after)
                return;
        for (uint32_t i = 0; i < core->edges_count; i++) {
                const struct edge *e = core->edges[i];
                struct tried *t = &tried[e->server->rank];

                if (e->seen == 0 || !b->services[e->server->rank] ||
                    !view_edge_complete(b, e, MAX(e->first_seen, core->now - HEALTH_WINDOW)))
                        continue;
                t->known = true;
                t->attempts += e->recent_attempts + (double)view_gained((int64_t)e->total.attempted, (int64_t)e->sliced.attempted);
                t->failures += e->recent_failures +
                               (double)view_gained((int64_t)counters_failed(&e->total), (int64_t)counters_failed(&e->sliced));
        }
        for (uint32_t i = 0; i < core->order_count; i++) {
                struct view_service *v = b->services[i];
                bool full = false;

                for (size_t k = 0; v && k < v->listening_count; k++)
                        full = full || (v->listening[k].backlog_max > 0 && v->listening[k].backlog >= v->listening[k].backlog_max);
                if (!v || (!tried[i].known && !full))
                        continue;
                if (tried[i].failures >= 5 && 2 * tried[i].failures >= tried[i].attempts)
                        v->health = VIEW_HEALTH_BAD;
                else if (full || (tried[i].failures >= 2 && 20 * tried[i].failures >= tried[i].attempts))
                        v->health = VIEW_HEALTH_WARN;
                else
                        v->health = VIEW_HEALTH_OK;
        }
}
