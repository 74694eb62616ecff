/* Loading and attaching: all that differs between kernels is decided here, with the reason.
 *
 *   bpf_spin_lock in tracing programs   since 5.13; without it open connections are not updated or moved
 *   mark_victim(task, uid)              since 6.8; before, mark_victim(pid)
 *   sock_send_length, sock_recv_length  since 6.3; before, fentry of tcp_sendmsg and tcp_cleanup_rbuf
 *   recursion protection of tp_btf      since 6.1; before, nested runs simply run
 *   errors reported after CLOSE         tcp_done_with_error, since 6.11 and in stable branches; before, a twin stands in for nested
 * runs
 */
#include "agent/probe_private.h"

#include <bpf/btf.h>
#include <errno.h>
#include <string.h>

#define KEY_BYTES 16 /* of the ring's size, for a slot in the queues of keys: most keys come by these */

static int resize(struct probe *probe)
{
        const struct probe_options *o = &probe->options;
        struct connections_bpf *c = probe->connections;
        const struct {
                struct bpf_map *map;
                uint32_t size;
        } sizes[] = {
                { c->maps.socks, o->socks_max },
                { c->maps.edges, o->edges_max },
                { c->maps.edge_free, o->edges_max },
                { c->maps.counts, o->edges_max },
                { c->maps.listeners, o->listeners_max },
                { c->maps.binds, o->listeners_max },
                { c->maps.processes, o->processes_max },
                { c->maps.ring, o->ring_bytes },
                { c->maps.flows, o->flows_max },
                { c->maps.datagram_sockets, o->flows_max },
                { c->maps.key_queues, MAX(probe->cpus, 1u) },
                { c->maps.key_slots, MAX(probe->cpus * probe->key_room, 1u) },
                { c->maps.pools, o->pools_max },
        };
        int r;

        for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
                r = bpf_map__set_max_entries(sizes[i].map, sizes[i].size);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* The other objects use the maps of the first. */
int probe_share_maps(struct probe *probe, struct bpf_object *object)
{
        struct bpf_map *map, *shared;
        int r;

        bpf_object__for_each_map(map, object)
        {
                if (bpf_map__is_internal(map))
                        continue;
                shared = bpf_object__find_map_by_name(probe->connections->obj, bpf_map__name(map));
                if (!shared)
                        continue;
                r = bpf_map__reuse_fd(map, bpf_map__fd(shared));
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Whether a socket's error is reported after its state became CLOSE, and all hooks are there that find
 * what a nested run of the first program left out. */
static bool finds_nested(void)
{
        static const char *const tracepoints[] = { "btf_trace_tcp_cong_state_set", "btf_trace_inet_sk_error_report",
                                                   "btf_trace_tcp_destroy_sock" };
        struct btf *btf = btf__load_vmlinux_btf();
        bool all = btf && btf__find_by_name_kind(btf, "tcp_done_with_error", BTF_KIND_FUNC) > 0;

        for (size_t i = 0; i < ARRAY_SIZE(tracepoints); i++)
                all = all && btf__find_by_name_kind(btf, tracepoints[i], BTF_KIND_TYPEDEF) > 0;
        btf__free(btf);
        return all;
}

/* Queues of keys stand on two things: that a program is not run within itself, which is so wherever
 * nested runs have to be found, and that stores are seen in their order, which x86 promises. */
static void choose_key_room(struct probe *probe, bool finds)
{
        int cpus = libbpf_num_possible_cpus();
        uint32_t room = 16;

        probe->key_room = 0;
#ifdef __x86_64__
        if (finds && cpus > 0) {
                while (room * 2 <= probe->options.ring_bytes / KEY_BYTES / (uint32_t)cpus)
                        room *= 2;
                probe->key_room = room;
                probe->cpus = (uint32_t)cpus;
        }
#endif
        (void)room;
        (void)finds;
        (void)cpus;
}

static int load_connections(struct probe *probe, bool lock)
{
        bool finds = finds_nested();
        int r;

        choose_key_room(probe, finds);

        probe->connections = connections_bpf__open();
        if (!probe->connections)
                return -errno;
        PROBE_KNOBS(probe, probe->connections, lock);
        bpf_program__set_autoload(probe->connections->progs.state_twin, !finds);
        bpf_program__set_autoload(probe->connections->progs.child_made, finds);
        bpf_program__set_autoload(probe->connections->progs.error_reported, finds);
        bpf_program__set_autoload(probe->connections->progs.sock_destroyed, finds);
        probe->connections->rodata->key_room = probe->key_room;
        r = resize(probe);
        if (r >= 0)
                r = connections_bpf__load(probe->connections);
        if (r < 0) {
                connections_bpf__destroy(probe->connections);
                probe->connections = NULL;
                return r;
        }
        probe->have_lock = lock;
        return 0;
}

/* Whether the first argument of a tracepoint is a pointer on this kernel: -ENOENT if there is no
 * such tracepoint. */
static int tracepoint_takes_pointer(const char *name)
{
        struct btf *btf = btf__load_vmlinux_btf();
        const struct btf_type *type;
        int id, r = -ENOENT;

        if (!btf)
                return -ENOENT;
        id = btf__find_by_name_kind(btf, name, BTF_KIND_TYPEDEF);
        type = id > 0 ? btf__type_by_id(btf, id) : NULL;
        type = type ? btf__type_by_id(btf, type->type) : NULL; /* pointer to */
        type = type ? btf__type_by_id(btf, type->type) : NULL; /* the function */
        if (type && btf_is_func_proto(type) && btf_vlen(type) > 1) {
                type = btf__type_by_id(btf, btf_params(type)[1].type);
                r = type && btf_is_ptr(type);
        }
        btf__free(btf);
        return r;
}

bool probe_has_tracepoint(const char *name)
{
        return tracepoint_takes_pointer(name) >= 0;
}

static void load_processes(struct probe *probe)
{
        int pointer = tracepoint_takes_pointer("btf_trace_mark_victim");
        struct processes_bpf *object = processes_bpf__open();

        if (!object)
                return;
        bpf_program__set_autoload(object->progs.victim_task, pointer == 1);
        bpf_program__set_autoload(object->progs.victim_pid, pointer == 0);
        PROBE_KNOBS(probe, object, probe->have_lock);
        if (probe_share_maps(probe, object->obj) < 0 || processes_bpf__load(object) < 0)
                processes_bpf__destroy(object);
        else
                probe->processes = object;
}

static void load_sweep(struct probe *probe)
{
        struct sweep_bpf *object = sweep_bpf__open();

        if (!object)
                return;
        PROBE_KNOBS(probe, object, probe->have_lock);
        if (probe_share_maps(probe, object->obj) < 0 || sweep_bpf__load(object) < 0)
                sweep_bpf__destroy(object);
        else
                probe->sweep = object;
}

int probe_load(struct probe *probe, const char **ret_why)
{
        int r = load_connections(probe, true);

        if (r < 0 && r != -EPERM && r != -ENOMEM)
                r = load_connections(probe, false);
        if (r == -EPERM) {
                *ret_why = "the kernel refused to load BPF programs: CAP_BPF and CAP_PERFMON (or CAP_SYS_ADMIN) are "
                           "needed to watch connections";
                return r;
        }
        if (r == -ENOMEM) {
                *ret_why = "not enough memory for the BPF maps";
                return r;
        }
        if (r < 0) {
                *ret_why = "this kernel does not take the program on connection changes: it needs Linux 5.10 or later with "
                           "CONFIG_DEBUG_INFO_BTF";
                return -ENOTSUP;
        }
        load_processes(probe);
        load_sweep(probe);
        probe_load_reconcile(probe);
        probe_load_ran(probe);
        probe_load_turnarounds(probe);
        probe_load_datagrams(probe);
        return 0;
}

int probe_attach(struct probe *probe, struct bpf_program *program)
{
        struct bpf_link *link;

        if (probe->n_links == PROBE_LINKS_MAX)
                return -ENOSPC;
        link = bpf_program__attach(program);
        if (!link)
                return -errno;
        probe->links[probe->n_links++] = link;
        return 0;
}

int probe_attach_connections(struct probe *probe)
{
        typeof(probe->connections->progs) *p = &probe->connections->progs;
        int r = probe_attach(probe, p->state_first);

        if (r >= 0 && bpf_program__autoload(p->state_twin)) { /* the order matters: the twin runs after the first */
                r = probe_attach(probe, p->state_twin);
                probe_note(probe, "inet_sock_set_state", "attached", "connections and listeners, with a twin for nested runs");
                return r;
        }
        if (r >= 0)
                r = probe_attach(probe, p->child_made);
        if (r >= 0)
                r = probe_attach(probe, p->error_reported);
        if (r >= 0)
                r = probe_attach(probe, p->sock_destroyed);
        probe_note(probe, "inet_sock_set_state", "attached", "connections and listeners");
        probe_note(probe, "tcp_cong_state_set, inet_sk_error_report, tcp_destroy_sock", "attached", "what nested runs leave out");
        return r;
}

void probe_attach_optional(struct probe *probe)
{
        struct processes_bpf *p = probe->processes;
        bool oom;

        if (!p || probe_attach(probe, p->progs.process_fork) < 0 || probe_attach(probe, p->progs.process_exec) < 0 ||
            probe_attach(probe, p->progs.process_exit) < 0) {
                probe_note(probe, "sched_process", "unavailable", "starts and ends of processes are not seen");
                return;
        }
        probe_note(probe, "sched_process", "attached", "fork, exec and exit of processes that connect or listen");
        oom = bpf_program__fd(p->progs.victim_task) >= 0
                      ? probe_attach(probe, p->progs.victim_task) >= 0
                      : bpf_program__fd(p->progs.victim_pid) >= 0 && probe_attach(probe, p->progs.victim_pid) >= 0;
        probe_note(probe, "mark_victim", oom ? "attached" : "unavailable",
                   oom ? "ends by the OOM killer" : "ends by the OOM killer look like SIGKILL");
}
