/* Who acts: from a task to its `event_owner`, cached by process, and the names of a new owner.
 * Everything here reads the task it is given; only tracepoints in process context may give the
 * current one, since in softirq that is a stranger. */
#pragma once

#include "bpf/maps.h"

#include <bpf/bpf_core_read.h>

#define PATH_DEPTH 24
#define PATH_WORK (2 * EVENT_PATH_SIZE) /* a component may overshoot the end before it is bounded */

struct owner_record {
        struct event_owner_named event;
        char work[PATH_WORK];
};

static __always_inline struct kernfs_node *kernfs_parent(struct kernfs_node *node)
{
        if (bpf_core_field_exists(node->__parent))
                return BPF_CORE_READ(node, __parent);
        return (void *)BPF_CORE_READ((struct kernfs_node___parent *)node, parent);
}

/* Puts "/name" in front of work[pos]. Returns the new position, or -1 if it does not fit. */
static __always_inline int path_prepend(char *work, int pos, const void *name, __u32 length)
{
        __u32 at;

        if (length > 127 || pos < 0 || (__u32)pos < length + 1 + 4) /* 4: room for "..." */
                return -1;
        at = pos - length;
        asm volatile("" : "+r"(at), "+r"(length));
        at &= EVENT_PATH_SIZE - 1;
        length &= 127;
        if (bpf_probe_read_kernel(&work[at], length, name))
                return -1;
        at -= 1;
        asm volatile("" : "+r"(at));
        at &= EVENT_PATH_SIZE - 1;
        work[at] = '/';
        return at;
}

static __always_inline void path_finish(char *to, char *work, int pos, bool cut)
{
        __u32 at = pos;

        if (cut) {
                at -= 3;
                asm volatile("" : "+r"(at));
                at &= EVENT_PATH_SIZE - 1;
                work[at] = work[at + 1] = work[at + 2] = '.';
        }
        asm volatile("" : "+r"(at));
        at &= EVENT_PATH_SIZE - 1;
        bpf_probe_read_kernel_str(to, EVENT_PATH_SIZE, &work[at]);
}

static __noinline int cgroup_path(struct owner_record *record, struct kernfs_node *node)
{
        int pos = EVENT_PATH_SIZE - 1, next;
        char *name; /* in the half of the work space where nothing is put together */

        if (!record)
                return 0;
        record->work[EVENT_PATH_SIZE - 1] = 0;
        name = &record->work[PATH_WORK - 128];
        for (int i = 0; i < PATH_DEPTH; i++) {
                struct kernfs_node *parent = kernfs_parent(node);
                long length;

                if (!parent)
                        break;
                length = bpf_probe_read_kernel_str(name, 128, BPF_CORE_READ(node, name));
                next = length > 1 ? path_prepend(record->work, pos, name, length - 1) : -1;
                if (next < 0) {
                        path_finish(record->event.cgroup_path, record->work, pos, true);
                        return 0;
                }
                pos = next;
                node = parent;
        }
        if (pos == EVENT_PATH_SIZE - 1) {
                pos--;
                record->work[EVENT_PATH_SIZE - 2] = '/';
        }
        path_finish(record->event.cgroup_path, record->work, pos, false);
        return 0;
}

static __noinline int exe_path(struct owner_record *record, struct file *file)
{
        struct dentry *dentry = BPF_CORE_READ(file, f_path.dentry), *root, *parent;
        struct vfsmount *vfs = BPF_CORE_READ(file, f_path.mnt);
        struct mount *mount = (void *)vfs - bpf_core_field_offset(struct mount, mnt);
        int pos = EVENT_PATH_SIZE - 1, next;

        if (!record)
                return 0;
        record->work[EVENT_PATH_SIZE - 1] = 0;
        root = BPF_CORE_READ(mount, mnt.mnt_root);
        for (int i = 0; i < PATH_DEPTH; i++) {
                parent = BPF_CORE_READ(dentry, d_parent);
                if (dentry == root || dentry == parent) {
                        struct mount *up = BPF_CORE_READ(mount, mnt_parent);

                        if (dentry != root || up == mount)
                                break;
                        dentry = BPF_CORE_READ(mount, mnt_mountpoint);
                        mount = up;
                        root = BPF_CORE_READ(mount, mnt.mnt_root);
                        continue;
                }
                next = path_prepend(record->work, pos, BPF_CORE_READ(dentry, d_name.name), BPF_CORE_READ(dentry, d_name.len));
                if (next < 0) {
                        path_finish(record->event.exe_path, record->work, pos, true);
                        return 0;
                }
                pos = next;
                dentry = parent;
        }
        path_finish(record->event.exe_path, record->work, pos, false);
        return 0;
}

