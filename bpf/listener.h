/* Listeners, as they come and go by their changes of state. */
#pragma once

#include "bpf/socket.h"

static __always_inline void bind_of(struct sock *sk, struct event_listener *listener, struct bind *bind)
{
        __builtin_memcpy(bind->address, listener->address, sizeof(bind->address));
        bind->netns = listener->netns;
        bind->port = listener->port;
}

static __noinline void listen_report(void)
{
        struct event_header *event = bpf_ringbuf_reserve(&ring, sizeof(*event), 0);

        if (!event) {
                loss(EVENT_LOSS_EVENTS);
                return;
        }
        event_head(event, EVENT_LISTEN, sizeof(*event));
        bpf_ringbuf_submit(event, BPF_RB_FORCE_WAKEUP);
}

/* CLOSE -> LISTEN, in process context. The process's owner has the port from now on. */
static __noinline int listener_begin(struct sock *sk)
{
        struct event_listener listener = {};
        struct event_process process;
        struct bind bind = {};
        __u64 key = (unsigned long)sk;
        bool keeps = task_keeps((void *)bpf_get_current_task());

        if (!process_capture((void *)bpf_get_current_task(), &process, keeps ? 0 : sk->__sk_common.skc_num))
                return 0;
        listener.flags = keeps ? EVENT_LISTENER_KEPT : 0;
        listener.owner = process.owner;
        listener.tgid = process.tgid;
        listener.since_ns = bpf_ktime_get_ns();
        listener.port = sk->__sk_common.skc_num;
        listener.netns = sk->__sk_common.skc_net.net->ns.inum;
        listener.transport = EVENT_TRANSPORT_TCP;
        listener.backlog_max = sk->sk_max_ack_backlog;
        if (sk->__sk_common.skc_family == AF_INET6) {
                address_v6(listener.address, &sk->__sk_common.skc_v6_rcv_saddr);
                if (BPF_CORE_READ_BITFIELD(sk, __sk_common.skc_ipv6only))
                        listener.flags |= EVENT_LISTENER_V6ONLY;
        } else {
                address_v4(listener.address, sk->__sk_common.skc_rcv_saddr);
        }
        if (bpf_map_update_elem(&listeners, &key, &listener, BPF_ANY)) {
                loss(EVENT_LOSS_LISTENERS_FULL);
                return 0;
        }
        bind_of(sk, &listener, &bind);
        bpf_map_update_elem(&binds, &bind, &key, BPF_ANY);
        listen_report();
        return 0;
}

/* LISTEN -> CLOSE. */
static __noinline int listener_end(struct sock *sk)
{
        __u64 key = (unsigned long)sk, *at;
        struct event_listener *listener = bpf_map_lookup_elem(&listeners, &key);
        struct bind bind = {};

        if (!listener)
                return 0;
        bind_of(sk, listener, &bind);
        at = bpf_map_lookup_elem(&binds, &bind);
        if (at && *at == key)
                bpf_map_delete_elem(&binds, &bind);
        bpf_map_delete_elem(&listeners, &key);
        listen_report();
        return 0;
}
