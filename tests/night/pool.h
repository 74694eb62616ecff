/* A client's pool of connections to one server, as libraries keep them, and the traffic that uses it.
 *
 * Each connection is kept. Requests are kept one by one while there are few (or while they last long);
 * where there are many in a step, how many connections were in use at most, how many are at its end and
 * which ones were touched is drawn at once (pool_bulk.c), from the same state: with last-in-first-out the
 * distinct connections used in a while are as many as were in use at most; with first-in-first-out as many
 * as there were requests, in turn.
 *
 * A leak takes a connection out of the pool for good: the application forgot to give it back (LEAK_HELD;
 * the library counts it against its maximum and neither its idle time nor its lifetime ends it), or the
 * far end closed and the application forgot to close (LEAK_HALF, CLOSE_WAIT; it counts against nothing
 * but the process's files). Times are seconds of the night. Nothing fails but for memory, which aborts. */
#pragma once

#include "tests/night/random.h"

enum pool_order {
        ORDER_LIFO,
        ORDER_FIFO,
        ORDER_ANY,     /* whichever: thread affinity, or several threads after one list */
        ORDER_BOUND,   /* each of `max` threads opens its own and keeps it */
        ORDER_STREAMS, /* one connection for many requests at once */
};

/* How a library behaves, from what it documents; see kinds.c. */
struct pool_kind {
        const char *name;
        enum pool_order order;
        uint32_t max;      /* 0: no bound */
        uint32_t min;      /* kept open, and opened anew when fewer */
        uint32_t idle_max; /* what comes back beyond it is closed; 0: no bound */
        double idle;       /* closed when idle for so long; 0: never */
        double lifetime;   /* closed when older, once idle; 0: never */
        double jitter;     /* each lives up to this ratio less */
        double chores;     /* how often idle time and lifetime are looked at; 0: at once */
        double apart;      /* at least so long between two that end by lifetime */
        bool warm;         /* opens its minimum at the start */
        double patience;   /* how long a request waits for a connection */
};

const struct pool_kind *pool_kind_get(const char *name); /* NULL if there is none */
const struct pool_kind *pool_kind_at(size_t index);      /* NULL past the last */

enum conn_state { CONN_FREE, CONN_IDLE, CONN_BUSY, CONN_LEAKED, CONN_HALF };

struct conn {
        enum conn_state state;
        bool touched; /* since the last sweep */
        bool met, busy_seen, held;
        bool passed;    /* over: see pool_sweep.c */
        uint32_t turns; /* that others had since */
        double opened, used, until, expires;
        double quiet; /* when a sweep last found it changed */
};

/* What connections are taken from: the server's limit, and the process's. */
struct pool_limits {
        uint32_t *server_open, server_max; /* 0: none */
        uint32_t *files, files_max;
};

enum leak_kind { LEAK_NONE, LEAK_HELD, LEAK_HALF };

struct pool_load {
        double rate; /* requests a second */
        struct duration service;
        double slow_share; /* of the requests are such */
        struct duration slow;
        enum leak_kind leak;
        double leak_chance; /* of any request: the path's share of them over N */
};

/* What happened; cumulative. */
struct pool_flow {
        uint64_t requests, served, failed; /* failed: no connection to be had within patience */
        uint64_t opened, closed;
        uint64_t refused; /* opened, told that the server is full, closed; counted in both */
        uint64_t leaked;
};

struct pool {
        struct pool_kind kind;
        struct pool_limits limits;
        struct random random;
        struct conn *conns;           /* by the slot, as files are numbered: the lowest free one is taken */
        uint32_t slots, size, lowest; /* lowest: none below it is free */
        uint32_t *idle;               /* the longest idle first */
        uint32_t idle_count, busy, leaked, half;
        uint32_t waiting;
        double now, chores_at, retired_at;
        double few;        /* up to so many requests in a step are simulated one by one */
        double starved_at; /* first time that a request found no connection for leaks or limits; NaN */
        struct pool_flow flow;
        struct {
                uint32_t held_ever, reused;
                double opened; /* newest that any sweep met; NaN */
                double at, deepest, deepest_before;
                uint32_t open, used, turn;
                uint32_t returned_after[2]; /* of those passed over, and of those held */
                bool turned;
        } swept;
};

void pool_init(struct pool *pool, const struct pool_kind *kind, const struct pool_limits *limits, uint64_t seed, double now);
/* All connections end: the process does. What it counted stays. */
void pool_reset(struct pool *pool, double now);
void pool_free(struct pool *pool);
void pool_move(struct pool *pool, double now, const struct pool_load *load);
uint32_t pool_open(const struct pool *pool);

/* What a sweep at this moment would say; bpf/pool.h has the same rules, in the same order. */
struct pool_swept {
        uint32_t busy, idle, held, close_wait, skipped, overdue;
};
struct pool_swept pool_sweep(struct pool *pool, double now);
/* The agent starts anew and has met none of them. */
void pool_forget(struct pool *pool);

/* For pool_exact.c and pool_bulk.c. */
int pool_acquire(struct pool *pool, double now); /* a slot, or -1 if none is to be had now */
int pool_connect(struct pool *pool, double now); /* likewise */
void pool_release(struct pool *pool, uint32_t slot, double now);
void pool_close(struct pool *pool, uint32_t slot);
void pool_leak(struct pool *pool, uint32_t slot, enum leak_kind kind, double now);
void pool_reap(struct pool *pool, double now);
void pool_exact(struct pool *pool, double now, const struct pool_load *load);
void pool_bulk(struct pool *pool, double now, const struct pool_load *load);
