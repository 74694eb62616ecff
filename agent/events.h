/* Takes the probe's events into the agent's tables. */
#pragma once

#include "bpf/event.h"
#include "proto/base.h"

struct probe;
struct rows;
struct owners;
struct addresses;
struct report;
struct processes;

struct events {
        struct probe *probe;
        struct rows *rows;
        struct owners *owners;
        struct addresses *addresses;
        struct report *report;
        struct processes *processes;
        uint64_t events_lost; /* as last seen */
        uint64_t malformed;   /* events of another version or size: a bug, counted */
        bool own_pids;        /* /proc is of another pid namespace than the kernel's numbers */
        bool news;            /* something came that is to be said at once */
};

/* A probe_event_function; `data` is a struct events. */
void events_take(void *data, const struct event_header *header);

/* If events found no room in the ring since the last time, reads the edges from the kernel's map. */
MUST_CHECK int events_resync_if_lost(struct events *events, int64_t now);
