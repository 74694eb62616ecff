/* A summary into columns. Text, addresses, network namespaces and identities are interned: a row
 * refers to them by number. */
#include "proto/hash.h"
#include "proto/wire_internal.h"

#include <string.h>

/* Numbers of things already met, by content; open addressing, and a thing whose place is taken after
 * a few steps is simply sent twice, so that no content can make this slow. */
#define INTERN_STEPS 8u

struct intern {
        uint32_t *slots; /* number, 0 is empty */
        uint32_t mask;
};

struct packer {
        struct arena *arena;
        int r;
        struct intern text_index, address_index, netns_index, identity_index;

        char *text;
        size_t text_size, text_capacity;
        size_t *text_offset; /* of string i + 1 */
        uint32_t text_count, text_capacity_count;

        struct address *addresses;
        uint32_t *address_number; /* final one, v4 before v6 */
        uint32_t addresses_count, addresses_capacity;

        uint32_t *netns;
        uint32_t netns_count, netns_capacity;

        const struct summary_identity *identities;
        size_t identities_count;
};

static const struct hash_key intern_key = { UINT64_C(0x6e69676874736869), UINT64_C(0x6674207769726521) };

static int intern_init(struct packer *p, struct intern *in, size_t things)
{
        uint32_t size = 16;

        while (size < 2 * things)
                size *= 2;
        in->slots = arena_alloc(p->arena, size * sizeof(*in->slots));
        in->mask = size - 1;
        return in->slots ? 0 : -ENOMEM;
}

static void *grown(struct packer *p, void *old, size_t used, size_t capacity)
{
        void *new = arena_alloc_raw(p->arena, capacity);

        if (!new) {
                p->r = -ENOMEM;
                return NULL;
        }
        if (used > 0)
                memcpy(new, old, used);
        return new;
}

static uint32_t pack_text(struct packer *p, const char *text)
{
        size_t length = wire_text_length(text, WIRE_TEXT_MAX);
        uint32_t slot, i;

        if (length == 0 || p->r < 0)
                return 0;
        if (p->text_size + length + 1 > p->text_capacity) {
                size_t capacity = MAX((size_t)4096, 2 * (p->text_size + length + 1));
                char *new = grown(p, p->text, p->text_size, capacity);

                if (!new)
                        return 0;
                p->text = new;
                p->text_capacity = capacity;
        }
        /* Cleaned in place at the end of the table, where it stays if it is new. */
        wire_text_clean(p->text + p->text_size, text, length);
        slot = (uint32_t)hash_bytes(&intern_key, p->text + p->text_size, length) & p->text_index.mask;
        for (i = 0; i < INTERN_STEPS; i++, slot = (slot + 1) & p->text_index.mask) {
                uint32_t number = p->text_index.slots[slot];

                if (number == 0 || number > p->text_count) /* there is none of the second kind */
                        break;
                if (strcmp(p->text + p->text_offset[number - 1], p->text + p->text_size) == 0)
                        return number;
        }
        if (p->text_count == p->text_capacity_count) {
                uint32_t capacity = MAX(64u, 2 * p->text_capacity_count);
                size_t *new = grown(p, p->text_offset, p->text_count * sizeof(*new), capacity * sizeof(*new));

                if (!new)
                        return 0;
                p->text_offset = new;
                p->text_capacity_count = capacity;
        }
        p->text_offset[p->text_count++] = p->text_size;
        p->text_size += length + 1;
        if (i < INTERN_STEPS)
                p->text_index.slots[slot] = p->text_count;
        return p->text_count;
}

static bool all_zero(const struct address *a)
{
        static const struct address zero;

        return memcmp(a, &zero, sizeof(zero)) == 0;
}

static bool is_v4(const struct address *a)
{
        static const uint8_t prefix[12] = { [10] = 0xff, [11] = 0xff };

        return memcmp(a->bytes, prefix, sizeof(prefix)) == 0;
}

