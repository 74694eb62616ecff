/* The maps that the objects share. Each object that includes this page declares them all; the probe
 * creates them once, with the first object, and hands them to the others by name. Sizes are set at
 * load. All hashes are preallocated: capped, accounted, and usable wherever a tracepoint fires. */
#pragma once

#include "bpf/kernel.h"

#include <bpf/bpf_helpers.h>

#include "bpf/event.h"

#define INDEX_NONE 0xffffffffU

enum conn_phase {
        CONN_CANDIDATE = 1, /* met once by the sweep, and not counted before the sweep meets it again */
        CONN_ATTEMPT,       /* SYN_SENT */
        CONN_CHILD,         /* SYN_RECV: of a listener, or of a simultaneous open */
        CONN_OPEN,
        CONN_DEAD, /* ended; its element waits for the socket's next life */
};

enum conn_pool_state {
        CONN_POOL_BUSY = 1,
        CONN_POOL_HELD = 2,
        CONN_POOL_PASSED = 4, /* over */
        CONN_POOL_TURN = 8,   /* the upper five bits: how many turns it missed since */
};

enum conn_flags {
        CONN_ADOPTED = 1,
        CONN_OWNER_GUESSED = 2, /* server whose listener was not known: any holder is better */
        CONN_SIMULTANEOUS = 4,
};

/* A connection: value of `socks`. The lock orders the end of a connection against the sweep, which
 * holds no socket lock; nothing else needs it. */
struct conn {
        struct bpf_spin_lock lock;
        __u32 edge;
        __u64 sock;  /* the key again; 0 once closed, since an element is reused at once */
        __u64 since; /* when it began, CLOCK_MONOTONIC: also its generation */
        union {
                struct event_owner owner; /* until the edge is known */
                struct {
                        __u64 sent, received; /* what is already in the counters of the edge */
                        __u32 retransmits;
                        __u32 quiet; /* of the sweep, see pool.h */
                };
        };
        __u32 tgid; /* of the accounted owner, 0 if unknown */
        __u8 role;
        __u8 phase;
        __u8 flags;
        __u8 born_sweep;  /* number of the sweep that ran last when it began, modulo 256 */
        __u8 owner_sweep; /* last sweep that found the accounted owner to hold it */
        __u8 swept;       /* last sweep that brought its counters up to date */
        __u16 ask_round;  /* round of the turnarounds tier that ask_us belongs to */
        __u32 owner_tag;  /* hash of the accounted owner, to notice a holder that is another */
        __u32 ask_us;     /* turnarounds: when the last request was sent, by tcp_mstamp; 0 if none is open */
        /* Of the sweep alone, see pool.h; 0 at the beginning of a life, as `quiet` is when it opens. */
        __u16 segments;
        __u8 pool_sweep;
        __u8 pool_state; /* CONN_POOL_* */
};
_Static_assert(sizeof(struct conn) == 72, "conn"); /* with its key and the head of the element two cache lines */

struct {
        __uint(type, BPF_MAP_TYPE_HASH);
        __type(key, __u64);
        __type(value, struct conn);
        __uint(max_entries, 131072);
} socks SEC(".maps");

struct {
        __uint(type, BPF_MAP_TYPE_HASH);
        __type(key, struct event_edge);
        __type(value, __u32);
        __uint(max_entries, 16384);
} edges SEC(".maps");

/* Where the index of an edge is looked for first: by a cheap hash of its key, an index plus 1. What is found
 * here is a guess, and compared with the key in the slot. */
#define EDGE_CACHE_BITS 12
struct {
        __uint(type, BPF_MAP_TYPE_ARRAY);
        __type(key, __u32);
        __type(value, __u32);
        __uint(max_entries, 1 << EDGE_CACHE_BITS);
} edge_cache SEC(".maps");

/* Indices that no edge has; filled by the probe. */
struct {
        __uint(type, BPF_MAP_TYPE_QUEUE);
        __uint(value_size, sizeof(__u32));
        __uint(max_entries, 16384);
} edge_free SEC(".maps");

struct {
        __uint(type, BPF_MAP_TYPE_ARRAY);
        __uint(map_flags, BPF_F_MMAPABLE);
        __type(key, __u32);
        __type(value, struct event_counts);
        __uint(max_entries, 16384);
} counts SEC(".maps");

/* Owners that were announced. An evicted one is merely announced again. */
struct {
        __uint(type, BPF_MAP_TYPE_LRU_HASH);
        __type(key, struct event_owner);
        __type(value, __u32);
        __uint(max_entries, 8192);
} owners SEC(".maps");

struct {
        __uint(type, BPF_MAP_TYPE_HASH);
        __type(key, __u32);
        __type(value, struct event_process);
        __uint(max_entries, 8192);
} processes SEC(".maps");

struct {
        __uint(type, BPF_MAP_TYPE_HASH);
        __type(key, __u64);
        __type(value, struct event_listener);
        __uint(max_entries, 4096);
} listeners SEC(".maps");

