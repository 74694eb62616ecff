/* A TCP socket as the sweep sees it: read without its lock, until the numbers stand still. */
#pragma once

#include "bpf/socket.h"

/* A TCP socket as read without its lock. */
struct view {
        struct ends ends;
        __u64 bytes_sent, bytes_retrans, bytes_acked, bytes_received;
        __u32 write_seq, snd_nxt, snd_una, snd_wl1, rcv_nxt, srtt_us, total_retrans;
        __u32 segments; /* with data, both ways */
        __u8 state;
        bool done;
        __u64 sock, since; /* which life of which socket this is */
};

/* The one that the sweep is at. Not on the stack, of which all frames together have 512 bytes. */
struct {
        __uint(type, BPF_MAP_TYPE_ARRAY);
        __type(key, __u32);
        __type(value, struct view);
        __uint(max_entries, 1);
} view_now SEC(".maps");

static __noinline int view_ends(struct sock *sk, struct ends *ends)
{
        struct in6_addr address;

        if (!ends)
                return 0;
        if (BPF_CORE_READ(sk, __sk_common.skc_family) == AF_INET6) {
                BPF_CORE_READ_INTO(&address, sk, __sk_common.skc_v6_rcv_saddr);
                address_v6(ends->local, &address);
                BPF_CORE_READ_INTO(&address, sk, __sk_common.skc_v6_daddr);
                address_v6(ends->remote, &address);
        } else {
                address_v4(ends->local, BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr));
                address_v4(ends->remote, BPF_CORE_READ(sk, __sk_common.skc_daddr));
        }
        ends->local_port = BPF_CORE_READ(sk, __sk_common.skc_num);
        ends->remote_port = bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));
        ends->netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
        return 0;
}

/* False if the numbers would not stand still. */
static __noinline bool view_numbers(struct tcp_sock *tp, struct view *v)
{
        struct sock *sk = (void *)tp;

        if (!v)
                return false;
        v->srtt_us = BPF_CORE_READ(tp, srtt_us);
        v->total_retrans = BPF_CORE_READ(tp, total_retrans);
        for (int i = 0; i < 3; i++) {
                v->bytes_acked = BPF_CORE_READ(tp, bytes_acked);
                v->snd_una = BPF_CORE_READ(tp, snd_una);
                v->snd_wl1 = BPF_CORE_READ(tp, snd_wl1);
                v->segments = BPF_CORE_READ(tp, data_segs_in) + BPF_CORE_READ(tp, data_segs_out);
                v->bytes_received = BPF_CORE_READ(tp, bytes_received);
                v->rcv_nxt = BPF_CORE_READ(tp, rcv_nxt);
                v->write_seq = BPF_CORE_READ(tp, write_seq);
                v->snd_nxt = BPF_CORE_READ(tp, snd_nxt);
                v->bytes_sent = BPF_CORE_READ(tp, bytes_sent);
                v->bytes_retrans = BPF_CORE_READ(tp, bytes_retrans);
                v->state = BPF_CORE_READ(sk, __sk_common.skc_state);
                v->done = BPF_CORE_READ(sk, __sk_common.skc_flags) & (1UL << SOCK_DONE);
                if (v->bytes_acked == BPF_CORE_READ(tp, bytes_acked) && v->snd_una == BPF_CORE_READ(tp, snd_una) &&
                    v->bytes_received == BPF_CORE_READ(tp, bytes_received) && v->rcv_nxt == BPF_CORE_READ(tp, rcv_nxt) &&
                    v->write_seq == BPF_CORE_READ(tp, write_seq) && v->snd_nxt == BPF_CORE_READ(tp, snd_nxt) &&
                    v->bytes_sent == BPF_CORE_READ(tp, bytes_sent) && v->state == BPF_CORE_READ(sk, __sk_common.skc_state))
                        return true;
        }
        return false;
}
