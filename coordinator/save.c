/* The core's state as records for the store. Every record stands for itself: an end carries its
 * totals together with what its rows had counted by then, so records of different age never count
 * anything twice; an agent's next summary brings the difference. */
#include "coordinator/graph.h"
#include "coordinator/records.h"
#include "coordinator/save_internal.h"

#include <string.h>

#define CYCLE_MIN (5 * NSEC_PER_SEC)

void number_list_add(struct core *core, struct number_list *l, uint64_t number)
{
        if (core_reserve(core, (void **)&l->items, l->count, &l->capacity, sizeof(*l->items)) == 0)
                l->items[l->count++] = number;
}

static void write_text(struct writer *w, const struct text *text)
{
        write_string(w, text ? text->data : "");
}

void save_service(struct writer *w, const struct service *s)
{
        write_varint(w, s ? 1 + s->external : 0);
        if (s)
                write_string(w, s->name);
}

static void write_end(struct writer *w, const struct end *e)
{
        uint64_t n = 0;

        write_varint(w, RECORD_VERSION);
        write_text(w, e->host->name);
        save_service(w, e->service);
        write_varint(w, e->netns);
        write_varint(w, e->role);
        write_varint(w, e->reported_role);
        write_varint(w, e->transport);
        write_raw(w, &e->local, sizeof(e->local));
        write_raw(w, &e->remote, sizeof(e->remote));
        write_varint(w, e->local_port);
        write_varint(w, e->remote_port);
        write_signed(w, e->first_seen);
        write_signed(w, e->last_seen);
        write_counters(w, &e->total);
        write_buckets(w, e->rtt);
        write_buckets(w, e->turnaround);
        write_varint(w, e->remainder);
        write_varint(w, e->excused);
        write_varint(w, e->excuse_at != 0);
        write_varint(w, e->reviewed);
        write_varint(w, e->review);
        save_service(w, e->target);
        if (e->target) {
                write_text(w, e->target_host->name);
                write_varint(w, e->target_netns);
                write_varint(w, e->target_port);
        }
        for (const struct share *s = e->shares; s; s = s->next)
                n++;
        write_varint(w, n);
        for (const struct share *s = e->shares; s; s = s->next) {
                save_service(w, s->service);
                write_string(w, s->host ? s->host->name->data : "");
                write_varint(w, s->port);
                write_counters(w, &s->counters);
        }
        n = 0;
        for (const struct link *l = e->role == ROLE_CLIENT ? e->links : NULL; l; l = l->next_of_client)
                n++;
        write_varint(w, n);
        for (const struct link *l = e->role == ROLE_CLIENT ? e->links : NULL; l; l = l->next_of_client) {
                write_varint(w, l->server->id);
                write_varint(w, l->matched);
                write_signed(w, l->last);
        }
        n = 0;
        for (const struct row *row = e->rows; row; row = row->next)
                n++;
        write_varint(w, e->host->session);
        write_varint(w, n);
        for (const struct row *row = e->rows; row; row = row->next) {
                write_varint(w, row->id);
                write_varint(w, row->sequence);
                write_signed(w, row->gone_at);
                write_counters(w, &row->current);
                write_buckets(w, row->rtt);
                write_buckets(w, row->turnaround);
        }
}

static void write_edge(struct writer *w, const struct edge *e)
{
        write_varint(w, RECORD_VERSION);
        save_service(w, e->client);
        save_service(w, e->server);
        write_varint(w, e->port);
        write_varint(w, e->transport);
        write_varint(w, e->past != NULL);
        if (!e->past)
                return;
        write_varint(w, e->past->seen);
        write_signed(w, e->past->first_seen);
        write_signed(w, e->past->last_seen);
        write_counters(w, &e->past->total);
        write_buckets(w, e->past->rtt);
        write_buckets(w, e->past->turnaround);
}

