/* Limits the new connections of a cgroup to one server to a rate: who comes too early gets EPERM from connect(), all
 * other traffic passes. The deadline is looked at here, so that the limit ends although nobody takes it away.
 *
 * The rate is held by the generic cell rate algorithm (ITU-T I.371): one number, the time of the next one's turn. */
#include "bpf/kernel.h"

#include "bpf/event.h"

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

enum { REFUSE = 0, PASS = 1, STREAM = 1 };

struct turn {
        struct bpf_spin_lock lock;
        __u32 pad;
        __u64 next; /* CLOCK_BOOTTIME */
};

struct {
        __uint(type, BPF_MAP_TYPE_ARRAY);
        __uint(max_entries, 1);
        __type(key, __u32);
        __type(value, struct event_shed);
} shed_limit SEC(".maps");

struct {
        __uint(type, BPF_MAP_TYPE_ARRAY);
        __uint(max_entries, 1);
        __type(key, __u32);
        __type(value, struct turn);
} shed_turn SEC(".maps");

struct {
        __uint(type, BPF_MAP_TYPE_ARRAY);
        __uint(max_entries, 1);
        __type(key, __u32);
        __type(value, struct event_shed_counts);
} shed_counts SEC(".maps");

static __always_inline bool is_meant(const struct event_shed *limit, const __u32 to[4], __u32 port)
{
        bool found = false;

        if (limit->port != port)
                return false;
                /* Without CAP_PERFMON, which the executor has not, no pointer may move past the end: so no loop is left. */
#pragma unroll
        for (__u32 i = 0; i < EVENT_SHED_ADDRESSES; i++) {
                const __u32 *words = (const void *)limit->addresses[i];

                if (i < limit->addresses_count && words[0] == to[0] && words[1] == to[1] && words[2] == to[2] && words[3] == to[3])
                        found = true;
        }
        return found;
}

static __always_inline bool has_turn(const struct event_shed *limit, struct turn *turn, __u64 now)
{
        bool passes = false;
        __u64 next;

        if (!limit->interval_ns)
                return false;
        bpf_spin_lock(&turn->lock);
        next = turn->next < now ? now : turn->next;
        if (next - now <= limit->ahead_ns) {
                turn->next = next + limit->interval_ns;
                passes = true;
        }
        bpf_spin_unlock(&turn->lock);
        return passes;
}

static __always_inline int judge(const __u32 to[4], __u32 port, __u32 type)
{
        __u32 zero = 0;
        const struct event_shed *limit = bpf_map_lookup_elem(&shed_limit, &zero);
        struct turn *turn = bpf_map_lookup_elem(&shed_turn, &zero);
        struct event_shed_counts *counts = bpf_map_lookup_elem(&shed_counts, &zero);
        __u64 now = bpf_ktime_get_boot_ns();

        if (!limit || !turn || !counts || type != STREAM || now >= limit->deadline || !is_meant(limit, to, port))
                return PASS;
        if (has_turn(limit, turn, now)) {
                __sync_fetch_and_add(&counts->passed, 1);
                return PASS;
        }
        __sync_fetch_and_add(&counts->refused, 1);
        return REFUSE;
}

SEC("cgroup/connect4")
int shed_connect4(struct bpf_sock_addr *ctx)
{
        __u32 to[4] = { 0, 0, bpf_htonl(0xffff), ctx->user_ip4 };

        return judge(to, bpf_ntohs(ctx->user_port), ctx->type);
}

SEC("cgroup/connect6")
int shed_connect6(struct bpf_sock_addr *ctx)
{
        __u32 to[4] = { ctx->user_ip6[0], ctx->user_ip6[1], ctx->user_ip6[2], ctx->user_ip6[3] };

        return judge(to, bpf_ntohs(ctx->user_port), ctx->type);
}
