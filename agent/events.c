#include "agent/events.h"

#include "agent/addresses.h"
#include "agent/owners.h"
#include "agent/probe.h"
#include "agent/processes.h"
#include "agent/report.h"
#include "agent/rows.h"
#include "proto/log.h"

#include <string.h>

static void take_owner(struct events *events, const struct event_owner_named *event)
{
        bool changed = false;
        int r;

        addresses_learn_namespace(events->addresses, event->netns, event->pid, clock_monotonic());
        r = owners_learn(events->owners, event, &changed);

        if (r < 0 || !changed)
                return; /* past the bound it is "unknown" */
        for (uint32_t i = 0; i < rows_end(events->rows); i++) {
                struct row *row = rows_get(events->rows, i, 0);

                if (row && memcmp(&row->edge.owner, &event->owner, sizeof(event->owner)) == 0) {
                        row->identity = owners_identity(events->owners, &event->owner, 0);
                        row->accepted = 0;
                }
        }
}

static void add_edge(struct events *events, const struct event_edge *edge, uint32_t index, uint64_t generation, uint32_t tgid,
                     int64_t now)
{
        struct row *row;

        if (rows_get(events->rows, index, generation))
                return;
        if (rows_add(events->rows, edge, index, generation, owners_identity(events->owners, &edge->owner, tgid), now, &row) < 0) {
                events->malformed++;
                return;
        }
        if (edge->role == EVENT_ROLE_SERVER)
                addresses_learn(events->addresses, edge->local, edge->netns, now);
        report_young(events->report, index);
        events->news = true;
}

static void take_key(struct events *events, const struct event_key *event)
{
        struct row *row = rows_get(events->rows, event->index, event->generation);

        if (row)
                report_key(events->report, row, event->key, (enum summary_role)event->role);
        else
                report_key_lost(events->report);
}

void events_take(void *data, const struct event_header *header)
{
        static const uint16_t sizes[] = {
                [EVENT_OWNER] = sizeof(struct event_owner_named), [EVENT_EDGE] = sizeof(struct event_edge_new),
                [EVENT_KEY] = sizeof(struct event_key),           [EVENT_LISTEN] = sizeof(struct event_header),
                [EVENT_EXEC] = sizeof(struct event_header),       [EVENT_EXIT] = sizeof(struct event_exit),
        };
        const struct event_edge_new *edge = (const struct event_edge_new *)header;
        struct events *events = data;

        if (header->version != EVENT_VERSION || header->type >= ARRAY_SIZE(sizes) || header->size < sizes[header->type]) {
                events->malformed++;
                return;
        }
        switch (header->type) {
        case EVENT_OWNER:
                take_owner(events, (const struct event_owner_named *)header);
                break;
        case EVENT_EDGE:
                add_edge(events, &edge->edge, edge->index, edge->generation, events->own_pids ? 0 : edge->tgid, clock_monotonic());
                break;
        case EVENT_KEY:
                take_key(events, (const struct event_key *)header);
                break;
        case EVENT_LISTEN:
                report_listeners_changed(events->report);
                events->news = true;
                break;
        case EVENT_EXIT:
                processes_exited(events->processes, (const struct event_exit *)header, clock_monotonic());
                break;
        default:
                break;
        }
}

static int resync_edge(void *data, const struct event_edge *edge, uint32_t index)
{
        struct events *events = data;
        const struct event_counts *counts = probe_counts(events->probe, index);

        if (counts)
                add_edge(events, edge, index, counts->generation, 0, clock_monotonic());
        return 0;
}

int events_resync_if_lost(struct events *events, int64_t now)
{
        uint64_t losses[EVENT_LOSS_MAX];

        (void)now;
        probe_losses(events->probe, losses);
        if (losses[EVENT_LOSS_EVENTS] == events->events_lost)
                return 0;
        events->events_lost = losses[EVENT_LOSS_EVENTS];
        report_listeners_changed(events->report);
        return probe_edges(events->probe, resync_edge, events);
}
