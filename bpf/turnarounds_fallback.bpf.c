/* Turnarounds before 6.3, where the kernel has fentry: tcp_sendmsg and tcp_cleanup_rbuf stand in. An object of
 * its own, since the other one names a kernel function that is not there yet. */
#include "bpf/turnarounds.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct msghdr;

SEC("fexit/tcp_sendmsg")
int BPF_PROG(tcp_sent, struct sock *sk, struct msghdr *msg, unsigned long size, int length)
{
        struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);

        if (length > 0 && tp)
                message(sk, tp, EVENT_ROLE_CLIENT);
        return 0;
}

SEC("fentry/tcp_cleanup_rbuf")
int BPF_PROG(tcp_received, struct sock *sk, int copied)
{
        struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);

        if (copied > 0 && tp)
                message(sk, tp, EVENT_ROLE_SERVER);
        return 0;
}
