/* UDP: who sends to whom, as flows. A flow is (socket, far end); the end that spoke first is the
 * client, and what comes back belongs to the same flow: there is no mirrored pair. A server's flow
 * leaves the far port out, which is ephemeral.
 *
 * An unconnected socket says its far end in each send and receive, where cgroup hooks see it. Of a
 * connected one they see replies that are read with their address, as resolvers do; the sweep meets
 * the others, if they live for an interval. There is no hook on connect(): it would be in the way of
 * TCP, and proves nothing, for resolvers connect sockets to sort addresses and send nothing.
 *
 * Flows end when nothing was heard of them for a while; the agent's sweep counts that.
 *
 * Lengths are told to none of these hooks, but to the messages tier (turnarounds.bpf.c), which follows in the
 * same call. Bytes are therefore counted only while that tier is on without a break, for what was left out
 * would be missing from the sum; and they are those that the process wrote and read, however the kernel cut
 * them into packets. The tier also meets connected sockets that speak without an address. Not known is who
 * was heard where a server reads without asking for the address. */
#include "bpf/datagrams.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

enum { EPHEMERAL = 32768 };
#define SETTLING_NS 10000000000ULL

static __always_inline void address_words(__u8 to[16], __u32 a, __u32 b, __u32 c, __u32 d)
{
        __u32 *words = (void *)to;

        words[0] = a;
        words[1] = b;
        words[2] = c;
        words[3] = d;
}

static __always_inline void ends_of(struct bpf_sock_addr *ctx, bool v6, struct datagram_ends *ends)
{
        struct task_struct *task = (void *)bpf_get_current_task();
        volatile struct bpf_sock *sk = ctx->sk; /* the verifier wants each field read by itself */
        __u32 v4, a, b, c, d;

        ends->key.cookie = bpf_get_socket_cookie(ctx);
        ends->key.port = bpf_ntohs(ctx->user_port);
        if (v6)
                address_words(ends->key.peer, ctx->user_ip6[0], ctx->user_ip6[1], ctx->user_ip6[2], ctx->user_ip6[3]);
        else
                address_v4(ends->key.peer, ctx->user_ip4);
        if (!sk)
                return;
        v4 = sk->src_ip4;
        a = sk->src_ip6_0;
        b = sk->src_ip6_1;
        c = sk->src_ip6_2;
        d = sk->src_ip6_3;
        if (sk->family == AF_INET6)
                address_words(ends->local, a, b, c, d);
        else
                address_v4(ends->local, v4);
        ends->local_port = sk->src_port;
        ends->connected = sk->dst_port != 0; /* its low byte may be */
        ends->netns = BPF_CORE_READ(task, nsproxy, net_ns, ns.inum);
}

/* Who spoke first, where that was before we listened: then the ephemeral port is the client's. */
static __always_inline __u8 first_role(const struct datagram_ends *ends, __u8 by_order)
{
        struct event_control *control = control_get();
        bool ours = ends->local_port >= EPHEMERAL, theirs = ends->key.port >= EPHEMERAL;

        if (ends->connected)
                return EVENT_ROLE_CLIENT;
        if (control && bpf_ktime_get_ns() - control->since_ns < SETTLING_NS && ours != theirs)
                return ours ? EVENT_ROLE_CLIENT : EVENT_ROLE_SERVER;
        return by_order;
}

static __always_inline int datagram(struct bpf_sock_addr *ctx, bool v6, __u8 role)
{
        struct event_control *control = control_get();
        struct datagram_ends ends = {};
        struct datagram_flow *flow;

        if (ctx->protocol != IPPROTO_UDP)
                return 1;
        ends_of(ctx, v6, &ends);
        if (!ends.key.port)
                return 1;
        flow = flow_find(&ends);
        if (!flow) {
                ends.sure = 1;
                ends.role = first_role(&ends, role);
                if (ends.role == EVENT_ROLE_SERVER && ends.local_port < EPHEMERAL)
                        ends.listen_port = ends.local_port;
                flow_begin(&ends);
        } else {
                flow->last_ns = bpf_ktime_get_ns();
                if (!flow->counted)
                        datagram_flow_count(flow);
                ends.edge = flow->edge;
                ends.role = flow->role;
        }
        if (control && control->datagram_bytes)
                passing_note(&ends, role == EVENT_ROLE_CLIENT, ends.role);
        return 1;
}

SEC("cgroup/sendmsg4")
int udp_send4(struct bpf_sock_addr *ctx)
{
        return datagram(ctx, false, EVENT_ROLE_CLIENT);
}

SEC("cgroup/sendmsg6")
int udp_send6(struct bpf_sock_addr *ctx)
{
        return datagram(ctx, true, EVENT_ROLE_CLIENT);
}

SEC("cgroup/recvmsg4")
int udp_receive4(struct bpf_sock_addr *ctx)
{
        return datagram(ctx, false, EVENT_ROLE_SERVER);
}

SEC("cgroup/recvmsg6")
int udp_receive6(struct bpf_sock_addr *ctx)
{
        return datagram(ctx, true, EVENT_ROLE_SERVER);
}
