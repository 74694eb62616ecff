/* The sweep: an iterator over every file table, in all network namespaces at once. It adopts what is
 * older than the agent, corrects owners, and brings the counters of open connections up to date.
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
#include "bpf/pool.h"

#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Who sent the SYN: all that was ever given a number and sent, less all payload that was sent, is the
 * SYN (and the FIN, once sent). It needs neither the handshake nor a listener. */
static __always_inline __u8 view_role(const struct view *v)
{
        __u64 numbered = v->bytes_acked + (__u32)(v->snd_nxt - v->snd_una);
        __u64 extra = numbered - (v->bytes_sent - v->bytes_retrans);

        if (state_fin(v->state) && v->snd_nxt == v->write_seq)
                extra--;
        return extra == 1 ? EVENT_ROLE_CLIENT : extra == 0 ? EVENT_ROLE_SERVER : EVENT_ROLE_UNKNOWN;
}

static __always_inline bool has_listener(const struct ends *ends)
{
        struct bind bind = {};

        __builtin_memcpy(bind.address, ends->local, sizeof(bind.address));
        bind.netns = ends->netns;
        bind.port = ends->local_port;
        if (bpf_map_lookup_elem(&binds, &bind))
                return true;
        __builtin_memset(bind.address, 0, sizeof(bind.address));
        if (bpf_map_lookup_elem(&binds, &bind))
                return true;
        bind.address[10] = bind.address[11] = 0xff;
        return bpf_map_lookup_elem(&binds, &bind);
}

static __always_inline __u32 view_edge(const struct view *v, const struct event_owner *owner, __u8 role, __u32 tgid)
{
        struct event_edge key = {};

        key.owner = *owner;
        key.role = role;
        key.transport = EVENT_TRANSPORT_TCP;
        key.netns = v->ends.netns;
        __builtin_memcpy(key.remote, v->ends.remote, sizeof(key.remote));
        if (role != EVENT_ROLE_SERVER)
                key.remote_port = v->ends.remote_port;
        if (role != EVENT_ROLE_CLIENT) {
                __builtin_memcpy(key.local, v->ends.local, sizeof(key.local));
                key.local_port = v->ends.local_port;
        }
        return edge_index(&key, tgid);
}

static __always_inline __u64 view_key(const struct view *v, __u8 role)
{
        __u32 ours = v->snd_una - (__u32)v->bytes_acked, theirs = v->rcv_nxt - (__u32)v->bytes_received;

        if (role == EVENT_ROLE_CLIENT)
                return (__u64)(ours + 1) << 32 | theirs;
        return role == EVENT_ROLE_SERVER ? (__u64)theirs << 32 | ours : (__u64)ours << 32 | theirs;
}

static __always_inline __u64 view_sent(const struct view *v)
{
        return v->bytes_acked + (__u32)(v->write_seq - v->snd_una) - state_fin(v->state);
}

/* Counts a candidate that is still open. What it did before is not counted. */
static __noinline int adopt(struct conn *conn, struct view *v, struct event_process *process, struct event_control *control)
{
        __u32 index, tag, tgid;
        struct event_counts *slot;
        __u64 sock, since, sent;
        bool same;
        __u8 role;

        if (!conn || !v || !process || !control)
                return 0;
        sock = v->sock;
        since = v->since;
        role = view_role(v);
        if (role == EVENT_ROLE_UNKNOWN && has_listener(&v->ends))
                role = EVENT_ROLE_SERVER;
        index = view_edge(v, &process->owner, role, process->tgid);
        if (index == INDEX_NONE)
                return 0;
        slot = counts_of(index);
        if (!slot)
                return 0;
        tag = owner_tag(&process->owner);
        tgid = process->tgid;
        sent = view_sent(v);
        if (have_lock)
                bpf_spin_lock(&conn->lock);
        same = conn->phase == CONN_CANDIDATE && conn->sock == sock && conn->since == since;
        if (same) {
                conn->edge = index;
                conn->role = role;
                conn->flags = CONN_ADOPTED;
                conn->tgid = tgid;
                conn->owner_tag = tag;
                conn->sent = sent;
                conn->received = v->bytes_received - v->done;
                conn->retransmits = v->total_retrans;
                conn->quiet = 0;
                conn->born_sweep = conn->owner_sweep = conn->swept = control->sweep;
                conn->phase = CONN_OPEN;
                __sync_fetch_and_add(&slot->adopted, 1);
                slot->last_ns = since;
        }
        if (have_lock)
                bpf_spin_unlock(&conn->lock);
        if (same)
                key_report(view_key(v, role), role, index, slot->generation, control->key_threshold);
        return 0;
}

