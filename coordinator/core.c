#include "coordinator/graph.h"
#include "coordinator/host_actions.h"
#include "coordinator/incident.h"
#include "coordinator/measured.h"
#include "coordinator/past.h"
#include "coordinator/pulse.h"
#include "coordinator/raise.h"

#include <stdlib.h>
#include <string.h>

#define MEMORY_MAX (UINT64_C(1) << 30)
#define FORGET_AFTER (24 * 3600 * NSEC_PER_SEC)
#define STALE_AFTER (60 * NSEC_PER_SEC)
#define PORTION 1024
#define KEYS_PER_SECOND 20000           /* that the table of keys is meant for */
#define ROW_LINGERS (60 * NSEC_PER_SEC) /* after it went, for keys that come late */
#define DETECT_EVERY (10 * NSEC_PER_SEC)
#define EXPIRE_EVERY (10 * NSEC_PER_SEC)

int core_new(const struct core_options *options, struct core **ret_core)
{
        struct core *core = calloc(1, sizeof(*core));

        if (!core)
                return -ENOMEM;
        if (options)
                core->options = *options;
        if (core->options.memory_max == 0)
                core->options.memory_max = MEMORY_MAX;
        if (core->options.forget_after == 0)
                core->options.forget_after = FORGET_AFTER;
        if (core->options.host_stale_after == 0)
                core->options.host_stale_after = STALE_AFTER;
        if (core->options.portion == 0)
                core->options.portion = PORTION;
        if (core->options.keys_per_second == 0)
                core->options.keys_per_second = KEYS_PER_SECOND;
        core->hash_key = (struct hash_key){ core->options.secret ? core->options.secret : core->options.coordinator,
                                            UINT64_C(0x6e69676874736869) };
        core->join.threshold = UINT32_MAX;
        core->edge_epoch = 1;
        *ret_core = core;
        return 0;
}

void core_free(struct core **ret_core)
{
        struct core *core = *ret_core;

        if (!core)
                return;
        incidents_free(core);
        past_free(core);
        measured_free(core);
        join_free(core);
        history_free(core);
        forget_free(core);
        deployments_free(core);
        while (core->edges_count > 0)
                edge_free(core, core->edges[core->edges_count - 1]);
        while (core->ends_count > 0)
                end_free(core, core->ends[core->ends_count - 1]);
        while (core->hosts_count > 0)
                host_free(core, core->hosts[--core->hosts_count]);
        free(core->hosts);
        free(core->ends);
        free(core->edges);
        free(core->order);
        free(core->split);
        free(core->removed_ends.items);
        free(core->removed_edges.items);
        free(core->removed_incidents.items);
        free(core->removed_pulses.items);
        free(core->removed_pasts.items);
        free(core->removed_past_cells.items);
        loading_free(core);
        map_free(&core->texts);
        map_free(&core->services);
        map_free(&core->hosts_by_name);
        map_free(&core->ends_by_key);
        map_free(&core->ends_by_dial);
        map_free(&core->edges_by_key);
        map_free(&core->leases);
        free(core);
        *ret_core = NULL;
}

bool core_refuses(const struct core *core)
{
        return core->refused_at != 0 && core->now - core->refused_at <= core->options.host_stale_after;
}

void core_advance(struct core *core, int64_t now)
{
        work_finish(core);
        if (core->started == 0)
                core->started = now;
        core->now = MAX(core->now, now);
}

/* A session that was followed by another; or one never met that began before the present one, which
 * is a late message, unless the present one has gone silent and only the clock was set back. */
static bool session_is_old(const struct core *core, const struct host *h, const struct summary *s)
{
        uint64_t session = s->session;

        if (h->session == session)
                return false;
        if (s->session_started < h->session_started && core->now - h->heard <= core->options.host_stale_after)
                return true;
        for (size_t i = 0; i < HOST_SESSIONS_KEPT; i++)
                if (h->old_sessions[i] == session)
                        return true;
        return false;
}

/* An agent started anew: between what the last session told and the start of this one nobody
 * counted. */
