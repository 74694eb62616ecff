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
#include "bpf/conn_begin.h"
#include "bpf/conn_end.h"
#include "bpf/listener.h"

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
