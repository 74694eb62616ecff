/* UDP flows: hooks on the root of the default hierarchy of cgroups, and the end of flows. */
#include "agent/probe_private.h"

#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FLOW_IDLE (60 * NSEC_PER_SEC)

void probe_load_datagrams(struct probe *probe)
{
        struct datagrams_bpf *object = datagrams_bpf__open();

        if (!object)
                return;
        PROBE_KNOBS(probe, object, probe->have_lock);
        if (probe_share_maps(probe, object->obj) < 0 || datagrams_bpf__load(object) < 0)
                datagrams_bpf__destroy(object);
        else
                probe->datagrams = object;
}

static int open_root(void)
{
        FILE *mounts = setmntent("/proc/self/mounts", "re");
        struct mntent *entry;
        int fd = -ENOENT;

        if (!mounts)
                return -errno;
        while (fd == -ENOENT && (entry = getmntent(mounts)))
                if (strcmp(entry->mnt_type, "cgroup2") == 0) {
                        fd = open(entry->mnt_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                        if (fd < 0)
                                fd = -errno;
                }
        endmntent(mounts);
        return fd;
}

static int attach(struct probe *probe, struct bpf_program *program, int cgroup)
{
        struct bpf_link *link;

        if (probe->n_links == PROBE_LINKS_MAX)
                return -ENOSPC;
        link = bpf_program__attach_cgroup(program, cgroup);
        if (!link)
                return -errno;
        probe->links[probe->n_links++] = link;
        return 0;
}

void probe_attach_datagrams(struct probe *probe)
{
        struct datagrams_bpf *d = probe->datagrams;
        struct bpf_program *program;
        int r = 0;

        if (!d) {
                probe_note(
                        probe, "udp", "unavailable",
                        "the kernel did not take the cgroup programs (CAP_NET_ADMIN, CONFIG_CGROUP_BPF): UDP flows are not seen");
                return;
        }
        CLEANUP_FD int cgroup = open_root();
        if (cgroup < 0) {
                probe_note(probe, "udp", "unavailable", "the default hierarchy of cgroups is not mounted: UDP flows are not seen");
                return;
        }
        bpf_object__for_each_program(program, d->obj) if (r == 0) r = attach(probe, program, cgroup);
        if (r < 0)
                probe_note(probe, "udp", "unavailable", "the cgroup hooks could not be attached: some UDP flows are not seen");
        else
                probe_note(probe, "udp", "attached", "cgroup sendmsg and recvmsg: flows of datagrams");
}

/* Its socket is in no file table any more. What is between two tables is taken for gone too, and is a flow
 * again with its next datagram. */
static bool socket_gone(const struct probe *probe, uint64_t cookie)
{
        uint8_t sweep;

        if (probe->control->sockets_unsure || cookie >> 63) /* an address instead: a socket without a cookie */
                return false;
        return bpf_map_lookup_elem(bpf_map__fd(probe->connections->maps.datagram_sockets), &cookie, &sweep) < 0 ||
               sweep != probe->control->pool_sweep;
}

static void flow_age(struct probe *probe, const struct datagram_flow_key *key, uint64_t now)
{
        int fd = bpf_map__fd(probe->connections->maps.flows);
        struct datagram_flow flow;

        if (bpf_map_lookup_elem(fd, key, &flow) < 0)
                return;
        if (flow.last_ns + FLOW_IDLE >= now && (flow.last_ns >= probe->swept_from || !socket_gone(probe, key->cookie)))
                return;
        if (bpf_map_delete_elem(fd, key) == 0 && flow.counted)
                __atomic_fetch_add(&probe->counts[flow.edge].closed, 1, __ATOMIC_RELAXED);
}

/* Those that the last sweep did not meet. */
static void forget_sockets(struct probe *probe)
{
        int fd = bpf_map__fd(probe->connections->maps.datagram_sockets);
        uint64_t key, previous;
        uint8_t sweep;
        bool any = false, gone = false;

        for (uint64_t i = 0; i < 2 * (uint64_t)probe->options.flows_max; i++) {
                if (bpf_map_get_next_key(fd, any ? &previous : NULL, &key) < 0)
                        break;
                if (gone)
                        bpf_map_delete_elem(fd, &previous);
                gone = bpf_map_lookup_elem(fd, &key, &sweep) == 0 && sweep != probe->control->pool_sweep;
                previous = key;
                any = true;
        }
        if (gone)
                bpf_map_delete_elem(fd, &previous);
}

/* A walk begins again when the key it stands on is gone: hence the late delete, and the bound. */
int probe_age_flows(struct probe *probe)
{
        int fd = bpf_map__fd(probe->connections->maps.flows);
        struct datagram_flow_key key, previous;
        uint64_t now = (uint64_t)clock_monotonic();
        bool any = false;

        for (uint64_t i = 0; i < 2 * (uint64_t)probe->options.flows_max; i++) {
                if (bpf_map_get_next_key(fd, any ? &previous : NULL, &key) < 0) {
                        if (errno != ENOENT)
                                return -errno;
                        break;
                }
                if (any)
                        flow_age(probe, &previous, now);
                previous = key;
                any = true;
        }
        if (any)
                flow_age(probe, &previous, now);
        forget_sockets(probe);
        return 0;
}
