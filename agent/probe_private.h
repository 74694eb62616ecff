/* What the files of the probe share; nobody else includes this. */
#pragma once

#include "agent/probe.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bpf/connections.skel.h"
#include "bpf/datagrams.skel.h"
#include "bpf/processes.skel.h"
#include "bpf/ran.skel.h"
#include "bpf/reconcile.skel.h"
#include "bpf/sweep.skel.h"
#include "bpf/turnarounds.skel.h"
#include "bpf/turnarounds_fallback.skel.h"

#define PROBE_HOOKS_MAX 24
#define PROBE_LINKS_MAX 24

struct probe {
        struct probe_options options;
        struct connections_bpf *connections; /* its object owns the shared maps */
        struct processes_bpf *processes;     /* NULL where the kernel did not take it; so below */
        struct sweep_bpf *sweep;
        struct reconcile_bpf *reconcile;
        struct ran_bpf *ran;
        struct turnarounds_bpf *turnarounds;
        struct turnarounds_fallback_bpf *turnarounds_fallback;
        struct datagrams_bpf *datagrams;
        struct bpf_link *links[PROBE_LINKS_MAX];
        size_t n_links;
        struct bpf_link *sweep_files;
        struct bpf_link *reconcile_entries;
        struct bpf_link *ran_threads;
        struct bpf_link *messages[2]; /* of the turnarounds tier, while it is on: sent, received */
        bool have_lock;
        struct ring_buffer *ring;
        struct event_counts *counts;
        struct event_key_queue *key_queues; /* a CPU each, and their slots; NULL where keys come by the ring */
        struct event_key_slot *key_slots;
        uint32_t cpus, key_room;
        uint64_t *retiring; /* per edge: its activity when it was taken from `edges` */
        volatile struct event_control *control;
        uint64_t swept_from; /* when the last sweep began, CLOCK_MONOTONIC */
        probe_event_function function;
        void *data;
        struct probe_hook hooks[PROBE_HOOKS_MAX];
        size_t n_hooks;
};

/* probe_maps.c */
uint64_t probe_activity(const struct event_counts *slot);

/* probe_load.c: loads every object this kernel takes; the links come later. */
MUST_CHECK int probe_load(struct probe *probe, const char **ret_why);
/* Attaches one program; -errno of the kernel. */
MUST_CHECK int probe_attach(struct probe *probe, struct bpf_program *program);
/* Attaches what can be attached of the optional objects, and notes what cannot. */
int probe_attach_connections(struct probe *probe);
void probe_attach_optional(struct probe *probe);

/* probe_turnarounds.c: loads the tier, attaches nothing, and notes what it stands on. */
void probe_load_turnarounds(struct probe *probe);

/* probe_reconcile.c: after a sweep; what it finds becomes a loss. */
void probe_load_reconcile(struct probe *probe);
MUST_CHECK int probe_reconcile(struct probe *probe);

/* probe_ran.c */
void probe_load_ran(struct probe *probe);
void probe_attach_ran(struct probe *probe);

/* probe_datagrams.c */
void probe_load_datagrams(struct probe *probe);
void probe_attach_datagrams(struct probe *probe);
/* After a sweep: ends the flows whose socket is gone, or of which nothing was heard for a minute. */
MUST_CHECK int probe_age_flows(struct probe *probe);

/* probe_load.c: helpers of the loading of one object. */
MUST_CHECK int probe_share_maps(struct probe *probe, struct bpf_object *object);
bool probe_has_tracepoint(const char *name);
#define PROBE_KNOBS(probe, object, lock)                                                                                           \
        do {                                                                                                                       \
                (object)->rodata->scope_cgroup = (probe)->options.scope_cgroup;                                                    \
                (object)->rodata->scope_level = (probe)->options.scope_level;                                                      \
                (object)->rodata->pid_namespace = (probe)->options.pid_namespace;                                                  \
                (object)->rodata->have_lock = (lock);                                                                              \
                (object)->rodata->dead_max = (lock) ? MIN((probe)->options.socks_max / 8, 16384u) : 0;                             \
        } while (0)

/* probe_sweep.c */
/* Runs an iterator from end to end; it writes nothing. */
MUST_CHECK int probe_iterate(const struct bpf_link *link);
MUST_CHECK int probe_adopt(struct probe *probe);

/* probe.c: one line of `probe_hook`; the strings are static. */
void probe_note(struct probe *probe, const char *name, const char *state, const char *detail);
