/* The turnarounds tier: loaded once, attached only while it is on, since it is on the path of every
 * message. */
#include "agent/probe_private.h"

#include <errno.h>

static struct turnarounds_bpf *load(struct probe *probe, bool tracepoints)
{
        struct turnarounds_bpf *object = turnarounds_bpf__open();

        if (!object)
                return NULL;
        bpf_program__set_autoload(object->progs.message_sent, tracepoints);
        bpf_program__set_autoload(object->progs.message_received, tracepoints);
        bpf_program__set_autoload(object->progs.tcp_sent, !tracepoints);
        bpf_program__set_autoload(object->progs.tcp_received, !tracepoints);
        PROBE_KNOBS(probe, object, probe->have_lock);
        if (probe_share_maps(probe, object->obj) < 0 || turnarounds_bpf__load(object) < 0) {
                turnarounds_bpf__destroy(object);
                return NULL;
        }
        return object;
}

void probe_load_turnarounds(struct probe *probe)
{
        bool tracepoints = probe_has_tracepoint("btf_trace_sock_send_length");

        probe->turnarounds = load(probe, tracepoints);
        if (!probe->turnarounds)
                probe_note(probe, "turnarounds", "unavailable",
                           tracepoints ? "the kernel does not take the programs on sock_send_length and sock_recv_length"
                                       : "needs sock_send_length (Linux 6.3) or fentry; request-to-reply times are not seen");
        else if (tracepoints)
                probe_note(probe, "turnarounds", "attached", "sock_send_length and sock_recv_length, while the tier is on");
        else
                probe_note(probe, "turnarounds", "fallback",
                           "tcp_sendmsg and tcp_cleanup_rbuf, while the tier is on: the kernel has no sock_send_length");
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

int probe_turnarounds(struct probe *probe, bool on)
{
        struct turnarounds_bpf *t = probe->turnarounds;
        bool tracepoints;
        int r;

        if (!t)
                return on ? -ENOTSUP : 0;
        if (!on) {
                detach(probe);
                return 0;
        }
        if (probe->messages[0])
                return 0;
        t->bss->this_round++; /* before the first message of the new round */
        tracepoints = bpf_program__fd(t->progs.message_sent) >= 0;
        r = attach(tracepoints ? t->progs.message_sent : t->progs.tcp_sent, &probe->messages[0]);
        if (r == 0)
                r = attach(tracepoints ? t->progs.message_received : t->progs.tcp_received, &probe->messages[1]);
        if (r < 0)
                detach(probe);
        return r;
}
