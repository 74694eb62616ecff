/* Connections whose end no program saw: a kernel may leave a program out of an event, and says so at
 * best in a counter that does not tell which event. An entry would then stay open for ever, or be taken
 * for the next socket at that address. So all entries are held against their sockets now and then.
 *
 * The state hook runs before the socket's state changes. A socket that is seen closed was therefore
 * seen off already; if its entry, read after that, still is the same life, nobody saw it off. What
 * became of it is not known: it is a loss, and the answer is incomplete. */
#include "bpf/socket.h"

#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define YOUNG_NS 2000000000ULL

/* A socket's memory stays a socket's, or cannot be read (0): either way it tells whether ours lives. */
static __always_inline bool phase_holds(__u8 phase, __u8 state)
{
        if (state_open(state)) /* if nobody saw it open, the sweep or its end will count that */
                return true;
        return (phase == CONN_ATTEMPT && state == TCP_SYN_SENT) || (phase != CONN_OPEN && state == TCP_SYN_RECV);
}

static __noinline int entry_lost(struct conn *conn, __u64 key, __u64 since, struct event_control *control)
{
        __u32 edge;
        __u8 phase;

        if (!conn || !control)
                return 0;
        bpf_spin_lock(&conn->lock);
        phase = conn->phase;
        edge = conn->edge;
        if (conn->sock != key || conn->since != since)
                phase = CONN_DEAD;
        if (phase == CONN_ATTEMPT || phase == CONN_CHILD || phase == CONN_OPEN) {
                conn->phase = CONN_DEAD;
                conn->sock = 0;
        } else {
                phase = CONN_DEAD;
        }
        bpf_spin_unlock(&conn->lock);
        if (phase == CONN_DEAD)
                return 0;
        end_unseen(phase, edge);
        conn_retire(key, control);
        return 0;
}

SEC("iter/bpf_map_elem")
int reconcile(struct bpf_iter__bpf_map_elem *ctx)
{
        struct event_control *control = control_get();
        __u64 *at = ctx->key, key, since;
        struct conn *conn;
        __u8 state, phase;

        if (!at || !control || !have_lock)
                return 0;
        key = *at;
        conn = bpf_map_lookup_elem(&socks, &key);
        if (!conn)
                return 0;
        phase = conn->phase;
        since = conn->since;
        if ((phase != CONN_ATTEMPT && phase != CONN_CHILD && phase != CONN_OPEN) || bpf_ktime_get_ns() - since < YOUNG_NS)
                return 0;
        state = BPF_CORE_READ((struct sock *)key, __sk_common.skc_state);
        if (!phase_holds(phase, state))
                entry_lost(conn, key, since, control);
        return 0;
}
