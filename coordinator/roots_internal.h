/* What a walk for roots knows. */
#pragma once

#include "coordinator/measured.h"
#include "coordinator/pulse.h"
#include "coordinator/roots.h"

/* What is enough to follow a trail by. What is enough to be an incident is in the signatures. */
#define SLOWER 0.4 /* of the logarithm of the time: half as long again */
#define LATE 0.08  /* share of what was asked that is not answered any more */
#define LOSS 0.02  /* of segments */

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
        bool refused, crashes, measured, bad, explained, lossy, by_load, of_host, by_host, mark;
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

/* roots_flow.c: a stretch of time against what is usual. The mean of the logarithm of the times of answers; NaN. */
double flow_mean(const struct flow *f);
/* Its change, 0 where it is not beyond `chance` deviations. */
double flow_slower(const struct flow *now, const struct flow *usual, double chance);
/* Of a sum, for the flow's minutes. */
double flow_per_cell(double sum, const struct flow *f);
/* The share of what was asked that gets no answer any more, by what came back and by what was asked anew. */
double flow_late(const struct flow *now, const struct flow *usual);
bool flow_refused(const struct flow *now, const struct flow *usual);
double flow_segments(const struct flow *f);
bool flow_loses(const struct flow *now, const struct flow *usual);
void pair_add(struct pair_flow *into, const struct pair_flow *f);

/* roots_walk.c. NULL: there is no such copy. */
struct copy *walk_find(const struct walk *w, const struct service *service, const struct host *host);
/* Fills the walk; false without memory. */
MUST_CHECK bool walk_gather(struct core *core, struct walk *w);
void walk_judge(struct walk *w);
/* Which calls explain what their callers show, once lossy ways are known. */
void walk_explain(struct core *core, struct walk *w);
/* NULL without room. */
struct root *walk_add(struct walk *w, enum cause kind, double confidence);

/* roots_places.c, roots_services.c: each adds the roots of its kind. */
void roots_find_networks(struct walk *w);
void roots_find_hosts(struct core *core, struct walk *w);
void roots_find_loads(struct walk *w);
void roots_find_services(struct core *core, struct walk *w);

/* roots_reach.c: who shows something and waits for the root, which symptom of those is nearest to it, and since when. */
void root_find_reach(struct walk *w, struct root *r);