static __always_inline struct cgroup *task_cgroup(struct task_struct *task)
{
        return BPF_CORE_READ(task, cgroups, dfl_cgrp);
}

static __always_inline bool scope_holds(struct cgroup *cgroup)
{
        if (!scope_cgroup)
                return true;
        for (int i = 0; i < TASK_TREE_DEPTH && cgroup; i++) {
                if (BPF_CORE_READ(cgroup, kn, id) == scope_cgroup)
                        return true;
                cgroup = (void *)BPF_CORE_READ(cgroup, self.parent); /* `self` comes first */
        }
        return false;
}

#define PID_LEVELS 8

/* The number by which the agent's /proc knows a process; 0 if it does not. */
static __noinline __u32 task_pid_seen(struct task_struct *task)
{
        struct pid *pid;
        struct upid *first;
        __u32 level;

        if (!task)
                return 0;
        if (!pid_namespace)
                return BPF_CORE_READ(task, tgid);
        pid = BPF_CORE_READ(task, group_leader, thread_pid);
        level = BPF_CORE_READ(pid, level);
        first = __builtin_preserve_access_index(&pid->numbers[0]);
        for (__u32 i = 0; i < PID_LEVELS && i <= level; i++) {
                struct upid seen;

                if (bpf_probe_read_kernel(&seen, sizeof(seen), first + i))
                        return 0;
                if (BPF_CORE_READ(seen.ns, ns.inum) == pid_namespace)
                        return seen.nr;
        }
        return 0;
}

/* Announces an owner once, with its names. */
static __noinline int owner_announce(struct task_struct *task, struct event_process *process)
{
        struct owner_record *record;
        struct file *file;
        __u32 one = 1;

        if (!process)
                return 0;
        if (bpf_map_lookup_elem(&owners, &process->owner) || bpf_map_update_elem(&owners, &process->owner, &one, BPF_NOEXIST))
                return 0;
        record = bpf_ringbuf_reserve(&ring, sizeof(*record), 0);
        if (!record) {
                loss(EVENT_LOSS_EVENTS);
                bpf_map_delete_elem(&owners, &process->owner);
                return 0;
        }
        event_head(&record->event.header, EVENT_OWNER, sizeof(record->event));
        record->event.owner = process->owner;
        record->event.start_ns = process->start_ns;
        record->event.pid = process->pid;
        record->event.netns = BPF_CORE_READ(task, nsproxy, net_ns, ns.inum);
        bpf_probe_read_kernel_str(record->event.comm, sizeof(record->event.comm), &task->comm);
        record->event.cgroup_path[0] = 0;
        record->event.exe_path[0] = 0;
        cgroup_path(record, BPF_CORE_READ(task, cgroups, dfl_cgrp, kn));
        file = BPF_CORE_READ(task, mm, exe_file);
        if (file)
                exe_path(record, file);
        bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP); /* the edge that follows wakes */
        return 0;
}

static __always_inline __u64 task_start(struct task_struct *task)
{
        return BPF_CORE_READ(task, group_leader, start_boottime);
}

/* systemd holds sockets that are others', and accepts on few: of a host, of a container, of a user. Whatever else
 * is the first process somewhere owns what it holds, as any process does. */
