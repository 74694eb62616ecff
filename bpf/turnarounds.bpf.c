/* Turnarounds by sock_send_length and sock_recv_length, which are there since 6.3; and since these see datagrams
 * too, the bytes of UDP. */
#include "bpf/turnarounds.h"
#include "bpf/datagrams.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

enum { MSG_PEEK = 2, MSG_ERRQUEUE = 0x2000 };

/* A look at a socket as what it is: costs nothing, since 6.2. */
extern void *bpf_rdonly_cast(const void *object, __u32 type) __ksym;

/* The flow of a connected socket of which a datagram has passed: found, or begun. */
static __noinline struct event_counts *connected_flow(struct sock *sk)
{
        struct inet_sock *inet = bpf_rdonly_cast(sk, bpf_core_type_id_kernel(struct inet_sock));
        struct datagram_ends ends = {};
        struct datagram_flow *flow;

        if (sk->__sk_common.skc_family == AF_INET6) {
                address_v6(ends.key.peer, &sk->__sk_common.skc_v6_daddr);
                address_v6(ends.local, &sk->__sk_common.skc_v6_rcv_saddr);
        } else {
                address_v4(ends.key.peer, sk->__sk_common.skc_daddr);
                address_v4(ends.local, sk->__sk_common.skc_rcv_saddr);
        }
        ends.key.port = bpf_ntohs(sk->__sk_common.skc_dport);
        ends.key.cookie = sk->__sk_common.skc_cookie.counter;
        if (!ends.key.cookie)
                ends.key.cookie = (unsigned long)sk; /* as the sweep does */
        flow = bpf_map_lookup_elem(&flows, &ends.key);
        if (flow) {
                flow->last_ns = bpf_ktime_get_ns();
                datagram_flow_count(flow);
                return counts_of(flow->edge);
        }
        ends.key.cookie = bpf_get_socket_cookie(sk);
        ends.local_port = bpf_ntohs(inet->inet_sport);
        ends.netns = sk->__sk_common.skc_net.net->ns.inum;
        ends.role = EVENT_ROLE_CLIENT;
        ends.connected = ends.sure = 1;
        flow_begin(&ends);
        return counts_of(ends.edge);
}

static __noinline int datagram_passed(struct sock *sk, int length, bool sent, bool counts)
{
        struct event_control *control = control_get();
        bool connected = sk->__sk_common.skc_dport;
        struct event_counts *slot;

        if (!control)
                return 0;
        slot = passing_take(sk->__sk_common.skc_cookie.counter, sent, connected);
        if (length < 0 || !counts)
                return 0;
        if (!slot && connected)
                slot = connected_flow(sk);
        if (!slot || !control->datagram_bytes)
                return 0;
        if (sent) {
                ADD(slot->sent, length);
                ADD(slot->datagrams_sent, 1);
        } else {
                ADD(slot->received, length);
                ADD(slot->datagrams_received, 1);
        }
        return 0;
}

SEC("tp_btf/sock_send_length")
int BPF_PROG(message_sent, struct sock *sk, int length)
{
        if (sk->sk_protocol == IPPROTO_UDP)
                return datagram_passed(sk, length, true, true);
        if (length > 0)
                message(sk, bpf_rdonly_cast(sk, bpf_core_type_id_kernel(struct tcp_sock)), EVENT_ROLE_CLIENT);
        return 0;
}

SEC("tp_btf/sock_recv_length")
int BPF_PROG(message_received, struct sock *sk, int length, int flags)
{
        if (sk->sk_protocol == IPPROTO_UDP)
                return datagram_passed(sk, length, false, !(flags & (MSG_PEEK | MSG_ERRQUEUE)));
        if (length > 0 && !(flags & MSG_PEEK))
                message(sk, bpf_rdonly_cast(sk, bpf_core_type_id_kernel(struct tcp_sock)), EVENT_ROLE_SERVER);
        return 0;
}
