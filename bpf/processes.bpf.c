/* Processes that own a connection or a listener: what they inherit at fork, lose at exec, and how
 * they end. Entries of `processes` are made by the other programs at first use. */
#include "bpf/owner.h"

#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Victims of the OOM killer that have not ended yet. */
struct {
        __uint(type, BPF_MAP_TYPE_LRU_HASH);
        __type(key, __u32);
        __type(value, __u32);
        __uint(max_entries, 64);
} victims SEC(".maps");

/* A child of a process that listens shares the listening sockets, and is the same service. */
SEC("tp_btf/sched_process_fork")
int BPF_PROG(process_fork, struct task_struct *parent, struct task_struct *child)
{
        __u32 tgid = parent->tgid, pid = child->pid;
        struct event_process *known, process;

        if (pid != child->tgid || pid == tgid)
                return 0; /* a thread */
        known = bpf_map_lookup_elem(&processes, &tgid);
        if (!known || !known->owner.listen_port)
                return 0;
        process = *known;
        process.tgid = pid;
        process.pid = task_pid_seen(child);
        process.start_ns = BPF_CORE_READ(child, start_boottime);
        bpf_map_update_elem(&processes, &pid, &process, BPF_ANY);
        return 0;
}

/* The executable is another now; the sweep finds listeners that stayed open across it. */
SEC("tp_btf/sched_process_exec")
int BPF_PROG(process_exec, struct task_struct *task)
{
        __u32 tgid = task->tgid;

        bpf_map_delete_elem(&processes, &tgid);
        return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(process_exit, struct task_struct *task)
{
        struct event_process *known, process;
        struct event_exit *event;
        __u32 tgid = task->tgid;
        int status;

        known = bpf_map_lookup_elem(&processes, &tgid);
        if (!known || task->signal->live.counter > 0)
                return 0;
        process = *known;
        if (bpf_map_delete_elem(&processes, &tgid)) /* two threads may both be the last: one of them deletes */
                return 0;
        event = bpf_ringbuf_reserve(&ring, sizeof(*event), 0);
        if (!event) {
                loss(EVENT_LOSS_EVENTS);
                return 0;
        }
        status = task->signal->flags & SIGNAL_GROUP_EXIT ? task->signal->group_exit_code : task->group_leader->exit_code;
        event_head(&event->header, EVENT_EXIT, sizeof(*event));
        event->owner = process.owner;
        event->start_ns = process.start_ns;
        event->tgid = tgid;
        event->code = (status >> 8) & 0xff;
        event->signal = status & 0x7f;
        event->oom = event->signal == 9 && bpf_map_lookup_elem(&victims, &tgid);
        bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
        bpf_map_delete_elem(&victims, &tgid);
        return 0;
}

/* mark_victim gives the task since 6.8, and only its pid before. */
SEC("tp_btf/mark_victim")
int BPF_PROG(victim_task, struct task_struct *task)
{
        __u32 tgid = task->tgid, one = 1;

        bpf_map_update_elem(&victims, &tgid, &one, BPF_ANY);
        return 0;
}

SEC("tp_btf/mark_victim")
int BPF_PROG(victim_pid, int pid)
{
        __u32 tgid = pid, one = 1;

        bpf_map_update_elem(&victims, &tgid, &one, BPF_ANY);
        return 0;
}