/* Counts the opening of a connection that no program saw open: its socket is. */
static __noinline int open_late(struct conn *conn, struct view *v, struct event_control *control)
{
        struct event_counts *slot;
        struct event_owner owner;
        __u64 sock, since;
        __u32 index;
        __u8 role;

        if (!have_lock || !conn || !v || !control)
                return 0;
        sock = v->sock;
        since = v->since;
        role = conn->role;
        index = conn->edge;
        if (index == INDEX_NONE) {
                owner = conn->owner;
                index = view_edge(v, &owner, role, conn->tgid);
        }
        slot = index == INDEX_NONE ? NULL : counts_of(index);
        if (slot && opened_late(conn, sock, since, index, slot, control->sweep))
                key_report(view_key(v, role), role, index, slot->generation, control->key_threshold);
        return 0;
}

/* Brings the counters up to date, and takes one sample of the RTT. */
static __noinline int account(struct conn *conn, struct view *v, __u32 sweep)
{
        __u64 sock, since, sent, received;
        struct event_counts *slot;
        __u32 bucket;

        if (!have_lock || !conn || !v)
                return 0;
        sock = v->sock;
        since = v->since;
        slot = counts_of(conn->edge);
        if (!slot)
                return 0;
        sent = view_sent(v);
        received = v->bytes_received - v->done;
        bpf_spin_lock(&conn->lock);
        if (conn->phase == CONN_OPEN && conn->sock == sock && conn->since == since) {
                __sync_fetch_and_add(&slot->sent, sent - conn->sent);
                __sync_fetch_and_add(&slot->received, received - conn->received);
                __sync_fetch_and_add(&slot->retransmits, (__u32)(v->total_retrans - conn->retransmits));
                conn->sent = sent;
                conn->received = received;
                conn->retransmits = v->total_retrans;
                conn->swept = sweep;
        }
        bpf_spin_unlock(&conn->lock);
        bucket = histogram_bucket(v->srtt_us >> 3);
        if (v->srtt_us && bucket < EVENT_HISTOGRAM_BUCKETS)
                ADD(slot->rtt[bucket], 1);
        return 0;
}

/* Moves a server's connection to the owner that really holds it, with what was counted so far. The
 * two edges' counters change by amounts that cancel. */
static __noinline int move(struct conn *conn, struct view *v, struct event_process *process, struct event_control *control)
{
        struct event_counts *from, *to;
        __u64 sock, since, adopted;
        __u32 index, tag, tgid;
        bool same;

        if (!have_lock || !conn || !v || !process || !control)
                return 0;
        sock = v->sock;
        since = v->since;
        from = counts_of(conn->edge);
        index = view_edge(v, &process->owner, EVENT_ROLE_SERVER, process->tgid);
        to = index == INDEX_NONE ? NULL : counts_of(index);
        if (!from || !to)
                return 0;
        tag = owner_tag(&process->owner);
        tgid = process->tgid;
        bpf_spin_lock(&conn->lock);
        same = conn->phase == CONN_OPEN && conn->sock == sock && conn->since == since && conn->edge != index;
        if (same) {
                adopted = conn->flags & CONN_ADOPTED;
                if (adopted) { /* its bytes count from adoption on: they stay where they were counted */
                        __sync_fetch_and_add(&from->adopted, -1ULL);
                        __sync_fetch_and_add(&to->adopted, 1);
                } else {
                        __sync_fetch_and_add(&from->attempted, -1ULL);
                        __sync_fetch_and_add(&from->opened, -1ULL);
                        __sync_fetch_and_add(&from->sent, -conn->sent);
                        __sync_fetch_and_add(&from->received, -conn->received);
                        __sync_fetch_and_add(&from->retransmits, -(__u64)conn->retransmits);
                        __sync_fetch_and_add(&to->attempted, 1);
                        __sync_fetch_and_add(&to->opened, 1);
                        __sync_fetch_and_add(&to->sent, conn->sent);
                        __sync_fetch_and_add(&to->received, conn->received);
                        __sync_fetch_and_add(&to->retransmits, conn->retransmits);
                }
                conn->edge = index;
                conn->tgid = tgid;
                conn->owner_tag = tag;
                conn->owner_sweep = control->sweep;
                conn->flags &= ~CONN_OWNER_GUESSED;
                to->last_ns = from->last_ns;
        }
        bpf_spin_unlock(&conn->lock);
        if (same)
                key_report(view_key(v, EVENT_ROLE_SERVER), EVENT_ROLE_SERVER, index, to->generation, control->key_threshold);
        return 0;
}

