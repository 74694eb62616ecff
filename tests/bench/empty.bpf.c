/* Programs that do nothing, where ours do something: what a call costs by the kernel's statistics
 * before anything is done in it. */
#include <linux/types.h>

#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

SEC("tp_btf/inet_sock_set_state")
int empty_state(void *context)
{
        (void)context;
        return 0;
}

SEC("tp_btf/sock_send_length")
int empty_send(void *context)
{
        (void)context;
        return 0;
}

SEC("tp_btf/sock_recv_length")
int empty_receive(void *context)
{
        (void)context;
        return 0;
}