static void begin_session(struct core *core, struct host *h, const struct summary *s)
{
        if (h->session != 0) {
                int64_t known = h->durable_at ? h->durable_at : h->session_started;

                host_add_gap(h, h->restored ? MIN(known, h->at) : h->at, s->session_started);
                host_end_session(core, h);
                raises_end(core, h);
                remainder_excuse_host(core, h);
        }
        if (h->known_since == 0)
                h->known_since = s->session_started;
        h->session = s->session;
        h->received = 0;
        h->clock_offset = INT64_MAX;
        h->session_started = s->session_started;
        h->resync = true;
        core->changed = true;
}

static void note_losses(struct core *core, struct host *h, const struct summary *s)
{
        if (s->lost > h->lost) {
                host_add_gap(h, h->at > s->session_started ? MIN(h->at, s->at) : s->session_started, s->at);
                h->lost = s->lost;
                remainder_excuse_host(core, h);
        }
        h->lost_keys = MAX(h->lost_keys, s->lost_keys);
}

/* Rows that a full summary does not mention are gone; what they counted stays with their ends. One
 * that was busy about when we last wrote to the store may have counted more since, unseen by us; one
 * with open connections has, for they must have been closed. */
static void remove_absent_rows(struct core *core, struct host *h, const struct summary *s, uint64_t first)
{
        for (size_t i = 0; h->rows.table && i <= h->rows.mask; i++) {
                for (struct map_node *n = h->rows.table[i]; n; n = n->next) {
                        struct row *row = container_of(n, struct row, node);

                        if (row->sequence >= first || row->gone_at != 0)
                                continue;
                        if (row->restored &&
                            (row->end->last_seen >= h->durable_at - ROW_LINGERS || counters_open(&row->current) > 0))
                                host_add_gap(h, h->durable_at, s->at);
                        row->gone_at = core->now;
                        row->end->dirty = true;
                }
        }
}

/* A full summary may come in parts, in any order; duplicates were sorted out before. True with the one
 * that completes it. */
static bool completes_full(struct host *h, const struct summary *s)
{
        uint64_t first = s->sequence - s->part;

        if (!s->full || first <= h->full_sequence || first < h->full_first)
                return false;
        if (first > h->full_first) {
                h->full_first = first;
                h->full_parts = 0;
        }
        return ++h->full_parts >= s->parts;
}

static int take_rows(struct core *core, struct host *h, const struct summary *s)
{
        struct row *row = NULL;

        /* What is older than the last full summary has no news, and may speak of rows that are gone. */
        if (s->sequence >= h->full_sequence) {
                for (size_t i = 0; i < s->edges_count; i++) {
                        int r = end_take_row(core, h, s, &s->edges[i]);
                        if (r < 0)
                                return r;
                }
        }
        if (completes_full(h, s)) {
                h->full_sequence = h->full_first;
                h->resync = false;
                remove_absent_rows(core, h, s, h->full_first);
                h->restored = false;
        }
        for (size_t i = 0; i < s->keys_count; i++) {
                /* Those of one edge follow each other. */
                if (!row || row->id != s->keys[i].edge)
                        row = row_find(core, h, s->keys[i].edge);
                if (row)
                        join_key(core, &s->keys[i], row->end, core->now);
        }
        return 0;
}

#define END_BYTES UINT64_C(1800) /* with its row, its pulse, its place in an edge and what goes with them */
#define IDENTITY_BYTES 600
#define BUILD_BYTES 1500
#define SETTING_BYTES 200
#define MEASURED_BYTES 2500 /* of a pool or process; cells of series have a budget of their own */

/* Roughly what is held for a host. */
static uint64_t host_memory(const struct host *h)
{
        return h->ends_count * END_BYTES + h->measured_count * MEASURED_BYTES + h->rows.count * sizeof(struct row) +
               h->identities.count * IDENTITY_BYTES + h->builds_count * BUILD_BYTES + h->settings_count * SETTING_BYTES;
}

