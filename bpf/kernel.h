/* What we depend on in the kernel, written by hand: only the fields that are read, found at load by
 * CO-RE whatever their offset is. A struct whose name ends in ___SOMETHING is another version's. The
 * build therefore needs no kernel of its own, and the list of dependencies is this page. */
#pragma once

typedef unsigned char __u8;
typedef signed char __s8;
typedef unsigned short __u16;
typedef short __s16;
typedef unsigned int __u32;
typedef int __s32;
typedef unsigned long long __u64;
typedef long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;
typedef __u16 __sum16;
typedef __u64 u64;
typedef __u32 u32;
typedef __u16 u16;
typedef __u8 u8;
typedef __s64 s64;
typedef __s32 s32;
typedef _Bool bool;
#define true 1
#define false 0
#define NULL ((void *)0)

/* The kernel's own numbers, fixed by its user-space contract. */
enum bpf_map_type {
        BPF_MAP_TYPE_HASH = 1,
        BPF_MAP_TYPE_ARRAY = 2,
        BPF_MAP_TYPE_PERCPU_ARRAY = 6,
        BPF_MAP_TYPE_LRU_HASH = 9,
        BPF_MAP_TYPE_QUEUE = 22,
        BPF_MAP_TYPE_RINGBUF = 27,
};
enum { BPF_ANY, BPF_NOEXIST, BPF_EXIST };
enum { BPF_F_MMAPABLE = 1U << 10, BPF_RB_NO_WAKEUP = 1, BPF_RB_FORCE_WAKEUP = 2 };
enum { EEXIST = 17, ENOENT = 2, EBUSY = 16 };
enum { AF_UNIX = 1, AF_INET = 2, AF_INET6 = 10, IPPROTO_TCP = 6, IPPROTO_UDP = 17 };
enum { PF_KTHREAD = 0x00200000, SIGNAL_GROUP_EXIT = 4, SOCK_DONE = 1, TASK_TREE_DEPTH = 16 };
enum { IPPROTO_MPTCP = 262, SOCKFS_MAGIC = 0x534f434b };
enum tcp_state {
        TCP_ESTABLISHED = 1,
        TCP_SYN_SENT,
        TCP_SYN_RECV,
        TCP_FIN_WAIT1,
        TCP_FIN_WAIT2,
        TCP_TIME_WAIT,
        TCP_CLOSE,
        TCP_CLOSE_WAIT,
        TCP_LAST_ACK,
        TCP_LISTEN,
        TCP_CLOSING,
        TCP_NEW_SYN_RECV,
};

struct bpf_spin_lock {
        __u32 val;
};

