#include "coordinator/graph.h"

#include <stdlib.h>

#define FORGET_EARLY (600 * NSEC_PER_SEC)

static bool idle(const struct core *core, const struct end *e)
{
        int64_t after = core->options.forget_after;

        /* Short of memory, the idle go early. */
        if (core->memory_used > core->options.memory_max / 4 * 3)
                after = MIN(after, FORGET_EARLY);
        return !e->rows && e->last_seen + after < core->now;
}

/* An end goes only together with all that it is linked with: what is left of a pair would look like
 * a client nobody observes. */
static bool forgettable(const struct core *core, const struct end *e)
{
        if (!idle(core, e))
                return false;
        for (const struct link *l = e->links; l; l = e->role == ROLE_CLIENT ? l->next_of_client : l->next_of_server)
                if (!idle(core, e->role == ROLE_CLIENT ? l->server : l->client))
                        return false;
        return true;
}

struct before {
        struct summary_counters total;
        struct histogram rtt, turnaround;
        int64_t first_seen, last_seen;
        uint8_t seen;
};

static void keep_past(struct core *core, struct edge *e, struct before *b)
{
        struct histogram now;

        counters_subtract(&b->total, &e->total);
        buckets_expand(e->rtt, &now);
        histogram_subtract(&b->rtt, &now);
        buckets_expand(e->turnaround, &now);
        histogram_subtract(&b->turnaround, &now);
        if (b->seen == 0 || (counters_zero(&b->total) && e->seen != 0))
                return;
        if (!e->past) {
                e->past = core_alloc(core, sizeof(*e->past));
                if (!e->past)
                        return;
                e->past->first_seen = INT64_MAX;
        }
        counters_add(&e->past->total, &b->total);
        buckets_add_histogram(&e->past->rtt, &b->rtt);
        buckets_add_histogram(&e->past->turnaround, &b->turnaround);
        e->past->first_seen = MIN(e->past->first_seen, b->first_seen);
        e->past->last_seen = MAX(e->past->last_seen, b->last_seen);
        e->past->seen |= b->seen;
        e->dirty = true;
}

/* What an edge loses is the difference between its sums with the ends and without them. */
void graph_forget(struct core *core)
{
        uint32_t before_count, leaving = 0;
        struct before *before;

        for (uint32_t i = 0; i < core->ends_count; i++) {
                core->ends[i]->leaving = forgettable(core, core->ends[i]);
                leaving += core->ends[i]->leaving;
        }
        if (leaving == 0)
                return;
        graph_assemble(core);
        before_count = core->edges_count;
        before = calloc(MAX(before_count, 1u), sizeof(*before));
        if (!before)
                return;
        for (uint32_t i = 0; i < before_count; i++) {
                const struct edge *e = core->edges[i];

                before[i] = (struct before){
                        .total = e->total, .first_seen = e->first_seen, .last_seen = e->last_seen, .seen = e->seen
                };
                histogram_add_buckets(&before[i].rtt, e->rtt);
                histogram_add_buckets(&before[i].turnaround, e->turnaround);
        }
        for (uint32_t i = core->ends_count; i-- > 0;)
                if (core->ends[i]->leaving)
                        end_free(core, core->ends[i]);
        core->forgetting = true;
        graph_assemble(core);
        for (uint32_t i = 0; i < before_count; i++)
                keep_past(core, core->edges[i], &before[i]);
        core->forgetting = false;
        free(before);
        graph_assemble(core);
}