/* A preliminary number, which pack_addresses() turns into the final one. */
static uint32_t pack_address(struct packer *p, const struct address *a)
{
        uint32_t slot, i;

        if (all_zero(a) || p->r < 0)
                return 0;
        slot = (uint32_t)hash_bytes(&intern_key, a, sizeof(*a)) & p->address_index.mask;
        for (i = 0; i < INTERN_STEPS; i++, slot = (slot + 1) & p->address_index.mask) {
                uint32_t number = p->address_index.slots[slot];

                if (number == 0)
                        break;
                if (memcmp(&p->addresses[number - 1], a, sizeof(*a)) == 0)
                        return number;
        }
        if (p->addresses_count == p->addresses_capacity) {
                uint32_t capacity = MAX(64u, 2 * p->addresses_capacity);
                struct address *new = grown(p, p->addresses, p->addresses_count * sizeof(*new), capacity * sizeof(*new));

                if (!new)
                        return 0;
                p->addresses = new;
                p->addresses_capacity = capacity;
        }
        p->addresses[p->addresses_count++] = *a;
        if (i < INTERN_STEPS)
                p->address_index.slots[slot] = p->addresses_count;
        return p->addresses_count;
}

static uint32_t pack_netns(struct packer *p, uint32_t netns)
{
        uint32_t slot, i;

        if (netns == 0 || p->r < 0)
                return 0;
        slot = (uint32_t)hash_bytes(&intern_key, &netns, sizeof(netns)) & p->netns_index.mask;
        for (i = 0; i < INTERN_STEPS; i++, slot = (slot + 1) & p->netns_index.mask) {
                uint32_t number = p->netns_index.slots[slot];

                if (number == 0)
                        break;
                if (p->netns[number - 1] == netns)
                        return number;
        }
        if (p->netns_count == p->netns_capacity) {
                uint32_t capacity = MAX(64u, 2 * p->netns_capacity);
                uint32_t *new = grown(p, p->netns, p->netns_count * sizeof(*new), capacity * sizeof(*new));

                if (!new)
                        return 0;
                p->netns = new;
                p->netns_capacity = capacity;
        }
        p->netns[p->netns_count++] = netns;
        if (i < INTERN_STEPS)
                p->netns_index.slots[slot] = p->netns_count;
        return p->netns_count;
}

static uint32_t identity_slot(const struct packer *p, uint32_t id)
{
        return (uint32_t)hash_bytes(&intern_key, &id, sizeof(id)) & p->identity_index.mask;
}

/* Every identity has its slot, however many steps it takes: ids are the agent's own numbers. */
static int index_identities(struct packer *p, const struct summary *s)
{
        p->identities = s->identities;
        p->identities_count = s->identities_count;
        for (size_t i = 0; i < s->identities_count; i++) {
                uint32_t slot = identity_slot(p, s->identities[i].id);

                for (; p->identity_index.slots[slot]; slot = (slot + 1) & p->identity_index.mask)
                        if (s->identities[p->identity_index.slots[slot] - 1].id == s->identities[i].id)
                                return -EINVAL;
                p->identity_index.slots[slot] = (uint32_t)i + 1;
        }
        return 0;
}

static uint32_t pack_identity(struct packer *p, uint32_t id)
{
        uint32_t slot = identity_slot(p, id);

        if (id == 0)
                return 0;
        for (; p->identity_index.slots[slot]; slot = (slot + 1) & p->identity_index.mask)
                if (p->identities[p->identity_index.slots[slot] - 1].id == id)
                        return p->identity_index.slots[slot];
        p->r = -EINVAL;
        return 0;
}

/* Fills one column; `expression` is of row i. A column of zeroes is left out. */
#define PACK(p, table, field, rows, expression)                                                                                    \
        do {                                                                                                                       \
                __typeof__((table)->field) column_ = arena_alloc_raw((p)->arena, (rows) * sizeof(*column_));                       \
                uint64_t any_ = 0;                                                                                                 \
                if (!column_) {                                                                                                    \
                        (p)->r = -ENOMEM;                                                                                          \
                        break;                                                                                                     \
                }                                                                                                                  \
                for (size_t i = 0; i < (rows); i++) {                                                                              \
                        column_[i] = (__typeof__(*column_))(expression);                                                           \
                        any_ |= (uint64_t)column_[i];                                                                              \
                }                                                                                                                  \
                (table)->field = column_;                                                                                          \
                (table)->n_##field = any_ ? (rows) : 0;                                                                            \
        } while (0)

/* The column that tells how many rows there are. */
#define PACK_FIRST(p, table, field, rows, expression)                                                                              \
        do {                                                                                                                       \
                PACK(p, table, field, rows, expression);                                                                           \
                (table)->n_##field = (rows);                                                                                       \
        } while (0)

