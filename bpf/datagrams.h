/* Flows of UDP datagrams: how one is found, how it begins, and how the bytes of a datagram come to the
 * edge of its flow. The head of datagrams.bpf.c says what a flow is. */
#pragma once

#include "bpf/edge.h"

struct datagram_ends {
        struct datagram_flow_key key;
        __u8 local[16];
        __u32 netns; /* of the process: sockets seldom live in another one */
        __u16 local_port;
        __u16 listen_port; /* what the process is to be named by: 0 for a client's */
        /* bytes in memory rather than arguments: the verifier then walks what follows once, not for each value */
        __u8 connected, role, sure;
        __u32 edge; /* of the flow that was begun, or INDEX_NONE */
};

/* A socket that was spoken to first listens; the sweep lets it go when it is closed. */
static __noinline int listener_put(struct datagram_ends *ends, struct event_process *process)
{
        struct event_control *control = control_get();
        struct event_listener listener = {};
        __u64 key;

        if (!ends || !process || !control)
                return 0;
        key = ends->key.cookie; /* no pointer is that small */
        if (bpf_map_lookup_elem(&listeners, &key))
                return 0;
        listener.owner = process->owner;
        listener.tgid = process->tgid;
        listener.since_ns = bpf_ktime_get_ns();
        listener.port = ends->local_port;
        listener.netns = ends->netns;
        listener.transport = EVENT_TRANSPORT_UDP;
        listener.flags = EVENT_LISTENER_UNSURE;
        listener.born_sweep = control->sweep;
        __builtin_memcpy(listener.address, ends->local, sizeof(listener.address));
        if (bpf_map_update_elem(&listeners, &key, &listener, BPF_NOEXIST) && !bpf_map_lookup_elem(&listeners, &key))
                loss(EVENT_LOSS_LISTENERS_FULL);
        return 0;
}

/* A new flow, in the context of its process. `sure`: a datagram is known to have passed. */
static __noinline int flow_begin(struct datagram_ends *ends)
{
        struct datagram_flow flow = {};
        struct event_edge edge = {};
        struct event_process process;
        struct event_counts *slot;
        bool known;
        __u8 role;

        if (!ends)
                return 0;
        ends->edge = INDEX_NONE;
        known = process_capture((void *)bpf_get_current_task(), &process, ends->listen_port);
        if (!known)
                return 0;
        role = ends->role;
        edge.owner = process.owner;
        edge.role = role;
        edge.transport = EVENT_TRANSPORT_UDP;
        edge.netns = ends->netns;
        __builtin_memcpy(edge.remote, ends->key.peer, sizeof(edge.remote));
        if (role == EVENT_ROLE_CLIENT) {
                edge.remote_port = ends->key.port;
        } else {
                __builtin_memcpy(edge.local, ends->local, sizeof(edge.local));
                edge.local_port = ends->local_port;
                ends->key.port = 0;
                listener_put(ends, &process);
        }
        flow.edge = edge_index(&edge, process.tgid);
        if (flow.edge == INDEX_NONE)
                return 0;
        ends->edge = flow.edge;
        flow.last_ns = bpf_ktime_get_ns();
        flow.role = role;
        flow.counted = ends->sure;
        if (bpf_map_update_elem(&flows, &ends->key, &flow, BPF_NOEXIST)) {
                if (!bpf_map_lookup_elem(&flows, &ends->key))
                        loss(EVENT_LOSS_FLOWS);
                return 0;
        }
        slot = ends->sure ? counts_of(flow.edge) : NULL;
        if (slot) {
                ADD(slot->attempted, 1);
                ADD(slot->opened, 1);
                slot->last_ns = flow.last_ns;
        }
        return 0;
}

/* The flow that a datagram belongs to, as either end. */
static __always_inline struct datagram_flow *flow_find(const struct datagram_ends *ends)
{
        struct datagram_flow *flow = bpf_map_lookup_elem(&flows, &ends->key);
        struct datagram_flow_key key = ends->key;

        if (flow)
                return flow;
        key.port = 0;
        return bpf_map_lookup_elem(&flows, &key);
}

static __always_inline struct passing *passing_get(__u64 key)
{
        struct passing none = {}, *passing = bpf_map_lookup_elem(&passings, &key);

        if (passing)
                return passing;
        bpf_map_update_elem(&passings, &key, &none, BPF_ANY);
        return bpf_map_lookup_elem(&passings, &key);
}

static __always_inline void passing_put(struct passing *passing, const struct datagram_ends *ends, __u64 generation, __u8 role)
{
        passing->cookie = ends->key.cookie;
        passing->generation = generation;
        passing->edge = ends->edge;
        passing->role = role;
        passing->fresh = 1;
}

/* Notes for the hook on lengths what flow the datagram belongs to that this task is about to hand over, or has taken. */
static __always_inline void passing_note(const struct datagram_ends *ends, bool sent, __u8 role)
{
        struct event_counts *slot = counts_of(ends->edge);
        struct passing *passing;

        if (!slot)
                return;
        passing = passing_get(bpf_get_current_task());
        if (!passing) {
                loss(EVENT_LOSS_FLOWS);
                return;
        }
        passing_put(passing, ends, slot->generation, role);
        passing = sent ? passing_get(ends->key.cookie) : NULL;
        if (passing)
                passing_put(passing, ends, slot->generation, role);
}

static __always_inline struct event_counts *passing_counts(const struct passing *passing)
{
        struct event_counts *slot = counts_of(passing->edge);

        return slot && slot->generation == passing->generation ? slot : NULL;
}

/* Where the bytes count of a datagram whose address was noted; NULL if none was. What is appended to a corked
 * datagram goes where its beginning went. Who reads without asking for the address hears, as a client, whom
 * it spoke to last. */
static __always_inline struct event_counts *passing_take(__u64 cookie, bool sent, bool connected)
{
        __u64 task = bpf_get_current_task();
        struct passing *passing;

        if (!cookie)
                return NULL;
        passing = bpf_map_lookup_elem(&passings, &task);
        if (passing && passing->fresh && passing->cookie == cookie) {
                passing->fresh = 0;
                return passing_counts(passing);
        }
        passing = connected ? NULL : bpf_map_lookup_elem(&passings, &cookie);
        return passing && (sent || passing->role == EVENT_ROLE_CLIENT) ? passing_counts(passing) : NULL;
}
