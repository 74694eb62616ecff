/* The way back: records of the store into a fresh core. They come in any order, so what refers to
 * other records waits until core_loaded(). */
#include "coordinator/graph.h"
#include "coordinator/incident.h"
#include "coordinator/load_internal.h"
#include "coordinator/records.h"

#include <stdlib.h>
#include <string.h>

#define NAME_SIZE 8192

struct loading_link {
        uint64_t client, server, matched;
        int64_t last;
};

struct loading {
        struct loading_link *links;
        uint32_t links_count, links_capacity;
        char name[NAME_SIZE];
        uint64_t next_end, next_edge;
        int64_t begin;
        struct load_block *blocks;
        uint32_t blocks_count[RECORD_KINDS];
};

static struct loading *loading(struct core *core)
{
        if (!core->loading)
                core->loading = calloc(1, sizeof(*core->loading));
        return core->loading;
}

/* Also where the end of the records never came. */
void loading_free(struct core *core)
{
        if (!core->loading)
                return;
        core_release(core, core->loading->links, core->loading->links_capacity * sizeof(*core->loading->links));
        for (struct load_block *b = core->loading->blocks, *next; b; b = next) {
                next = b->next;
                core_release(core, b, sizeof(*b) + b->size);
        }
        free_ptr(&core->loading);
}

static int compare_blocks(const struct load_block *a, enum record_kind kind, uint32_t level, uint64_t number)
{
        return a->kind != kind      ? (a->kind < kind ? -1 : 1)
               : a->level != level  ? (a->level < level ? -1 : 1)
               : a->number < number ? -1
                                    : a->number > number;
}

int load_block_add(struct core *core, enum record_kind kind, uint32_t level, uint64_t number, const struct reader *r, uint32_t most)
{
        struct loading *l = core->loading;
        struct load_block *b, **at = &l->blocks;
        size_t size = (size_t)(r->end - r->data);

        while (*at && compare_blocks(*at, kind, level, number) < 0)
                at = &(*at)->next;
        if (l->blocks_count[kind] >= most || (*at && compare_blocks(*at, kind, level, number) == 0))
                return -EBADMSG;
        b = core_alloc(core, sizeof(*b) + size);
        if (!b)
                return -ENOMEM;
        *b = (struct load_block){ .next = *at, .kind = kind, .level = level, .number = number, .size = size };
        if (size > 0)
                memcpy(b->data, r->data, size);
        *at = b;
        l->blocks_count[kind]++;
        return 0;
}

const struct load_block *load_blocks(const struct core *core)
{
        return core->loading ? core->loading->blocks : NULL;
}

static int read_text(struct core *core, struct reader *r, struct text **ret_text)
{
        struct text *t = text_get(core, read_string(r, core->loading->name, NAME_SIZE));

        if (!t)
                return -ENOMEM;
        text_put(core, ret_text);
        *ret_text = t;
        return 0;
}

struct service *load_service(struct core *core, struct reader *r)
{
        uint64_t kind = read_varint(r);

        if (kind == 0 || r->failed)
                return NULL;
        read_string(r, core->loading->name, NAME_SIZE);
        if (kind > 2)
                r->failed = true;
        return r->failed ? NULL : service_get(core, core->loading->name, kind == 2);
}

static struct host *read_host_name(struct core *core, struct reader *r)
{
        struct host *h = NULL;

        read_string(r, core->loading->name, NAME_SIZE);
        if (r->failed || core->loading->name[0] == 0 || host_get(core, core->loading->name, &h) < 0)
                return NULL;
        return h;
}

static uint64_t number_of(const uint8_t *key)
{
        uint64_t number = 0;

        for (int i = 0; i < 8; i++)
                number = number << 8 | key[i];
        return number;
}

static int load_rows(struct core *core, struct reader *r, struct end *e)
{
        uint64_t session = read_varint(r), count = read_varint(r);

        for (uint64_t i = 0; i < count; i++) {
                struct row *row = core_alloc(core, sizeof(*row));

                if (!row)
                        return -ENOMEM;
                row->id = read_varint(r);
                row->sequence = read_varint(r);
                row->gone_at = read_signed(r);
                read_counters(r, &row->current);
                read_buckets(r, &row->rtt);
                read_buckets(r, &row->turnaround);
                row->restored = true;
                if (r->failed) {
                        buckets_free(&row->rtt);
                        buckets_free(&row->turnaround);
                        core_release(core, row, sizeof(*row));
                        return -EBADMSG;
                }
                row_attach(row, e);
        }
        e->rows_session = session;
        return r->failed ? -EBADMSG : 0;
}

