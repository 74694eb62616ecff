/* The agent as a witness of the coordinator's audit log (proto/witness.h), in the link's child: what parses a note that
 * came from the network has no rights. The agent keeps what is found good before it does anything on its word. */
#include "agent/uplink_child.h"
#include "proto/log.h"
#include "proto/witness.h"

#include <stdio.h>
#include <string.h>

_Static_assert(sizeof(struct tlog_hash) == sizeof(struct action_digest), "hashes of a proof travel as digests");

static void refuse(struct uplink_order *order, const char *why)
{
        order->verdict = UPLINK_ORDER_REFUSED;
        snprintf(order->why, sizeof(order->why), "%s", why);
}

/* It counts as not given and is told again; one that is never proven would otherwise be seen nowhere. */
static void leave_unproven(struct uplink_order *order, const char *why)
{
        static struct log_gate gate = { .interval_ns = 60 * NSEC_PER_SEC, .burst = 2 };
        uint64_t suppressed;

        order->verdict = UPLINK_ORDER_UNPROVEN;
        if (log_gate_open(&gate, clock_monotonic(), &suppressed))
                log_notice("uplink", "an order waits: that its audit log continues the one seen last is not shown yet (%s)", why);
}

void link_witness(struct link_child *child, const struct action_dispatch *d, struct uplink_order *order)
{
        const struct uplink_options *options = child->options;
        struct checkpoint_file *kept = &child->kept;
        bool from_kept = d->consistency_from == kept->log_size;
        struct tlog_hash proof[ACTION_CONSISTENCY_MAX];
        struct checkpoint checkpoint;
        const char *why = "";
        int r;

        if (d->checkpoint_size == 0) {
                refuse(order, "the order comes without a checkpoint of the audit log");
                return;
        }
        for (size_t i = 0; i < d->consistency_count; i++)
                memcpy(proof[i].bytes, d->consistency[i].bytes, sizeof(proof[i].bytes));
        r = witness_check(kept->size ? kept->note : NULL, kept->size, (const char *)d->checkpoint, d->checkpoint_size,
                          options->audit_keys, options->audit_keys_count, proof, from_kept ? d->consistency_count : 0, &checkpoint,
                          &why);
        /* It was made for what this host had said before it saw the last one: it is told again. */
        if (r == -ENOMEM || (r == -EUCLEAN && !from_kept)) {
                leave_unproven(order, r == -ENOMEM ? "out of memory" : why);
                return;
        }
        if (r < 0) {
                refuse(order, why);
                return;
        }
        order->verdict = UPLINK_ORDER_GOOD;
        order->log_size = checkpoint.size;
        if (checkpoint.size == kept->log_size && kept->size)
                return;
        order->checkpoint_size = (uint32_t)d->checkpoint_size;
        memcpy(order->checkpoint, d->checkpoint, d->checkpoint_size);
        *kept = (struct checkpoint_file){ .size = d->checkpoint_size, .log_size = checkpoint.size };
        memcpy(kept->note, d->checkpoint, d->checkpoint_size);
}
