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

/* Walks a hash whose elements may come and go meanwhile: each element that stays is met at least
 * once, since the kernel begins the walk again when the last key is gone; the bound ends such a
 * walk. Keys and values are at most the size of the two buffers. */
static int map_walk(int fd, uint32_t max, void *key, void *next, size_t key_size, void *value, int (*each)(void *data), void *data)
{
        const void *from = NULL;
        int r;

        for (uint64_t i = 0; i < 2 * (uint64_t)max; i++) {
                if (bpf_map_get_next_key(fd, from, next) < 0)
                        return errno == ENOENT ? 0 : -errno;
                memcpy(key, next, key_size);
                from = key;
                if (bpf_map_lookup_elem(fd, key, value) < 0)
                        continue;
                r = each(data);
                if (r)
                        return r;
        }
        return 0;
}

struct edge_walk {
        struct event_edge key, next;
        uint32_t index;
        int (*function)(void *data, const struct event_edge *edge, uint32_t index);
        void *data;
};
static int edge_each(void *data)
{
        struct edge_walk *w = data;

        return w->function(w->data, &w->key, w->index);
}
int probe_edges(struct probe *probe, int (*function)(void *data, const struct event_edge *edge, uint32_t index), void *data)
{
        struct edge_walk w = { .function = function, .data = data };

        return map_walk(bpf_map__fd(probe->connections->maps.edges), probe->options.edges_max, &w.key, &w.next, sizeof(w.key),
                        &w.index, edge_each, &w);
}

struct listener_walk {
        uint64_t key, next;
        struct event_listener listener;
        int (*function)(void *data, const struct event_listener *listener);
        void *data;
};
static int listener_each(void *data)
{
        struct listener_walk *w = data;

        return w->function(w->data, &w->listener);
}
int probe_listeners(struct probe *probe, int (*function)(void *data, const struct event_listener *listener), void *data)
{
        struct listener_walk w = { .function = function, .data = data };

        return map_walk(bpf_map__fd(probe->connections->maps.listeners), probe->options.listeners_max, &w.key, &w.next,
                        sizeof(w.key), &w.listener, listener_each, &w);
}

struct process_walk {
        uint32_t key, next;
        struct event_process process;
        int (*function)(void *data, const struct event_process *process);
        void *data;
};
static int process_each(void *data)
{
        struct process_walk *w = data;

        return w->function(w->data, &w->process);
}
int probe_processes(struct probe *probe, int (*function)(void *data, const struct event_process *process), void *data)
{
        struct process_walk w = { .function = function, .data = data };

        return map_walk(bpf_map__fd(probe->connections->maps.processes), probe->options.processes_max, &w.key, &w.next,
                        sizeof(w.key), &w.process, process_each, &w);
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
