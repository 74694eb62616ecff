/* Turnarounds: from the last piece of a request to the first piece of its reply, at both ends. A raised
 * tier: nothing here is attached but while it is on, and then it is on the path of every message, so
 * that it reads no clock. The socket's own `tcp_mstamp` says when a segment was last sent or arrived,
 * which also leaves the scheduling of the reader out.
 *
 * A client asks when it sends and has its answer when it receives; a server was asked when it received
 * and answers when it sends. What is left open when the tier goes off belongs to a former round and is
 * never measured.
 *
 * sock_send_length and sock_recv_length are there since 6.3. Before, tcp_sendmsg and tcp_cleanup_rbuf
 * stand in where the kernel has fentry. */
#include "bpf/socket.h"

#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

enum { MSG_PEEK = 2 };

struct msghdr;

static __always_inline void message(struct sock *sk, __u8 asking)
{
        __u64 key = (unsigned long)sk;
        struct event_control *control;
        struct event_counts *slot;
        struct tcp_sock *tp;
        struct conn *conn;
        __u32 now, bucket;
        __u16 round;

        conn = bpf_map_lookup_elem(&socks, &key);
        if (!conn || conn->phase != CONN_OPEN || conn->role == EVENT_ROLE_UNKNOWN)
                return;
        control = control_get();
        tp = bpf_skc_to_tcp_sock(sk);
        if (!control || !tp)
                return;
        round = control->round;
        now = (__u32)tp->tcp_mstamp | 1; /* 0 is none */
        if (conn->role == asking) {
                conn->ask_us = now;
                conn->ask_round = round;
                return;
        }
        if (!conn->ask_us)
                return;
        now -= conn->ask_us;
        conn->ask_us = 0;
        slot = conn->ask_round == round && (__s32)now >= 0 ? counts_of(conn->edge) : NULL;
        if (!slot)
                return;
        bucket = histogram_bucket(now);
        if (bucket < EVENT_HISTOGRAM_BUCKETS)
                ADD(slot->turnaround[bucket], 1);
}

SEC("tp_btf/sock_send_length")
int BPF_PROG(message_sent, struct sock *sk, int length)
{
        if (length > 0)
                message(sk, EVENT_ROLE_CLIENT);
        return 0;
}

SEC("tp_btf/sock_recv_length")
int BPF_PROG(message_received, struct sock *sk, int length, int flags)
{
        if (length > 0 && !(flags & MSG_PEEK))
                message(sk, EVENT_ROLE_SERVER);
        return 0;
}

SEC("fexit/tcp_sendmsg")
int BPF_PROG(tcp_sent, struct sock *sk, struct msghdr *msg, unsigned long size, int length)
{
        if (length > 0)
                message(sk, EVENT_ROLE_CLIENT);
        return 0;
}

SEC("fentry/tcp_cleanup_rbuf")
int BPF_PROG(tcp_received, struct sock *sk, int copied)
{
        if (copied > 0)
                message(sk, EVENT_ROLE_SERVER);
        return 0;
}