#define NEW_MESSAGE(p, field, type)                                                                                                \
        ({                                                                                                                         \
                Nightshift__##type *new_ = arena_alloc_raw((p)->arena, sizeof(*new_));                                             \
                if (new_)                                                                                                          \
                        nightshift__##field##__init(new_);                                                                         \
                else                                                                                                               \
                        (p)->r = -ENOMEM;                                                                                          \
                new_;                                                                                                              \
        })

static Nightshift__Cells *pack_cells(struct packer *p, const struct summary_edge *edges, size_t rows, size_t offset)
{
        Nightshift__Cells *m;
        size_t cells = 0, row = 0, n = 0;

#define HISTOGRAM(i) ((const struct histogram *)(const void *)((const char *)&edges[i] + offset))
        for (size_t i = 0; i < rows; i++)
                for (size_t b = 0; b < HISTOGRAM_BUCKETS; b++)
                        cells += HISTOGRAM(i)->count[b] != 0;
        if (cells == 0)
                return NULL;
        m = NEW_MESSAGE(p, cells, Cells);
        if (!m)
                return NULL;
        m->row_delta = arena_alloc_raw(p->arena, cells * sizeof(*m->row_delta));
        m->bucket = arena_alloc_raw(p->arena, cells * sizeof(*m->bucket));
        m->count = arena_alloc_raw(p->arena, cells * sizeof(*m->count));
        if (!m->row_delta || !m->bucket || !m->count) {
                p->r = -ENOMEM;
                return NULL;
        }
        for (size_t i = 0; i < rows; i++) {
                for (size_t b = 0; b < HISTOGRAM_BUCKETS; b++) {
                        if (HISTOGRAM(i)->count[b] == 0)
                                continue;
                        m->row_delta[n] = (uint32_t)(i - row);
                        m->bucket[n] = (uint32_t)b;
                        m->count[n++] = HISTOGRAM(i)->count[b];
                        row = i;
                }
        }
#undef HISTOGRAM
        m->n_row_delta = m->n_bucket = m->n_count = cells;
        return m;
}

static int64_t difference(uint64_t a, uint64_t b)
{
        return (int64_t)(a - b);
}

static void pack_edges(struct packer *p, const struct summary *s, Nightshift__Summary *out)
{
        const struct summary_edge *e = s->edges;
        size_t n = s->edges_count;
        Nightshift__Edges *m;

        if (n == 0)
                return;
        m = NEW_MESSAGE(p, edges, Edges);
        if (!m)
                return;
        PACK_FIRST(p, m, id_delta, n, difference(e[i].id, i ? e[i - 1].id : 0));
        PACK(p, m, identity, n, pack_identity(p, e[i].identity));
        PACK(p, m, netns, n, pack_netns(p, e[i].netns));
        PACK(p, m, role, n, e[i].role);
        PACK(p, m, transport, n, e[i].transport);
        PACK(p, m, local, n, pack_address(p, &e[i].local));
        PACK(p, m, remote, n, pack_address(p, &e[i].remote));
        PACK(p, m, local_port, n, e[i].local_port);
        PACK(p, m, remote_port, n, e[i].remote_port);
        PACK(p, m, first_seen_ago, n, difference((uint64_t)s->at, (uint64_t)e[i].first_seen));
        PACK(p, m, last_seen_ago, n, difference((uint64_t)s->at, (uint64_t)e[i].last_seen));
#define X(name) PACK(p, m, name, n, e[i].counters.name);
        SUMMARY_COUNTERS(X)
#undef X
        m->rtt = pack_cells(p, e, n, offsetof(struct summary_edge, rtt));
        m->turnaround = pack_cells(p, e, n, offsetof(struct summary_edge, turnaround));
        out->edges = m;
}

static void pack_keys(struct packer *p, const struct summary *s, Nightshift__Summary *out)
{
        const struct summary_key *k = s->keys;
        size_t n = s->keys_count;
        Nightshift__Keys *m;

        if (n == 0)
                return;
        m = NEW_MESSAGE(p, keys, Keys);
        if (!m)
                return;
        PACK_FIRST(p, m, key, n, k[i].key);
        PACK(p, m, edge_delta, n, difference(k[i].edge, i ? k[i - 1].edge : 0));
        PACK(p, m, role, n, k[i].role);
        out->keys = m;
}

