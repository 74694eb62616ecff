/* Pools: what the sweep finds of the connections that one process has to one far end.
 *
 * Busy is told by sequence numbers: a client is busy until its request was acknowledged and answered. The segment that last moved
 * the window begins where the next one is expected if it carried no data: then the last word was ours. A keep-alive does that too,
 * so the verdict of the last segment with data stays until there is another.
 *
 * A client's connection belongs to the process that opened it, or to whom holds it if that is gone; a
 * server's to whom holds it. Only the sweep touches what is here. */
#pragma once

#include "bpf/view.h"

/* `quiet` is when the sweep first found that no segment with data had come or gone since the one before,
 * in units of a fifteenth of a second, and `segments` how many there were; small, because every connection
 * that is followed has room for them. */
#define QUIET_SHIFT 26

/* Two connections of a process that are met by one sweep are met at one time, give or take so much. */
#define SWEEP_TAKES 8
#define NEVER (~0U)

/* How many turns it missed; EVENT_TURNS_MAX: that, or more. */
static __always_inline __u8 turns_missed(const struct conn *conn)
{
        return conn->pool_state / CONN_POOL_TURN;
}

/* None of those that came back had waited for half as long. */
static __always_inline bool is_late(const struct conn *conn, __u8 returned_after)
{
        __u32 enough = 3 + 2 * returned_after;

        return returned_after < EVENT_TURNS_MAX && turns_missed(conn) >= (enough < EVENT_TURNS_MAX ? enough : EVENT_TURNS_MAX);
}

/* It was used since the last sweep. */
static __always_inline void pool_use(struct event_pool *pool, const struct conn *conn)
{
        if (conn->pool_state & CONN_POOL_HELD)
                pool->reused++;
        if (!(conn->pool_state & CONN_POOL_BUSY) && conn->quiet < pool->deepest)
                pool->deepest = conn->quiet;
        if (conn->pool_state & CONN_POOL_PASSED && turns_missed(conn) > pool->returned_after[0])
                pool->returned_after[0] = turns_missed(conn);
        if (conn->pool_state & CONN_POOL_HELD && turns_missed(conn) > pool->returned_after[1])
                pool->returned_after[1] = turns_missed(conn);
}

/* It was idle when the sweep before this one came, and is. What that one saw of the others counts, since it had
 * seen all of them. */
static __always_inline void pool_pass_over(struct event_pool *pool, struct conn *conn)
{
        if (conn->pool_state & (CONN_POOL_PASSED | CONN_POOL_HELD) && pool->turned && turns_missed(conn) < EVENT_TURNS_MAX)
                conn->pool_state += CONN_POOL_TURN;
        if (!(conn->pool_state & CONN_POOL_PASSED) && conn->quiet < pool->before && pool->deepest_before != NEVER &&
            conn->quiet > pool->deepest_before + SWEEP_TAKES)
                conn->pool_state = (conn->pool_state & (CONN_POOL_TURN - 1)) | CONN_POOL_PASSED;
        if (conn->pool_state & CONN_POOL_PASSED && is_late(conn, pool->returned_after[0]))
                pool->skipped++;
        if (conn->pool_state & CONN_POOL_HELD && is_late(conn, pool->returned_after[1]))
                pool->overdue++;
}

static __always_inline bool process_of(struct task_struct *task, __u32 tgid, struct event_process *ret_process)
{
        struct event_process *known = bpf_map_lookup_elem(&processes, &tgid);

        if (known && known->owner.cgroup == BPF_CORE_READ(task, cgroups, dfl_cgrp, kn, id) && known->start_ns == task_start(task)) {
                *ret_process = *known;
                return true;
        }
        return process_capture(task, ret_process, 0);
}

static __always_inline bool view_busy(const struct view *v)
{
        return v->write_seq != v->snd_una || v->snd_wl1 == v->rcv_nxt;
}

/* Whose the connection is: *ret_process, false if nobody's in scope. */
static __always_inline bool pool_process(const struct conn *conn, struct task_struct *task, __u32 tgid,
                                         struct event_process *ret_process)
{
        __u32 opener = conn->tgid;
        struct event_process *known;

