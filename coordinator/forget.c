#include "coordinator/graph.h"

#include <stdlib.h>

#define FORGET_EARLY (600 * NSEC_PER_SEC)

static bool idle(const struct core *core, const struct end *e)
{
        int64_t after = core->options.forget_after;

        /* Short of memory, the idle go early. */
        if (core->memory_used > core->options.memory_max / 4 * 3)
                after = MIN(after, FORGET_EARLY);
        return !e->rows && !join_knows(core, e) && end_last_seen(e) < core->now - after;
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
struct forgetting {
        struct before *before; /* an element for each edge, in their order */
        uint32_t count;
};

void forget_free(struct core *core)
{
        if (core->forgetting)
                free(core->forgetting->before);
        free_ptr(&core->forgetting);
}

static bool note_sums(struct core *core, uint32_t *cursor)
{
        struct forgetting *f = core->forgetting;
        uint32_t i;
        bool more;

        if (*cursor == 0) {
                f = core->forgetting = calloc(1, sizeof(*f));
                if (!f)
                        return false;
                f->count = core->edges_count;
                f->before = calloc(MAX(f->count, 1u), sizeof(*f->before));
                if (!f->before) {
                        forget_free(core);
                        return false;
                }
        }
        more = work_portion(core, f->count, cursor, &i);
        for (; i < *cursor; i++) {
                const struct edge *e = core->edges[i];
                struct before *b = &f->before[i];

                *b = (struct before){ .total = e->total, .first_seen = e->first_seen, .last_seen = e->last_seen, .seen = e->seen };
                histogram_add_buckets(&b->rtt, e->rtt);
                histogram_add_buckets(&b->turnaround, e->turnaround);
        }
        return more;
}

/* From the last to the first, as an end that goes is replaced by the last. The cursor counts those that stay. */
static bool free_ends(struct core *core, uint32_t *cursor)
{
        uint32_t from = core->ends_count - MIN(*cursor, core->ends_count), left = core->options.portion;

        if (!core->forgetting)
                return false;
        while (from > 0 && left-- > 0) {
                if (core->ends[--from]->leaving)
                        end_free(core, core->ends[from]);
                else
                        ++*cursor;
        }
        return from > 0;
}

static bool keep_sums(struct core *core, uint32_t *cursor)
{
        struct forgetting *f = core->forgetting;
        uint32_t i;
        bool more;

        if (!core->forgetting)
                return false;
        more = work_portion(core, f->count, cursor, &i);
        for (; i < *cursor; i++)
                keep_past(core, core->edges[i], &f->before[i]);
        if (!more)
                forget_free(core);
        return more;
}

/* A step: finds what may go, and adds the others if there is anything. */
bool forget_ends(struct core *core, uint32_t *cursor)
{
        uint32_t i;
        bool more;

        if (*cursor == 0)
                core->ends_leaving = 0;
        more = work_portion(core, core->ends_count, cursor, &i);
        for (; i < *cursor; i++) {
                core->ends[i]->leaving = forgettable(core, core->ends[i]);
                core->ends_leaving += core->ends[i]->leaving;
        }
        if (more || core->ends_leaving == 0)
                return more;
        assembly_add(core);
        work_add(core, note_sums);
        work_add(core, free_ends);
        assembly_add(core);
        work_add(core, keep_sums);
        assembly_add(core);
        return false;
}
