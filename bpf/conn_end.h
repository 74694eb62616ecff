/* How a connection opens and how it ends: what its edge counts of it. */
#pragma once

#include "bpf/conn_begin.h"
#include "bpf/key_queue.h"

/* Finds the edge where that was not possible at the beginning. */
static __always_inline bool conn_resolve(struct sock *sk, struct conn *conn)
{
        struct event_owner owner = conn->owner;
        struct event_counts *slot;
        __u32 index = conn_edge(sk, &owner, conn->role, conn->tgid);

        conn->sent = conn->received = 0;
        conn->retransmits = conn->quiet = 0;
        slot = index == INDEX_NONE ? NULL : counts_of(index);
        if (!slot) {
                conn_delete(sk, conn);
                return false;
        }
        conn->edge = index;
        ADD(slot->attempted, 1);
        return true;
}

/* SYN_SENT or SYN_RECV -> anything but CLOSE. */
static __noinline int conn_open(struct sock *sk, struct event_control *control)
{
        struct conn *conn = conn_get(sk);
        struct event_counts *slot;
        struct tcp_sock *tp;

        if (!conn || (conn->phase != CONN_ATTEMPT && conn->phase != CONN_CHILD))
                return 0;
        if (conn->edge == INDEX_NONE && !conn_resolve(sk, conn))
                return 0;
        slot = counts_of(conn->edge);
        tp = bpf_skc_to_tcp_sock(sk);
        if (!slot || !tp)
                return 0;
        conn->sent = conn->role == EVENT_ROLE_CLIENT; /* the SYN is no payload */
        conn->born_sweep = control->sweep;
        conn->phase = CONN_OPEN;
        ADD(slot->opened, 1);
        slot->last_ns = conn->since;
        key_enqueue(key_of(tp, conn->role, conn->flags & CONN_SIMULTANEOUS), conn->role, conn->edge, slot->generation,
                    control->key_threshold);
        return 0;
}

/* SYN_SENT or SYN_RECV -> open was not seen: the connection is counted now, at its end, as if it had been. */
static __noinline int conn_open_late(struct sock *sk, int old, struct event_control *control)
{
        struct conn *conn = conn_get(sk);
        struct event_counts *slot;
        struct event_owner owner;
        struct tcp_sock *tp;
        __u32 index;
        __u64 since;

        if (!conn || !control)
                return 0;
        since = conn->since;
        index = conn->edge;
        if (index == INDEX_NONE) {
                owner = conn->owner;
                index = conn_edge(sk, &owner, conn->role, conn->tgid);
        }
        slot = index == INDEX_NONE ? NULL : counts_of(index);
        tp = bpf_skc_to_tcp_sock(sk);
        if (!slot || !tp) {
                conn_delete(sk, conn);
                return 0;
        }
        if (opened_late(conn, (unsigned long)sk, since, index, slot, control->sweep) && !state_fin(old))
                key_report(key_of(tp, conn->role, conn->flags & CONN_SIMULTANEOUS), conn->role, index, slot->generation,
                           control->key_threshold);
        return 0;
}

static __always_inline void count_failure(struct event_counts *slot, int err, __u32 segs_out)
{
        switch (err) {
        case 111: /* ECONNREFUSED */
        case 104: /* ECONNRESET, in a simultaneous open */
                ADD(slot->refused, 1);
                break;
        case 110: /* ETIMEDOUT */
                ADD(slot->timed_out, 1);
                break;
        case 113: /* EHOSTUNREACH */
        case 101: /* ENETUNREACH */
        case 112: /* EHOSTDOWN */
        case 92:  /* ENOPROTOOPT */
        case 64:  /* ENONET */
                ADD(slot->unreachable, 1);
                break;
        default:
                if (segs_out)
                        ADD(slot->aborted, 1);
                else
                        ADD(slot->no_port, 1);
        }
}

/* Why an attempt failed. Kernels before tcp_done_with_error wake the process a moment before the state
 * changes, and it may have read the error by then. Its own end of an attempt holds the socket, which a
 * timer or an ICMP message does not; and only the timer has taken itself off. */
static __always_inline int attempt_error(const struct sock *sk, const struct tcp_sock *tp)
{
        int err = sk->sk_err;

        if (!err && tp->segs_out && !sk->sk_lock.owned)
                err = tp->inet_conn.icsk_pending ? 113 : 110;
        return err;
}

static __always_inline void count_end(struct event_counts *slot, int err, int old)
{
        ADD(slot->closed, 1);
        if (err == 104 || err == 32) /* ECONNRESET, EPIPE */
                ADD(slot->reset_by_peer, 1);
        else if (err == 110 || err == 113 || err == 101) /* a time-out tells the last ICMP error instead */
                ADD(slot->timed_out_open, 1);
        else if (old == TCP_ESTABLISHED || old == TCP_CLOSE_WAIT)
                ADD(slot->reset_by_self, 1);
}

/* Anything -> CLOSE. Returns 1, with nothing done, if the connection was open and nobody has counted that yet. */
static __noinline int conn_close(struct sock *sk, int old, struct event_control *control)
{
        struct conn *conn = conn_get(sk);
        struct event_counts *slot;
        __u64 sent, received;
        __u32 retransmits, edge;
        struct tcp_sock *tp;
        struct flow flow;
        __u8 phase;

        if (!conn || conn->phase == CONN_DEAD)
                return 0;
        if ((conn->phase == CONN_ATTEMPT || conn->phase == CONN_CHILD) && state_open(old))
                return 1;
        tp = bpf_skc_to_tcp_sock(sk);
        if (!tp)
                return 0;
        if (conn->phase == CONN_ATTEMPT && conn->edge == INDEX_NONE && !conn_resolve(sk, conn))
                return 0;
        flow_read(sk, tp, old, &flow);
        if (have_lock)
                bpf_spin_lock(&conn->lock);
        phase = conn->phase;
        edge = conn->edge;
        sent = conn->sent;
        received = conn->received;
        retransmits = conn->retransmits;
        conn->phase = CONN_DEAD;
        conn->sock = 0;
        if (have_lock)
                bpf_spin_unlock(&conn->lock);
        conn_retire((unsigned long)sk, control);
        slot = phase == CONN_ATTEMPT || phase == CONN_OPEN ? counts_of(edge) : NULL;
        if (!slot)
                return 0;
        if (flow.retransmits != retransmits)
                ADD(slot->retransmits, flow.retransmits - retransmits);
        if (phase == CONN_ATTEMPT) {
                slot->last_ns = bpf_ktime_get_ns();
                count_failure(slot, attempt_error(sk, tp), tp->segs_out);
                return 0;
        }
        slot->last_ns = tp->tcp_mstamp * 1000; /* the segment or timer that ended it: cheaper than the clock */
        count_end(slot, sk->sk_err, old);
        if (flow.sent != sent)
                ADD(slot->sent, flow.sent - sent);
        if (flow.received != received)
                ADD(slot->received, flow.received - received);
        if (flow.unread)
                ADD(slot->unread, flow.unread);
        if (flow.rtt_us) {
                __u32 bucket = histogram_bucket(flow.rtt_us);

                if (bucket < EVENT_HISTOGRAM_BUCKETS)
                        ADD(slot->rtt[bucket], 1);
        }
        return 0;
}

static __always_inline int closed(struct sock *sk, int old, struct event_control *control)
{
        if (conn_close(sk, old, control)) {
                conn_open_late(sk, old, control);
                conn_close(sk, old, control);
        }
        return 0;
}