        if (conn->role != EVENT_ROLE_SERVER && opener && opener != tgid) {
                known = bpf_map_lookup_elem(&processes, &opener);
                if (known) {
                        *ret_process = *known;
                        return true;
                }
        }
        return process_of(task, tgid, ret_process);
}

/* The first connection of it in a sweep. */
static __always_inline void pool_begin(struct event_pool *pool, __u8 sweep)
{
        pool->turn += pool->used;
        pool->turned = pool->open && pool->turn >= pool->open;
        if (pool->turned)
                pool->turn -= pool->open;
        pool->before = pool->at;
        pool->at = bpf_ktime_get_ns() >> QUIET_SHIFT;
        pool->deepest_before = pool->deepest;
        pool->deepest = NEVER;
        pool->busy = pool->idle = pool->held = pool->close_wait = pool->skipped = pool->overdue = pool->open = pool->used = 0;
        pool->sweep = sweep;
}

static __always_inline struct event_pool *pool_get(const struct event_pool_key *key, const struct event_process *process,
                                                   __u64 generation, __u8 sweep)
{
        struct event_pool *pool, fresh = {};

        pool = bpf_map_lookup_elem(&pools, key);
        if (pool && pool->start_ns == process->start_ns && pool->generation == generation) {
                if (pool->sweep != sweep)
                        pool_begin(pool, sweep);
                return pool;
        }
        fresh.start_ns = process->start_ns;
        fresh.pid = process->pid;
        fresh.generation = generation;
        fresh.deepest = NEVER;
        pool_begin(&fresh, sweep);
        if (bpf_map_update_elem(&pools, key, &fresh, BPF_ANY)) {
                loss(EVENT_LOSS_POOLS);
                return NULL;
        }
        return bpf_map_lookup_elem(&pools, key);
}

/* Whether the connection has a place in a pool that this sweep did not give it yet. */
static __always_inline bool pool_wants(const struct conn *conn, const struct view *v, const struct event_control *control)
{
        return conn->pool_sweep != control->pool_sweep && (conn->role != EVENT_ROLE_SERVER || v->state == TCP_CLOSE_WAIT);
}

static __noinline int pool_count(struct conn *conn, struct view *v, struct event_process *process, struct event_control *control)
{
        struct event_pool_key key;
        struct event_counts *slot;
        struct event_pool *pool;
        __u64 since;

        if (!conn || !v || !process || !control)
                return 0;
        since = conn->since;
        conn->pool_sweep = control->pool_sweep;
        key.edge = conn->edge;
        key.tgid = process->tgid;
        slot = counts_of(key.edge);
        pool = slot ? pool_get(&key, process, slot->generation, control->pool_sweep) : NULL;
        if (!pool)
                return 0;
        if (!conn->quiet || conn->segments != (__u16)v->segments) {
                pool->used++;
                if (conn->quiet)
                        pool_use(pool, conn);
                conn->pool_state = view_busy(v) ? CONN_POOL_BUSY : 0;
                conn->segments = v->segments;
                conn->quiet = bpf_ktime_get_ns() >> QUIET_SHIFT;
        }
        if (v->state != TCP_CLOSE_WAIT)
                pool->open++;
        if (v->state == TCP_CLOSE_WAIT) {
                pool->close_wait++;
        } else if (conn->pool_state & CONN_POOL_BUSY) {
                pool->busy++;
        } else {
                pool->idle++;
                if (!(conn->pool_state & CONN_POOL_HELD) && conn->quiet < pool->opened_ns >> QUIET_SHIFT) {
                        conn->pool_state |= CONN_POOL_HELD;
                        pool->held_ever++;
                }
                if (conn->pool_state & CONN_POOL_HELD)
                        pool->held++;
                pool_pass_over(pool, conn);
        }
        if (since > pool->opened_ns)
                pool->opened_ns = since;
        return 0;
}
