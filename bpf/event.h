/* The contract between the programs in the kernel and the agent; the only file that both sides read.
 *
 * Way of counting. A connection is an entry in `socks`, keyed by socket pointer, with a generation.
 * It names its edge by index; an edge is (owner, far end, role, transport, network namespace) and
 * has one slot of counters in the array `counts`. Counters are cumulative since the agent loaded and
 * are only added to in the kernel, atomically. The agent reads the array through mmap. Nothing is
 * sent per message and, but for the key that lets both ends meet, nothing per connection.
 *
 * Life of an edge's index: taken in the kernel at first use, announced by EVENT_EDGE. The agent may
 * retire an edge whose sockets are all gone: it deletes the key from `edges`, takes `known` from the
 * slot, waits, sees that the counters stood still, zeroes the slot and hands the index back through
 * `edge_free`. Each use of an index has another generation.
 *
 * Loss. Whatever could not be counted raises one of `losses`, which the agent sends on. The agent
 * adds the recursion misses for which no twin program stood in.
 *
 * All integers are in host order, ports too. Addresses are 16 bytes, IPv4 as ::ffff:a.b.c.d. Times
 * are CLOCK_MONOTONIC nanoseconds. `tgid` is a process's number in the first pid namespace, `pid` in
 * the agent's own. Every struct is padded by hand and its size asserted. */
#pragma once

#ifndef __BPF__
#include <linux/types.h>
#endif

#define EVENT_VERSION 1

#define EVENT_HISTOGRAM_BUCKETS 48
#define EVENT_PATH_SIZE 256
#define EVENT_COMM_SIZE 16

enum event_role {
        EVENT_ROLE_UNKNOWN = 0, /* adopted, and nothing on this host tells who sent the SYN */
        EVENT_ROLE_CLIENT = 1,
        EVENT_ROLE_SERVER = 2,
};

enum event_transport { EVENT_TRANSPORT_TCP = 6, EVENT_TRANSPORT_UDP = 17 };

/* Who owns an end, as the kernel knows it. Executables are told apart by device and inode; the
 * agent learns their paths from EVENT_OWNER. `listen_port` is the first TCP port on which the
 * process (or the parent it was forked from without exec) listens, and 0 if it listens on none. */
struct event_owner {
        __u64 cgroup; /* id in the default hierarchy */
        __u64 exe_inode;
        __u32 exe_device;
        __u16 listen_port;
        __u16 pad;
};
_Static_assert(sizeof(struct event_owner) == 24, "event_owner");

/* Key of the hash `edges`; its value is the index into `counts`. A client's edge has the far
 * address and port and neither local address nor local port; a server's has the address and port
 * it was reached on and the far address without the far port, which is ephemeral. */
struct event_edge {
        struct event_owner owner;
        __u8 local[16];
        __u8 remote[16];
        __u16 local_port;
        __u16 remote_port;
        __u8 role;
        __u8 transport;
        __u16 pad;
        __u32 netns; /* inode number of the network namespace */
        __u32 pad2;
};
_Static_assert(sizeof(struct event_edge) == 72, "event_edge");

/* One slot of `counts`. open = adopted + opened − closed.
 * attempted = opened + (refused … unseen) + attempts in progress; a server's end counts opened as
 * attempted too. For UDP, opened counts flows. Histograms have half-octave buckets of microseconds:
 * bucket 2k holds [2^k, 1.5·2^k), 2k+1 holds [1.5·2^k, 2^(k+1)); 0 holds everything below 2, and
 * the last everything above. */
