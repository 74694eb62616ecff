#include "agent/losses.h"

#include "proto/log.h"

void losses_log(struct losses *losses, const uint64_t now[EVENT_LOSS_MAX])
{
        static const char *const causes[EVENT_LOSS_MAX] = {
                [EVENT_LOSS_SOCKS_FULL] = "connections not counted: no room (probe.connections)",
                [EVENT_LOSS_EDGES_FULL] = "connections not counted: too many edges (probe.edges)",
                [EVENT_LOSS_LISTENERS_FULL] = "listeners not known: no room (probe.listeners)",
                [EVENT_LOSS_CLOSE_UNSEEN] = "connections whose end was not seen",
                [EVENT_LOSS_KEYS] = "keys that found no room: both ends may not meet",
                [EVENT_LOSS_EVENTS] = "events that found no room: the maps are read instead",
                [EVENT_LOSS_FLOWS] = "flows of datagrams not counted: no room (probe.flows)",
                [EVENT_LOSS_POOLS] = "connections not told apart by process: no room (probe.pools)",
        };

        for (size_t i = 0; i < EVENT_LOSS_MAX; i++)
                if (now[i] > losses->said[i]) {
                        log_warning("probe", "%llu %s", (unsigned long long)(now[i] - losses->said[i]), causes[i]);
                        losses->said[i] = now[i];
                }
}
