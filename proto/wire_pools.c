/* Pools: the connections of one process on one edge. */
#include "proto/wire_table.h"

void wire_pack_pools(struct wire_packer *p)
{
        const struct summary_pool *q = p->s->pools;
        size_t n = p->s->pools_count;
        Nightshift__Pools *m;

        if (!p->s->pools_at)
                return;
        m = p->m->pools = NEW_MESSAGE(p, pools, Pools);
        if (!m)
                return;
        m->at_ago = wire_difference((uint64_t)p->s->at, (uint64_t)p->s->pools_at);
        PACK_FIRST(p, m, edge_delta, n, wire_difference(q[i].edge, i ? q[i - 1].edge : 0));
        PACK(p, m, pid, n, q[i].pid);
        PACK_TIME(p, m, started_ago, n, q[i].started);
        PACK(p, m, busy, n, q[i].busy);
        PACK(p, m, idle, n, q[i].idle);
        PACK(p, m, held, n, q[i].held);
        PACK(p, m, close_wait, n, q[i].close_wait);
        PACK(p, m, held_ever, n, q[i].held_ever);
        PACK(p, m, reused, n, q[i].reused);
        PACK_TIME(p, m, opened_ago, n, q[i].opened_at);
        PACK(p, m, limit, n, q[i].limit);
        PACK(p, m, skipped, n, q[i].skipped);
        PACK(p, m, overdue, n, q[i].overdue);
        PACK(p, m, missed_most, n, q[i].missed_most);
}

int wire_unpack_pools(struct wire_unpacker *u)
{
        const Nightshift__Pools *m = u->m->pools;
        struct summary_pool *rows;
        uint64_t edge = 0;
        size_t n;

        if (!m)
                return 0;
        u->s->pools_at = (int64_t)((uint64_t)u->s->at - (uint64_t)m->at_ago);
        if (u->s->pools_at <= 0 || u->s->pools_at > u->s->at)
                FAIL(u, "pools.at_ago: not between the epoch and the summary");
        n = m->n_edge_delta;
        UNPACK_ROWS(u, pools, n, WIRE_POOLS_MAX, rows);
        UNPACK(u, "pools", m, edge_delta, n, rows[i].edge = edge += (uint64_t)v);
        UNPACK(u, "pools", m, pid, n, rows[i].pid = v);
        UNPACK_TIME(u, "pools", m, started_ago, n, rows[i].started);
        UNPACK(u, "pools", m, busy, n, rows[i].busy = v);
        UNPACK(u, "pools", m, idle, n, rows[i].idle = v);
        UNPACK(u, "pools", m, held, n, rows[i].held = v);
        UNPACK(u, "pools", m, close_wait, n, rows[i].close_wait = v);
        UNPACK(u, "pools", m, held_ever, n, rows[i].held_ever = v);
        UNPACK(u, "pools", m, reused, n, rows[i].reused = v);
        UNPACK_TIME(u, "pools", m, opened_ago, n, rows[i].opened_at);
        UNPACK(u, "pools", m, limit, n, rows[i].limit = v);
        UNPACK(u, "pools", m, skipped, n, rows[i].skipped = v);
        UNPACK(u, "pools", m, overdue, n, rows[i].overdue = v);
        UNPACK(u, "pools", m, missed_most, n, rows[i].missed_most = v);
        for (size_t i = 0; i < n; i++) {
                if (rows[i].held > rows[i].idle)
                        FAIL(u, "pools.held: more than are idle");
                if (rows[i].skipped > rows[i].idle)
                        FAIL(u, "pools.skipped: more than are idle");
                if (rows[i].overdue > rows[i].held)
                        FAIL(u, "pools.overdue: more than are held");
                if ((uint64_t)rows[i].busy + rows[i].idle + rows[i].close_wait > WIRE_POOL_MAX)
                        FAIL(u, "pools: one with too many connections");
        }
        return 0;
}