struct event_counts {
        __u64 attempted;
        __u64 adopted; /* connections older than the agent, or first met by the sweep */
        __u64 opened;
        __u64 closed; /* all ends of established connections, resets and time-outs included */
        __u64 refused;
        __u64 timed_out; /* before they opened */
        __u64 unreachable;
        __u64 aborted; /* by their own process, before they opened */
        __u64 no_port;
        __u64 unseen; /* attempts of which no program saw the end: of no kind, and a loss */
        __u64 reset_by_peer;
        __u64 reset_by_self;
        __u64 timed_out_open; /* established, then timed out */
        __u64 sent;           /* bytes of payload written by the owner */
        __u64 received;       /* bytes of payload that arrived */
        __u64 unread;         /* bytes that lay unread when their connection ended; not after we sent our FIN */
        __u64 retransmits;
        __u64 datagrams_sent; /* UDP, as its bytes above: those that passed while control.datagram_bytes was set */
        __u64 datagrams_received;
        __u64 last_ns; /* last change of state */
        __u64 generation;
        __u32 rtt[EVENT_HISTOGRAM_BUCKETS];        /* smoothed RTT, one sample a sweep and one at close */
        __u32 turnaround[EVENT_HISTOGRAM_BUCKETS]; /* request to reply, while the tier is on */
        __u64 known;                               /* 1: `edge` is whose slot this is; 0 before, and once it is retired */
        struct event_edge edge;
};
_Static_assert(sizeof(struct event_counts) == 22 * 8 + 2 * 4 * EVENT_HISTOGRAM_BUCKETS + 72, "event_counts");

/* Value of the hash `listeners`, keyed by socket pointer (UDP: by socket cookie); the agent reads it at its interval. */
struct event_listener {
        struct event_owner owner;
        __u8 address[16];
        __u64 since_ns;
        __u64 drops; /* sk_drops, as last read by the sweep */
        __u32 netns;
        __u32 backlog; /* accept queue now, as last read by the sweep */
        __u32 backlog_max;
        __u32 tgid;
        __u16 port;
        __u8 transport;
        __u8 flags; /* EVENT_LISTENER_* */
        __u8 born_sweep;
        __u8 owner_sweep; /* last sweep that found the owner to hold it, modulo 256 */
        __u8 pad[2];
};
_Static_assert(sizeof(struct event_listener) == 80, "event_listener");

enum event_listener_flags {
        EVENT_LISTENER_SWEPT = 1, /* owner comes from a file table, not only from the listen call */
        EVENT_LISTENER_V6ONLY = 2,
        EVENT_LISTENER_UNSURE = 4, /* met once by the sweep: it may have closed just then */
        EVENT_LISTENER_KEPT = 8,   /* by systemd, for another, who is the owner once it holds it */
};

/* Value of the hash `processes` (keyed by tgid) for processes that own a listener or opened a
 * connection; kept from first use to exit. */
struct event_process {
        struct event_owner owner;
        __u64 start_ns; /* the process's start, CLOCK_BOOTTIME as in /proc/PID/stat */
        __u32 tgid;
        __u32 pid; /* the same as the agent's /proc has it; 0 if it is not in there */
};
_Static_assert(sizeof(struct event_process) == 40, "event_process");

/* What the iterator over tasks writes for each thread of a process in `processes`: nanoseconds on a processor. */
struct event_ran {
        __u64 ns;
        __u32 tgid;
        __u32 pad;
};
_Static_assert(sizeof(struct event_ran) == 16, "event_ran");

/* A UDP flow: key and value of the hash `flows`, which the agent ages. A server's flow has no far port.
 * One that is not counted yet is a connected socket of which no datagram was seen. */
struct datagram_flow_key {
        __u64 cookie;
        __u8 peer[16];
        __u16 port;
        __u16 pad;
        __u32 pad2;
};
_Static_assert(sizeof(struct datagram_flow_key) == 32, "datagram_flow_key");
struct datagram_flow {
        __u64 last_ns;
        __u32 edge;
        __u8 role;
        __u8 counted;
        __u16 pad;
};
_Static_assert(sizeof(struct datagram_flow) == 16, "datagram_flow");

