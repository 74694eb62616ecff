/* How the entry of a connection begins, at either end. */
#pragma once

#include "bpf/socket.h"

static __always_inline struct conn *conn_get(struct sock *sk)
{
        __u64 key = (unsigned long)sk;

        return bpf_map_lookup_elem(&socks, &key);
}

/* Puts a new life of a socket into `socks`. Sockets are reused soon, and so is the element of the
 * life before, if it was kept: that costs half of what deleting and inserting do. */
static __always_inline void conn_put(struct sock *sk, struct conn *conn, struct event_control *control)
{
        __u64 key = (unsigned long)sk;
        struct event_counts *slot;
        struct conn *old;

        old = bpf_map_lookup_elem(&socks, &key);
        if (old && have_lock && old->phase == CONN_DEAD && conn_revive(old, conn)) {
                __sync_fetch_and_add(&control->dead, -1);
                goto added;
        }
        if (!old) {
                if (!bpf_map_update_elem(&socks, &key, conn, BPF_NOEXIST))
                        goto added;
                old = bpf_map_lookup_elem(&socks, &key);
        }
        if (!old) {
                loss(EVENT_LOSS_SOCKS_FULL);
                return;
        }
        end_unseen(old->phase, old->edge);
        if (bpf_map_update_elem(&socks, &key, conn, BPF_ANY)) {
                loss(EVENT_LOSS_SOCKS_FULL);
                return;
        }
added:
        if (conn->edge != INDEX_NONE) {
                slot = counts_of(conn->edge);
                if (slot) {
                        ADD(slot->attempted, 1);
                        slot->last_ns = conn->since;
                }
        }
}

static __always_inline void conn_delete(struct sock *sk, struct conn *conn)
{
        __u64 key = (unsigned long)sk;

        conn->phase = CONN_DEAD;
        conn->sock = 0;
        bpf_map_delete_elem(&socks, &key);
}

/* The socket begins a life that is not counted: what follows must not meet the entry of a former one. */
static __noinline int conn_forget(struct sock *sk)
{
        struct conn *conn = conn_get(sk);

        if (!conn || conn->phase == CONN_DEAD)
                return 0;
        end_unseen(conn->phase, conn->edge);
        conn_delete(sk, conn);
        return 0;
}

/* MPTCP adds subflows to a connection from a worker of the kernel's: its process is that of the first subflow. Each
 * is counted as the TCP connection that it is, as `ss` shows it: the other end, which sees a child of its listener
 * like any other, does the same, so that both ends agree, and the bytes that it carries belong to the edge. */
static __noinline int subflow_process(struct sock *sk, struct event_process *ret_process)
{
        struct mptcp_subflow_context *context;
        struct event_counts *slot;
        struct mptcp_sock *whole;
        struct conn *first;
        __u64 key;

        if (!ret_process || !bpf_core_field_exists(struct mptcp_subflow_context, conn) ||
            !BPF_CORE_READ_BITFIELD_PROBED((struct tcp_sock *)sk, is_mptcp))
                return 0;
        context = BPF_CORE_READ((struct inet_connection_sock *)sk, icsk_ulp_data);
        whole = (void *)BPF_CORE_READ(context, conn);
        key = (unsigned long)BPF_CORE_READ(whole, first);
        first = key && key != (unsigned long)sk ? bpf_map_lookup_elem(&socks, &key) : NULL;
        if (!first || first->phase != CONN_OPEN)
                return 0;
        slot = counts_of(first->edge);
        if (!slot)
                return 0;
        __builtin_memset(ret_process, 0, sizeof(*ret_process));
        ret_process->owner = slot->edge.owner;
        ret_process->tgid = first->tgid;
        return 1;
}

