#include "agent/uplink_child.h"
#include "proto/log.h"

#include <nng/supplemental/util/platform.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A connect into a black hole would be repeated by the kernel at growing distances; it is begun anew
 * this often, so that we are back soon after the network is. What else may take time gets more of it:
 * a name that is slow to resolve, nng's rest between two tries, and a handshake, for thousands of
 * agents may be at it at once. */
#define CONNECT_NS (2500 * NSEC_PER_MSEC)
#define PATIENCE_NS (15 * NSEC_PER_SEC)
#define REFUSED_NS (5 * NSEC_PER_SEC)
#define RECONNECT_MIN_MS 1000
#define RECONNECT_MAX_MS 2000
#define COMPLAIN_AFTER_NS (3 * NSEC_PER_SEC)
#define COMPLAIN_EVERY_NS (60 * NSEC_PER_SEC)

/* Between 1 and 1.5 times the delay, so that agents do not march in step. */
static int64_t jitter(int64_t delay_ns)
{
        return delay_ns + (int64_t)(nng_random() % 1024) * (delay_ns / 2048);
}

void link_dial(struct link_child *child)
{
        int64_t now = clock_monotonic();
        int r;

        child->redial_at = 0;
        child->dial_started = now;
        link_need_tick(child);
        r = nng_dialer_create(&child->dialer, child->socket, child->options->url);
        if (r == 0) {
                child->dialing = true;
                /* nng draws the time between tries at random below a limit that doubles. */
                if (nng_dialer_set_ms(child->dialer, NNG_OPT_RECONNMINT, RECONNECT_MIN_MS) != 0 ||
                    nng_dialer_set_ms(child->dialer, NNG_OPT_RECONNMAXT, RECONNECT_MAX_MS) != 0)
                        log_warning("uplink", "cannot set the time between connection attempts");
                r = nng_dialer_start(child->dialer, NNG_FLAG_NONBLOCK);
        }
        if (r == 0)
                return;
        log_error("uplink", "cannot dial %s: %s", child->options->url, nng_strerror(r));
        link_redial(child, REFUSED_NS);
}

void link_redial(struct link_child *child, int64_t delay_ns)
{
        if (child->dialing)
                nng_dialer_close(child->dialer); /* and its connection, if there is one */
        child->dialing = false;
        child->redial_at = clock_monotonic() + jitter(delay_ns);
        link_need_tick(child);
}

void link_hang_up(struct link_child *child)
{
        if (child->pipe.id > 0)
                nng_pipe_close(child->pipe);
}

void link_pipe_up(struct link_child *child, uint32_t id)
{
        struct uplink_event event = { .kind = UPLINK_CONNECTED, .session = child->session };

        child->pipe.id = id;
        child->connected_at = clock_monotonic();
        child->unconnected_since = 0;
        child->complained = 0;
        link_watch_for_silence();
        log_info("uplink", "connected to %s", child->options->url);
        link_tell(child, &event);
}

void link_pipe_down(struct link_child *child, uint32_t id)
{
        struct uplink_event event = { .kind = UPLINK_DISCONNECTED, .session = child->session };

        if (child->pipe.id != id)
                return;
        child->pipe.id = 0;
        child->unconnected_since = child->dial_started = clock_monotonic();
        link_need_tick(child);
        log_warning("uplink", "lost the connection to %s", child->options->url);
        link_tell(child, &event);
}

void link_failed(struct link_child *child, const char *why)
{
        static struct log_gate gate = { .interval_ns = 60 * NSEC_PER_SEC, .burst = 2 };
        uint64_t suppressed;

        if (log_gate_open(&gate, clock_monotonic(), &suppressed))
                log_error("uplink", "no connection to %s: %s", child->options->url, why);
        child->complained = clock_monotonic();
        link_redial(child, REFUSED_NS); /* trying at once would change nothing */
}

/* What nng counted for this dialer says why there is no connection. */
static const char *reason(struct link_child *child)
{
        static const struct {
                const char *counter, *text;
        } reasons[] = {
                { "refused", "connection refused: no coordinator listens there" },
                { "timeout", "no answer: the host is down, or a firewall is in between" },
                { "proto", "something else than a coordinator listens there" },
        };
        const char *text = "no answer, or the name does not resolve";
        nng_stat *root, *scope;

        if (!child->dialing || nng_stats_get(&root) != 0)
                return text;
        scope = nng_stat_find_dialer(root, child->dialer);
        for (size_t i = ARRAY_SIZE(reasons); scope && i-- > 0;) {
                nng_stat *stat = nng_stat_find(scope, reasons[i].counter);
                if (stat && nng_stat_value(stat) > 0)
                        text = reasons[i].text;
        }
        nng_stats_free(root);
        return text;
}

bool link_watch(struct link_child *child, int64_t now)
{
        int64_t patience;

        if (child->pipe.id > 0)
                return false;
        if (now - child->unconnected_since > COMPLAIN_AFTER_NS &&
            (!child->complained || now - child->complained > COMPLAIN_EVERY_NS)) {
                log_warning("uplink", "no connection to %s for %lld s: %s", child->options->url,
                            (long long)((now - child->unconnected_since) / NSEC_PER_SEC), reason(child));
                child->complained = now;
        }
        if (child->redial_at) {
                if (now >= child->redial_at)
                        link_dial(child);
                return true;
        }
        patience = link_is_connecting() ? CONNECT_NS : PATIENCE_NS;
        if (now - child->dial_started > patience)
                link_redial(child, 0);
        return true;
}