/* The contexts of hooks on addresses; fixed by the kernel's user-space contract. */
struct bpf_sock {
        __u32 bound_dev_if, family, type, protocol, mark, priority, src_ip4, src_ip6_0, src_ip6_1, src_ip6_2, src_ip6_3, src_port,
                dst_port;
};
struct bpf_sock_addr {
        __u32 user_family, user_ip4, user_ip6[4], user_port, family, type, protocol, msg_src_ip4, msg_src_ip6[4];
        union {
                struct bpf_sock *sk;
                __u64 : 64;
        } __attribute__((aligned(8)));
};

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct in6_addr {
        union {
                __u8 u6_addr8[16];
                __be32 u6_addr32[4];
        } in6_u;
};
struct hlist_node {
        struct hlist_node *next, **pprev;
};
struct ns_common {
        unsigned int inum;
};
struct net {
        struct ns_common ns;
};
typedef struct {
        struct net *net;
} possible_net_t;
struct kernfs_node {
        struct kernfs_node *__parent; /* since 6.15 */
        const char *name;
        u64 id;
};
struct kernfs_node___parent {
        struct kernfs_node___parent *parent; /* until 6.14 */
};
struct cgroup_subsys_state {
        struct cgroup_subsys_state *parent;
};
struct cgroup {
        struct cgroup_subsys_state self; /* comes first */
        int level;
        struct kernfs_node *kn;
};
struct sock_cgroup_data {
        struct cgroup *cgroup; /* since 5.15 */
};
struct sock_cgroup_data___val {
        u64 val; /* until 5.14; bit 0 set: not a cgroup */
};
typedef struct {
        s64 counter;
} atomic64_t;
struct sock_common {
        __be32 skc_daddr, skc_rcv_saddr;
        __be16 skc_dport;
        __u16 skc_num;
        unsigned short skc_family;
        volatile unsigned char skc_state;
        unsigned char skc_ipv6only : 1;
        struct hlist_node skc_bind_node;
        possible_net_t skc_net;
        struct in6_addr skc_v6_daddr, skc_v6_rcv_saddr;
        unsigned long skc_flags;
        atomic64_t skc_cookie;
};
typedef struct {
        int counter;
} atomic_t;
typedef struct {
        int owned;
} socket_lock_t;
struct sk_buff {
        struct sk_buff *next;
        char cb[48];
};
struct sk_buff_head {
        struct sk_buff *next;
        __u32 qlen;
};
struct sock;
struct socket {
        struct sock *sk;
};
struct sock {
        struct sock_common __sk_common;
        socket_lock_t sk_lock;
        struct sk_buff_head sk_receive_queue;
        atomic_t sk_drops;
        int sk_err;
        u16 sk_protocol, sk_type;
        u32 sk_ack_backlog, sk_max_ack_backlog;
        struct sock_cgroup_data sk_cgrp_data;
};
struct inet_sock {
        struct sock sk;
        __be32 inet_saddr;
        __be16 inet_sport;
};
struct request_sock {
        struct request_sock *dl_next;
        struct sock *sk;
};
struct request_sock_queue {
        struct request_sock *rskq_accept_head;
};
struct inet_connection_sock {
        struct inet_sock icsk_inet;
        struct request_sock_queue icsk_accept_queue;
        u8 icsk_pending;
        void *icsk_ulp_data;
};
struct tcp_sock {
        struct inet_connection_sock inet_conn;
        u32 copied_seq, write_seq, rcv_nxt, snd_nxt, snd_una, snd_wl1, srtt_us, total_retrans, segs_out, data_segs_in,
                data_segs_out;
        u64 bytes_sent, bytes_received, bytes_acked, bytes_retrans, tcp_mstamp;
        u8 is_mptcp : 1;
};
struct mptcp_sock {
        struct sock *first; /* the first subflow */
};
struct mptcp_subflow_context { /* at icsk_ulp_data */
        struct sock *conn;     /* the mptcp_sock */
};
struct css_set {
        struct cgroup *dfl_cgrp;
};
struct super_block {
        u32 s_dev;
        unsigned long s_magic;
};
struct inode {
        unsigned long i_ino;
        struct super_block *i_sb;
};
struct qstr {
        u32 len;
        const unsigned char *name;
};
struct dentry {
        struct dentry *d_parent;
        struct qstr d_name;
        struct inode *d_inode;
};
struct vfsmount {
        struct dentry *mnt_root;
};
struct mount {
        struct mount *mnt_parent;
        struct dentry *mnt_mountpoint;
        struct vfsmount mnt;
};
struct path {
        struct vfsmount *mnt;
        struct dentry *dentry;
};
struct file_operations;
struct file {
        const struct file_operations *f_op;
        void *private_data;
        struct inode *f_inode;
        struct path f_path;
};
struct scm_fp_list { /* files that are sent over a socket */
        short count;
        struct file *fp[1];
};
struct unix_skb_parms { /* at skb->cb */
        struct scm_fp_list *fp;
};
struct mm_struct {
        struct file *exe_file;
};
struct signal_struct {
        atomic_t live;
        int group_exit_code;
        unsigned int flags;
};
struct pid_namespace {
        struct ns_common ns;
};
struct upid {
        int nr;
        struct pid_namespace *ns;
};
struct pid {
        unsigned int level;
        struct upid numbers[1];
};
struct nsproxy {
        struct net *net_ns;
};
struct sched_entity {
        u64 sum_exec_runtime;
};
struct task_struct {
        unsigned int flags;
        struct sched_entity se;
        struct mm_struct *mm;
        int exit_code, pid, tgid;
        struct task_struct *group_leader, *real_parent;
        struct pid *thread_pid;
        u64 start_boottime, parent_exec_id, self_exec_id;
        char comm[16];
        struct nsproxy *nsproxy;
        struct signal_struct *signal;
        struct css_set *cgroups;
};
struct bpf_iter_meta {
        struct seq_file *seq;
        u64 session_id, seq_num;
};
struct bpf_iter__task {
        struct bpf_iter_meta *meta;
        struct task_struct *task;
};
struct bpf_iter__task_file {
        struct bpf_iter_meta *meta;
        struct task_struct *task;
        u32 fd;
        struct file *file;
};
struct bpf_iter__bpf_map_elem {
        struct bpf_iter_meta *meta;
        struct bpf_map *map;
        void *key, *value;
};
struct bpf_iter__tcp {
        struct bpf_iter_meta *meta;
        struct sock_common *sk_common;
        u32 uid;
};

#pragma clang attribute pop
