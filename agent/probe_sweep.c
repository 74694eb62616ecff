/* The sweep over all file tables, seen from user space: one read of an iterator. */
#include "agent/probe_private.h"

#include <errno.h>
#include <unistd.h>

int probe_iterate(const struct bpf_link *link)
{
        CLEANUP_FD int fd = bpf_iter_create(bpf_link__fd(link));
        char buffer[64];
        ssize_t n;

        if (fd < 0)
                return -errno;
        do
                n = read(fd, buffer, sizeof(buffer));
        while (n > 0 || (n < 0 && (errno == EINTR || errno == EAGAIN)));
        return n < 0 ? -errno : 0;
}

/* Listeners that a former sweep met, and no later one: they closed while they were first met. */
static int drop_unsure(struct probe *probe)
{
        int fd = bpf_map__fd(probe->connections->maps.listeners);
        struct event_listener listener;
        uint64_t key, *from = NULL, previous;
        bool gone;

        while (bpf_map_get_next_key(fd, from, &key) == 0) {
                gone = bpf_map_lookup_elem(fd, &key, &listener) == 0 && listener.flags & EVENT_LISTENER_UNSURE &&
                       listener.born_sweep != probe->control->sweep;
                previous = key;
                from = &previous;
                if (gone && bpf_map_delete_elem(fd, &key) < 0 && errno != ENOENT)
                        return -errno;
        }
        return 0;
}

static int sweep(struct probe *probe, uint8_t mode)
{
        int r;

        if (!probe->sweep_files) {
                probe->sweep_files = probe->sweep ? bpf_program__attach_iter(probe->sweep->progs.sweep_files, NULL) : NULL;
                if (!probe->sweep_files) {
                        probe_note(probe, "iter/task_file", "unavailable",
                                   "what is older than the agent is not seen, and open connections are counted at their end");
                        return 0;
                }
                probe_note(probe, "iter/task_file", probe->have_lock ? "attached" : "fallback",
                           probe->have_lock ? "adopts what is older, and follows open connections"
                                            : "adopts what is older; open connections are counted at their end");
        }
        probe->control->sweep++;
        if (++probe->control->pool_sweep == 0)
                probe->control->pool_sweep = 1;
        probe->control->sweep_mode = mode;
        probe->control->files = 0;
        probe->control->sockets_unsure = 0;
        probe->control->sockets = 0;
        probe->swept_from = (uint64_t)clock_monotonic();
        r = probe_iterate(probe->sweep_files);
        return r < 0 ? r : drop_unsure(probe);
}

int probe_sweep(struct probe *probe, uint64_t *ret_files, uint64_t *ret_sockets)
{
        int r = sweep(probe, EVENT_SWEEP_LISTENERS | EVENT_SWEEP_CONNECTIONS);

        if (r < 0)
                return r;
        *ret_files = probe->control->files;
        *ret_sockets = probe->control->sockets;
        r = probe_reconcile(probe);
        return r < 0 ? r : probe_age_flows(probe);
}

/* Listeners first, so that no connection is counted without its owner; then connections, which need
 * two visits (bpf/sweep.bpf.c). */
int probe_adopt(struct probe *probe)
{
        int r = sweep(probe, EVENT_SWEEP_LISTENERS);

        if (r < 0)
                return r;
        probe->control->counting = 1;
        probe->control->adopting = 1;
        r = sweep(probe, EVENT_SWEEP_LISTENERS | EVENT_SWEEP_CONNECTIONS);
        probe->control->adopting = 0;
        if (r == 0)
                r = probe_drain(probe); /* a busy host fills the ring meanwhile */
        if (r < 0)
                return r;
        return sweep(probe, EVENT_SWEEP_LISTENERS | EVENT_SWEEP_CONNECTIONS);
}
