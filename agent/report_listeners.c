/* The listeners of a summary: read from the probe, sockets of one port merged, and said when they differ. */
#include "agent/report_build.h"

#include "agent/addresses.h"
#include "agent/host.h"
#include "agent/owners.h"
#include "agent/probe.h"
#include "agent/processes.h"

#include <stdlib.h>
#include <string.h>

static int listener_order(const void *a, const void *b)
{
        const struct summary_listener *l = a, *m = b;
        int r = memcmp(l->address.bytes, m->address.bytes, 16);

        if (l->netns != m->netns)
                return l->netns < m->netns ? -1 : 1;
        if (l->port != m->port)
                return l->port < m->port ? -1 : 1;
        if (r == 0 && l->transport != m->transport)
                return l->transport < m->transport ? -1 : 1;
        if (r == 0 && l->identity != m->identity)
                return l->identity < m->identity ? -1 : 1;
        return r;
}

static int take_listener(void *data, const struct event_listener *listener)
{
        struct report *report = data;
        struct summary_listener *l;

        if (report->listeners_count == REPORT_LISTENERS_MAX)
                return 0;
        if (report->listeners_count == report->listeners_size) {
                size_t size = report->listeners_size ? report->listeners_size * 2 : 64;
                struct summary_listener *grown = reallocarray(report->listeners, size, sizeof(*grown));

                if (!grown)
                        return -ENOMEM;
                report->listeners = grown;
                report->listeners_size = size;
        }
        l = &report->listeners[report->listeners_count++];
        memset(l, 0, sizeof(*l)); /* padding too: the rows are hashed */
        l->identity =
                owners_identity(report->sources.owners, &listener->owner, report->sources.host->pid_namespace ? 0 : listener->tgid);
        l->netns = listener->netns;
        l->transport = (enum summary_transport)listener->transport;
        memcpy(l->address.bytes, listener->address, 16);
        l->port = listener->port;
        l->backlog = listener->backlog;
        l->backlog_max = listener->backlog_max;
        l->drops = listener->drops;
        if (report->sources.processes && listener->transport == TRANSPORT_TCP)
                l->connections_max = processes_connections_max(report->sources.processes, listener->tgid, listener->port);
        addresses_learn(report->sources.addresses, listener->address, listener->netns, clock_monotonic());
        return 0;
}

/* Several sockets may listen on one port (SO_REUSEPORT): one row, with their sums. */
static void merge_listeners(struct report *report)
{
        size_t kept = 0;

        if (report->listeners_count)
                qsort(report->listeners, report->listeners_count, sizeof(*report->listeners), listener_order);
        for (size_t i = 0; i < report->listeners_count; i++) {
                struct summary_listener *l = &report->listeners[i], *k = kept ? &report->listeners[kept - 1] : NULL;

                if (k && listener_order(k, l) == 0) {
                        k->backlog += l->backlog;
                        k->backlog_max += l->backlog_max;
                        k->drops += l->drops;
                        k->connections_max = MAX(k->connections_max, l->connections_max);
                } else {
                        report->listeners[kept++] = *l;
                }
        }
        report->listeners_count = kept;
}

int report_build_listeners(struct report *report, struct summary *summary, bool always)
{
        const unsigned char *bytes;
        uint64_t h = REPORT_HASH_EMPTY;
        int r;

        report->listeners_count = 0;
        r = probe_listeners(report->sources.probe, take_listener, report);
        if (r < 0)
                return r;
        merge_listeners(report);
        bytes = (const unsigned char *)report->listeners;
        for (size_t i = 0; i < report->listeners_count * sizeof(*report->listeners); i++)
                h = (h ^ bytes[i]) * UINT64_C(0x100000001b3);
        report->listeners_hash = h;
        if (!always && h == report->listeners_said) {
                report->listeners_changed = false;
                return 0;
        }
        /* None at all can only be said in full. */
        if (!always && report->listeners_count == 0) {
                report_full(report);
                return 0;
        }
        summary->listeners = report->listeners;
        summary->listeners_count = report->listeners_count;
        for (size_t i = 0; i < report->listeners_count; i++)
                report_build_refer(report, report->listeners[i].identity);
        return 0;
}
