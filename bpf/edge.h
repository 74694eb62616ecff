/* From a socket to its edge: addresses in one form, the index of an edge, its counters. */
#pragma once

#include "bpf/owner.h"

#include <bpf/bpf_endian.h>

static __always_inline void address_v4(__u8 to[16], __be32 address)
{
        __u32 *words = (void *)to;

        words[0] = 0;
        words[1] = 0;
        words[2] = bpf_htonl(0xffff);
        words[3] = address;
}

static __always_inline void address_v6(__u8 to[16], const struct in6_addr *address)
{
        __u32 *words = (void *)to;

        words[0] = address->in6_u.u6_addr32[0];
        words[1] = address->in6_u.u6_addr32[1];
        words[2] = address->in6_u.u6_addr32[2];
        words[3] = address->in6_u.u6_addr32[3];
}

static __always_inline struct event_counts *counts_of(__u32 index)
{
        return bpf_map_lookup_elem(&counts, &index);
}

static __always_inline __u32 owner_tag(const struct event_owner *owner)
{
        __u64 tag = (owner->cgroup * 0x9e3779b97f4a7c15ULL) ^ (owner->exe_inode * 0xc2b2ae3d27d4eb4fULL) ^
                    (((__u64)owner->exe_device << 16 | owner->listen_port) * 0x165667b19e3779f9ULL);

        return tag >> 32;
}

#define ADD(field, n) __sync_fetch_and_add(&(field), (n))

/* An end that no program saw. What kind it was is not known, and none is counted; but what was open is not any more. */
static __always_inline void end_unseen(__u8 phase, __u32 edge)
{
        struct event_counts *slot;

        if (phase != CONN_OPEN && phase != CONN_ATTEMPT && phase != CONN_CHILD)
                return;
        loss(EVENT_LOSS_CLOSE_UNSEEN);
        slot = phase == CONN_CHILD ? NULL : counts_of(edge);
        if (slot && phase == CONN_OPEN)
                ADD(slot->closed, 1);
        else if (slot)
                ADD(slot->unseen, 1);
}

#define EDGE_WORDS (sizeof(struct event_edge) / sizeof(__u64))

static __always_inline __u32 *edge_cached(const struct event_edge *key)
{
        const __u64 *w = (const void *)key;
        __u64 hash = w[0] * 0x9e3779b97f4a7c15ULL ^ w[1] * 0xc2b2ae3d27d4eb4fULL ^ w[2] ^ w[3] ^ w[4] * 0x165667b19e3779f9ULL ^
                     w[5] ^ w[6] * 0xd6e8feb86659fd93ULL ^ w[7] * 0xa0761d6478bd642fULL ^ w[8];
        __u32 at;

        at = (hash * 0x9e3779b97f4a7c15ULL) >> (64 - EDGE_CACHE_BITS);
        return bpf_map_lookup_elem(&edge_cache, &at);
}

/* Whether a slot is this edge's. `known` is set after the key was written, and taken away before another one
 * is: seen set on both sides of the comparison, it was this key all the time. */
static __always_inline bool slot_is(const struct event_counts *slot, const struct event_edge *key)
{
        const __u64 *a = (const void *)&slot->edge, *b = (const void *)key;
        __u64 differ = 0;

        if (!*(const volatile __u64 *)&slot->known)
                return false;
        barrier();
        for (__u32 i = 0; i < EDGE_WORDS; i++)
                differ |= a[i] ^ b[i];
        barrier();
        return !differ && *(const volatile __u64 *)&slot->known;
}

/* The index of an edge, made at first use. INDEX_NONE, and a loss, when there is no room. */
static __noinline __u32 edge_index(const struct event_edge *key, __u32 tgid)
{
        __u32 *known, *cached, index;
        struct event_edge_new *event;
        struct event_counts *slot;

        if (!key)
                return INDEX_NONE;
        cached = edge_cached(key);
        if (!cached)
                return INDEX_NONE;
        index = *(volatile __u32 *)cached - 1;
        slot = counts_of(index);
        if (slot && slot_is(slot, key))
                return index;
        known = bpf_map_lookup_elem(&edges, key);
        if (known) {
                index = *known;
                *cached = index + 1;
                return index;
        }
        if (bpf_map_pop_elem(&edge_free, &index)) {
                loss(EVENT_LOSS_EDGES_FULL);
                return INDEX_NONE;
        }
        slot = counts_of(index);
        if (!slot)
                return INDEX_NONE;
        ADD(slot->generation, 1);
        if (bpf_map_update_elem(&edges, key, &index, BPF_NOEXIST)) {
                bpf_map_push_elem(&edge_free, &index, BPF_ANY);
                known = bpf_map_lookup_elem(&edges, key); /* another CPU was first */
                if (known)
                        return *known;
                loss(EVENT_LOSS_EDGES_FULL);
                return INDEX_NONE;
        }
        slot->edge = *key;
        barrier();
        *(volatile __u64 *)&slot->known = 1;
        *cached = index + 1;
        event = bpf_ringbuf_reserve(&ring, sizeof(*event), 0);
        if (!event) {
                loss(EVENT_LOSS_EVENTS);
                return index;
        }
        event_head(&event->header, EVENT_EDGE, sizeof(*event));
        event->edge = *key;
        event->generation = slot->generation;
        event->index = index;
        event->tgid = tgid;
        bpf_ringbuf_submit(event, BPF_RB_FORCE_WAKEUP);
        return index;
}

/* A flow of which a datagram is now known to have passed. */
static __always_inline void datagram_flow_count(struct datagram_flow *flow)
{
        struct event_counts *slot = counts_of(flow->edge);

        if (!slot || flow->counted)
                return;
        flow->counted = 1;
        ADD(slot->attempted, 1);
        ADD(slot->opened, 1);
        slot->last_ns = flow->last_ns;
}

/* Half-octave buckets of microseconds, as event.h defines them. */
static __always_inline __u32 histogram_bucket(__u64 us)
{
        __u32 v = us > 0x7fffffff ? 0x7fffffff : us, log = 0, bucket;

        if (v < 2)
                return 0;
        if (v >> 16) {
                log += 16;
                v >>= 16;
        }
        if (v >> 8) {
                log += 8;
                v >>= 8;
        }
        if (v >> 4) {
                log += 4;
                v >>= 4;
        }
        if (v >> 2) {
                log += 2;
                v >>= 2;
        }
        if (v >> 1)
                log += 1;
        v = us > 0x7fffffff ? 0x7fffffff : us;
        bucket = 2 * log + ((v >> (log - 1)) & 1);
        return bucket < EVENT_HISTOGRAM_BUCKETS ? bucket : EVENT_HISTOGRAM_BUCKETS - 1;
}