/* A holder of an open server's connection that is not the accounted owner. It is the owner if ours
 * was a guess, or if ours did not hold it during one whole sweep. */
static __always_inline bool better_owner(const struct conn *conn, __u8 sweep)
{
        if (conn->flags & CONN_OWNER_GUESSED)
                return true;
        return conn->born_sweep != sweep && (__u8)(conn->born_sweep + 1) != sweep && conn->owner_sweep != sweep &&
               (__u8)(conn->owner_sweep + 1) != sweep;
}

/* `dead`: the element of the socket's former life, if it was kept. */
static __noinline int candidate_put(__u64 key, struct conn *dead, struct event_control *control)
{
        struct conn candidate = {};

        if (!control)
                return 0;
        candidate.sock = key;
        candidate.since = bpf_ktime_get_ns();
        candidate.phase = CONN_CANDIDATE;
        candidate.edge = INDEX_NONE;
        candidate.born_sweep = control->sweep;
        if (have_lock && dead) {
                if (conn_revive(dead, &candidate))
                        __sync_fetch_and_add(&control->dead, -1);
                return 0;
        }
        if (bpf_map_update_elem(&socks, &key, &candidate, BPF_NOEXIST) && control->adopting && !bpf_map_lookup_elem(&socks, &key))
                loss(EVENT_LOSS_SOCKS_FULL);
        return 0;
}

static __noinline int visit_connection(struct task_struct *task, __u32 tgid, struct sock *sk, struct event_control *control)
{
        struct event_process process;
        __u64 key = (unsigned long)sk;
        __u32 zero = 0;
        struct view *v;
        struct conn *conn;
        __u8 state = BPF_CORE_READ(sk, __sk_common.skc_state);

        v = bpf_map_lookup_elem(&view_now, &zero);
        if (!v || state == TCP_SYN_SENT || state == TCP_CLOSE || state == TCP_SYN_RECV)
                return 0;
        conn = bpf_map_lookup_elem(&socks, &key);
        if (!conn || conn->phase == CONN_DEAD) {
                if (process_of(task, tgid, &process))
                        candidate_put(key, conn, control);
                return 0;
        }
        if (conn->phase == CONN_CANDIDATE && conn->born_sweep == control->sweep)
                return 0;
        /* The element may come to be another's any moment: from here on it is compared with these. */
        v->sock = key;
        v->since = conn->since;
        if (conn->sock != key || !view_numbers((void *)sk, v))
                return 0;
        if (conn->phase == CONN_CANDIDATE) {
                if (v->state == TCP_CLOSE || !process_of(task, tgid, &process))
                        return 0;
                view_ends(sk, &v->ends);
                adopt(conn, v, &process, control);
                return 0;
        }
        if (conn->phase != CONN_OPEN) {
                if (state_open(v->state)) {
                        view_ends(sk, &v->ends);
                        open_late(conn, v, control);
                }
                return 0;
        }
        if (conn->swept != control->sweep)
                account(conn, v, control->sweep);
        if (pool_wants(conn, v, control) && pool_process(conn, task, tgid, &process))
                pool_count(conn, v, &process, control);
        if (conn->tgid == tgid) {
                conn->owner_sweep = control->sweep;
                return 0;
        }
        if (conn->role != EVENT_ROLE_SERVER || !process_of(task, tgid, &process))
                return 0;
        if (owner_tag(&process.owner) == conn->owner_tag) {
                conn->owner_sweep = control->sweep;
                conn->tgid = tgid;
        } else if (better_owner(conn, control->sweep)) {
                view_ends(sk, &v->ends);
                move(conn, v, &process, control);
        }
        return 0;
}