static int load_shares(struct core *core, struct reader *r, struct end *e)
{
        uint64_t count = read_varint(r);

        for (uint64_t i = 0; i < count && !r->failed; i++) {
                struct share *share = core_alloc(core, sizeof(*share));

                if (!share)
                        return -ENOMEM;
                share->service = load_service(core, r);
                share->host = read_host_name(core, r);
                share->port = (uint16_t)read_varint(r);
                read_counters(r, &share->counters);
                if (!share->service) {
                        core_release(core, share, sizeof(*share));
                        return -EBADMSG;
                }
                share->next = e->shares;
                e->shares = share;
        }
        return r->failed ? -EBADMSG : 0;
}

static int load_links(struct core *core, struct reader *r, const struct end *e)
{
        struct loading *l = core->loading;
        uint64_t count = read_varint(r);

        for (uint64_t i = 0; i < count && !r->failed; i++) {
                struct loading_link link = { .client = e->id, .server = read_varint(r) };

                link.matched = read_varint(r);
                link.last = read_signed(r);
                if (core_reserve(core, (void **)&l->links, l->links_count, &l->links_capacity, sizeof(*l->links)) < 0)
                        return -ENOMEM;
                l->links[l->links_count++] = link;
        }
        return r->failed ? -EBADMSG : 0;
}

static int load_end_rest(struct core *core, struct reader *r, struct end *e)
{
        int result;

        read_counters(r, &e->total);
        read_buckets(r, &e->rtt);
        read_buckets(r, &e->turnaround);
        e->remainder = read_varint(r);
        e->excused = read_varint(r);
        e->excuse_at = read_varint(r) != 0;
        e->reviewed = read_varint(r);
        e->review = read_varint(r) != 0;
        e->target = load_service(core, r);
        if (e->target) {
                e->target_host = read_host_name(core, r);
                e->target_netns = (uint32_t)read_varint(r);
                e->target_port = (uint16_t)read_varint(r);
                if (!e->target_host)
                        service_put(core, &e->target);
        }
        result = load_shares(core, r, e);
        if (result == 0)
                result = load_links(core, r, e);
        if (result == 0)
                result = load_rows(core, r, e);
        return result;
}

static int load_end(struct core *core, uint64_t id, struct reader *r)
{
        struct host *host = read_host_name(core, r);
        struct service *service = load_service(core, r);
        struct summary_edge edge = { 0 };
        uint32_t known = core->ends_count;
        uint64_t role, reported;
        struct end *e;
        int result = -EBADMSG;

        edge.netns = (uint32_t)read_varint(r);
        role = read_varint(r);
        reported = read_varint(r);
        edge.role = (enum summary_role)reported;
        edge.transport = (enum summary_transport)read_varint(r);
        read_raw(r, &edge.local, sizeof(edge.local));
        read_raw(r, &edge.remote, sizeof(edge.remote));
        edge.local_port = (uint16_t)read_varint(r);
        edge.remote_port = (uint16_t)read_varint(r);
        edge.first_seen = read_signed(r);
        edge.last_seen = read_signed(r);
        if (r->failed || !host || !service || role > ROLE_SERVER || reported > ROLE_SERVER)
                goto out;
        result = end_get(core, host, &edge, service, &e);
        if (result < 0)
                goto out;
        if (core->ends_count == known) {
                result = -EBADMSG; /* twice */
                goto out;
        }
        core->next_end = MAX(core->next_end, id);
        e->id = id;
        e->saved = true;
        e->rows_session = host->session;
        end_set_role(core, e, (enum summary_role)role);
        result = load_end_rest(core, r, e);
        e->dirty = false;
        if (result < 0)
                end_free(core, e);
out:
        service_put(core, &service);
        return result;
}

static int load_edge(struct core *core, uint64_t id, struct reader *r)
{
        struct service *client = load_service(core, r), *server = load_service(core, r);
        uint64_t port = read_varint(r), transport = read_varint(r), has_past = read_varint(r);
        struct edge *e = NULL;
        int result = -EBADMSG;

        if (r->failed || !client || !server || port > UINT16_MAX || (transport != TRANSPORT_TCP && transport != TRANSPORT_UDP))
                goto out;
        e = edge_get(core, client, server, (uint16_t)port, (enum summary_transport)transport);
        if (!e)
                goto out;
        if (e->saved)
                goto out; /* twice */
        core->next_edge = MAX(core->next_edge, id);
        e->id = id;
        e->saved = true;
        e->dirty = false;
        if (has_past) {
                e->past = core_alloc(core, sizeof(*e->past));
                if (!e->past)
                        goto out;
                e->past->seen = (uint8_t)read_varint(r) & 3;
                e->past->first_seen = read_signed(r);
                e->past->last_seen = read_signed(r);
                read_counters(r, &e->past->total);
                read_buckets(r, &e->past->rtt);
                read_buckets(r, &e->past->turnaround);
        }
        result = r->failed ? -EBADMSG : 0;
out:
        service_put(core, &client);
        service_put(core, &server);
        return result;
}

