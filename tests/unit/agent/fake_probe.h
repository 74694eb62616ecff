/* Stands in for the probe behind its own header, so that reports can be tested without a kernel. It
 * defines the functions of agent/probe.h; include it in one file of a test. */
#pragma once

#include "agent/probe.h"

#include <stdlib.h>
#include <string.h>

#define FAKE_EDGES 8192
#define FAKE_LISTENERS 64

struct probe {
        struct event_counts counts[FAKE_EDGES];
        struct event_edge edges[FAKE_EDGES];
        bool in_map[FAKE_EDGES];
        struct event_listener listeners[FAKE_LISTENERS];
        size_t listeners_count;
        struct event_process processes[FAKE_LISTENERS];
        size_t processes_count;
        bool tells_ran;
        uint64_t ran[FAKE_LISTENERS]; /* of each process, in two threads */
        uint64_t losses[EVENT_LOSS_MAX];
        unsigned begun, ended;
        bool busy; /* the second step of a retirement is refused */
};

static const struct event_counts *fake_counts(const struct probe *p, uint32_t index)
{
        return &p->counts[index];
}

const struct event_counts *probe_counts(const struct probe *p, uint32_t index)
{
        return fake_counts(p, index);
}

uint32_t probe_edges_max(const struct probe *p)
{
        (void)p;
        return FAKE_EDGES;
}

int probe_edges(struct probe *p, int (*function)(void *, const struct event_edge *, uint32_t), void *data)
{
        for (uint32_t i = 0; i < FAKE_EDGES; i++)
                if (p->in_map[i]) {
                        int r = function(data, &p->edges[i], i);

                        if (r)
                                return r;
                }
        return 0;
}

int probe_listeners(struct probe *p, int (*function)(void *, const struct event_listener *), void *data)
{
        for (size_t i = 0; i < p->listeners_count; i++) {
                int r = function(data, &p->listeners[i]);

                if (r)
                        return r;
        }
        return 0;
}

int probe_processes(struct probe *p, int (*function)(void *, const struct event_process *), void *data)
{
        for (size_t i = 0; i < p->processes_count; i++) {
                int r = function(data, &p->processes[i]);

                if (r)
                        return r;
        }
        return 0;
}

int probe_ran(struct probe *p, void (*function)(void *, uint32_t, uint64_t), void *data)
{
        for (size_t i = 0; p->tells_ran && i < p->processes_count; i++) {
                function(data, p->processes[i].tgid, p->ran[i] / 3);
                function(data, p->processes[i].tgid, p->ran[i] - p->ran[i] / 3);
        }
        return p->tells_ran ? 0 : -ENOTSUP;
}

int probe_retire_begin(struct probe *p, const struct event_edge *edge, uint32_t index)
{
        (void)edge;
        p->begun++;
        p->in_map[index] = false;
        return 0;
}

int probe_retire_end(struct probe *p, const struct event_edge *edge, uint32_t index)
{
        (void)edge;
        if (p->busy) {
                p->in_map[index] = true;
                return -EBUSY;
        }
        p->ended++;
        memset(&p->counts[index], 0, sizeof(p->counts[index]));
        return 0;
}

void probe_losses(struct probe *p, uint64_t ret_losses[EVENT_LOSS_MAX])
{
        memcpy(ret_losses, p->losses, sizeof(p->losses));
}

uint64_t probe_map_bytes(const struct probe *p)
{
        (void)p;
        return 4711;
}

const struct probe_hook *probe_hook(const struct probe *p, size_t i)
{
        static const struct probe_hook hook = { "hook", "attached", "" };

        (void)p;
        return i == 0 ? &hook : NULL;
}