/* Key and value of the hash `pools`: the connections that one process has on one edge, as the last sweep
 * found them; a server's end is only here while it is left in CLOSE_WAIT. One that a sweep did not meet
 * keeps an older `sweep` and is empty. Busy: a request without its reply, or its reply without its
 * acknowledgement. Held: idle since before the newest connection of the pool began; by the clock of the
 * sweeps, so that what was used a moment before is not yet counted. open = busy + idle + close_wait.
 * A held one that is used after all, or closed, is what tells a healthy pool from a leak: hence the two
 * counters, cumulative for as long as the pool has any connection.
 *
 * Skipped: idle, and passed over: another one that had been idle for longer was used. A pool that takes the
 * latest first does not do that. Since then, and since one came to be held, the turns are counted that the others
 * had, each turn as many uses, first ones too, as there are connections: where the oldest is taken first none is left out of one,
 * and where any may be taken the chance to be left out of k of them is about exp(-k). `returned_after` is the most
 * that one had missed that was used again after all, of those passed over and of those held. Skipped, and of the
 * held ones overdue, is who missed three more than twice as many. The rest is what a sweep leaves for the next, times
 * in the unit of pool.h. */
struct event_pool_key {
        __u32 tgid;
        __u32 edge;
};
_Static_assert(sizeof(struct event_pool_key) == 8, "event_pool_key");
struct event_pool {
        __u64 start_ns;   /* of the process, as in event_process */
        __u64 generation; /* of the edge */
        __u64 opened_ns;  /* when the newest connection that any sweep has met began */
        __u32 busy, idle, held, close_wait;
        __u32 held_ever, reused; /* connections that came to be held; those of them that were used again */
        __u32 pid;               /* as the agent's /proc has it */
        __u32 skipped, overdue;
        __u32 at, before;              /* when this sweep came to the pool, and the one before it */
        __u32 deepest, deepest_before; /* since when the longest idle one had been that was used until then; ~0: none */
        __u32 open, used;              /* by this sweep; used: since the one before it */
        __u32 turn;                    /* uses that are no full turn yet */
        __u8 sweep;
        __u8 returned_after[2]; /* EVENT_TURNS_MAX: that, or more */
        __u8 turned;            /* the sweep before this one made a turn full */
        __u32 pad;
};
#define EVENT_TURNS_MAX 31
_Static_assert(sizeof(struct event_pool) == 96, "event_pool");

/* What could not be counted; slots of the array `losses`, each cumulative. */
enum event_loss {
        EVENT_LOSS_SOCKS_FULL, /* a connection that found no room in `socks`: not counted anywhere */
        EVENT_LOSS_EDGES_FULL, /* a connection whose edge found no room: not counted anywhere */
        EVENT_LOSS_LISTENERS_FULL,
        EVENT_LOSS_CLOSE_UNSEEN, /* an end that no program saw: `closed` if it was open, else an attempt of no kind */
        EVENT_LOSS_KEYS,         /* keys that found no room in the ring: both ends may not meet */
        EVENT_LOSS_EVENTS,       /* other events that found no room; the agent then reads the maps */
        EVENT_LOSS_FLOWS,        /* UDP flows that found no room */
        EVENT_LOSS_POOLS,        /* connections that a sweep found no pool for; they are counted all the same */
        EVENT_LOSS_MAX,
};

/* The one slot of the array `control`: what the agent tells the running programs, and what they
 * count for it. Only the probe touches it. */
struct event_control {
        __u32 key_threshold;  /* keys whose hash is above are not reported */
        __u8 counting;        /* 0: only listeners are followed, while the agent starts */
        __u8 sweep;           /* number of the running or last sweep, modulo 256 */
        __u8 sweep_mode;      /* EVENT_SWEEP_* */
        __u8 adopting;        /* while the agent starts: a connection that finds no room is a loss */
        __u64 taken_over;     /* runs that a twin program did in place of the first one */
        __u64 files, sockets; /* visited by the sweep */
        __u64 since_ns;       /* when counting began */
        __u32 dead;           /* elements of `socks` that are kept for the next life of their socket */
        __u8 pool_sweep;      /* the same as `sweep` for pools, and never 0 */
        __u8 datagram_bytes;  /* 1: bytes of UDP are counted, since the messages of every moment are seen */
        __u8 sockets_unsure;  /* the sweep found no room for a datagram socket: those it did not note may be there */
        __u8 pad;
};
_Static_assert(sizeof(struct event_control) == 48, "event_control");

enum event_sweep { EVENT_SWEEP_LISTENERS = 1, EVENT_SWEEP_CONNECTIONS = 2 };

