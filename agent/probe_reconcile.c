/* Holds the entries of connections against their sockets, see bpf/reconcile.bpf.c. */
#include "agent/probe_private.h"

#include <errno.h>
#include <unistd.h>

void probe_load_reconcile(struct probe *probe)
{
        struct reconcile_bpf *object;

        if (!probe->have_lock)
                return;
        object = reconcile_bpf__open();
        if (!object)
                return;
        PROBE_KNOBS(probe, object, probe->have_lock);
        if (probe_share_maps(probe, object->obj) < 0 || reconcile_bpf__load(object) < 0)
                reconcile_bpf__destroy(object);
        else
                probe->reconcile = object;
}

int probe_reconcile(struct probe *probe)
{
        if (!probe->reconcile)
                return 0;
        if (!probe->reconcile_entries) {
                union bpf_iter_link_info info = { .map.map_fd = (__u32)bpf_map__fd(probe->connections->maps.socks) };
                LIBBPF_OPTS(bpf_iter_attach_opts, options, .link_info = &info, .link_info_len = sizeof(info));

                probe->reconcile_entries = bpf_program__attach_iter(probe->reconcile->progs.reconcile, &options);
                probe_note(probe, "iter/bpf_map_elem", probe->reconcile_entries ? "attached" : "unavailable",
                           probe->reconcile_entries
                                   ? "notices connections whose end no program saw"
                                   : "a connection whose end no program saw stays open until its socket is reused");
                if (!probe->reconcile_entries) {
                        reconcile_bpf__destroy(probe->reconcile);
                        probe->reconcile = NULL;
                        return 0;
                }
        }
        return probe_iterate(probe->reconcile_entries);
}
