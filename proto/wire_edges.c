/* What was counted, and the cells of its histograms. */
#include "proto/wire_table.h"

static Nightshift__Cells *pack_cells(struct wire_packer *p, const struct summary_edge *edges, size_t rows, size_t offset)
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

void wire_pack_edges(struct wire_packer *p)
{
        const struct summary_edge *e = p->s->edges;
        size_t n = p->s->edges_count;
        Nightshift__Edges *m = NEW_TABLE(p, edges, Edges);

        if (!m)
                return;
        PACK_FIRST(p, m, id_delta, n, wire_difference(e[i].id, i ? e[i - 1].id : 0));
        PACK_IDENTITY(p, m, identity, n, e[i].identity);
        PACK_NETNS(p, m, netns, n, e[i].netns);
        PACK(p, m, role, n, e[i].role);
        PACK(p, m, transport, n, e[i].transport);
        PACK_ADDRESS(p, m, local, n, e[i].local);
        PACK_ADDRESS(p, m, remote, n, e[i].remote);
        PACK(p, m, local_port, n, e[i].local_port);
        PACK(p, m, remote_port, n, e[i].remote_port);
        PACK_TIME(p, m, first_seen_ago, n, e[i].first_seen);
        PACK_TIME(p, m, last_seen_ago, n, e[i].last_seen);
#define X(name) PACK(p, m, name, n, e[i].counters.name);
        SUMMARY_COUNTERS(X)
#undef X
        m->rtt = pack_cells(p, e, n, offsetof(struct summary_edge, rtt));
        m->turnaround = pack_cells(p, e, n, offsetof(struct summary_edge, turnaround));
}

static int unpack_cells(struct wire_unpacker *u, const Nightshift__Cells *m, struct summary_edge *rows, size_t n, size_t offset)
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

int wire_unpack_edges(struct wire_unpacker *u)
{
        const Nightshift__Edges *m = u->m->edges;
        struct summary_edge *rows;
        size_t n = m ? m->n_id_delta : 0;
        uint64_t id = 0;
        int r;

        UNPACK_ROWS(u, edges, n, WIRE_EDGES_MAX, rows);
        UNPACK(u, "edges", m, id_delta, n, rows[i].id = id += (uint64_t)v);
        UNPACK_IDENTITY(u, "edges", m, identity, n, rows[i].identity);
        UNPACK_NETNS(u, "edges", m, netns, n, rows[i].netns);
        UNPACK_ROLE(u, "edges", m, role, n, rows[i].role);
        UNPACK_TRANSPORT(u, "edges", m, transport, n, rows[i].transport);
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
