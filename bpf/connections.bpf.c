/* Connections, by their changes of state and nothing else: one hook, `inet_sock_set_state`.
 *
 * A client begins at CLOSE -> SYN_SENT, in the context of its process. A server's end begins at
 * LISTEN -> SYN_RECV, as a clone that still has its listener's links in the bind table; its owner is
 * the listener's. Both are counted when they open, and end at the transition to CLOSE, where sk_err
 * still says why and the sequence numbers still say how much.
 *
 * The kernel drops nested runs of a tracing program (since 6.1), and timers and packets do come in the
 * middle of one. What `first` was not run for is therefore found by others, and everything they do is
 * decided by the state of the connection's entry, so that doing it twice changes nothing. A nested
 * event suspends at most one program, and the others see it. `first` leaves behind, per CPU, which
 * event it has done, so that they return at once when there is nothing to do, which is nearly always.
 *
 *   a server's begin   child_made, where the kernel sets up the child's congestion control
 *   an opening         counted at the end or by the sweep: the socket's state tells
 *   an end             error_reported at once, or sock_destroyed, where the sequence numbers still stand
 *
 * Each is called once or twice a connection. Where one of those hooks is missing, or comes too early
 * to tell (before 6.11), a twin of `first` hears all events a second time: that costs ten calls a
 * connection, and all of them dearer, since a tracepoint with two programs calls both indirectly. */
#include "bpf/socket.h"

#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* The event that `first` has finished last on this CPU. */
struct done {
        __u64 sock;
        __s64 state;
};
struct {
        __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
        __type(key, __u32);
        __type(value, struct done);
        __uint(max_entries, 1);
} done SEC(".maps");

struct {
        __uint(type, BPF_MAP_TYPE_ARRAY);
        __uint(map_flags, BPF_F_MMAPABLE);
        __type(key, __u32);
        __type(value, struct event_key_queue);
        __uint(max_entries, 1); /* a CPU each */
} key_queues SEC(".maps");
struct {
        __uint(type, BPF_MAP_TYPE_ARRAY);
        __uint(map_flags, BPF_F_MMAPABLE);
        __type(key, __u32);
        __type(value, struct event_key_slot);
        __uint(max_entries, 1);
} key_slots SEC(".maps");
const volatile __u32 key_room = 0; /* slots of a queue, a power of two; 0: all keys go to the ring */

/* Reports a key by this CPU's queue, of which `first` is the only writer: it is not run within itself. */
static __always_inline void key_enqueue(__u64 key, __u8 role, __u32 index, __u64 generation, __u32 threshold)
{
        __u32 cpu = bpf_get_smp_processor_id(), head, at;
        struct event_key_queue *queue;
        struct event_key_slot *slot;

        if (!key_chosen(key, role, threshold))
                return;
        queue = key_room ? bpf_map_lookup_elem(&key_queues, &cpu) : NULL;
        head = queue ? queue->head : 0;
        if (!queue || head - *(volatile __u32 *)&queue->tail >= key_room)
                goto ring;
        at = cpu * key_room + (head & (key_room - 1));
        slot = bpf_map_lookup_elem(&key_slots, &at);
        if (!slot)
                goto ring;
        slot->key = key;
        slot->generation = generation;
        slot->index = index;
        slot->role = role;
        barrier();
        *(volatile __u32 *)&queue->head = head + 1;
        return;
ring:
        key_report(key, role, index, generation, threshold);
}

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