/* CLOSE -> SYN_SENT, in process context. */
static __noinline int client_begin(struct sock *sk, struct event_control *control)
{
        struct event_process process;
        struct conn conn = {};

        if (!control || (!process_known(&process) && !subflow_process(sk, &process) &&
                         !process_capture((void *)bpf_get_current_task(), &process, 0)))
                return conn_forget(sk);
        conn.sock = (unsigned long)sk;
        conn.since = bpf_ktime_get_ns();
        conn.role = EVENT_ROLE_CLIENT;
        conn.phase = CONN_ATTEMPT;
        conn.tgid = process.tgid;
        conn.owner_tag = owner_tag(&process.owner);
        if (sk->__sk_common.skc_dport && (sk->__sk_common.skc_family == AF_INET6 || sk->__sk_common.skc_daddr)) {
                conn.edge = conn_edge(sk, &process.owner, EVENT_ROLE_CLIENT, process.tgid);
                if (conn.edge == INDEX_NONE)
                        return conn_forget(sk);
        } else {
                conn.edge = INDEX_NONE;
                conn.owner = process.owner;
        }
        conn_put(sk, &conn, control);
        return 0;
}

/* The listener of a clone. Its place in the bind table's list was copied from the listener: both
 * neighbours there point at the listener itself. */
static __always_inline struct event_listener *child_listener(struct sock *sk)
{
        struct hlist_node *next = sk->__sk_common.skc_bind_node.next, **pprev = sk->__sk_common.skc_bind_node.pprev;
        __u32 offset = bpf_core_field_offset(struct sock, __sk_common.skc_bind_node);
        struct event_listener *listener;
        struct hlist_node *node = NULL;
        struct bind bind = {};
        __u64 key, *at;

        if (pprev && !bpf_probe_read_kernel(&node, sizeof(node), pprev) && node) {
                key = (unsigned long)node - offset;
                listener = bpf_map_lookup_elem(&listeners, &key);
                if (listener && listener->port == sk->__sk_common.skc_num)
                        return listener;
        }
        if (next) {
                pprev = BPF_CORE_READ(next, pprev);
                key = (unsigned long)pprev - bpf_core_field_offset(struct hlist_node, next) - offset;
                listener = bpf_map_lookup_elem(&listeners, &key);
                if (listener && listener->port == sk->__sk_common.skc_num)
                        return listener;
        }
        if (sk->__sk_common.skc_family == AF_INET6)
                address_v6(bind.address, &sk->__sk_common.skc_v6_rcv_saddr);
        else
                address_v4(bind.address, sk->__sk_common.skc_rcv_saddr);
        bind.netns = sk->__sk_common.skc_net.net->ns.inum;
        bind.port = sk->__sk_common.skc_num;
        at = bpf_map_lookup_elem(&binds, &bind);
        return at ? bpf_map_lookup_elem(&listeners, at) : NULL;
}

/* The cgroup in which a socket was made: the last resort. */
static __always_inline struct cgroup *sock_cgroup(struct sock *sk)
{
        struct sock_cgroup_data *data = &sk->sk_cgrp_data;
        u64 val;

        if (bpf_core_field_exists(data->cgroup))
                return BPF_CORE_READ(data, cgroup);
        val = BPF_CORE_READ((struct sock_cgroup_data___val *)data, val);
        return val & 1 ? NULL : (struct cgroup *)(unsigned long)val;
}

/* LISTEN -> SYN_RECV, in softirq: the clone exists, the far end is not filled in yet. */
static __noinline int server_begin(struct sock *sk, struct event_control *control)
{
        struct event_listener *listener = child_listener(sk);
        struct conn conn = {};

        if (listener) {
                conn.owner = listener->owner;
                conn.tgid = listener->tgid;
                conn.owner_tag = owner_tag(&listener->owner);
        } else {
                struct cgroup *cgroup = sock_cgroup(sk);

                if (scope_cgroup && !scope_holds(cgroup))
                        return conn_forget(sk);
                conn.owner.cgroup = BPF_CORE_READ(cgroup, kn, id);
                conn.flags = CONN_OWNER_GUESSED;
        }
        conn.sock = (unsigned long)sk;
        conn.since = bpf_ktime_get_ns();
        conn.role = EVENT_ROLE_SERVER;
        conn.phase = CONN_CHILD;
        conn.edge = INDEX_NONE;
        conn_put(sk, &conn, control);
        return 0;
}
