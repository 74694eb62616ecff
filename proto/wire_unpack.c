/* Columns back into a summary. Everything is checked here, before the core sees it. */
#include "proto/wire_internal.h"

#include <string.h>

struct unpacker {
        const Nightshift__Summary *m;
        struct arena *arena;
        struct summary *s;
        const char **text; /* by number, 0 is "" */
        size_t text_count;
        size_t v4_count, v6_count;
        const char *why;
};

/* Both end the function they stand in. */
#define FAIL(u, text_)                                                                                                             \
        do {                                                                                                                       \
                (u)->why = (text_);                                                                                                \
                return -EBADMSG;                                                                                                   \
        } while (0)
#define NEW_ROWS(u, rows)                                                                                                          \
        ({                                                                                                                         \
                void *rows_ = arena_alloc((u)->arena, (rows));                                                                     \
                if (!rows_)                                                                                                        \
                        return -ENOBUFS;                                                                                           \
                rows_;                                                                                                             \
        })

/* Runs `action` for each row i of a column, whose value is `v`; an absent column is all zero. */
#define UNPACK(u, name_, table, field, rows, action)                                                                               \
        do {                                                                                                                       \
                if ((table)->n_##field == 0)                                                                                       \
                        break;                                                                                                     \
                if ((table)->n_##field != (rows))                                                                                  \
                        FAIL(u, name_ "." #field ": not one entry a row");                                                         \
                for (size_t i = 0; i < (rows); i++) {                                                                              \
                        __typeof__(*(table)->field) v = (table)->field[i];                                                         \
                        action;                                                                                                    \
                }                                                                                                                  \
        } while (0)

#define UNPACK_TEXT(u, name_, table, field, rows, target)                                                                          \
        do {                                                                                                                       \
                for (size_t i = 0; i < (rows); i++)                                                                                \
                        target = "";                                                                                               \
                UNPACK(u, name_, table, field, rows, {                                                                             \
                        if (v > (u)->text_count)                                                                                   \
                                FAIL(u, name_ "." #field ": no such string");                                                      \
                        target = (u)->text[v];                                                                                     \
                });                                                                                                                \
        } while (0)

#define UNPACK_NETNS(u, name_, table, field, rows, target)                                                                         \
        UNPACK(u, name_, table, field, rows, {                                                                                     \
                if (v > (u)->m->n_netns)                                                                                           \
                        FAIL(u, name_ "." #field ": no such network namespace");                                                   \
                target = v ? (u)->m->netns[v - 1] : 0;                                                                             \
        })

#define UNPACK_ADDRESS(u, name_, table, field, rows, target)                                                                       \
        UNPACK(u, name_, table, field, rows, {                                                                                     \
                if (v > (u)->v4_count + (u)->v6_count)                                                                             \
                        FAIL(u, name_ "." #field ": no such address");                                                             \
                get_address(u, v, &(target));                                                                                      \
        })

#define UNPACK_IDENTITY(u, name_, table, field, rows, target)                                                                      \
        UNPACK(u, name_, table, field, rows, {                                                                                     \
                if (v > (u)->s->identities_count)                                                                                  \
                        FAIL(u, name_ "." #field ": no such identity");                                                            \
                target = v ? (u)->s->identities[v - 1].id : 0;                                                                     \
        })

#define UNPACK_PORT(u, name_, table, field, rows, target)                                                                          \
        UNPACK(u, name_, table, field, rows, {                                                                                     \
                if (v > UINT16_MAX)                                                                                                \
                        FAIL(u, name_ "." #field ": not a port");                                                                  \
                target = (uint16_t)v;                                                                                              \
        })

#define UNPACK_TIME(u, name_, table, field, rows, target)                                                                          \
        do {                                                                                                                       \
                for (size_t i = 0; i < (rows); i++)                                                                                \
                        target = (u)->s->at;                                                                                       \
                UNPACK(u, name_, table, field, rows, {                                                                             \
                        target = (int64_t)((uint64_t)(u)->s->at - (uint64_t)v);                                                    \
                        if (target < 0)                                                                                            \
                                FAIL(u, name_ "." #field ": before the epoch");                                                    \
                });                                                                                                                \
        } while (0)

static void get_address(const struct unpacker *u, uint32_t number, struct address *ret_address)
{
        if (number == 0)
                return;
        if (number <= u->v4_count) {
                ret_address->bytes[10] = ret_address->bytes[11] = 0xff;
                memcpy(ret_address->bytes + 12, u->m->addresses_v4.data + 4 * (size_t)(number - 1), 4);
        } else {
                memcpy(ret_address->bytes, u->m->addresses_v6.data + 16 * (number - 1 - u->v4_count), 16);
        }
}

/* The strings stay where they were decoded; this finds where each begins. */
static int unpack_strings(struct unpacker *u)
{
        const char *data = (const char *)u->m->strings.data, *end = data + u->m->strings.len;
        size_t count = 0;

        if (u->m->strings.len > 0 && end[-1] != 0)
                FAIL(u, "strings: the last one has no end");
        for (const char *p = data; p < end; p += strlen(p) + 1)
                count++;
        u->text = NEW_ROWS(u, (count + 1) * sizeof(*u->text));
        u->text[0] = "";
        for (const char *p = data; p < end; p += strlen(p) + 1) {
                size_t length = strlen(p);

                if (length > WIRE_TEXT_MAX)
                        FAIL(u, "strings: one is longer than 4096 bytes");
                if (!wire_text_valid(p, length))
                        FAIL(u, "strings: not UTF-8 without control characters");
                u->text[++u->text_count] = p;
        }
        return 0;
}

static int unpack_tables(struct unpacker *u)
{
        if (u->m->addresses_v4.len % 4 != 0)
                FAIL(u, "addresses_v4: not a multiple of 4 bytes");
        if (u->m->addresses_v6.len % 16 != 0)
                FAIL(u, "addresses_v6: not a multiple of 16 bytes");
        u->v4_count = u->m->addresses_v4.len / 4;
        u->v6_count = u->m->addresses_v6.len / 16;
        return unpack_strings(u);
}

#define HOST_TEXT(u, field)                                                                                                        \
        do {                                                                                                                       \
                if ((u)->m->field > (u)->text_count)                                                                               \
                        FAIL(u, #field ": no such string");                                                                        \
                (u)->s->field = (u)->text[(u)->m->field];                                                                          \
        } while (0)

static int unpack_header(struct unpacker *u)
{
        const Nightshift__Summary *m = u->m;
        struct summary *s = u->s;

        if (m->session == 0)
                FAIL(u, "session: missing");
        if (m->sequence == 0)
                FAIL(u, "sequence: missing");
        if (m->at <= 0)
                FAIL(u, "at: missing, or before the epoch");
        if (m->session_started < 0 || m->session_started > m->at)
                FAIL(u, "session_started: not between the epoch and the summary");
        if (m->interval < 0)
                FAIL(u, "interval: negative");
        if (m->parts > WIRE_PARTS_MAX || (m->part && (m->part >= m->parts || m->part >= m->sequence)) || (m->parts && !m->full))
                FAIL(u, "part: not one of the parts");
        s->session = m->session;
        s->sequence = m->sequence;
        s->session_started = m->session_started;
        s->at = m->at;
        s->interval = m->interval;
        s->full = m->full;
        s->final = m->final;
        s->lost = m->lost;
        s->lost_keys = m->lost_keys;
        s->key_threshold = m->key_threshold;
        s->part = m->part;
        s->parts = m->parts ? m->parts : 1;
        s->agent_rss_bytes = m->agent_rss_bytes;
        s->agent_map_bytes = m->agent_map_bytes;
        s->agent_cpu_ns = m->agent_cpu_ns;
        HOST_TEXT(u, host);
        HOST_TEXT(u, host_id);
        HOST_TEXT(u, boot_id);
        HOST_TEXT(u, kernel);
        HOST_TEXT(u, agent_version);
        if (s->host[0] == 0)
                FAIL(u, "host: missing");
        return 0;
}

static int unpack_host(struct unpacker *u)
{
        const Nightshift__Summary *m = u->m;
        struct summary *s = u->s;
        size_t labels = m->n_label_key, hooks = m->n_hook_name, addresses = m->n_address;

        if (labels > WIRE_LABELS_MAX)
                FAIL(u, "label_key: too many rows");
        if (hooks > WIRE_HOOKS_MAX)
                FAIL(u, "hook_name: too many rows");
        if (addresses > WIRE_ADDRESSES_MAX)
                FAIL(u, "address: too many rows");
        s->labels = NEW_ROWS(u, labels * sizeof(*s->labels));
        s->hooks = NEW_ROWS(u, hooks * sizeof(*s->hooks));
        s->addresses = NEW_ROWS(u, addresses * sizeof(*s->addresses));
        s->labels_count = labels;
        s->hooks_count = hooks;
        s->addresses_count = addresses;
        UNPACK_TEXT(u, "labels", m, label_key, labels, s->labels[i].key);
        UNPACK_TEXT(u, "labels", m, label_value, labels, s->labels[i].value);
        UNPACK_TEXT(u, "hooks", m, hook_name, hooks, s->hooks[i].name);
        UNPACK_TEXT(u, "hooks", m, hook_state, hooks, s->hooks[i].state);
        UNPACK_TEXT(u, "hooks", m, hook_detail, hooks, s->hooks[i].detail);
        UNPACK_ADDRESS(u, "addresses", m, address, addresses, s->addresses[i].address);
        UNPACK_NETNS(u, "addresses", m, address_netns, addresses, s->addresses[i].netns);
        return 0;
}

static int unpack_identities(struct unpacker *u)
{
        const Nightshift__Identities *m = u->m->identities;
        struct summary_identity *rows;
        size_t n = m ? m->n_id : 0;

        if (n == 0)
                return 0;
        if (n > WIRE_IDENTITIES_MAX)
                FAIL(u, "identities: too many rows");
        u->s->identities = rows = NEW_ROWS(u, n * sizeof(*rows));
        u->s->identities_count = n;
        UNPACK(u, "identities", m, id, n, {
                if (v == 0)
                        FAIL(u, "identities.id: 0");
                rows[i].id = v;
        });
        if (m->n_kind != n)
                FAIL(u, "identities.kind: not one entry a row");
        UNPACK(u, "identities", m, kind, n, {
                if (v < IDENTITY_EXPLICIT || v > IDENTITY_EXECUTABLE)
                        FAIL(u, "identities.kind: unknown");
                rows[i].kind = (enum identity_kind)v;
        });
        UNPACK_TEXT(u, "identities", m, service, n, rows[i].service);
        UNPACK_TEXT(u, "identities", m, instance, n, rows[i].instance);
        UNPACK_TEXT(u, "identities", m, executable, n, rows[i].executable);
        UNPACK_TEXT(u, "identities", m, cgroup, n, rows[i].cgroup);
        UNPACK_TEXT(u, "identities", m, version, n, rows[i].version);
        for (size_t i = 0; i < n; i++)
                if (rows[i].service[0] == 0)
                        FAIL(u, "identities.service: missing");
        return 0;
}

static int unpack_cells(struct unpacker *u, const Nightshift__Cells *m, struct summary_edge *rows, size_t n, size_t offset)
{
        size_t row = 0;

        if (!m)
                return 0;
        if (m->n_row_delta != 0 && m->n_row_delta != m->n_count)
                FAIL(u, "cells.row_delta: not one entry a cell");
        if (m->n_bucket != 0 && m->n_bucket != m->n_count)
                FAIL(u, "cells.bucket: not one entry a cell");
        for (size_t i = 0; i < m->n_count; i++) {
                uint32_t bucket = m->n_bucket ? m->bucket[i] : 0;
                struct histogram *h;

                row += m->n_row_delta ? m->row_delta[i] : 0;
                if (row >= n)
                        FAIL(u, "cells.row_delta: no such row");
                if (bucket >= HISTOGRAM_BUCKETS)
                        FAIL(u, "cells.bucket: no such bucket");
                h = (struct histogram *)(void *)((char *)&rows[row] + offset);
                h->count[bucket] = m->count[i];
        }
        return 0;
}

static bool transport_known(uint32_t transport)
{
        return transport == TRANSPORT_TCP || transport == TRANSPORT_UDP;
}

static int unpack_edges(struct unpacker *u)
{
        const Nightshift__Edges *m = u->m->edges;
        struct summary_edge *rows;
        size_t n = m ? m->n_id_delta : 0;
        uint64_t id = 0;
        int r;

        if (n == 0)
                return 0;
        if (n > WIRE_EDGES_MAX)
                FAIL(u, "edges: too many rows");
        u->s->edges = rows = NEW_ROWS(u, n * sizeof(*rows));
        u->s->edges_count = n;
        UNPACK(u, "edges", m, id_delta, n, rows[i].id = id += (uint64_t)v);
        UNPACK_IDENTITY(u, "edges", m, identity, n, rows[i].identity);
        UNPACK_NETNS(u, "edges", m, netns, n, rows[i].netns);
        UNPACK(u, "edges", m, role, n, {
                if (v > ROLE_SERVER)
                        FAIL(u, "edges.role: unknown");
                rows[i].role = (enum summary_role)v;
        });
        if (m->n_transport != n)
                FAIL(u, "edges.transport: not one entry a row");
        UNPACK(u, "edges", m, transport, n, {
                if (!transport_known(v))
                        FAIL(u, "edges.transport: unknown");
                rows[i].transport = (enum summary_transport)v;
        });
        UNPACK_ADDRESS(u, "edges", m, local, n, rows[i].local);
        UNPACK_ADDRESS(u, "edges", m, remote, n, rows[i].remote);
        UNPACK_PORT(u, "edges", m, local_port, n, rows[i].local_port);
        UNPACK_PORT(u, "edges", m, remote_port, n, rows[i].remote_port);
        UNPACK_TIME(u, "edges", m, first_seen_ago, n, rows[i].first_seen);
        UNPACK_TIME(u, "edges", m, last_seen_ago, n, rows[i].last_seen);
#define X(name) UNPACK(u, "edges", m, name, n, rows[i].counters.name = v);
        SUMMARY_COUNTERS(X)
#undef X
        r = unpack_cells(u, m->rtt, rows, n, offsetof(struct summary_edge, rtt));
        if (r < 0)
                return r;
        return unpack_cells(u, m->turnaround, rows, n, offsetof(struct summary_edge, turnaround));
}

static int unpack_keys(struct unpacker *u)
{
        const Nightshift__Keys *m = u->m->keys;
        struct summary_key *rows;
        size_t n = m ? m->n_key : 0;
        uint64_t edge = 0;

        if (n == 0)
                return 0;
        if (n > WIRE_KEYS_MAX)
                FAIL(u, "keys: too many rows");
        u->s->keys = rows = NEW_ROWS(u, n * sizeof(*rows));
        u->s->keys_count = n;
        UNPACK(u, "keys", m, key, n, rows[i].key = v);
        UNPACK(u, "keys", m, edge_delta, n, rows[i].edge = edge += (uint64_t)v);
        UNPACK(u, "keys", m, role, n, {
                if (v > ROLE_SERVER)
                        FAIL(u, "keys.role: unknown");
                rows[i].role = (enum summary_role)v;
        });
        return 0;
}

static int unpack_listeners(struct unpacker *u)
{
        const Nightshift__Listeners *m = u->m->listeners;
        struct summary_listener *rows;
        size_t n = m ? m->n_port : 0;

        if (n == 0)
                return 0;
        if (n > WIRE_LISTENERS_MAX)
                FAIL(u, "listeners: too many rows");
        u->s->listeners = rows = NEW_ROWS(u, n * sizeof(*rows));
        u->s->listeners_count = n;
        UNPACK_PORT(u, "listeners", m, port, n, rows[i].port);
        UNPACK_IDENTITY(u, "listeners", m, identity, n, rows[i].identity);
        UNPACK_NETNS(u, "listeners", m, netns, n, rows[i].netns);
        if (m->n_transport != n)
                FAIL(u, "listeners.transport: not one entry a row");
        UNPACK(u, "listeners", m, transport, n, {
                if (!transport_known(v))
                        FAIL(u, "listeners.transport: unknown");
                rows[i].transport = (enum summary_transport)v;
        });
        UNPACK_ADDRESS(u, "listeners", m, address, n, rows[i].address);
        UNPACK(u, "listeners", m, backlog, n, rows[i].backlog = v);
        UNPACK(u, "listeners", m, backlog_max, n, rows[i].backlog_max = v);
        UNPACK(u, "listeners", m, drops, n, rows[i].drops = v);
        return 0;
}

static int unpack_processes(struct unpacker *u)
{
        const Nightshift__Processes *m = u->m->processes;
        struct summary_process *rows;
        size_t n = m ? m->n_pid : 0;

        if (n == 0)
                return 0;
        if (n > WIRE_PROCESSES_MAX)
                FAIL(u, "processes: too many rows");
        u->s->processes = rows = NEW_ROWS(u, n * sizeof(*rows));
        u->s->processes_count = n;
        UNPACK(u, "processes", m, pid, n, rows[i].pid = v);
        UNPACK_IDENTITY(u, "processes", m, identity, n, rows[i].identity);
        UNPACK_TIME(u, "processes", m, started_ago, n, rows[i].started);
        UNPACK_TEXT(u, "processes", m, executable, n, rows[i].executable);
        UNPACK_TEXT(u, "processes", m, build, n, rows[i].build);
        UNPACK(u, "processes", m, cpu_ns, n, rows[i].cpu_ns = v);
        UNPACK(u, "processes", m, rss_bytes, n, rows[i].rss_bytes = v);
        UNPACK(u, "processes", m, threads, n, rows[i].threads = v);
        UNPACK(u, "processes", m, open_files, n, rows[i].open_files = v);
        UNPACK(u, "processes", m, open_files_limit, n, rows[i].open_files_limit = v);
        UNPACK(u, "processes", m, restarts_1h, n, rows[i].restarts_1h = v);
        UNPACK(u, "processes", m, has_exit, n, rows[i].has_exit = v != 0);
        UNPACK(u, "processes", m, exit_code, n, rows[i].exit_code = v);
        UNPACK(u, "processes", m, exit_signal, n, rows[i].exit_signal = v);
        UNPACK(u, "processes", m, exit_oom, n, rows[i].exit_oom = v != 0);
        return 0;
}

int wire_unpack_summary(const Nightshift__Summary *message, struct arena *arena, struct summary **ret_summary, const char **ret_why)
{
        static int (*const steps[])(struct unpacker *) = { unpack_tables, unpack_header, unpack_host,      unpack_identities,
                                                           unpack_edges,  unpack_keys,   unpack_listeners, unpack_processes };
        struct unpacker u = { .m = message, .arena = arena };

        u.s = arena_alloc(arena, sizeof(*u.s));
        if (!u.s)
                return -ENOBUFS;
        for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
                int r = steps[i](&u);

                if (r == -EBADMSG)
                        *ret_why = u.why;
                if (r < 0)
                        return r;
        }
        *ret_summary = u.s;
        return 0;
}
