/* Prints what the probes see: `edges [SECONDS]`. The thinnest consumer of agent/probe.h, for looking
 * at the kernel's side alone. */
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "agent/probe.h"

static void event_print(void *data, const struct event_header *header)
{
        (void)data;
        if (header->type == EVENT_OWNER) {
                const struct event_owner_named *e = (const void *)header;

                printf("owner pid %u %s cgroup %s exe %s port %u\n", e->pid, e->comm, e->cgroup_path, e->exe_path,
                       e->owner.listen_port);
        } else if (header->type == EVENT_EDGE) {
                const struct event_edge_new *e = (const void *)header;

                printf("edge %u pid %u role %u\n", e->index, e->tgid, e->edge.role);
        } else if (header->type == EVENT_KEY) {
                const struct event_key *e = (const void *)header;

                if (getenv("KEYS"))
                        printf("key %016llx edge %u role %u\n", (unsigned long long)e->key, e->index, e->role);
        } else if (header->type == EVENT_EXIT) {
                const struct event_exit *e = (const void *)header;

                printf("exit pid %u code %u signal %u oom %u\n", e->tgid, e->code, e->signal, e->oom);
        } else {
                printf("event %u\n", header->type);
        }
}

static int edge_print(void *data, const struct event_edge *e, uint32_t index)
{
        const struct event_counts *c = probe_counts(data, index);
        char local[INET6_ADDRSTRLEN], remote[INET6_ADDRSTRLEN];

        inet_ntop(AF_INET6, e->local, local, sizeof(local));
        inet_ntop(AF_INET6, e->remote, remote, sizeof(remote));
        printf("%u: %s %s [%s]:%u <-> [%s]:%u ns %u cgroup %llu exe %llu listen %u | attempted %llu adopted %llu opened %llu "
               "closed "
               "%llu refused %llu timed out %llu unreachable %llu aborted %llu no port %llu reset %llu/%llu sent %llu received "
               "%llu "
               "unread %llu retransmits %llu\n",
               index, e->transport == EVENT_TRANSPORT_TCP ? "tcp" : "udp",
               e->role == EVENT_ROLE_CLIENT   ? "client"
               : e->role == EVENT_ROLE_SERVER ? "server"
                                              : "unknown",
               local, e->local_port, remote, e->remote_port, e->netns, e->owner.cgroup, e->owner.exe_inode, e->owner.listen_port,
               c->attempted, c->adopted, c->opened, c->closed, c->refused, c->timed_out, c->unreachable, c->aborted, c->no_port,
               c->reset_by_peer, c->reset_by_self, c->sent, c->received, c->unread, c->retransmits);
        return 0;
}

static int listener_print(void *data, const struct event_listener *l)
{
        char address[INET6_ADDRSTRLEN];

        (void)data;
        inet_ntop(AF_INET6, l->address, address, sizeof(address));
        printf("listener [%s]:%u ns %u pid %u backlog %u/%u drops %llu flags %u\n", address, l->port, l->netns, l->tgid, l->backlog,
               l->backlog_max, l->drops, l->flags);
        return 0;
}

int main(int argc, char **argv)
{
        int64_t end = clock_monotonic() + (argc > 1 ? atoll(argv[1]) : 10) * NSEC_PER_SEC;
        uint64_t losses[EVENT_LOSS_MAX], files, sockets;
        struct probe *probe = NULL;
        const char *why = "";
        int r;

        setvbuf(stdout, NULL, _IOLBF, 0);
        r = probe_new(NULL, &probe, &why);
        if (r >= 0)
                r = probe_start(probe, event_print, NULL);
        if (r < 0) {
                fprintf(stderr, "edges: %s (%d)\n", why, r);
                return 1;
        }
        for (size_t i = 0; probe_hook(probe, i); i++)
                printf("hook %s: %s, %s\n", probe_hook(probe, i)->name, probe_hook(probe, i)->state, probe_hook(probe, i)->detail);
        while (clock_monotonic() < end) {
                struct pollfd p = { .fd = probe_fd(probe), .events = POLLIN };

                poll(&p, 1, 200);
                r = probe_drain(probe);
                if (r < 0)
                        break;
        }
        r = probe_sweep(probe, &files, &sockets);
        printf("sweep: %d, %llu files, %llu sockets; maps %llu bytes\n", r, (unsigned long long)files, (unsigned long long)sockets,
               (unsigned long long)probe_map_bytes(probe));
        r = probe_edges(probe, edge_print, probe);
        if (r >= 0)
                r = probe_listeners(probe, listener_print, NULL);
        probe_losses(probe, losses);
        for (int i = 0; i < EVENT_LOSS_MAX; i++)
                printf("loss %d: %llu\n", i, (unsigned long long)losses[i]);
        probe_free(&probe);
        return r < 0;
}