/* Generous, so that a summary which is begun can be finished. */
static uint64_t memory_wanted(const struct summary *s)
{
        return s->edges_count * END_BYTES + s->keys_count * 160 + s->processes_count * (400 + MEASURED_BYTES) +
               s->identities_count * IDENTITY_BYTES + s->builds_count * BUILD_BYTES + s->settings_count * SETTING_BYTES +
               (s->listeners_count + s->addresses_count) * 200 + s->pools_count * (sizeof(struct summary_pool) + MEASURED_BYTES) +
               65536;
}

/* What one host may still take is less than what all may: when memory is short, those who hold more
 * than twice a fair share are refused first, and an eighth stays for the others. */
static int make_room(struct core *core, const char *name, const struct summary *s)
{
        const struct host *h = host_find(core, name);
        uint64_t fair = core->options.memory_max / 2 / MAX(core->hosts_count, 1u), wanted = memory_wanted(s);

        if (h && host_memory(h) > fair)
                wanted += core->options.memory_max / 8;
        if (core->memory_used + wanted <= core->options.memory_max)
                return 0;
        history_shrink(core, wanted);
        return core->memory_used + wanted <= core->options.memory_max ? 0 : -ENOMEM;
}

int core_summary(struct core *core, int64_t now, const char *name, const struct summary *s, struct wire_ack *ret_ack)
{
        struct wire_ack ack = { .session = s->session, .sequence = s->sequence, .coordinator = core->options.coordinator };
        struct host *h;
        int r;

        core_advance(core, now);
        r = make_room(core, name, s);
        if (r < 0) {
                core->refused_at = core->now;
                return r;
        }
        r = host_get(core, name, &h);
        if (r < 0)
                return r;
        if (session_is_old(core, h, s))
                goto acknowledge;
        if (h->session != s->session)
                begin_session(core, h, s);
        if (!host_take_sequence(h, s->sequence)) {
                h->heard = core->now;
                goto acknowledge;
        }
        h->clock_offset = MIN(h->clock_offset, core->now - s->at);
        note_losses(core, h, s);
        r = host_identities(core, h, s);
        if (r == 0)
                r = host_describe(core, h, s);
        if (r == 0)
                r = host_take_actions(core, h, s);
        if (r == 0)
                r = take_rows(core, h, s);
        if (r == 0)
                r = host_take_pools(core, h, s);
        h->heard = core->now;
        if (r == 0)
                measured_take(core, h, s);
        if (r == 0)
                r = deployments_take(core, h, s);
        if (s->full)
                host_forget_identities(core, h);
        h->at = MAX(h->at, s->at);
        h->received++;
        if (s->sequence == h->sequence_max) /* what a former coordinator commanded, or a former agent was told */
                h->threshold_told = s->key_threshold;
        h->dirty = true;
        core->changed = true;
        if (r < 0)
                return r;
acknowledge:
        ack.resync = h->session == s->session && h->resync;
        *ret_ack = ack;
        return 0;
}

/* A step: rows that went and can get no more keys. A portion is one host's. */
static bool expire_rows(struct core *core, uint32_t *cursor)
{
        struct host *h = *cursor < core->hosts_count ? core->hosts[*cursor] : NULL;

        for (size_t k = 0; h && h->rows.table && k <= h->rows.mask; k++) {
                for (struct map_node *n = h->rows.table[k], *next; n; n = next) {
                        struct row *row = container_of(n, struct row, node);
                        next = n->next;
                        if (row->gone_at && row->gone_at + ROW_LINGERS < core->now)
                                row_free(core, h, row);
                }
        }
        return h && ++*cursor < core->hosts_count;
}

static bool adjust_threshold(struct core *core, uint32_t *cursor)
{
        (void)cursor;
        join_adjust_threshold(core, core->now);
        return false;
}

static bool expire_deployments(struct core *core, uint32_t *cursor)
{
        (void)cursor;
        deployments_expire(core);
        return false;
}

static bool begin_history(struct core *core, uint32_t *cursor)
{
        (void)cursor;
        history_add(core);
        return false;
}