static void pack_identities(struct packer *p, const struct summary *s, Nightshift__Summary *out)
{
        const struct summary_identity *d = s->identities;
        size_t n = s->identities_count;
        Nightshift__Identities *m;

        if (n == 0)
                return;
        m = NEW_MESSAGE(p, identities, Identities);
        if (!m)
                return;
        PACK_FIRST(p, m, id, n, d[i].id);
        PACK(p, m, kind, n, d[i].kind);
        PACK(p, m, service, n, pack_text(p, d[i].service));
        PACK(p, m, instance, n, pack_text(p, d[i].instance));
        PACK(p, m, executable, n, pack_text(p, d[i].executable));
        PACK(p, m, cgroup, n, pack_text(p, d[i].cgroup));
        PACK(p, m, version, n, pack_text(p, d[i].version));
        out->identities = m;
}

static void pack_listeners(struct packer *p, const struct summary *s, Nightshift__Summary *out)
{
        const struct summary_listener *l = s->listeners;
        size_t n = s->listeners_count;
        Nightshift__Listeners *m;

        if (n == 0)
                return;
        m = NEW_MESSAGE(p, listeners, Listeners);
        if (!m)
                return;
        PACK_FIRST(p, m, port, n, l[i].port);
        PACK(p, m, identity, n, pack_identity(p, l[i].identity));
        PACK(p, m, netns, n, pack_netns(p, l[i].netns));
        PACK(p, m, transport, n, l[i].transport);
        PACK(p, m, address, n, pack_address(p, &l[i].address));
        PACK(p, m, backlog, n, l[i].backlog);
        PACK(p, m, backlog_max, n, l[i].backlog_max);
        PACK(p, m, drops, n, l[i].drops);
        out->listeners = m;
}

static void pack_processes(struct packer *p, const struct summary *s, Nightshift__Summary *out)
{
        const struct summary_process *q = s->processes;
        size_t n = s->processes_count;
        Nightshift__Processes *m;

        if (n == 0)
                return;
        m = NEW_MESSAGE(p, processes, Processes);
        if (!m)
                return;
        PACK_FIRST(p, m, pid, n, q[i].pid);
        PACK(p, m, identity, n, pack_identity(p, q[i].identity));
        PACK(p, m, started_ago, n, difference((uint64_t)s->at, (uint64_t)q[i].started));
        PACK(p, m, executable, n, pack_text(p, q[i].executable));
        PACK(p, m, build, n, pack_text(p, q[i].build));
        PACK(p, m, cpu_ns, n, q[i].cpu_ns);
        PACK(p, m, rss_bytes, n, q[i].rss_bytes);
        PACK(p, m, threads, n, q[i].threads);
        PACK(p, m, open_files, n, q[i].open_files);
        PACK(p, m, open_files_limit, n, q[i].open_files_limit);
        PACK(p, m, restarts_1h, n, q[i].restarts_1h);
        PACK(p, m, has_exit, n, q[i].has_exit);
        PACK(p, m, exit_code, n, q[i].exit_code);
        PACK(p, m, exit_signal, n, q[i].exit_signal);
        PACK(p, m, exit_oom, n, q[i].exit_oom);
        out->processes = m;
}

static void pack_host(struct packer *p, const struct summary *s, Nightshift__Summary *m)
{
        m->session = s->session;
        m->sequence = s->sequence;
        m->session_started = s->session_started;
        m->at = s->at;
        m->interval = s->interval;
        m->full = s->full;
        m->final = s->final;
        m->lost = s->lost;
        m->lost_keys = s->lost_keys;
        m->key_threshold = s->key_threshold;
        m->part = s->part;
        m->parts = s->parts > 1 ? s->parts : 0;
        m->agent_rss_bytes = s->agent_rss_bytes;
        m->agent_map_bytes = s->agent_map_bytes;
        m->agent_cpu_ns = s->agent_cpu_ns;
        m->host = pack_text(p, s->host);
        m->host_id = pack_text(p, s->host_id);
        m->boot_id = pack_text(p, s->boot_id);
        m->kernel = pack_text(p, s->kernel);
        m->agent_version = pack_text(p, s->agent_version);
        PACK_FIRST(p, m, label_key, s->labels_count, pack_text(p, s->labels[i].key));
        PACK(p, m, label_value, s->labels_count, pack_text(p, s->labels[i].value));
        PACK_FIRST(p, m, hook_name, s->hooks_count, pack_text(p, s->hooks[i].name));
        PACK(p, m, hook_state, s->hooks_count, pack_text(p, s->hooks[i].state));
        PACK(p, m, hook_detail, s->hooks_count, pack_text(p, s->hooks[i].detail));
        PACK_FIRST(p, m, address, s->addresses_count, pack_address(p, &s->addresses[i].address));
        PACK(p, m, address_netns, s->addresses_count, pack_netns(p, s->addresses[i].netns));
}

