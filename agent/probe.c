/* Life of the probes: load, attach, listen to the ring, free. */
#include "agent/probe_private.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "proto/log.h"

#define OPTION_DEFAULT(field, value)                                                                                               \
        do {                                                                                                                       \
                if (!(field))                                                                                                      \
                        (field) = (value);                                                                                         \
        } while (0)

static int libbpf_say(enum libbpf_print_level level, const char *format, va_list arguments)
{
        char line[512];

        if (level == LIBBPF_DEBUG)
                return 0;
        vsnprintf(line, sizeof(line), format, arguments);
        line[strcspn(line, "\n")] = 0;
        log_debug("probe", "%s", line);
        return 0;
}

void probe_note(struct probe *probe, const char *name, const char *state, const char *detail)
{
        for (size_t i = 0; i < probe->n_hooks; i++)
                if (!strcmp(probe->hooks[i].name, name)) {
                        probe->hooks[i].state = state;
                        probe->hooks[i].detail = detail;
                        return;
                }
        if (probe->n_hooks < PROBE_HOOKS_MAX)
                probe->hooks[probe->n_hooks++] = (struct probe_hook){ name, state, detail };
}

const struct probe_hook *probe_hook(const struct probe *probe, size_t i)
{
        return i < probe->n_hooks ? &probe->hooks[i] : NULL;
}

static int event_arrived(void *data, void *event, size_t size)
{
        struct probe *probe = data;
        const struct event_header *header = event;

        if (size < sizeof(*header) || header->size > size || !probe->function)
                return 0;
        probe->function(probe->data, header);
        return 0;
}

static size_t mapping_size(size_t count, size_t item)
{
        size_t page = (size_t)sysconf(_SC_PAGESIZE);

        return (count * item + page - 1) & ~(page - 1);
}

/* An array that is read through memory. */
static int map_array(const struct bpf_map *map, size_t count, size_t item, void *ret_pointer)
{
        void *p = mmap(NULL, mapping_size(count, item), PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);

        if (p == MAP_FAILED)
                return -errno;
        memcpy(ret_pointer, &p, sizeof(p));
        return 0;
}

/* Indices that no edge has; and the arrays that are read through memory. */
static int prepare_maps(struct probe *probe)
{
        struct connections_bpf *c = probe->connections;
        int fd = bpf_map__fd(c->maps.edge_free), r;

        for (uint32_t i = 0; i < probe->options.edges_max; i++)
                if (bpf_map_update_elem(fd, NULL, &i, BPF_ANY) < 0)
                        return -errno;
        r = map_array(c->maps.counts, probe->options.edges_max, sizeof(*probe->counts), &probe->counts);
        if (r == 0)
                r = map_array(c->maps.control, 1, sizeof(*probe->control), &probe->control);
        if (r == 0 && probe->key_room)
                r = map_array(c->maps.key_queues, probe->cpus, sizeof(*probe->key_queues), &probe->key_queues);
        if (r == 0 && probe->key_room)
                r = map_array(c->maps.key_slots, (size_t)probe->cpus * probe->key_room, sizeof(*probe->key_slots),
                              &probe->key_slots);
        if (r < 0)
                return r;
        probe->control->key_threshold = UINT32_MAX;
        return 0;
}

int probe_new(const struct probe_options *options, struct probe **ret_probe, const char **ret_why)
{
        struct probe *probe = calloc(1, sizeof(*probe));
        int r;

        if (!probe) {
                *ret_why = "out of memory";
                return -ENOMEM;
        }
        if (options)
                probe->options = *options;
        OPTION_DEFAULT(probe->options.socks_max, 131072);
        OPTION_DEFAULT(probe->options.edges_max, 16384);
        OPTION_DEFAULT(probe->options.listeners_max, 4096);
        OPTION_DEFAULT(probe->options.processes_max, 8192);
        OPTION_DEFAULT(probe->options.flows_max, 16384);
        OPTION_DEFAULT(probe->options.pools_max, 8192);
        OPTION_DEFAULT(probe->options.ring_bytes, 1 << 20);
        probe->retiring = calloc(probe->options.edges_max, sizeof(*probe->retiring));
        if (!probe->retiring) {
                *ret_why = "out of memory";
                r = -ENOMEM;
                goto fail;
        }
        libbpf_set_print(libbpf_say);
        r = probe_load(probe, ret_why);
        if (r < 0)
                goto fail;
        r = prepare_maps(probe);
        if (r < 0) {
                *ret_why = "the maps could not be prepared";
                goto fail;
        }
        probe->ring = ring_buffer__new(bpf_map__fd(probe->connections->maps.ring), event_arrived, probe, NULL);
        if (!probe->ring) {
                r = -errno;
                *ret_why = "the event ring could not be mapped";
                goto fail;
        }
        *ret_probe = probe;
        return 0;
fail:
        probe_free(&probe);
        return r;
}

