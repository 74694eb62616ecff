/* Turnarounds: from the last piece of a request to the first piece of its reply, at both ends. A raised
 * tier: nothing here is attached but while it is on, and then it is on the path of every message, so
 * that it reads no clock. The socket's own `tcp_mstamp` says when a segment was last sent or arrived,
 * which also leaves the scheduling of the reader out.
 *
 * A client asks when it sends and has its answer when it receives; a server was asked when it received
 * and answers when it sends. What is left open when the tier goes off belongs to a former round and is
 * never measured. */
#pragma once

#include "bpf/socket.h"

#include <bpf/bpf_tracing.h>

volatile __u16 this_round = 0; /* one more each time the tier is switched on */

static __always_inline void message(struct sock *sk, struct tcp_sock *tp, __u8 asking)
{
        __u64 key = (unsigned long)sk;
        struct event_counts *slot;
        struct conn *conn;
        __u32 now, bucket;

        conn = bpf_map_lookup_elem(&socks, &key);
        if (!conn || conn->phase != CONN_OPEN || conn->role == EVENT_ROLE_UNKNOWN)
                return;
        if (conn->role == asking) {
                conn->ask_us = (__u32)tp->tcp_mstamp | 1; /* 0 is none */
                conn->ask_round = this_round;
                return;
        }
        if (!conn->ask_us)
                return;
        now = ((__u32)tp->tcp_mstamp | 1) - conn->ask_us;
        conn->ask_us = 0;
        slot = conn->ask_round == this_round && (__s32)now >= 0 ? counts_of(conn->edge) : NULL;
        if (!slot)
                return;
        bucket = histogram_bucket(now);
        if (bucket < EVENT_HISTOGRAM_BUCKETS)
                ADD(slot->turnaround[bucket], 1);
}
