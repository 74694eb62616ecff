/* What a walk for roots knows. */
#pragma once

#include "coordinator/pulse.h"
#include "coordinator/roots.h"

struct pair_flow {
        struct flow now, usual;
};

/* One service on one host. */
struct copy {
        struct service *service;
        struct host *host;
        struct pair_flow in, outside, seen; /* as it counts; of that from outside; as its clients count */
        double slower, late, growth;
        uint32_t calls;
        bool refused, measured, bad, explained, by_load, of_host, by_host, mark;
};

struct call {
        struct copy *from, *to; /* to: NULL if it is not known */
        struct service *server;
        const struct end *end;
        uint16_t port;
        struct pair_flow flow;
        double slower, late;
        bool refused, loses, explains, counted;
};

struct walk {
        const struct core *core;
        struct copy *copies; /* by service, then host */
        struct call *calls;
        uint32_t copies_count, calls_count, capacity;
        struct root roots[64];
        size_t roots_count;
};