static void write_host(struct writer *w, const struct host *h)
{
        write_varint(w, RECORD_VERSION);
        write_varint(w, h->session);
        write_signed(w, h->session_started);
        for (size_t i = 0; i < HOST_SESSIONS_KEPT; i++)
                write_varint(w, h->old_sessions[i]);
        write_varint(w, h->sequence_max);
        for (size_t i = 0; i < ARRAY_SIZE(h->sequence_seen); i++)
                write_varint(w, h->sequence_seen[i]);
        write_varint(w, h->full_sequence);
        write_signed(w, h->at);
        write_signed(w, h->heard);
        write_signed(w, h->interval);
        write_signed(w, h->known_since);
        write_signed(w, h->clock_offset);
        write_signed(w, h->durable_at);
        write_varint(w, h->final);
        write_varint(w, h->lost);
        write_varint(w, h->lost_before);
        write_varint(w, h->lost_keys);
        write_varint(w, h->command_id);
        write_varint(w, h->gaps_count);
        for (uint32_t i = 0; i < h->gaps_count; i++) {
                write_signed(w, h->gaps[i].from);
                write_signed(w, h->gaps[i].to);
        }
        write_text(w, h->id);
        write_text(w, h->boot_id);
        write_text(w, h->kernel);
        write_text(w, h->agent_version);
        write_varint(w, h->labels_count);
        for (uint32_t i = 0; i < 2 * h->labels_count; i++)
                write_text(w, h->labels[i]);
        write_varint(w, h->hooks_count);
        for (uint32_t i = 0; i < 3 * h->hooks_count; i++)
                write_text(w, h->hooks[i]);
        write_varint(w, h->addresses_count);
        for (uint32_t i = 0; i < h->addresses_count; i++) {
                write_raw(w, &h->addresses[i].address, sizeof(struct address));
                write_varint(w, h->addresses[i].netns);
        }
        write_varint(w, h->builds_sequence);
}

int save_put(struct saver *s, enum record_kind kind, const void *key, size_t key_size)
{
        int r = s->w.failed ? -ENOMEM : s->put(s->data, kind, key, key_size, s->w.data, s->w.size);

        s->w.size = 0;
        s->count++;
        return r;
}

int save_remove(struct saver *s, enum record_kind kind, const void *key, size_t key_size)
{
        return s->put(s->data, kind, key, key_size, NULL, 0);
}

void save_number_key(uint8_t key[8], uint64_t number)
{
        for (int i = 7; i >= 0; i--, number >>= 8)
                key[i] = (uint8_t)number;
}

static void slice_key(uint8_t key[9], uint32_t level, int64_t from)
{
        key[0] = (uint8_t)level;
        save_number_key(key + 1, (uint64_t)from);
}

/* What the call before this one handed out is durable by now, or core_save_again() would have said so. */
static void forget_removed(struct core *core)
{
        struct number_list *lists[] = { &core->removed_ends,   &core->removed_edges, &core->removed_incidents,
                                        &core->removed_pulses, &core->removed_pasts, &core->removed_past_cells };

        for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
                lists[i]->count -= lists[i]->handed_out;
                if (lists[i]->count > 0)
                        memmove(lists[i]->items, lists[i]->items + lists[i]->handed_out,
                                lists[i]->count * sizeof(*lists[i]->items));
                lists[i]->handed_out = 0;
        }
        core->history.removed_count -= core->history.removed_handed_out;
        if (core->history.removed_count > 0)
                memmove(core->history.removed, core->history.removed + core->history.removed_handed_out,
                        core->history.removed_count * sizeof(*core->history.removed));
        core->history.removed_handed_out = 0;
        deployments_forget_removed(core);
}