/* Returns 1 if this is the owner of the listener, and thereby of what waits in its accept queue. */
static __noinline int visit_listener(struct task_struct *task, __u32 tgid, struct sock *sk, struct event_control *control)
{
        struct event_listener *known, listener = {};
        struct event_process process;
        __u64 key = (unsigned long)sk;
        bool keeps = task_keeps(task);
        struct bind bind = {};
        struct ends ends;

        known = bpf_map_lookup_elem(&listeners, &key);
        if (!process_capture(task, &process, keeps ? 0 : BPF_CORE_READ(sk, __sk_common.skc_num)))
                return 0;
        if (known) {
                known->backlog = BPF_CORE_READ(sk, sk_ack_backlog);
                known->backlog_max = BPF_CORE_READ(sk, sk_max_ack_backlog);
                known->drops = BPF_CORE_READ(sk, sk_drops.counter);
                if (known->born_sweep != control->sweep)
                        known->flags &= ~EVENT_LISTENER_UNSURE;
                if (known->tgid == tgid || owner_tag(&known->owner) == owner_tag(&process.owner)) {
                        known->owner_sweep = control->sweep;
                        known->flags |= EVENT_LISTENER_SWEPT;
                        return known->backlog != 0;
                } else if (!keeps && (known->flags & EVENT_LISTENER_KEPT ||
                                      (known->born_sweep != control->sweep && known->owner_sweep != control->sweep &&
                                       (__u8)(known->owner_sweep + 1) != control->sweep))) {
                        known->owner = process.owner;
                        known->tgid = tgid;
                        known->owner_sweep = control->sweep;
                        known->flags |= EVENT_LISTENER_SWEPT;
                        known->flags &= ~EVENT_LISTENER_KEPT;
                }
                return 0;
        }
        view_ends(sk, &ends);
        listener.owner = process.owner;
        __builtin_memcpy(listener.address, ends.local, sizeof(listener.address));
        listener.since_ns = bpf_ktime_get_ns();
        listener.drops = BPF_CORE_READ(sk, sk_drops.counter);
        listener.netns = ends.netns;
        listener.backlog = BPF_CORE_READ(sk, sk_ack_backlog);
        listener.backlog_max = BPF_CORE_READ(sk, sk_max_ack_backlog);
        listener.tgid = tgid;
        listener.port = ends.local_port;
        listener.transport = EVENT_TRANSPORT_TCP;
        listener.flags = EVENT_LISTENER_SWEPT | EVENT_LISTENER_UNSURE | (keeps ? EVENT_LISTENER_KEPT : 0);
        if (BPF_CORE_READ_BITFIELD_PROBED(sk, __sk_common.skc_ipv6only))
                listener.flags |= EVENT_LISTENER_V6ONLY;
        listener.born_sweep = listener.owner_sweep = control->sweep;
        if (bpf_map_update_elem(&listeners, &key, &listener, BPF_NOEXIST)) {
                if (!bpf_map_lookup_elem(&listeners, &key))
                        loss(EVENT_LOSS_LISTENERS_FULL);
                return 0;
        }
        __builtin_memcpy(bind.address, listener.address, sizeof(bind.address));
        bind.netns = listener.netns;
        bind.port = listener.port;
        bpf_map_update_elem(&binds, &bind, &key, BPF_ANY);
        return 0;
}

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
        if (BPF_CORE_READ(sk, __sk_common.skc_dport))
                return control->sweep_mode & EVENT_SWEEP_CONNECTIONS ? visit_flow(task, tgid, sk, cookie) : 0;
        listener = cookie ? bpf_map_lookup_elem(&listeners, &cookie) : NULL;
        if (listener && listener->transport == EVENT_TRANSPORT_UDP) {
                listener->born_sweep = control->sweep;
                listener->drops = BPF_CORE_READ(sk, sk_drops.counter);
        }
        return 0;
}

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