static int load_host(struct core *core, const char *name, struct reader *r)
{
        CLEANUP_FREE struct summary_address *addresses = NULL;
        struct host *h;
        uint64_t n;
        int result = host_get(core, name, &h);

        if (result < 0)
                return result;
        if (h->id)
                return -EBADMSG; /* twice */
        h->session = h->session_saved = read_varint(r);
        h->session_started = read_signed(r);
        for (size_t i = 0; i < HOST_SESSIONS_KEPT; i++)
                h->old_sessions[i] = read_varint(r);
        h->sequence_max = read_varint(r);
        for (size_t i = 0; i < ARRAY_SIZE(h->sequence_seen); i++)
                h->sequence_seen[i] = read_varint(r);
        h->full_sequence = read_varint(r);
        h->at = read_signed(r);
        h->heard = read_signed(r);
        h->interval = read_signed(r);
        h->known_since = read_signed(r);
        h->clock_offset = read_signed(r);
        h->durable_at = read_signed(r);
        h->final = read_varint(r) != 0;
        h->lost = read_varint(r);
        h->lost_before = read_varint(r);
        h->lost_keys = read_varint(r);
        h->command_id = h->command_acknowledged = read_varint(r);
        n = read_varint(r);
        for (uint64_t i = 0; i < n && !r->failed; i++) {
                int64_t from = read_signed(r), to = read_signed(r);
                host_add_gap(h, from, to);
        }
        if (read_text(core, r, &h->id) < 0 || read_text(core, r, &h->boot_id) < 0 || read_text(core, r, &h->kernel) < 0 ||
            read_text(core, r, &h->agent_version) < 0)
                return -ENOMEM;
        for (int kind = 0; kind < 2; kind++) {
                uint32_t each = kind ? 3 : 2, *count = kind ? &h->hooks_count : &h->labels_count;
                struct text ***texts = kind ? &h->hooks : &h->labels;

                n = read_varint(r);
                if (n > 256)
                        return -EBADMSG;
                *texts = core_alloc(core, n * each * sizeof(**texts));
                if (!*texts)
                        return -ENOMEM;
                *count = (uint32_t)n;
                for (uint64_t i = 0; i < n * each; i++)
                        if (read_text(core, r, &(*texts)[i]) < 0)
                                return -ENOMEM;
        }
        n = read_varint(r);
        if (r->failed || n > 65536)
                return -EBADMSG;
        addresses = calloc(MAX(n, UINT64_C(1)), sizeof(*addresses));
        if (!addresses)
                return -ENOMEM;
        for (uint64_t i = 0; i < n; i++) {
                read_raw(r, &addresses[i].address, sizeof(addresses[i].address));
                addresses[i].netns = (uint32_t)read_varint(r);
        }
        if (r->data < r->end) /* records of before had none */
                h->builds_sequence = read_varint(r);
        if (r->failed)
                return -EBADMSG;
        h->resync = h->restored = h->session != 0;
        return lease_take(core, h, addresses, n);
}

static int load_slice(struct core *core, const uint8_t *key, struct reader *r)
{
        int64_t to = read_signed(r);
        size_t size = (size_t)(r->end - r->data);
        struct slice *s;

        if (r->failed || key[0] >= HISTORY_LEVELS)
                return -EBADMSG;
        s = malloc(sizeof(*s) + size);
        if (!s)
                return -ENOMEM;
        *s = (struct slice){ .from = (int64_t)number_of(key + 1), .to = to, .level = key[0], .saved = true, .size = size };
        memcpy(s->data, r->data, size);
        history_insert(core, s);
        return 0;
}

