/* What the sweep does to the entry of a connection: counts, opens, updates or moves it. An entry is changed
 * under its own lock, after a look at whether it still is the same connection. */
#pragma once

#include "bpf/view.h"

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
