#include "coordinator/host_actions.h"
#include "coordinator/graph.h"

#include <stdio.h>
#include <string.h>

static void drop_permits(struct core *core, struct host_permit *permits, uint32_t count)
{
        for (uint32_t i = 0; i < count; i++)
                text_put(core, &permits[i].service);
        core_release(core, permits, count * sizeof(*permits));
}

static int take_permits(struct core *core, struct host_actions *a, const struct summary *s)
{
        uint32_t count = (uint32_t)MIN(s->permits_count, (size_t)HOST_PERMITS_MAX);
        struct host_permit *permits;

        if (!s->permits_told || s->sequence < a->permits_sequence)
                return 0;
        permits = core_alloc(core, count * sizeof(*permits));
        if (!permits && count)
                return -ENOMEM;
        for (uint32_t i = 0; i < count; i++) {
                const struct summary_permit *p = &s->permits[i];

                permits[i] = (struct host_permit){ .service = text_get(core, p->service),
                                                   .kinds = p->kinds,
                                                   .restart_safe = p->restart_safe,
                                                   .barriers = p->barriers,
                                                   .instances_min = p->instances_min,
                                                   .instances_max = p->instances_max };
                if (!permits[i].service) {
                        drop_permits(core, permits, count);
                        return -ENOMEM;
                }
        }
        drop_permits(core, a->permits, a->permits_count);
        a->permits = permits;
        a->permits_count = count;
        a->permits_sequence = s->sequence;
        return 0;
}

static struct host_action *find(const struct host_actions *a, struct action_key key)
{
        for (uint32_t i = 0; i < a->rows_count; i++)
                if (action_key_equal(a->rows[i].key, key))
                        return &a->rows[i];
        return NULL;
}

/* Its row, a new one, or the one that changed longest ago. */
static int row_of(struct core *core, struct host_actions *a, struct action_key key, struct host_action **ret_row)
{
        struct host_action *row = find(a, key);

        if (!row && a->rows_count == HOST_ACTIONS_MAX) {
                row = &a->rows[0];
                for (uint32_t i = 1; i < a->rows_count; i++)
                        if (a->rows[i].at < row->at)
                                row = &a->rows[i];
                *row = (struct host_action){ .key = key };
        }
        if (!row) {
                if (core_reserve(core, (void **)&a->rows, a->rows_count, &a->rows_capacity, sizeof(*a->rows)) < 0)
                        return -ENOMEM;
                row = &a->rows[a->rows_count++];
                *row = (struct host_action){ .key = key };
        }
        *ret_row = row;
        return 0;
}

static int take_rows(struct core *core, struct host_actions *a, const struct summary *s)
{
        for (size_t i = 0; i < s->actions_count; i++) {
                const struct summary_action *x = &s->actions[i];
                struct host_action *row;

                if (row_of(core, a, x->key, &row) < 0)
                        return -ENOMEM;
                /* Summaries overtake each other. */
                if (s->sequence < row->sequence)
                        continue;
                row->epoch = x->epoch;
                row->sequence = s->sequence;
                row->kind = x->kind;
                row->state = x->state;
                row->reason = x->reason;
                row->verdict = x->verdict;
                row->at = x->at;
                row->lease_left = x->lease_left;
                row->former = x->former;
                snprintf(row->detail, sizeof(row->detail), "%s", x->detail);
        }
        return 0;
}

int host_take_actions(struct core *core, struct host *h, const struct summary *s)
{
        struct host_actions *a = h->actions;

        /* Most hosts let nothing be done. */
        if (!a && !s->permits_count && !s->actions_count && !s->checkpoint_size)
                return 0;
        if (!a) {
                a = h->actions = core_alloc(core, sizeof(*a));
                if (!a)
                        return -ENOMEM;
        }
        if (take_permits(core, a, s) < 0 || take_rows(core, a, s) < 0)
                return -ENOMEM;
        if (s->sequence >= a->sequence) {
                a->sequence = s->sequence;
                a->checkpoint_size = s->checkpoint_size;
                a->epoch = s->action_epoch;
                a->stopped = s->actions_stopped;
        }
        return 0;
}

void host_drop_actions(struct core *core, struct host *h)
{
        struct host_actions *a = h->actions;

        if (!a)
                return;
        drop_permits(core, a->permits, a->permits_count);
        core_release(core, a->rows, a->rows_capacity * sizeof(*a->rows));
        core_release(core, a, sizeof(*a));
        h->actions = NULL;
}

const struct host_action *host_action_find(const struct host *h, struct action_key key)
{
        return h->actions ? find(h->actions, key) : NULL;
}

const struct host_permit *host_permit_find(const struct host *h, const struct identity *identity)
{
        if (!h->actions || identity->kind != IDENTITY_EXPLICIT)
                return NULL;
        for (uint32_t i = 0; i < h->actions->permits_count; i++)
                if (h->actions->permits[i].service == identity->service->text)
                        return &h->actions->permits[i];
        return NULL;
}