/* CLOSE -> SYN_SENT, in process context. */
static __noinline int client_begin(struct sock *sk, struct event_control *control)
{
        struct event_process process;
        struct conn conn = {};

        if (!control || !process_current(&process))
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

static __always_inline void bind_of(struct sock *sk, struct event_listener *listener, struct bind *bind)
{
        __builtin_memcpy(bind->address, listener->address, sizeof(bind->address));
        bind->netns = listener->netns;
        bind->port = listener->port;
}

static __noinline void listen_report(void)
{
        struct event_header *event = bpf_ringbuf_reserve(&ring, sizeof(*event), 0);

        if (!event) {
                loss(EVENT_LOSS_EVENTS);
                return;
        }
        event_head(event, EVENT_LISTEN, sizeof(*event));
        bpf_ringbuf_submit(event, BPF_RB_FORCE_WAKEUP);
}

/* CLOSE -> LISTEN, in process context. The process's owner has the port from now on. */
static __noinline int listener_begin(struct sock *sk)
{
        struct event_listener listener = {};
        struct event_process process;
        struct bind bind = {};
        __u64 key = (unsigned long)sk;
        bool keeps = task_keeps((void *)bpf_get_current_task());

        if (!process_capture((void *)bpf_get_current_task(), &process, keeps ? 0 : sk->__sk_common.skc_num))
                return 0;
        listener.flags = keeps ? EVENT_LISTENER_KEPT : 0;
        listener.owner = process.owner;
        listener.tgid = process.tgid;
        listener.since_ns = bpf_ktime_get_ns();
        listener.port = sk->__sk_common.skc_num;
        listener.netns = sk->__sk_common.skc_net.net->ns.inum;
        listener.transport = EVENT_TRANSPORT_TCP;
        listener.backlog_max = sk->sk_max_ack_backlog;
        if (sk->__sk_common.skc_family == AF_INET6) {
                address_v6(listener.address, &sk->__sk_common.skc_v6_rcv_saddr);
                if (BPF_CORE_READ_BITFIELD(sk, __sk_common.skc_ipv6only))
                        listener.flags |= EVENT_LISTENER_V6ONLY;
        } else {
                address_v4(listener.address, sk->__sk_common.skc_rcv_saddr);
        }
        if (bpf_map_update_elem(&listeners, &key, &listener, BPF_ANY)) {
                loss(EVENT_LOSS_LISTENERS_FULL);
                return 0;
        }
        bind_of(sk, &listener, &bind);
        bpf_map_update_elem(&binds, &bind, &key, BPF_ANY);
        listen_report();
        return 0;
}

/* LISTEN -> CLOSE. */
static __noinline int listener_end(struct sock *sk)
{
        __u64 key = (unsigned long)sk, *at;
        struct event_listener *listener = bpf_map_lookup_elem(&listeners, &key);
        struct bind bind = {};

        if (!listener)
                return 0;
        bind_of(sk, listener, &bind);
        at = bpf_map_lookup_elem(&binds, &bind);
        if (at && *at == key)
                bpf_map_delete_elem(&binds, &bind);
        bpf_map_delete_elem(&listeners, &key);
        listen_report();
        return 0;
}

static __always_inline int state_changed(struct sock *sk, int old, int new)
{
        struct event_control *control = control_get();
        struct conn *conn;

        if (sk->sk_protocol != IPPROTO_TCP || !control) /* an MPTCP socket is not a tcp_sock; its subflows are */
                return 0;
        if (new == TCP_LISTEN)
                return listener_begin(sk);
        if (old == TCP_LISTEN && new == TCP_CLOSE)
                return listener_end(sk);
        if (!control->counting)
                return 0;
        if (new == TCP_SYN_SENT)
                return client_begin(sk, control);
        if (new == TCP_SYN_RECV) {
                if (old == TCP_LISTEN)
                        return server_begin(sk, control);
                conn = conn_get(sk);
                if (conn)
                        conn->flags |= CONN_SIMULTANEOUS;
                return 0;
        }
        if (new == TCP_CLOSE)
                return closed(sk, old, control);
        return conn_open(sk, control);
}

/* Changes that tell nothing: those between the first FIN and CLOSE, and CLOSE of what was never open. */
static __always_inline bool tells_something(int old, int new)
{
        return old != new && (new == TCP_CLOSE || new == TCP_LISTEN || old == TCP_CLOSE || old == TCP_LISTEN ||
                              old == TCP_SYN_SENT || old == TCP_SYN_RECV);
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(state_first, struct sock *sk, int old, int new)
{
        __u32 zero = 0;
        struct done *last;

        if (!tells_something(old, new))
                return 0;
        last = bpf_map_lookup_elem(&done, &zero);
        if (!last)
                return 0;
        last->sock = 0;
        state_changed(sk, old, new);
        last->state = new;
        last->sock = (unsigned long)sk;
        return 0;
}

static __always_inline void took_over(struct event_control *control)
{
        __sync_fetch_and_add(&control->taken_over, 1);
}

/* Whether `first` did this event of this socket just now, on this CPU. */
static __always_inline bool done_just_now(const struct sock *sk, int new)
{
        __u32 zero = 0;
        struct done *last = bpf_map_lookup_elem(&done, &zero);

        if (!last || last->sock != (unsigned long)sk || last->state != new)
                return false;
        last->sock = 0; /* the socket's next life must not be taken for this one */
        return true;
}

/* A child of a listener, a moment after LISTEN -> SYN_RECV; other changes of a congestion state are none. */
SEC("tp_btf/tcp_cong_state_set")
int BPF_PROG(child_made, struct sock *sk)
{
        struct event_control *control;
        struct conn *conn;

        if (sk->__sk_common.skc_state != TCP_SYN_RECV || done_just_now(sk, TCP_SYN_RECV))
                return 0;
        conn = conn_get(sk);
        control = control_get();
        if (!control || !control->counting || sk->sk_protocol != IPPROTO_TCP || (conn && conn->phase == CONN_CHILD))
                return 0;
        took_over(control);
        return server_begin(sk, control);
}

/* The state before CLOSE, as far as it matters, from the numbers that a client's SYN and our FIN have. */
static __always_inline int state_before_close(struct sock *sk, struct tcp_sock *tp, const struct conn *conn)
{
        __u64 numbered = tp->bytes_acked + (__u32)(tp->snd_nxt - tp->snd_una), payload = tp->bytes_sent - tp->bytes_retrans;
        bool client = conn->role == EVENT_ROLE_CLIENT;

        if (conn->phase == CONN_ATTEMPT && !tp->bytes_acked)
                return TCP_SYN_SENT;
        return tp->snd_nxt == tp->write_seq && numbered == payload + client + 1 ? TCP_FIN_WAIT1 : TCP_ESTABLISHED;
}

/* A socket that is closed, by an error or for good, and whose CLOSE was not seen. The error may have been
 * read by the process since: without one, only both FINs tell that the end was an orderly one. */
static __noinline int end_late(struct sock *sk, struct event_control *control)
{
        struct conn *conn = conn_get(sk);
        struct tcp_sock *tp;
        int old;

        if (!conn || conn->phase == CONN_DEAD || !control || !control->counting)
                return 0;
        tp = bpf_skc_to_tcp_sock(sk);
        if (!tp)
                return 0;
        if (conn->phase == CONN_ATTEMPT || conn->phase == CONN_OPEN)
                took_over(control);
        else
                return conn_forget(sk);
        old = state_before_close(sk, tp, conn);
        if (!sk->sk_err &&
            !(old == TCP_FIN_WAIT1 && tp->snd_una == tp->write_seq && sk->__sk_common.skc_flags & (1UL << SOCK_DONE)))
                return conn_forget(sk);
        return closed(sk, old, control);
}

SEC("tp_btf/inet_sk_error_report")
int BPF_PROG(error_reported, struct sock *sk)
{
        if (sk->__sk_common.skc_state != TCP_CLOSE || sk->sk_protocol != IPPROTO_TCP || !sk->sk_err || done_just_now(sk, TCP_CLOSE))
                return 0;
        return end_late(sk, control_get());
}

SEC("tp_btf/tcp_destroy_sock")
int BPF_PROG(sock_destroyed, struct sock *sk)
{
        if (sk->sk_protocol != IPPROTO_TCP || done_just_now(sk, TCP_CLOSE))
                return 0;
        return end_late(sk, control_get());
}

/* Sees whether the entry shows that the event was done. */
static __always_inline bool was_done(struct sock *sk, int old, int new)
{
        __u64 key = (unsigned long)sk;
        struct conn *conn;

        if (new == TCP_LISTEN)
                return bpf_map_lookup_elem(&listeners, &key);
        if (old == TCP_LISTEN && new == TCP_CLOSE)
                return !bpf_map_lookup_elem(&listeners, &key);
        conn = bpf_map_lookup_elem(&socks, &key);
        if (new == TCP_CLOSE)
                return !conn || conn->phase == CONN_DEAD;
        if (new == TCP_SYN_SENT)
                return conn && conn->phase == CONN_ATTEMPT;
        if (new == TCP_SYN_RECV)
                return conn && (conn->phase == CONN_CHILD || conn->flags & CONN_SIMULTANEOUS);
        return !conn || conn->phase == CONN_OPEN;
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(state_twin, struct sock *sk, int old, int new)
{
        struct event_control *control;

        if (!tells_something(old, new) || done_just_now(sk, new))
                return 0;
        if (was_done(sk, old, new))
                return 0;
        control = control_get();
        if (control)
                took_over(control);
        return state_changed(sk, old, new);
}
