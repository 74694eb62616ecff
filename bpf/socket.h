/* What a TCP socket says about itself: addresses, bytes by sequence numbers, the key of both ends. */
#pragma once

#include "bpf/edge.h"

struct ends {
        __u8 local[16];
        __u8 remote[16];
        __u16 local_port;
        __u16 remote_port;
        __u32 netns;
};

static __always_inline void ends_read(struct sock *sk, struct ends *ends)
{
        struct inet_sock *inet = (void *)bpf_skc_to_tcp_sock(sk);

        if (sk->__sk_common.skc_family == AF_INET6) {
                address_v6(ends->local, &sk->__sk_common.skc_v6_rcv_saddr);
                address_v6(ends->remote, &sk->__sk_common.skc_v6_daddr);
        } else {
                address_v4(ends->local, sk->__sk_common.skc_rcv_saddr);
                address_v4(ends->remote, sk->__sk_common.skc_daddr);
        }
        /* skc_num is 0 already at the transition to CLOSE */
        ends->local_port = inet ? bpf_ntohs(inet->inet_sport) : 0;
        ends->remote_port = bpf_ntohs(sk->__sk_common.skc_dport);
        ends->netns = sk->__sk_common.skc_net.net->ns.inum;
}

/* A socket's edge for this owner. A client's has no local end, a server's no remote port. Not inlined,
 * since until 6.13 all frames together have 512 bytes of stack. */
static __noinline __attribute__((unused)) __u32 conn_edge(struct sock *sk, const struct event_owner *owner, __u8 role, __u32 tgid)
{
        struct event_edge key = {};
        struct inet_sock *inet;

        key.owner = *owner;
        key.role = role;
        key.transport = EVENT_TRANSPORT_TCP;
        key.netns = sk->__sk_common.skc_net.net->ns.inum;
        if (sk->__sk_common.skc_family == AF_INET6)
                address_v6(key.remote, &sk->__sk_common.skc_v6_daddr);
        else
                address_v4(key.remote, sk->__sk_common.skc_daddr);
        if (role != EVENT_ROLE_SERVER)
                key.remote_port = bpf_ntohs(sk->__sk_common.skc_dport);
        if (role != EVENT_ROLE_CLIENT) {
                if (sk->__sk_common.skc_family == AF_INET6)
                        address_v6(key.local, &sk->__sk_common.skc_v6_rcv_saddr);
                else
                        address_v4(key.local, sk->__sk_common.skc_rcv_saddr);
                inet = (void *)bpf_skc_to_tcp_sock(sk);
                key.local_port = inet ? bpf_ntohs(inet->inet_sport) : 0;
        }
        return edge_index(&key, tgid);
}

/* Whether our FIN was queued, by the state: it then has a number of its own in write_seq. */
static __always_inline bool state_fin(int state)
{
        return state == TCP_FIN_WAIT1 || state == TCP_FIN_WAIT2 || state == TCP_CLOSING || state == TCP_LAST_ACK ||
               state == TCP_TIME_WAIT;
}

/* Whether a socket in this state is, or was, a connection that opened. */
static __always_inline bool state_open(int state)
{
        return state == TCP_ESTABLISHED || state == TCP_CLOSE_WAIT || state_fin(state);
}

/* A connection that is found open although no program saw it open. Counts the opening, once; true if it was this call. */
static __always_inline bool opened_late(struct conn *conn, __u64 sock, __u64 since, __u32 index, struct event_counts *slot,
                                        __u8 sweep)
{
        bool same;

        if (have_lock)
                bpf_spin_lock(&conn->lock);
        same = (conn->phase == CONN_ATTEMPT || conn->phase == CONN_CHILD) && conn->sock == sock && conn->since == since;
        if (same) {
                if (conn->edge == INDEX_NONE)
                        __sync_fetch_and_add(&slot->attempted, 1);
                __sync_fetch_and_add(&slot->opened, 1);
                slot->last_ns = since;
                conn->edge = index;
                conn->sent = conn->role == EVENT_ROLE_CLIENT; /* the SYN is no payload */
                conn->received = 0;
                conn->retransmits = conn->quiet = 0;
                conn->born_sweep = sweep;
                conn->phase = CONN_OPEN;
        }
        if (have_lock)
                bpf_spin_unlock(&conn->lock);
        return same;
}

struct flow {
        __u64 sent, received;
        __u32 unread, retransmits, rtt_us;
};

/* Bytes of payload written and arrived. The SYN of the end that sent one is counted in `sent`. */
static __always_inline void flow_read(struct sock *sk, struct tcp_sock *tp, int state, struct flow *flow)
{
        bool done = sk->__sk_common.skc_flags & (1UL << SOCK_DONE); /* the peer's FIN has arrived */
        __u32 unread = tp->rcv_nxt - tp->copied_seq;

        flow->sent = tp->bytes_acked + (__u32)(tp->write_seq - tp->snd_una) - state_fin(state);
        flow->received = tp->bytes_received - done;
        flow->unread = unread && done ? unread - 1 : unread;
        if (state_fin(state)) /* after a half-close the process may still read; after a close there is nothing */
                flow->unread = 0;
        flow->retransmits = tp->total_retrans;
        flow->rtt_us = tp->srtt_us >> 3;
}

/* The key of both ends, before our FIN is sent. */
static __always_inline __u64 key_of(struct tcp_sock *tp, __u8 role, bool simultaneous)
{
        __u32 ours = tp->snd_una - (__u32)tp->bytes_acked, theirs = tp->rcv_nxt - (__u32)tp->bytes_received;

        if (role == EVENT_ROLE_UNKNOWN)
                return (__u64)ours << 32 | theirs;
        if (role == EVENT_ROLE_CLIENT)
                ours += 1;
        if (role == EVENT_ROLE_SERVER || (simultaneous && theirs < ours))
                return (__u64)theirs << 32 | ours;
        return (__u64)ours << 32 | theirs;
}

/* Whether a key is among those that are reported. */
static __always_inline bool key_chosen(__u64 key, __u8 role, __u32 threshold)
{
        return role == EVENT_ROLE_UNKNOWN || (__u32)((key * 0x9e3779b97f4a7c15ULL) >> 32) <= threshold;
}

static __always_inline void key_report(__u64 key, __u8 role, __u32 index, __u64 generation, __u32 threshold)
{
        struct event_key *event;

        if (!key_chosen(key, role, threshold))
                return;
        event = bpf_ringbuf_reserve(&ring, sizeof(*event), 0);
        if (!event) {
                loss(EVENT_LOSS_KEYS);
                return;
        }
        event_head(&event->header, EVENT_KEY, sizeof(*event));
        event->key = key;
        event->generation = generation;
        event->index = index;
        event->role = role;
        event->pad[0] = event->pad[1] = event->pad[2] = 0;
        bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
}
