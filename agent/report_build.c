#include "agent/report_build.h"

#include "agent/actions.h"
#include "agent/addresses.h"
#include "agent/host.h"
#include "agent/owners.h"
#include "agent/pools.h"
#include "agent/privileges.h"
#include "agent/probe.h"
#include "agent/processes.h"
#include "agent/resources.h"
#include "agent/usage.h"

#include <stdlib.h>
#include <string.h>

void report_build_begin(struct report *report, int64_t now, struct summary *ret_summary)
{
        const struct host *host = report->sources.host;
        int64_t offset = clock_wall() - clock_monotonic();

        report->said_count = 0;
        report->ids_count = 0;
        *ret_summary = (struct summary){ .session = host->session,
                                         .session_started = host_wall(offset, host->started),
                                         .at = host_wall(offset, now),
                                         .interval = report->interval,
                                         .host = host->name,
                                         .host_id = host->id,
                                         .boot_id = host->boot_id,
                                         .kernel = host->kernel,
                                         .agent_version = NIGHTSHIFT_VERSION,
                                         .part = 0,
                                         .parts = 1,
                                         .edges = report->edges };
        if (report->sources.actions)
                actions_fill_state(report->sources.actions, ret_summary);
}

void report_build_refer(struct report *report, uint32_t id)
{
        if (report->ids_count == report->ids_size) {
                size_t size = report->ids_size ? report->ids_size * 2 : 256;
                uint32_t *ids = reallocarray(report->ids, size, sizeof(*ids));

                if (!ids)
                        return; /* packing then refuses the summary, and it is made again */
                report->ids = ids;
                report->ids_size = size;
        }
        report->ids[report->ids_count++] = id;
}

static void fill_counters(const struct event_counts *c, struct summary_edge *e)
{
#define X(name) e->counters.name = c->name;
        SUMMARY_COUNTERS(X)
#undef X
        _Static_assert(sizeof(e->rtt.count) == sizeof(c->rtt), "buckets");
        memcpy(e->rtt.count, c->rtt, sizeof(e->rtt.count));
        memcpy(e->turnaround.count, c->turnaround, sizeof(e->turnaround.count));
}

void report_build_row(struct report *report, struct row *row, uint32_t index, int64_t now, bool only_changed,
                      struct summary *summary)
{
        int64_t offset = summary->at - now;
        struct summary_edge *e = &report->edges[report->said_count];
        struct event_counts counts;
        uint64_t hash;

        rows_read(report->sources.rows, index, &counts, &hash);
        if (counts.generation != row->generation)
                return;
        /* A datagram socket was connected, but nothing is known to have been sent: no edge (yet). */
        if (counts.attempted + counts.adopted == 0)
                return;
        if (hash == row->accepted && only_changed)
                return;
        if (hash != row->accepted)
                row->moved_ns = now;
        *e = (struct summary_edge){ .id = row->id,
                                    .identity = row->identity,
                                    .netns = row->edge.netns,
                                    .role = (enum summary_role)row->edge.role,
                                    .transport = (enum summary_transport)row->edge.transport,
                                    .local_port = row->edge.local_port,
                                    .remote_port = row->edge.remote_port,
                                    .first_seen = host_wall(offset, row->first_ns),
                                    .last_seen = host_wall(offset, MAX((int64_t)counts.last_ns, row->first_ns)) };
        memcpy(e->local.bytes, row->edge.local, 16);
        memcpy(e->remote.bytes, row->edge.remote, 16);
        fill_counters(&counts, e);
        report->said[report->said_count++] = (struct report_said){ .generation = row->generation, .hash = hash, .index = index };
        summary->edges_count = report->said_count;
        report_build_refer(report, row->identity);
}

void report_build_said(struct report *report, const struct summary *summary)
{
        if (summary->listeners_count || (summary->full && summary->part == 0)) {
                report->listeners_said = report->listeners_hash;
                report->listeners_changed = false;
        }
        if (summary->processes_count || (summary->full && summary->part == 0))
                report->processes_said = report->processes_hash;
        if (summary->builds_count || (summary->full && summary->part == 0))
                report->builds_said = report->builds_hash;
        if (report->sources.actions)
                actions_said(report->sources.actions, summary->actions_count > 0, summary->permits_told);
        if (summary->pools_at) {
                report->pools_said = report->pools_built;
                report->pools_said_count = summary->pools_count;
        }
}

bool report_build_log_news(const struct report *report)
{
        return report->sources.actions && actions_have_log_news(report->sources.actions);
}

void report_build_actions(struct report *report, struct summary *summary, bool always)
{
        if (report->sources.actions)
                actions_fill(report->sources.actions, summary, always);
}

