/* How long processes have run, see bpf/ran.bpf.c. */
#include "agent/probe_private.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define AT_ONCE 2048

void probe_load_ran(struct probe *probe)
{
        struct ran_bpf *object = ran_bpf__open();

        if (!object)
                return;
        PROBE_KNOBS(probe, object, probe->have_lock);
        if (probe_share_maps(probe, object->obj) < 0 || ran_bpf__load(object) < 0)
                ran_bpf__destroy(object);
        else
                probe->ran = object;
}

void probe_attach_ran(struct probe *probe)
{
        if (probe->ran)
                probe->ran_threads = bpf_program__attach_iter(probe->ran->progs.threads_ran, NULL);
        probe_note(probe, "iter/task", probe->ran_threads ? "attached" : "unavailable",
                   probe->ran_threads ? "tells which processes ran" : "processes are read in turn, whether they ran or not");
}

int probe_ran(struct probe *probe, void (*function)(void *data, uint32_t tgid, uint64_t ns), void *data)
{
        CLEANUP_FREE struct event_ran *items = malloc(AT_ONCE * sizeof(*items));
        CLEANUP_FD int fd = -1;
        ssize_t n;

        if (!items)
                return -ENOMEM;
        if (!probe->ran_threads)
                return -ENOTSUP;
        fd = bpf_iter_create(bpf_link__fd(probe->ran_threads));
        if (fd < 0)
                return -errno;
        for (;;) {
                n = read(fd, items, AT_ONCE * sizeof(*items));
                if (n < 0 && (errno == EINTR || errno == EAGAIN))
                        continue;
                if (n <= 0)
                        return n < 0 ? -errno : 0;
                for (size_t i = 0; i < (size_t)n / sizeof(*items); i++)
                        function(data, items[i].tgid, items[i].ns);
        }
}