/* Where a listener is bound, for a child whose listener cannot be read from the socket itself. */
struct bind {
        __u8 address[16];
        __u32 netns;
        __u16 port;
        __u16 pad;
};
struct {
        __uint(type, BPF_MAP_TYPE_HASH);
        __type(key, struct bind);
        __type(value, __u64);
        __uint(max_entries, 4096);
} binds SEC(".maps");

/* UDP flows, see datagrams.bpf.c. */
struct {
        __uint(type, BPF_MAP_TYPE_HASH);
        __type(key, struct datagram_flow_key);
        __type(value, struct datagram_flow);
        __uint(max_entries, 16384);
} flows SEC(".maps");

/* Where a datagram goes or comes from: told by the hooks on addresses to those on lengths, which follow in the
 * same call of the task. Keyed by task and, for the last one that it sent, by the cookie of the socket, which is
 * never as large as a pointer. Only while bytes are counted. */
struct passing {
        __u64 cookie;
        __u64 generation;
        __u32 edge;
        __u8 fresh; /* 0: the length was told */
        __u8 role;
        __u16 pad;
};
struct {
        __uint(type, BPF_MAP_TYPE_LRU_HASH);
        __type(key, __u64);
        __type(value, struct passing);
        __uint(max_entries, 8192);
} passings SEC(".maps");

/* Datagram sockets that are held in a file table, by cookie: the last sweep that met each, as pool_sweep. */
struct {
        __uint(type, BPF_MAP_TYPE_HASH);
        __type(key, __u64);
        __type(value, __u8);
        __uint(max_entries, 16384);
} datagram_sockets SEC(".maps");

struct {
        __uint(type, BPF_MAP_TYPE_HASH);
        __type(key, struct event_pool_key);
        __type(value, struct event_pool);
        __uint(max_entries, 8192);
} pools SEC(".maps");

struct {
        __uint(type, BPF_MAP_TYPE_ARRAY);
        __type(key, __u32);
        __type(value, __u64);
        __uint(max_entries, EVENT_LOSS_MAX);
} losses SEC(".maps");

struct {
        __uint(type, BPF_MAP_TYPE_RINGBUF);
        __uint(max_entries, 1 << 20);
} ring SEC(".maps");

/* One slot, shared with the probe. */
struct {
        __uint(type, BPF_MAP_TYPE_ARRAY);
        __uint(map_flags, BPF_F_MMAPABLE);
        __type(key, __u32);
        __type(value, struct event_control);
        __uint(max_entries, 1);
} control SEC(".maps");

/* Knobs, set before load, the same in every object. */
const volatile __u64 scope_cgroup = 0;
const volatile __u32 scope_level = 0;
const volatile __u32 pid_namespace = 0; /* the agent's, by inode number; 0: the first one */
const volatile __u8 have_lock = 0;      /* bpf_spin_lock in tracing programs: since 5.13 */

const volatile __u32 dead_max = 0; /* elements kept for the next life of their socket; 0 without the lock */

/* Begins a new life in the element of the last one. False if that is no longer dead. */
static __always_inline bool conn_revive(struct conn *old, const struct conn *conn)
{
        bool dead;

        bpf_spin_lock(&old->lock);
        dead = old->phase == CONN_DEAD;
        if (dead) {
                old->edge = conn->edge;
                old->sock = conn->sock;
                old->since = conn->since;
                old->owner.cgroup = conn->owner.cgroup;
                old->owner.exe_inode = conn->owner.exe_inode;
                old->owner.exe_device = conn->owner.exe_device;
                old->owner.listen_port = conn->owner.listen_port;
                old->owner.pad = 0;
                old->tgid = conn->tgid;
                old->role = conn->role;
                old->flags = conn->flags;
                old->born_sweep = conn->born_sweep;
                old->owner_sweep = conn->owner_sweep;
                old->swept = conn->swept;
                old->ask_round = 0;
                old->owner_tag = conn->owner_tag;
                old->ask_us = 0;
                old->segments = 0;
                old->pool_sweep = 0;
                old->pool_state = 0;
                old->phase = conn->phase;
        }
        bpf_spin_unlock(&old->lock);
        return dead;
}

static __always_inline void loss(__u32 which)
{
        __u64 *n = bpf_map_lookup_elem(&losses, &which);

        if (n)
                __sync_fetch_and_add(n, 1);
}

static __always_inline struct event_control *control_get(void)
{
        __u32 zero = 0;

        return bpf_map_lookup_elem(&control, &zero);
}

/* At the end of a life: keeps the element for the socket's next one, up to a bound. */
static __always_inline void conn_retire(__u64 key, struct event_control *control)
{
        /* signed: a sweep that revives an entry just then may take one off before it is put on */
        if (have_lock && (__s32)control->dead < (__s32)dead_max)
                __sync_fetch_and_add(&control->dead, 1);
        else
                bpf_map_delete_elem(&socks, &key);
}

static __always_inline void event_head(struct event_header *header, __u8 type, __u16 size)
{
        header->type = type;
        header->version = EVENT_VERSION;
        header->size = size;
        header->cpu = bpf_get_smp_processor_id();
}
