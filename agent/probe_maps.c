/* Reading the probes' maps, and giving an edge's index back. */
#include "agent/probe_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct event_counts *probe_counts(const struct probe *probe, uint32_t index)
{
        return index < probe->options.edges_max ? &probe->counts[index] : NULL;
}

uint32_t probe_edges_max(const struct probe *probe)
{
        return probe->options.edges_max;
}

#define BATCH 256 /* elements a system call: one for each costs a microsecond an element */

/* Walks a hash whose elements may come and go meanwhile: each element that stays is met once, since the
 * kernel goes from bucket to bucket. */
static int map_walk(int fd, uint32_t max, size_t key_size, size_t value_size,
                    int (*each)(void *data, const void *key, const void *value), void *data)
{
        /* Zeroed for valgrind, which does not know that the kernel writes here. */
        CLEANUP_FREE char *keys = calloc(BATCH, key_size), *values = calloc(BATCH, value_size);
        uint32_t from = 0, to = 0, count;
        int r, last = 0;

        if (!keys || !values)
                return -ENOMEM;
        for (uint32_t i = 0; i <= max && !last; i++) {
                count = BATCH;
                if (bpf_map_lookup_batch(fd, i ? &from : NULL, &to, keys, values, &count, NULL) < 0) {
                        if (errno != ENOENT)
                                return -errno;
                        last = 1; /* these are the last ones */
                }
                for (uint32_t k = 0; k < count; k++) {
                        r = each(data, keys + k * key_size, values + k * value_size);
                        if (r)
                                return r;
                }
                from = to;
        }
        return 0;
}

struct edge_walk {
        int (*function)(void *data, const struct event_edge *edge, uint32_t index);
        void *data;
};
static int edge_each(void *data, const void *key, const void *value)
{
        const struct edge_walk *w = data;

        return w->function(w->data, key, *(const uint32_t *)value);
}
int probe_edges(struct probe *probe, int (*function)(void *data, const struct event_edge *edge, uint32_t index), void *data)
{
        struct edge_walk w = { .function = function, .data = data };

        return map_walk(bpf_map__fd(probe->connections->maps.edges), probe->options.edges_max, sizeof(struct event_edge),
                        sizeof(uint32_t), edge_each, &w);
}

struct listener_walk {
        int (*function)(void *data, const struct event_listener *listener);
        void *data;
};
static int listener_each(void *data, const void *key, const void *value)
{
        const struct listener_walk *w = data;

        (void)key;
        return w->function(w->data, value);
}
int probe_listeners(struct probe *probe, int (*function)(void *data, const struct event_listener *listener), void *data)
{
        struct listener_walk w = { .function = function, .data = data };

        return map_walk(bpf_map__fd(probe->connections->maps.listeners), probe->options.listeners_max, sizeof(uint64_t),
                        sizeof(struct event_listener), listener_each, &w);
}

struct process_walk {
        int (*function)(void *data, const struct event_process *process);
        void *data;
};
static int process_each(void *data, const void *key, const void *value)
{
        const struct process_walk *w = data;

        (void)key;
        return w->function(w->data, value);
}
int probe_processes(struct probe *probe, int (*function)(void *data, const struct event_process *process), void *data)
{
        struct process_walk w = { .function = function, .data = data };

        return map_walk(bpf_map__fd(probe->connections->maps.processes), probe->options.processes_max, sizeof(uint32_t),
                        sizeof(struct event_process), process_each, &w);
}

int probe_retire_begin(struct probe *probe, const struct event_edge *edge, uint32_t index)
{
        uint32_t known;

        if (index >= probe->options.edges_max)
                return -EINVAL;
        if (bpf_map_lookup_elem(bpf_map__fd(probe->connections->maps.edges), edge, &known) < 0) {
                if (errno != ENOENT)
                        return -errno;
                known = UINT32_MAX;
        }
        /* Another index may stand for the edge by now, since an earlier attempt was refused: then this
         * one gets no new connections anyway. */
        if (known == index && bpf_map_delete_elem(bpf_map__fd(probe->connections->maps.edges), edge) < 0)
                return -errno;
        __atomic_store_n(&probe->counts[index].known, 0, __ATOMIC_SEQ_CST);
        probe->retiring[index] = probe_activity(&probe->counts[index]);
        return 0;
}

int probe_retire_end(struct probe *probe, const struct event_edge *edge, uint32_t index)
{
        struct event_counts *slot;
        uint64_t generation;

        if (index >= probe->options.edges_max)
                return -EINVAL;
        slot = &probe->counts[index];
        if (probe->retiring[index] != probe_activity(slot)) {
                /* fails if the edge was made anew meanwhile: this slot then just stays counted */
                if (bpf_map_update_elem(bpf_map__fd(probe->connections->maps.edges), edge, &index, BPF_NOEXIST) == 0)
                        __atomic_store_n(&slot->known, 1, __ATOMIC_SEQ_CST);
                else if (errno != EEXIST)
                        return -errno;
                return -EBUSY;
        }
        generation = slot->generation;
        memset(slot, 0, sizeof(*slot));
        slot->generation = generation;
        if (bpf_map_update_elem(bpf_map__fd(probe->connections->maps.edge_free), NULL, &index, BPF_ANY) < 0)
                return -errno;
        return 0;
}

/* Sum of all that moves when anything happens on an edge. */
uint64_t probe_activity(const struct event_counts *slot)
{
        const uint64_t *words = (const void *)slot;
        uint64_t sum = 0;

        for (size_t i = 0; i < offsetof(struct event_counts, rtt) / sizeof(*words); i++)
                sum += words[i];
        return sum;
}

void probe_losses(struct probe *probe, uint64_t ret_losses[EVENT_LOSS_MAX])
{
        for (uint32_t i = 0; i < EVENT_LOSS_MAX; i++) {
                uint64_t value = 0;

                if (bpf_map_lookup_elem(bpf_map__fd(probe->connections->maps.losses), &i, &value) == 0)
                        ret_losses[i] = value;
                else
                        ret_losses[i] = 0;
        }
}

static uint64_t map_memlock(int fd)
{
        char path[64], line[128];
        uint64_t bytes = 0;
        FILE *file;

        snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
        file = fopen(path, "re");
        if (!file)
                return 0;
        while (fgets(line, sizeof(line), file))
                if (!strncmp(line, "memlock:", 8))
                        bytes = strtoull(line + 8, NULL, 10);
        fclose(file);
        return bytes;
}

uint64_t probe_map_bytes(const struct probe *probe)
{
        struct bpf_map *map;
        uint64_t bytes = 0;

        bpf_object__for_each_map(map, probe->connections->obj) bytes += map_memlock(bpf_map__fd(map));
        return bytes;
}