int core_load(struct core *core, uint32_t kind, const void *key, size_t key_size, const void *value, size_t value_size)
{
        struct reader r = { value, (const uint8_t *)value + value_size, false };
        struct loading *l = loading(core);

        if (!l)
                return -ENOMEM;
        if (read_varint(&r) != RECORD_VERSION)
                return -EBADMSG;
        switch (kind) {
        case RECORD_HOST:
                if (key_size == 0 || key_size >= NAME_SIZE)
                        return -EBADMSG;
                memcpy(l->name, key, key_size);
                l->name[key_size] = 0;
                return load_host(core, l->name, &r);
        case RECORD_END:
                return key_size == 8 ? load_end(core, number_of(key), &r) : -EBADMSG;
        case RECORD_EDGE:
                return key_size == 8 ? load_edge(core, number_of(key), &r) : -EBADMSG;
        case RECORD_SLICE:
                return key_size == 9 ? load_slice(core, key, &r) : -EBADMSG;
        case RECORD_DEPLOYMENT:
                return key_size == 8 ? deployment_load(core, number_of(key), &r, l->name, NAME_SIZE) : -EBADMSG;
        case RECORD_TRACK:
                return key_size == 8 ? track_load(core, number_of(key), &r, l->name, NAME_SIZE) : -EBADMSG;
        case RECORD_INCIDENT:
                return key_size == 8 ? incident_load(core, number_of(key), &r, l->name, NAME_SIZE) : -EBADMSG;
        case RECORD_PULSE:
                return key_size == 8 ? pulse_load(core, number_of(key), &r) : -EBADMSG;
        case RECORD_PAST:
                return key_size == 8 ? past_load_record(core, number_of(key), &r) : -EBADMSG;
        case RECORD_PAST_CELLS:
                return key_size == 9 ? past_load_cells(core, *(const uint8_t *)key, number_of((const uint8_t *)key + 1), &r)
                                     : -EBADMSG;
        case RECORD_META:
                l->next_end = read_varint(&r);
                l->next_edge = read_varint(&r);
                l->begin = read_signed(&r);
                return r.failed ? -EBADMSG : 0;
        default:
                return -EBADMSG;
        }
}

static int by_id(const void *a, const void *b)
{
        const struct end *x = *(struct end *const *)a, *y = *(struct end *const *)b;

        return x->id < y->id ? -1 : x->id > y->id;
}

struct end *load_find_end(const struct core *core, uint64_t id)
{
        const struct end key = { .id = id }, *wanted = &key;
        struct end **found = core->ends_count ? bsearch(&wanted, core->ends, core->ends_count, sizeof(*core->ends), by_id) : NULL;

        return found ? *found : NULL;
}

/* The order of records in the store must not decide anything. */
static void put_in_order(struct core *core)
{
        qsort(core->ends, core->ends_count, sizeof(struct end *), by_id);
        for (uint32_t i = 0; i < core->ends_count; i++)
                core->ends[i]->index = i;
}

/* Rows of the host's present session take their places; others are of sessions that ended. */
static void settle_rows(struct core *core, struct end *e)
{
        struct row *row = TAKE_PTR(e->rows), *next;

        for (; row; row = next) {
                next = row->next;
                row_attach(row, e);
                if (e->rows_session == e->host->session && !row_find(core, e->host, row->id) && row_insert(core, e->host, row) == 0)
                        continue;
                e->total.adopted -= MIN(e->total.adopted, row->current.adopted);
                row_free(core, e->host, row);
        }
}

/* Being linked again is no news to an end that was linked when it was saved. */
static void restore_remainder(struct end *e, const struct end *kept)
{
        e->remainder = kept->remainder;
        e->reviewed = kept->reviewed;
        e->review = kept->review;
        e->excuse_at = kept->excuse_at;
}

void core_loaded(struct core *core, int64_t now)
{
        struct loading *l = core->loading;

        core_advance(core, now);
        if (l && core->ends_count > 0)
                put_in_order(core);
        if (l) {
                pulses_loaded(core);
                pasts_loaded(core);
        }
        core_begin_rounds(core);
        if (!l)
                return;
        for (uint32_t i = 0; i < core->ends_count; i++) {
                settle_rows(core, core->ends[i]);
                core->ends[i]->unmatched_since = core->now;
                if (core->ends[i]->excuse_at != 0)
                        core->ends[i]->excuse_at = core->now;
        }
        for (uint32_t i = 0; i < l->links_count; i++) {
                struct end *c = load_find_end(core, l->links[i].client);
                struct end *s = load_find_end(core, l->links[i].server);
                struct end kept_c = c ? *c : (struct end){ 0 }, kept_s = s ? *s : (struct end){ 0 };

                if (!c || !s || c->role != ROLE_CLIENT || s->role != ROLE_SERVER ||
                    link_add(core, c, s, l->links[i].matched, l->links[i].last) < 0)
                        continue;
                restore_remainder(c, &kept_c);
                restore_remainder(s, &kept_s);
                c->dirty = s->dirty = false;
        }
        core->next_end = MAX(core->next_end, l->next_end);
        core->next_edge = MAX(core->next_edge, l->next_edge);
        loading_free(core);
        deployments_loaded(core);
        assembly_add(core);
        work_finish(core);
        history_mark_sliced(core);
        core->history.begin = core->history.oldest ? core->history.oldest->from : core->now;
}