static int save_removed(struct saver *s)
{
        struct core *core = s->core;
        uint8_t key[9];
        int r = 0;

        for (struct number_list *l = &core->removed_ends; r == 0 && l->handed_out < l->count; l->handed_out += r == 0) {
                save_number_key(key, l->items[l->handed_out]);
                r = save_remove(s, RECORD_END, key, 8);
        }
        for (struct number_list *l = &core->removed_edges; r == 0 && l->handed_out < l->count; l->handed_out += r == 0) {
                save_number_key(key, l->items[l->handed_out]);
                r = save_remove(s, RECORD_EDGE, key, 8);
        }
        for (struct history *h = &core->history; r == 0 && h->removed_handed_out < h->removed_count;
             h->removed_handed_out += r == 0) {
                slice_key(key, h->removed[h->removed_handed_out].level, h->removed[h->removed_handed_out].from);
                r = save_remove(s, RECORD_SLICE, key, 9);
        }
        return r;
}

static int save_ends(struct saver *s)
{
        struct core *core = s->core;

        for (; core->save_end < core->ends_count && s->count < SAVE_RECORDS_A_CALL; core->save_end++) {
                struct end *e = core->ends[core->save_end];
                uint8_t key[8];
                int r;

                if (!e->dirty)
                        continue;
                save_number_key(key, e->id);
                write_end(&s->w, e);
                r = save_put(s, RECORD_END, key, sizeof(key));
                if (r < 0)
                        return r;
                e->dirty = false;
                e->saved = true;
        }
        return 0;
}

static int save_edges(struct saver *s)
{
        struct core *core = s->core;

        for (; core->save_edge < core->edges_count && s->count < SAVE_RECORDS_A_CALL; core->save_edge++) {
                struct edge *e = core->edges[core->save_edge];
                uint8_t key[8];
                int r;

                if (!e->dirty)
                        continue;
                save_number_key(key, e->id);
                write_edge(&s->w, e);
                r = save_put(s, RECORD_EDGE, key, sizeof(key));
                if (r < 0)
                        return r;
                e->dirty = false;
                e->saved = true;
        }
        return 0;
}

static int save_slice(struct saver *s, const struct slice *slice)
{
        uint8_t key[9];

        write_varint(&s->w, RECORD_VERSION);
        write_signed(&s->w, slice->to);
        write_raw(&s->w, slice->data, slice->size);
        slice_key(key, slice->level, slice->from);
        return save_put(s, RECORD_SLICE, key, sizeof(key));
}

static int save_slices(struct saver *s)
{
        for (struct slice *slice = s->core->history.newest; slice; slice = slice->older) {
                int r;

                if (slice->saved)
                        continue;
                r = save_slice(s, slice);
                if (r < 0)
                        return r;
                slice->saved = true;
        }
        return 0;
}

static int save_host(struct saver *s, struct host *h)
{
        int r;

        write_host(&s->w, h);
        r = save_put(s, RECORD_HOST, h->name->data, h->name->length);
        if (r == 0)
                h->session_saved = h->session;
        return r;
}

/* A session comes before the counts of its rows: they could not be told from another session's. */
static int save_sessions(struct saver *s)
{
        int r = 0;

        for (uint32_t i = 0; r == 0 && i < s->core->hosts_count; i++)
                if (s->core->hosts[i]->session != s->core->hosts[i]->session_saved)
                        r = save_host(s, s->core->hosts[i]);
        return r;
}

static int save_meta(struct saver *s)
{
        write_varint(&s->w, RECORD_VERSION);
        write_varint(&s->w, s->core->next_end);
        write_varint(&s->w, s->core->next_edge);
        write_signed(&s->w, s->core->history.begin);
        return save_put(s, RECORD_META, "core", 4);
}

/* Hosts once more at the end of the round: what they call durable is. */
static int save_hosts(struct saver *s)
{
        struct core *core = s->core;
        int r;

        for (uint32_t i = 0; i < core->hosts_count; i++) {
                struct host *h = core->hosts[i];

                if (!h->dirty)
                        continue;
                h->durable_at = h->cycle_at;
                r = save_host(s, h);
                if (r < 0)
                        return r;
                h->dirty = false;
        }
        return save_meta(s);
}

