/* A UDP socket that the sweep meets at a process. */
#pragma once

#include "bpf/pool.h"

/* A connected datagram socket: its flow is made here if no hook has met it, and counted when the next
 * sweep finds it still open. */
static __noinline int visit_flow(struct task_struct *task, __u32 tgid, struct sock *sk, __u64 cookie)
{
        struct datagram_flow *known, flow = {};
        struct datagram_flow_key key = {};
        struct event_process process;
        struct event_edge edge = {};
        struct ends ends = {}; /* verifiers before 6.3 want to see it written here */

        view_ends(sk, &ends);
        key.cookie = cookie ? cookie : (unsigned long)sk; /* no cookie is as large as a pointer */
        key.port = ends.remote_port;
        __builtin_memcpy(key.peer, ends.remote, sizeof(key.peer));
        known = bpf_map_lookup_elem(&flows, &key);
        if (known) {
                known->last_ns = bpf_ktime_get_ns();
                datagram_flow_count(known);
                return 0;
        }
        if (!process_of(task, tgid, &process))
                return 0;
        edge.owner = process.owner;
        edge.role = EVENT_ROLE_CLIENT;
        edge.transport = EVENT_TRANSPORT_UDP;
        edge.netns = ends.netns;
        edge.remote_port = ends.remote_port;
        __builtin_memcpy(edge.remote, ends.remote, sizeof(edge.remote));
        flow.edge = edge_index(&edge, process.tgid);
        if (flow.edge == INDEX_NONE)
                return 0;
        flow.last_ns = bpf_ktime_get_ns();
        flow.role = EVENT_ROLE_CLIENT;
        if (bpf_map_update_elem(&flows, &key, &flow, BPF_NOEXIST) && !bpf_map_lookup_elem(&flows, &key))
                loss(EVENT_LOSS_FLOWS);
        return 0;
}

/* An open datagram socket keeps its flow, or its place among the listeners. */
static __noinline int visit_datagrams(struct task_struct *task, __u32 tgid, struct sock *sk, struct event_control *control)
{
        __u64 cookie = BPF_CORE_READ(sk, __sk_common.skc_cookie.counter);
        struct event_listener *listener;

        if (!control)
                return 0;
        if (cookie && control->sweep_mode & EVENT_SWEEP_CONNECTIONS) {
                __u8 sweep = control->pool_sweep;

                if (bpf_map_update_elem(&datagram_sockets, &cookie, &sweep, BPF_ANY))
                        control->sockets_unsure = 1;
        }
        if (BPF_CORE_READ(sk, __sk_common.skc_dport))
                return control->sweep_mode & EVENT_SWEEP_CONNECTIONS ? visit_flow(task, tgid, sk, cookie) : 0;
        listener = cookie ? bpf_map_lookup_elem(&listeners, &cookie) : NULL;
        if (listener && listener->transport == EVENT_TRANSPORT_UDP) {
                listener->born_sweep = control->sweep;
                listener->drops = BPF_CORE_READ(sk, sk_drops.counter);
        }
        return 0;
}
