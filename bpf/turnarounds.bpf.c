/* Turnarounds by sock_send_length and sock_recv_length, which are there since 6.3. */
#include "bpf/turnarounds.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

enum { MSG_PEEK = 2 };

/* A look at a socket as what it is: costs nothing, since 6.2. */
extern void *bpf_rdonly_cast(const void *object, __u32 type) __ksym;

SEC("tp_btf/sock_send_length")
int BPF_PROG(message_sent, struct sock *sk, int length)
{
        if (length > 0)
                message(sk, bpf_rdonly_cast(sk, bpf_core_type_id_kernel(struct tcp_sock)), EVENT_ROLE_CLIENT);
        return 0;
}

SEC("tp_btf/sock_recv_length")
int BPF_PROG(message_received, struct sock *sk, int length, int flags)
{
        if (length > 0 && !(flags & MSG_PEEK))
                message(sk, bpf_rdonly_cast(sk, bpf_core_type_id_kernel(struct tcp_sock)), EVENT_ROLE_SERVER);
        return 0;
}
