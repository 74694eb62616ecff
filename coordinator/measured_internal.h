/* How the parts of measured.h add to what is measured. */
#pragma once

#include "coordinator/measured.h"

/* What counters of a subject of the graph were, and are in this round. */
struct measured_flow {
        int64_t round;                /* in which `now` was read; core->flows_at */
        int64_t at;                   /* round in which `before` was, by our clock, */
        int64_t host_at, host_before; /* and the moments of the summaries that both are of, by the agent's */
        bool known;                   /* `before` is */
        struct summary_counters now, before;
        struct histogram turnaround, turnaround_before, rtt, rtt_before;
        double open, load;
        double attempts, failed, resets; /* services: of their clients, within the minute */
        int64_t processes_at, started;   /* services: when its processes were read; the youngest one */
        uint32_t restarts;               /* ... within the hour, as told then */
        uint64_t oom_kills;              /* hosts: as told then */
        struct measured_usual usual[8];  /* the first is empty from which on all are */
};

/* The subject's, made at first sight; NULL without room. `end` tells subjects of one kind on one host apart. */
struct measured *measured_obtain(struct core *core, struct host *host, enum subject kind, uint64_t end, uint32_t pid,
                                 int64_t started, struct service *service);
struct measured_flow *measured_flow_new(struct core *core);
void measured_note(struct core *core, struct measured *measured, int64_t at);
void measured_set_server(struct core *core, struct measured *measured, struct service *server, uint16_t port);
/* A series begins with the first value that is not zero, and takes what came before it for zero. NaN is a gap. */
void measured_add(struct core *core, struct measured *measured, enum signal signal, int64_t at, double value);
/* Edges, services, listeners and hosts: measured once a minute from the graph, and remembered for a day. */
double measured_former_level(const struct measured *measured, enum signal signal);
/* Groups: those that have gone count as former ones. Without memory it has none. */
void measured_join_group(struct core *core, struct measured *measured);
void measured_leave_group(struct core *core, struct measured *measured);
void measured_add_load(struct core *core, struct measured *measured, int64_t at, double load);
/* Whether its series adds up what came, rather than what there is. */
bool measured_counts(enum signal signal);
/* A step: what hosts tell of listeners and processes. */
bool measured_collect_places(struct core *core, uint32_t *cursor);
/* Ports of the host that the end has in use, and attempts that found none, for measured_close_hosts(). */
void measured_collect_ports(struct core *core, struct end *end);
void measured_close_host(struct core *core, struct measured *measured);
