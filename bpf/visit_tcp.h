/* A TCP socket that the sweep meets at a process. */
#pragma once

#include "bpf/follow.h"
#include "bpf/pool.h"

/* A holder of an open server's connection that is not the accounted owner. It is the owner if ours
 * was a guess, or if ours did not hold it during one whole sweep. */
static __always_inline bool better_owner(const struct conn *conn, __u8 sweep)
{
        if (conn->flags & CONN_OWNER_GUESSED)
                return true;
        return conn->born_sweep != sweep && (__u8)(conn->born_sweep + 1) != sweep && conn->owner_sweep != sweep &&
               (__u8)(conn->owner_sweep + 1) != sweep;
}

/* `dead`: the element of the socket's former life, if it was kept. */
static __noinline int candidate_put(__u64 key, struct conn *dead, struct event_control *control)
{
        struct conn candidate = {};

        if (!control)
                return 0;
        candidate.sock = key;
        candidate.since = bpf_ktime_get_ns();
        candidate.phase = CONN_CANDIDATE;
        candidate.edge = INDEX_NONE;
        candidate.born_sweep = control->sweep;
        if (have_lock && dead) {
                if (conn_revive(dead, &candidate))
                        __sync_fetch_and_add(&control->dead, -1);
                return 0;
        }
        if (bpf_map_update_elem(&socks, &key, &candidate, BPF_NOEXIST) && control->adopting && !bpf_map_lookup_elem(&socks, &key))
                loss(EVENT_LOSS_SOCKS_FULL);
        return 0;
}

static __noinline int visit_connection(struct task_struct *task, __u32 tgid, struct sock *sk, struct event_control *control)
{
        struct event_process process;
        __u64 key = (unsigned long)sk;
        __u32 zero = 0;
        struct view *v;
        struct conn *conn;
        __u8 state = BPF_CORE_READ(sk, __sk_common.skc_state);

        v = bpf_map_lookup_elem(&view_now, &zero);
        if (!v || state == TCP_SYN_SENT || state == TCP_CLOSE || state == TCP_SYN_RECV)
                return 0;
        conn = bpf_map_lookup_elem(&socks, &key);
        if (!conn || conn->phase == CONN_DEAD) {
                if (process_of(task, tgid, &process))
                        candidate_put(key, conn, control);
                return 0;
        }
        if (conn->phase == CONN_CANDIDATE && conn->born_sweep == control->sweep)
                return 0;
        /* The element may come to be another's any moment: from here on it is compared with these. */
        v->sock = key;
        v->since = conn->since;
        if (conn->sock != key || !view_numbers((void *)sk, v))
                return 0;
        if (conn->phase == CONN_CANDIDATE) {
                if (v->state == TCP_CLOSE || !process_of(task, tgid, &process))
                        return 0;
                view_ends(sk, &v->ends);
                adopt(conn, v, &process, control);
                return 0;
        }
        if (conn->phase != CONN_OPEN) {
                if (state_open(v->state)) {
                        view_ends(sk, &v->ends);
                        open_late(conn, v, control);
                }
                return 0;
        }
        if (conn->swept != control->sweep)
                account(conn, v, control->sweep);
        if (pool_wants(conn, v, control) && pool_process(conn, task, tgid, &process))
                pool_count(conn, v, &process, control);
        if (conn->tgid == tgid) {
                conn->owner_sweep = control->sweep;
                return 0;
        }
        if (conn->role != EVENT_ROLE_SERVER || !process_of(task, tgid, &process))
                return 0;
        if (owner_tag(&process.owner) == conn->owner_tag) {
                conn->owner_sweep = control->sweep;
                conn->tgid = tgid;
        } else if (better_owner(conn, control->sweep)) {
                view_ends(sk, &v->ends);
                move(conn, v, &process, control);
        }
        return 0;
}

/* Returns 1 if this is the owner of the listener, and thereby of what waits in its accept queue. */
static __noinline int visit_listener(struct task_struct *task, __u32 tgid, struct sock *sk, struct event_control *control)
{
        struct event_listener *known, listener = {};
        struct event_process process;
        __u64 key = (unsigned long)sk;
        bool keeps = task_keeps(task);
        struct bind bind = {};
        struct ends ends;

        known = bpf_map_lookup_elem(&listeners, &key);
        if (!process_capture(task, &process, keeps ? 0 : BPF_CORE_READ(sk, __sk_common.skc_num)))
                return 0;
        if (known) {
                known->backlog = BPF_CORE_READ(sk, sk_ack_backlog);
                known->backlog_max = BPF_CORE_READ(sk, sk_max_ack_backlog);
                known->drops = BPF_CORE_READ(sk, sk_drops.counter);
                if (known->born_sweep != control->sweep)
                        known->flags &= ~EVENT_LISTENER_UNSURE;
                if (known->tgid == tgid || owner_tag(&known->owner) == owner_tag(&process.owner)) {
                        known->owner_sweep = control->sweep;
                        known->flags |= EVENT_LISTENER_SWEPT;
                        return known->backlog != 0;
                } else if (!keeps && (known->flags & EVENT_LISTENER_KEPT ||
                                      (known->born_sweep != control->sweep && known->owner_sweep != control->sweep &&
                                       (__u8)(known->owner_sweep + 1) != control->sweep))) {
                        known->owner = process.owner;
                        known->tgid = tgid;
                        known->owner_sweep = control->sweep;
                        known->flags |= EVENT_LISTENER_SWEPT;
                        known->flags &= ~EVENT_LISTENER_KEPT;
                }
                return 0;
        }
        view_ends(sk, &ends);
        listener.owner = process.owner;
        __builtin_memcpy(listener.address, ends.local, sizeof(listener.address));
        listener.since_ns = bpf_ktime_get_ns();
        listener.drops = BPF_CORE_READ(sk, sk_drops.counter);
        listener.netns = ends.netns;
        listener.backlog = BPF_CORE_READ(sk, sk_ack_backlog);
        listener.backlog_max = BPF_CORE_READ(sk, sk_max_ack_backlog);
        listener.tgid = tgid;
        listener.port = ends.local_port;
        listener.transport = EVENT_TRANSPORT_TCP;
        listener.flags = EVENT_LISTENER_SWEPT | EVENT_LISTENER_UNSURE | (keeps ? EVENT_LISTENER_KEPT : 0);
        if (BPF_CORE_READ_BITFIELD_PROBED(sk, __sk_common.skc_ipv6only))
                listener.flags |= EVENT_LISTENER_V6ONLY;
        listener.born_sweep = listener.owner_sweep = control->sweep;
        if (bpf_map_update_elem(&listeners, &key, &listener, BPF_NOEXIST)) {
                if (!bpf_map_lookup_elem(&listeners, &key))
                        loss(EVENT_LOSS_LISTENERS_FULL);
                return 0;
        }
        __builtin_memcpy(bind.address, listener.address, sizeof(bind.address));
        bind.netns = listener.netns;
        bind.port = listener.port;
        bpf_map_update_elem(&binds, &bind, &key, BPF_ANY);
        return 0;
}