enum event_type {
        EVENT_OWNER = 1, /* a new owner, with its names */
        EVENT_EDGE,      /* a new edge; wakes the agent */
        EVENT_KEY,       /* both ends of a connection have this key; does not wake the agent */
        EVENT_LISTEN,    /* a listener came or went: read `listeners`; wakes the agent */
        EVENT_EXEC,      /* reserved for the process tier */
        EVENT_EXIT,      /* a process known to `processes` ended */
};

struct event_header {
        __u8 type;
        __u8 version;
        __u16 size; /* of the whole event */
        __u32 cpu;
};
_Static_assert(sizeof(struct event_header) == 8, "event_header");

/* Names are read at the moment the owner first acts, so that a process of 5 ms has one. Strings end
 * with NUL and are cut to size; a path that was cut begins with "...". */
struct event_owner_named {
        struct event_header header;
        struct event_owner owner;
        __u64 start_ns;
        __u32 pid; /* as the agent's /proc has it; 0 if it is not in there */
        __u32 netns;
        char comm[EVENT_COMM_SIZE];
        char cgroup_path[EVENT_PATH_SIZE]; /* from the root of the default hierarchy */
        char exe_path[EVENT_PATH_SIZE];    /* in the process's own mount namespace */
};
_Static_assert(sizeof(struct event_owner_named) == 64 + 2 * EVENT_PATH_SIZE, "event_owner_named");

struct event_edge_new {
        struct event_header header;
        struct event_edge edge;
        __u64 generation;
        __u32 index;
        __u32 tgid; /* that first used it; 0 if unknown */
};
_Static_assert(sizeof(struct event_edge_new) == 96, "event_edge_new");

/* key: (initiator's ISN + 1) << 32 | (responder's ISN + 1), the same at both ends and through NAT.
 * With EVENT_ROLE_UNKNOWN it is the raw pair (snd_una − bytes_acked) << 32 | (rcv_nxt −
 * bytes_received): were this end the initiator the key would have 1 added to its upper half, were
 * it the responder the halves swapped. For connected UDP it is a hash of both addresses and ports. */
struct event_key {
        struct event_header header;
        __u64 key;
        __u64 generation;
        __u32 index;
        __u8 role;
        __u8 pad[3];
};
_Static_assert(sizeof(struct event_key) == 32, "event_key");

/* The same without a ring's locks, where the kernel runs a program once at a time on each CPU: a queue
 * for each CPU, that the agent reads through mmap. `head` is the kernel's, `tail` the agent's, both
 * rising; an edge is announced by the ring before its first key is in a queue. What finds no room goes
 * to the ring. */
struct event_key_queue {
        __u32 head;
        __u32 tail;
        __u32 pad[14];
};
_Static_assert(sizeof(struct event_key_queue) == 64, "event_key_queue");
struct event_key_slot {
        __u64 key;
        __u64 generation;
        __u32 index;
        __u8 role;
        __u8 pad[3];
};
_Static_assert(sizeof(struct event_key_slot) == 24, "event_key_slot");

struct event_exit {
        struct event_header header;
        struct event_owner owner;
        __u64 start_ns;
        __u32 tgid;
        __u16 code;
        __u8 signal;
        __u8 oom;
};
_Static_assert(sizeof(struct event_exit) == 48, "event_exit");

/* A limit on new connections of a cgroup to one server (shed.bpf.c): what the agent sets, and what the kernel counts.
 * Each connection moves the next one's turn on by an interval; who comes more than `ahead_ns` before its turn is
 * refused. After the deadline nobody is. */
#define EVENT_SHED_ADDRESSES 16
struct event_shed {
        __u64 deadline;    /* CLOCK_BOOTTIME */
        __u64 interval_ns; /* 0: all are refused */
        __u64 ahead_ns;
        __u32 port;
        __u32 addresses_count;
        __u8 addresses[EVENT_SHED_ADDRESSES][16];
};
_Static_assert(sizeof(struct event_shed) == 288, "event_shed");
struct event_shed_counts {
        __u64 passed;
        __u64 refused;
};
_Static_assert(sizeof(struct event_shed_counts) == 16, "event_shed_counts");
