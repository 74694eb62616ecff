/* The sweep: an iterator over every file table, in all network namespaces at once. It adopts what is
 * older than the agent, corrects owners, and brings the counters of open connections up to date. What
 * waits to be accepted, or is sent over a Unix socket, is in no file table, and found from the socket
 * it waits at. What only io_uring holds is not found before it is in one.
 *
 * A socket's end is seen by the state hook just before its state says so. What the sweep meets for
 * the first time might therefore be closing at this very moment, and would then stay for ever: it
 * becomes a candidate, and is counted when a later sweep meets it again and it is still open. The
 * hook deletes candidates as it does connections.
 *
 * The sweep holds no socket lock: numbers that belong together are read until they stand still, and
 * an entry is changed under its own lock, after a look at whether it still is the same connection.
 * Kernels before 5.13 have no such lock for us; there open connections are not brought up to date
 * nor moved, and all is counted at their end. */
#include "bpf/visit_tcp.h"
#include "bpf/visit_udp.h"

#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* What follows is in no file table, and found where it waits. The queues are walked without their locks: a
 * socket that is met there by mistake is closed, or not met a second time. These two functions are global, so
 * that the verifier walks them once and not in each turn of a loop; pointers are numbers to such a function,
 * as those are that were read. */
__noinline int visit_waiting(__u64 task_at, __u64 sk_at)
{
        struct event_control *control = control_get();
        struct task_struct *task = (void *)task_at;
        struct sock *sk = (void *)sk_at;

        if (control && BPF_CORE_READ(sk, sk_protocol) == IPPROTO_TCP)
                visit_connection(task, BPF_CORE_READ(task, tgid), sk, control);
        return 0;
}

/* The TCP socket behind a file, unless it listens. */
static __always_inline struct sock *connection_of(struct file *file)
{
        struct socket *socket;
        struct sock *sk;
        __u16 family;

        if (BPF_CORE_READ(file, f_inode, i_sb, s_magic) != SOCKFS_MAGIC)
                return NULL;
        socket = BPF_CORE_READ(file, private_data);
        sk = BPF_CORE_READ(socket, sk);
        family = BPF_CORE_READ(sk, __sk_common.skc_family);
        if ((family != AF_INET && family != AF_INET6) || BPF_CORE_READ(sk, sk_protocol) != IPPROTO_TCP ||
            BPF_CORE_READ(sk, __sk_common.skc_state) == TCP_LISTEN)
                return NULL;
        return sk;
}

__noinline int visit_flying(__u64 task_at, __u64 file_at)
{
        struct event_control *control = control_get();
        struct sock *sk = connection_of((void *)file_at);
        struct task_struct *task = (void *)task_at;

        if (control && sk)
                visit_connection(task, BPF_CORE_READ(task, tgid), sk, control);
        return 0;
}

#define WAITING_MAX 1024

/* Connections that nobody has accepted yet. */
static __noinline int visit_accept_queue(struct task_struct *task, struct sock *sk, struct event_control *control)
{
        __u64 process = (unsigned long)BPF_CORE_READ(task, group_leader);
        struct request_sock *request = BPF_CORE_READ((struct inet_connection_sock *)sk, icsk_accept_queue.rskq_accept_head);

        for (int i = 0; i < WAITING_MAX && request; i++) {
                visit_waiting(process, (unsigned long)BPF_CORE_READ(request, sk));
                request = BPF_CORE_READ(request, dl_next);
        }
        if (request && control && control->adopting)
                loss(EVENT_LOSS_SOCKS_FULL);
        return 0;
}

#define FLYING_MESSAGES_MAX 16
#define FLYING_FILES_MAX 16

/* Sockets that were sent over this one and not received yet: they are its owner's. */
static __noinline int visit_unix(struct task_struct *task, struct sock *sk)
{
        __u64 process = (unsigned long)BPF_CORE_READ(task, group_leader);
        struct sk_buff *skb = BPF_CORE_READ(sk, sk_receive_queue.next);
        struct unix_skb_parms *parms;
        struct scm_fp_list *list;
        struct file *file;
        __u64 files;
        short count;

        for (int i = 0; i < FLYING_MESSAGES_MAX; i++) {
                if (!skb || skb == (void *)sk + bpf_core_field_offset(struct sock, sk_receive_queue))
                        break;
                parms = (void *)skb + bpf_core_field_offset(struct sk_buff, cb);
                list = BPF_CORE_READ(parms, fp);
                count = list ? BPF_CORE_READ(list, count) : 0;
                files = (unsigned long)list + bpf_core_field_offset(struct scm_fp_list, fp);
                for (int j = 0; j < FLYING_FILES_MAX && j < count; j++)
                        if (!bpf_probe_read_kernel(&file, sizeof(file), (void *)(files + j * sizeof(file))))
                                visit_flying(process, (unsigned long)file);
                skb = BPF_CORE_READ(skb, next);
        }
        return 0;
}

SEC("iter/task_file")
int sweep_files(struct bpf_iter__task_file *ctx)
{
        struct event_control *control = control_get();
        struct task_struct *task = ctx->task;
        struct file *file = ctx->file;
        struct sock *sk;
        __u16 protocol;
        __u16 family;

        if (!task || !file || !control)
                return 0;
        control->files++;
        if (file->f_inode->i_sb->s_magic != SOCKFS_MAGIC)
                return 0;
        sk = BPF_CORE_READ((struct socket *)file->private_data, sk);
        family = BPF_CORE_READ(sk, __sk_common.skc_family);
        if (family == AF_UNIX && control->sweep_mode & EVENT_SWEEP_CONNECTIONS && bpf_core_type_exists(struct unix_skb_parms) &&
            BPF_CORE_READ(sk, sk_receive_queue.qlen))
                return visit_unix(task, sk);
        if (family != AF_INET && family != AF_INET6)
                return 0;
        protocol = BPF_CORE_READ(sk, sk_protocol);
        if (protocol == IPPROTO_UDP)
                return visit_datagrams(task, task->tgid, sk, control);
        if (protocol == IPPROTO_MPTCP && bpf_core_field_exists(struct mptcp_sock, first))
                sk = BPF_CORE_READ((struct mptcp_sock *)sk, first);
        else if (protocol != IPPROTO_TCP)
                return 0;
        if (!sk)
                return 0;
        control->sockets++;
        if (BPF_CORE_READ(sk, __sk_common.skc_state) == TCP_LISTEN) {
                if (visit_listener(task, task->tgid, sk, control) && control->sweep_mode & EVENT_SWEEP_CONNECTIONS)
                        visit_accept_queue(task, sk, control);
        } else if (control->sweep_mode & EVENT_SWEEP_CONNECTIONS) {
                visit_connection(task, task->tgid, sk, control);
        }
        return 0;
}
