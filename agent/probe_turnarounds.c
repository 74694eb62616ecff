/* The turnarounds tier: loaded once, attached only while it is on, since it is on the path of every
 * message. */
#include "agent/probe_private.h"

#include <errno.h>

static void load(struct probe *probe)
{
        struct turnarounds_bpf *object = turnarounds_bpf__open();

        if (!object)
                return;
        PROBE_KNOBS(probe, object, probe->have_lock);
        if (probe_share_maps(probe, object->obj) < 0 || turnarounds_bpf__load(object) < 0)
                turnarounds_bpf__destroy(object);
        else
                probe->turnarounds = object;
}

static void load_fallback(struct probe *probe)
{
        struct turnarounds_fallback_bpf *object = turnarounds_fallback_bpf__open();

        if (!object)
                return;
        PROBE_KNOBS(probe, object, probe->have_lock);
        if (probe_share_maps(probe, object->obj) < 0 || turnarounds_fallback_bpf__load(object) < 0)
                turnarounds_fallback_bpf__destroy(object);
        else
                probe->turnarounds_fallback = object;
}

void probe_load_turnarounds(struct probe *probe)
{
        bool tracepoints = probe_has_tracepoint("btf_trace_sock_send_length");

        if (tracepoints)
                load(probe);
        if (!probe->turnarounds)
                load_fallback(probe);
        if (probe->turnarounds)
                probe_note(probe, "turnarounds", "attached", "sock_send_length and sock_recv_length, while the tier is on");
        else if (probe->turnarounds_fallback)
                probe_note(probe, "turnarounds", "fallback",
                           tracepoints
                                   ? "tcp_sendmsg and tcp_cleanup_rbuf, while the tier is on: the kernel does not take the "
                                     "programs on sock_send_length"
                                   : "tcp_sendmsg and tcp_cleanup_rbuf, while the tier is on: the kernel has no sock_send_length");
        else
                probe_note(probe, "turnarounds", "unavailable",
                           tracepoints ? "the kernel does not take the programs on sock_send_length and sock_recv_length"
                                       : "needs sock_send_length (Linux 6.3) or fentry; request-to-reply times are not seen");
        probe_note(probe, "udp_bytes", probe->turnarounds ? "attached" : "unavailable",
                   probe->turnarounds ? "sock_send_length and sock_recv_length, while the tier is on without a break"
                   : tracepoints      ? "the kernel does not take the programs on sock_send_length and sock_recv_length: bytes of "
                                        "UDP are not counted"
                                      : "needs sock_send_length (Linux 6.3): bytes of UDP are not counted");
}

static int attach(const struct bpf_program *program, struct bpf_link **ret_link)
{
        struct bpf_link *link = bpf_program__attach(program);

        if (!link)
                return -errno;
        *ret_link = link;
        return 0;
}

static void detach(struct probe *probe)
{
        for (size_t i = 0; i < ARRAY_SIZE(probe->messages); i++) {
                bpf_link__destroy(probe->messages[i]);
                probe->messages[i] = NULL;
        }
}

void probe_count_datagrams(struct probe *probe, bool on)
{
        probe->control->datagram_bytes = on && probe->turnarounds && probe->messages[0];
}

int probe_turnarounds(struct probe *probe, bool on)
{
        struct turnarounds_bpf *t = probe->turnarounds;
        struct turnarounds_fallback_bpf *f = probe->turnarounds_fallback;
        int r;

        if (!on) {
                probe_count_datagrams(probe, false);
                detach(probe);
                return 0;
        }
        if (!t && !f)
                return -ENOTSUP;
        if (probe->messages[0])
                return 0;
        if (t) /* before the first message of the new round */
                t->bss->this_round++;
        else
                f->bss->this_round++;
        r = attach(t ? t->progs.message_sent : f->progs.tcp_sent, &probe->messages[0]);
        if (r == 0)
                r = attach(t ? t->progs.message_received : f->progs.tcp_received, &probe->messages[1]);
        if (r < 0)
                detach(probe);
        return r;
}