void probe_free(struct probe **probe)
{
        struct probe *p = *probe;

        if (!p)
                return;
        bpf_link__destroy(p->messages[0]);
        bpf_link__destroy(p->messages[1]);
        bpf_link__destroy(p->sweep_files);
        bpf_link__destroy(p->reconcile_entries);
        bpf_link__destroy(p->ran_threads);
        while (p->n_links > 0)
                bpf_link__destroy(p->links[--p->n_links]);
        ring_buffer__free(p->ring);
        if (p->counts)
                munmap(p->counts, mapping_size(p->options.edges_max, sizeof(*p->counts)));
        if (p->control)
                munmap((void *)p->control, mapping_size(1, sizeof(*p->control)));
        if (p->key_queues)
                munmap(p->key_queues, mapping_size(p->cpus, sizeof(*p->key_queues)));
        if (p->key_slots)
                munmap(p->key_slots, mapping_size((size_t)p->cpus * p->key_room, sizeof(*p->key_slots)));
        datagrams_bpf__destroy(p->datagrams);
        turnarounds_bpf__destroy(p->turnarounds);
        turnarounds_fallback_bpf__destroy(p->turnarounds_fallback);
        reconcile_bpf__destroy(p->reconcile);
        ran_bpf__destroy(p->ran);
        sweep_bpf__destroy(p->sweep);
        processes_bpf__destroy(p->processes);
        connections_bpf__destroy(p->connections);
        free(p->retiring);
        free(p);
        *probe = NULL;
}

int probe_start(struct probe *probe, probe_event_function function, void *data)
{
        int r;

        probe->function = function;
        probe->data = data;
        r = probe_attach_connections(probe);
        if (r < 0)
                return r;
        probe->control->since_ns = (uint64_t)clock_monotonic();
        probe_attach_optional(probe);
        probe_attach_datagrams(probe);
        probe_attach_ran(probe);
        return probe_adopt(probe);
}

int probe_fd(const struct probe *probe)
{
        return ring_buffer__epoll_fd(probe->ring);
}

/* The keys of one CPU up to `head`. */
static void drain_keys(struct probe *probe, uint32_t cpu, uint32_t head)
{
        struct event_key_queue *queue = &probe->key_queues[cpu];
        uint32_t tail = queue->tail;

        for (; tail != head; tail++) {
                const struct event_key_slot *slot =
                        &probe->key_slots[(size_t)cpu * probe->key_room + (tail & (probe->key_room - 1))];
                const struct event_key event = { .header = { EVENT_KEY, EVENT_VERSION, sizeof(event), cpu },
                                                 .key = slot->key,
                                                 .generation = slot->generation,
                                                 .index = slot->index,
                                                 .role = slot->role };

                if (probe->function)
                        probe->function(probe->data, &event.header);
        }
        __atomic_store_n(&queue->tail, tail, __ATOMIC_RELEASE);
}

/* The edge of a key that is in a queue by now is in the ring already: so the ring comes between. */
int probe_drain(struct probe *probe)
{
        uint32_t cpus = probe->key_queues ? probe->cpus : 0;
        CLEANUP_FREE uint32_t *heads = calloc(MAX(cpus, 1u), sizeof(*heads));
        int r;

        if (!heads)
                return -ENOMEM;
        for (uint32_t i = 0; i < cpus; i++)
                heads[i] = __atomic_load_n(&probe->key_queues[i].head, __ATOMIC_ACQUIRE);
        r = ring_buffer__consume(probe->ring);
        for (uint32_t i = 0; i < cpus; i++)
                drain_keys(probe, i, heads[i]);
        return r < 0 ? r : 0;
}

void probe_set_key_threshold(struct probe *probe, uint32_t threshold)
{
        probe->control->key_threshold = threshold;
}