int core_save(struct core *core, int64_t now, core_put_function put, void *data)
{
        struct saver s = { .core = core, .put = put, .data = data };
        int r;

        core_advance(core, now);
        if (!core->save_running) {
                if (core->now - core->save_started < CYCLE_MIN && core->save_started != 0 && !core->save_all)
                        return 0;
                core->save_running = true;
                core->save_started = core->now;
                core->save_end = core->save_edge = 0;
                for (uint32_t i = 0; i < core->hosts_count; i++)
                        core->hosts[i]->cycle_at = core->hosts[i]->at;
        }
        forget_removed(core);
        r = save_removed(&s);
        if (r == 0)
                r = save_sessions(&s);
        if (r == 0)
                r = save_edges(&s);
        if (r == 0)
                r = save_ends(&s);
        if (r == 0 && core->save_end == core->ends_count && core->save_edge == core->edges_count) {
                r = save_slices(&s);
                if (r == 0)
                        r = deployments_save(&s);
                if (r == 0)
                        r = incidents_save(&s);
                if (r == 0)
                        r = pulses_save(&s);
                if (r == 0)
                        r = pasts_save(&s);
                if (r == 0)
                        r = save_hosts(&s);
                if (r == 0)
                        core->save_running = core->save_all = false;
        }
        writer_free(&s.w);
        return r < 0 ? r : core->save_running;
}

void core_save_at_once(struct core *core)
{
        core->save_running = false;
        core->save_started = 0;
}

void core_save_again(struct core *core)
{
        for (uint32_t i = 0; i < core->ends_count; i++)
                core->ends[i]->dirty = true;
        for (uint32_t i = 0; i < core->edges_count; i++)
                core->edges[i]->dirty = true;
        for (uint32_t i = 0; i < core->hosts_count; i++) {
                core->hosts[i]->dirty = true;
                core->hosts[i]->session_saved = 0;
        }
        for (struct slice *s = core->history.newest; s; s = s->older)
                s->saved = false;
        deployments_save_again(core);
        incidents_save_again(core);
        pulses_save_again(core);
        pasts_save_again(core);
        core->removed_ends.handed_out = core->removed_edges.handed_out = core->history.removed_handed_out = 0;
        core->save_running = false;
        core->save_all = true;
}

static int snapshot_host(struct saver *s, struct host *h)
{
        int64_t durable_at = h->durable_at;
        int r;

        /* All that is known of it lies in the snapshot. */
        h->durable_at = h->at;
        write_host(&s->w, h);
        r = save_put(s, RECORD_HOST, h->name->data, h->name->length);
        h->durable_at = durable_at;
        return r;
}

int core_snapshot(struct core *core, core_put_function put, void *data)
{
        struct saver s = { .core = core, .put = put, .data = data };
        uint8_t key[8];
        int r = 0;

        work_finish(core);
        for (uint32_t i = 0; r >= 0 && i < core->hosts_count; i++)
                r = snapshot_host(&s, core->hosts[i]);
        for (uint32_t i = 0; r >= 0 && i < core->edges_count; i++) {
                save_number_key(key, core->edges[i]->id);
                write_edge(&s.w, core->edges[i]);
                r = save_put(&s, RECORD_EDGE, key, sizeof(key));
        }
        for (uint32_t i = 0; r >= 0 && i < core->ends_count; i++) {
                save_number_key(key, core->ends[i]->id);
                write_end(&s.w, core->ends[i]);
                r = save_put(&s, RECORD_END, key, sizeof(key));
        }
        for (const struct slice *slice = core->history.newest; r >= 0 && slice; slice = slice->older)
                r = save_slice(&s, slice);
        if (r >= 0)
                r = deployments_snapshot(&s);
        if (r >= 0)
                r = incidents_snapshot(&s);
        if (r >= 0)
                r = pulses_snapshot(&s);
        if (r >= 0)
                r = pasts_snapshot(&s);
        if (r >= 0)
                r = save_meta(&s);
        writer_free(&s.w);
        return MIN(r, 0);
}