static __noinline __attribute__((unused)) bool task_keeps(struct task_struct *task)
{
        struct task_struct *leader;
        union {
                char text[8];
                __u64 word;
        } name = {}, systemd = { .text = "systemd" };

        if (!task)
                return false;
        leader = BPF_CORE_READ(task, group_leader);
        bpf_probe_read_kernel(&name, sizeof(name), &leader->comm);
        return name.word == systemd.word;
}

/* Fills *process from the task itself; the listen port is left alone. */
static __always_inline void process_read(struct task_struct *task, struct event_process *process)
{
        struct inode *inode = BPF_CORE_READ(task, mm, exe_file, f_inode);

        process->owner.cgroup = BPF_CORE_READ(task, cgroups, dfl_cgrp, kn, id);
        process->owner.exe_inode = inode ? BPF_CORE_READ(inode, i_ino) : 0;
        process->owner.exe_device = inode ? BPF_CORE_READ(inode, i_sb, s_dev) : 0;
        process->start_ns = task_start(task);
        process->tgid = BPF_CORE_READ(task, tgid);
        process->pid = task_pid_seen(task);
}

/* The port of the parent, if this is a child that it forked before we could see it do so. */
static __always_inline __u16 parent_port(struct task_struct *task, const struct event_process *process)
{
        struct task_struct *parent = BPF_CORE_READ(task, group_leader, real_parent);
        __u32 tgid = BPF_CORE_READ(parent, tgid);
        struct event_process *known = bpf_map_lookup_elem(&processes, &tgid);
        u64 exec_id;

        if (!known || known->owner.cgroup != process->owner.cgroup || known->owner.exe_inode != process->owner.exe_inode ||
            known->owner.exe_device != process->owner.exe_device || known->start_ns != task_start(parent))
                return 0;
        exec_id = BPF_CORE_READ(task, group_leader, parent_exec_id); /* both are what they were at the fork */
        if (BPF_CORE_READ(task, group_leader, self_exec_id) != exec_id || BPF_CORE_READ(parent, self_exec_id) != exec_id)
                return 0;
        return known->owner.listen_port;
}

/* Makes or refreshes a process's entry. A full map costs time, not truth: the owner is then read
 * from the task each time. Returns false if the process is out of scope. */
static __noinline int process_capture(struct task_struct *task, struct event_process *ret_process, __u32 listen_port)
{
        struct event_process *known;
        __u32 tgid;

        if (!ret_process)
                return 0;
        if (!scope_holds(task_cgroup(task)))
                return 0;
        __builtin_memset(ret_process, 0, sizeof(*ret_process));
        process_read(task, ret_process);
        tgid = ret_process->tgid;
        known = bpf_map_lookup_elem(&processes, &tgid);
        ret_process->owner.listen_port = listen_port;
        if (known && known->start_ns == ret_process->start_ns && known->owner.exe_inode == ret_process->owner.exe_inode &&
            known->owner.exe_device == ret_process->owner.exe_device && known->owner.listen_port)
                ret_process->owner.listen_port = known->owner.listen_port;
        else if (!known && !listen_port)
                ret_process->owner.listen_port = parent_port(task, ret_process);
        if (!(BPF_CORE_READ(task, flags) & PF_KTHREAD)) /* a kernel's worker acts for many */
                bpf_map_update_elem(&processes, &tgid, ret_process, BPF_ANY);
        owner_announce(task, ret_process);
        return 1;
}

/* The current process, if it acted before. */
static __always_inline bool process_known(struct event_process *ret_process)
{
        __u32 tgid = bpf_get_current_pid_tgid() >> 32;
        struct event_process *known = bpf_map_lookup_elem(&processes, &tgid);

        if (!known || known->owner.cgroup != bpf_get_current_cgroup_id())
                return false;
        *ret_process = *known;
        return true;
}

/* The current process; false if it is out of scope. */
static __always_inline bool process_current(struct event_process *ret_process)
{
        return process_known(ret_process) || process_capture((void *)bpf_get_current_task(), ret_process, 0);
}