static void renumber(const struct packer *p, uint32_t *column, size_t rows)
{
        for (size_t i = 0; i < rows; i++)
                if (column[i] > 0)
                        column[i] = p->address_number[column[i] - 1];
}

/* Writes the two tables of addresses and gives each its final number. */
static void pack_addresses(struct packer *p, Nightshift__Summary *m)
{
        uint32_t v4 = 0, v6 = 0;

        for (uint32_t i = 0; i < p->addresses_count; i++)
                v4 += is_v4(&p->addresses[i]);
        m->addresses_v4.data = arena_alloc_raw(p->arena, 4 * (size_t)v4);
        m->addresses_v6.data = arena_alloc_raw(p->arena, 16 * (size_t)(p->addresses_count - v4));
        p->address_number = arena_alloc_raw(p->arena, p->addresses_count * sizeof(*p->address_number));
        if (!m->addresses_v4.data || !m->addresses_v6.data || !p->address_number) {
                p->r = -ENOMEM;
                return;
        }
        m->addresses_v4.len = 4 * (size_t)v4;
        m->addresses_v6.len = 16 * (size_t)(p->addresses_count - v4);
        v4 = 0;
        for (uint32_t i = 0; i < p->addresses_count; i++) {
                if (is_v4(&p->addresses[i])) {
                        memcpy(m->addresses_v4.data + 4 * v4, p->addresses[i].bytes + 12, 4);
                        p->address_number[i] = ++v4;
                } else {
                        memcpy(m->addresses_v6.data + 16 * v6, p->addresses[i].bytes, 16);
                        p->address_number[i] = (uint32_t)(m->addresses_v4.len / 4) + ++v6;
                }
        }
        renumber(p, m->address, m->n_address);
        if (m->edges) {
                renumber(p, m->edges->local, m->edges->n_local);
                renumber(p, m->edges->remote, m->edges->n_remote);
        }
        if (m->listeners)
                renumber(p, m->listeners->address, m->listeners->n_address);
}

int wire_pack_summary(const struct summary *s, struct arena *arena, Nightshift__Summary **ret_message)
{
        struct packer p = { .arena = arena };
        Nightshift__Summary *m;
        int r;

        if (s->edges_count > WIRE_EDGES_MAX || s->keys_count > WIRE_KEYS_MAX || s->identities_count > WIRE_IDENTITIES_MAX ||
            s->addresses_count > WIRE_ADDRESSES_MAX || s->listeners_count > WIRE_LISTENERS_MAX ||
            s->processes_count > WIRE_PROCESSES_MAX || s->hooks_count > WIRE_HOOKS_MAX || s->labels_count > WIRE_LABELS_MAX)
                return -E2BIG;
        m = NEW_MESSAGE(&p, summary, Summary);
        if (!m || intern_init(&p, &p.text_index, 5 * s->identities_count + 2 * s->processes_count + 256) < 0 ||
            intern_init(&p, &p.address_index, s->edges_count + s->addresses_count + s->listeners_count) < 0 ||
            intern_init(&p, &p.netns_index, s->addresses_count + 64) < 0 ||
            intern_init(&p, &p.identity_index, s->identities_count) < 0)
                return -ENOMEM;
        r = index_identities(&p, s);
        if (r < 0)
                return r;
        pack_host(&p, s, m);
        pack_identities(&p, s, m);
        pack_edges(&p, s, m);
        pack_keys(&p, s, m);
        pack_listeners(&p, s, m);
        pack_processes(&p, s, m);
        if (p.r < 0)
                return p.r;
        pack_addresses(&p, m);
        m->strings.data = (uint8_t *)p.text;
        m->strings.len = p.text_size;
        m->netns = p.netns;
        m->n_netns = p.netns_count;
        if (p.r < 0)
                return p.r;
        *ret_message = m;
        return 0;
}