void core_begin_tick(struct core *core, int64_t now)
{
        core_advance(core, now);
        core_note(core, CORE_INPUT_TICK);
        join_expire(core, core->now);
        if (core->last_expire + EXPIRE_EVERY <= core->now) {
                core->last_expire = core->now;
                work_add(core, adjust_threshold);
                work_add(core, expire_rows);
                work_add(core, forget_ends);
                work_add(core, measured_expire);
                work_add(core, expire_deployments);
        }
        work_add(core, begin_history);
        past_add(core);
        measured_add_round(core);
        pulse_add(core);
        if (core->signatures && core->detected_at + DETECT_EVERY <= core->now) {
                core->detected_at = core->now;
                work_add(core, incidents_detect);
        }
}

void core_set_signatures(struct core *core, const struct signature_set *signatures)
{
        work_finish(core);
        measured_forget_symptoms(core);
        core->signatures = signatures;
}

void core_tick(struct core *core, int64_t now)
{
        core_begin_tick(core, now);
        work_finish(core);
}

bool core_work(struct core *core)
{
        return work_step(core);
}

int core_announce(struct core *core, int64_t now, const char *service, const char *version, const char *host, uint64_t *ret_id)
{
        core_advance(core, now);
        if (core->observe) {
                struct core_input input = {
                        .kind = CORE_INPUT_ANNOUNCE, .at = core->now, .host = host, .service = service, .version = version
                };

                core->observe(core->observe_data, &input);
        }
        return deployments_announce(core, service, version, host, ret_id);
}

int core_poll(struct core *core, int64_t now, const char *name, uint64_t session, uint64_t acknowledged,
              struct wire_commands *ret_commands)
{
        struct host *h;
        size_t count = 0;

        core_advance(core, now);
        *ret_commands = (struct wire_commands){ 0 };
        h = host_find(core, name);
        if (!h) /* whoever has not reported yet is told nothing, and takes no memory */
                return 0;
        acknowledged = command_believed(acknowledged, h->command_id, core->now);
        if (core->observe && session == h->session && acknowledged > h->command_acknowledged) {
                struct core_input input = {
                        .kind = CORE_INPUT_POLL, .at = core->now, .host = name, .session = session, .acknowledged = acknowledged
                };

                core->observe(core->observe_data, &input);
        }
        if (session == h->session && acknowledged > h->command_acknowledged) {
                h->command_acknowledged = acknowledged;
                /* Others than the core give this host commands, too: ids go on from all of them. */
                h->command_id = MAX(h->command_id, acknowledged);
                raise_acknowledged(core, h);
        }
        if (h->threshold_id > h->command_acknowledged)
                core->commands[count++] = (struct wire_command){
                        .id = h->threshold_id, .kind = WIRE_COMMAND_KEY_THRESHOLD, .threshold = core->join.threshold, .service = ""
                };
        count = raise_commands(core, h, core->commands, count);
        if (count > 0)
                *ret_commands = (struct wire_commands){ core->commands, count };
        return 0;
}

bool core_has_commands(const struct core *core, const char *name)
{
        const struct host *h = host_find(core, name);

        return h && (h->threshold_id > h->command_acknowledged || raise_pending(core, h));
}

void core_observe(struct core *core, core_input_function function, void *data)
{
        core->observe = function;
        core->observe_data = data;
}

int64_t core_time(const struct core *core)
{
        return core->now;
}

const struct core_options *core_options_of(const struct core *core)
{
        return &core->options;
}

void core_begin_rounds(struct core *core)
{
        pulse_begin_rounds(core);
        past_begin_rounds(core);
        core->last_expire = core->detected_at = core->flows_at = core->now;
}

void core_align(struct core *core, int64_t now)
{
        core_advance(core, now);
        core_note(core, CORE_INPUT_ALIGN);
        assembly_add(core);
        history_cut(core);
        work_finish(core);
        core_begin_rounds(core);
        for (uint32_t i = 0; i < core->hosts_count; i++)
                core->hosts[i]->resync = core->hosts[i]->session != 0;
}
