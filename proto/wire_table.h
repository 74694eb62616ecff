/* What the tables of a summary are made with. Each is a file, wire_NAME.c, with the two functions that
 * WIRE_TABLES declares for it: one packs its rows into columns, the other checks the columns and
 * makes rows of them. One more table is one more such file, a message in nightshift.proto, rows in
 * struct summary, and a line in WIRE_TABLES with its limit.
 *
 * Packing notes what fails in `r` of the packer and goes on; unpacking ends at once. */
#pragma once

#include "proto/wire_internal.h"

/* Name and most rows, in the order in which they are packed and unpacked: what others refer to comes
 * first. */
/* clang-format off */
#define WIRE_TABLES(X) \
        X(identities, WIRE_IDENTITIES_MAX) \
        X(edges, WIRE_EDGES_MAX) \
        X(keys, WIRE_KEYS_MAX) \
        X(listeners, WIRE_LISTENERS_MAX) \
        X(processes, WIRE_PROCESSES_MAX) \
        X(pools, WIRE_POOLS_MAX) \
        X(settings, WIRE_SETTINGS_MAX) \
        X(builds, WIRE_BUILDS_MAX) \
        X(actions, WIRE_ACTIONS_MAX) \
        X(permits, WIRE_PERMITS_MAX)
/* clang-format on */

struct wire_intern {
        uint32_t *slots; /* number, 0 is empty */
        uint32_t mask;
};

struct wire_packer {
        const struct summary *s;
        struct arena *arena;
        Nightshift__Summary *m;
        int r;
        struct wire_intern text_index, address_index, netns_index, identity_index;

        char *text;
        size_t text_size, text_capacity;
        size_t *text_offset; /* of string i + 1 */
        uint32_t text_count, text_capacity_count;

        struct address *addresses;
        uint32_t *address_number; /* final one, v4 before v6 */
        uint32_t addresses_count, addresses_capacity;
        struct wire_column *address_columns; /* that are to get the final numbers */

        uint32_t *netns;
        uint32_t netns_count, netns_capacity;
};

struct wire_unpacker {
        const Nightshift__Summary *m;
        struct arena *arena;
        struct summary *s;
        const char **text; /* by number, 0 is "" */
        size_t text_count;
        size_t v4_count, v6_count;
        const char *why;
};

#define X(name, max)                                                                                                               \
        void wire_pack_##name(struct wire_packer *packer);                                                                         \
        MUST_CHECK int wire_unpack_##name(struct wire_unpacker *unpacker);
WIRE_TABLES(X)
#undef X

/* wire_header.c, wire_host.c: what is no table. */
void wire_pack_header(struct wire_packer *packer);
void wire_pack_host(struct wire_packer *packer);
MUST_CHECK int wire_unpack_header(struct wire_unpacker *unpacker);
MUST_CHECK int wire_unpack_host(struct wire_unpacker *unpacker);

/* wire_intern.c: the numbers by which rows refer to things; 0 is the empty one of each. */
MUST_CHECK int wire_intern_begin(struct wire_packer *packer);
uint32_t wire_intern_text(struct wire_packer *packer, const char *text);
/* A preliminary number, which wire_pack_addresses() turns into the final one. */
uint32_t wire_intern_address(struct wire_packer *packer, const struct address *address);
uint32_t wire_intern_netns(struct wire_packer *packer, uint32_t netns);
/* Of an identity that the summary holds; anything else is -EINVAL. */
uint32_t wire_intern_identity(struct wire_packer *packer, uint32_t id);

/* wire_addresses.c: has wire_pack_addresses() renumber a column. */
void wire_renumber_later(struct wire_packer *packer, uint32_t *column, size_t rows);
void wire_pack_addresses(struct wire_packer *packer);
/* The address of a number that is known to exist. */
void wire_get_address(const struct wire_unpacker *unpacker, uint32_t number, struct address *ret_address);

/* wire_pack.c: a - b, which may wrap. */
int64_t wire_difference(uint64_t a, uint64_t b);

/* ---- packing ---- */

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

#define PACK_TEXT(p, table, field, rows, text) PACK(p, table, field, rows, wire_intern_text(p, text))
#define PACK_NETNS(p, table, field, rows, netns) PACK(p, table, field, rows, wire_intern_netns(p, netns))
#define PACK_IDENTITY(p, table, field, rows, id) PACK(p, table, field, rows, wire_intern_identity(p, id))
#define PACK_TIME(p, table, field, rows, time) PACK(p, table, field, rows, wire_difference((uint64_t)(p)->s->at, (uint64_t)(time)))
#define PACK_ADDRESS(p, table, field, rows, address_)                                                                              \
        do {                                                                                                                       \
                PACK(p, table, field, rows, wire_intern_address(p, &(address_)));                                                  \
                wire_renumber_later(p, (table)->field, (table)->n_##field);                                                        \
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

/* The message of a table, or NULL if there are no rows. */
#define NEW_TABLE(p, field, type) ((p)->s->field##_count ? (p)->m->field = NEW_MESSAGE(p, field, type) : NULL)

/* ---- unpacking: all of these may end the function they stand in ---- */

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

/* Makes room for the n rows of a table; if there are none, that is all. */
#define UNPACK_ROWS(u, field, n, max, rows)                                                                                        \
        do {                                                                                                                       \
                if ((n) == 0)                                                                                                      \
                        return 0;                                                                                                  \
                if ((n) > (max))                                                                                                   \
                        FAIL(u, #field ": too many rows");                                                                         \
                (u)->s->field = (rows) = NEW_ROWS(u, (n) * sizeof(*(rows)));                                                       \
                (u)->s->field##_count = (n);                                                                                       \
        } while (0)

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
                wire_get_address(u, v, &(target));                                                                                 \
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

#define UNPACK_ROLE(u, name_, table, field, rows, target)                                                                          \
        UNPACK(u, name_, table, field, rows, {                                                                                     \
                if (v > ROLE_SERVER)                                                                                               \
                        FAIL(u, name_ "." #field ": unknown");                                                                     \
                target = (enum summary_role)v;                                                                                     \
        })

#define UNPACK_TRANSPORT(u, name_, table, field, rows, target)                                                                     \
        do {                                                                                                                       \
                if ((table)->n_##field != (rows))                                                                                  \
                        FAIL(u, name_ "." #field ": not one entry a row");                                                         \
                UNPACK(u, name_, table, field, rows, {                                                                             \
                        if (v != TRANSPORT_TCP && v != TRANSPORT_UDP)                                                              \
                                FAIL(u, name_ "." #field ": unknown");                                                             \
                        target = (enum summary_transport)v;                                                                        \
                });                                                                                                                \
        } while (0)