int report_build_processes(struct report *report, int64_t now, struct summary *summary, bool always)
{
        const struct summary_process *rows;
        size_t count;
        int r;

        if (!report->sources.processes)
                return 0;
        r = processes_rows(report->sources.processes, now, &rows, &count, &report->processes_hash);
        if (r < 0)
                return r;
        if (!always && report->processes_hash == report->processes_said)
                return 0;
        if (!always && count == 0) {
                report_full(report); /* none at all can only be said in full */
                return 0;
        }
        summary->processes = (struct summary_process *)rows;
        summary->processes_count = count;
        for (size_t i = 0; i < count; i++)
                report_build_refer(report, rows[i].identity);
        return 0;
}

static void add_constants(struct report *report, struct summary *summary)
{
        const struct privilege *privilege;
        const struct probe_hook *hook;

        for (size_t i = 0; summary->hooks_count < ARRAY_SIZE(report->hooks) && (hook = probe_hook(report->sources.probe, i)); i++)
                report->hooks[summary->hooks_count++] = (struct summary_hook){ hook->name, hook->state, hook->detail };
        /* A capability that is missing is told like a hook that is. */
        for (size_t i = 0; summary->hooks_count < ARRAY_SIZE(report->hooks) && (privilege = privileges_get(i)); i++)
                if (!privilege->present)
                        report->hooks[summary->hooks_count++] =
                                (struct summary_hook){ privilege->name, "unavailable", privilege->without };
        summary->hooks = report->hooks;
        summary->labels = (struct summary_label *)report->labels;
        summary->labels_count = report->labels_count;
}

int report_build_full_keys(struct report *report, struct summary *summary)
{
        size_t count = 0;

        if (report->full_keys_size < report->said_count) {
                struct summary_key *keys = reallocarray(report->full_keys, report->said_count, sizeof(*keys));

                if (!keys)
                        return -ENOMEM;
                report->full_keys = keys;
                report->full_keys_size = report->said_count;
        }
        for (size_t i = 0; i < report->said_count; i++) {
                const struct row *row = rows_get(report->sources.rows, report->said[i].index, report->said[i].generation);

                if (row && row->has_key)
                        report->full_keys[count++] = (struct summary_key){ .key = row->last_key,
                                                                           .edge = row->id,
                                                                           .role = (enum summary_role)row->last_key_role };
        }
        summary->keys = report->full_keys;
        summary->keys_count = count;
        return 0;
}

static int id_order(const void *a, const void *b)
{
        uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

        return x < y ? -1 : x > y;
}

static void add_identities(struct report *report, struct summary *summary)
{
        if (report->identities_size < report->ids_count) {
                struct summary_identity *grown = reallocarray(report->identities, report->ids_size, sizeof(*grown));

                if (!grown)
                        return;
                report->identities = grown;
                report->identities_size = report->ids_size;
        }
        if (report->ids_count)
                qsort(report->ids, report->ids_count, sizeof(*report->ids), id_order);
        summary->identities = report->identities;
        for (size_t i = 0; i < report->ids_count; i++) {
                const struct summary_identity *identity;

                if (i > 0 && report->ids[i] == report->ids[i - 1])
                        continue;
                identity = owners_get(report->sources.owners, report->ids[i]);
                if (identity)
                        report->identities[summary->identities_count++] = *identity;
        }
}

void report_build_finish(struct report *report, int64_t now, struct summary *summary)
{
        uint64_t losses[EVENT_LOSS_MAX];
        size_t addresses_count;

        (void)now;
        add_constants(report, summary);
        add_identities(report, summary);
        summary->addresses = (struct summary_address *)addresses_list(report->sources.addresses, &addresses_count);
        summary->addresses_count = addresses_count;

        /* Events that found no room are no loss: the agent then reads the maps. A listener that found
         * none loses a name, not a connection. */
        probe_losses(report->sources.probe, losses);
        summary->lost = losses[EVENT_LOSS_SOCKS_FULL] + losses[EVENT_LOSS_EDGES_FULL] + losses[EVENT_LOSS_CLOSE_UNSEEN] +
                        losses[EVENT_LOSS_FLOWS];
        summary->lost_keys = losses[EVENT_LOSS_KEYS] + report->keys_lost;
        summary->pools_lost = losses[EVENT_LOSS_POOLS] + (report->sources.pools ? pools_lost(report->sources.pools) : 0);
        summary->key_threshold = report->key_threshold;
        summary->agent_map_bytes = probe_map_bytes(report->sources.probe);
        resources_read("/proc", &summary->resources);
        usage_read(report->sources.link_pid(report->sources.data), &summary->agent_rss_bytes, &summary->agent_cpu_ns);
}
