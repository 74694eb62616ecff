#include "agent/executor_child.h"

#include "proto/log.h"

#include <string.h>

/* Numbers that no order can have are not passed on. */
static bool is_valid(const struct executor_order *o)
{
        return o->order >= ACTION_ORDER_CHECK && o->order < ACTION_ORDERS && o->kind >= ACTION_SERVICE_ROLLBACK &&
               o->kind < ACTION_KINDS && (o->key_high || o->key_low) && o->epoch && o->targets_count <= ACTION_TARGETS_MAX &&
               o->cookies_count <= ACTION_COOKIES_MAX && o->lease >= 0 && o->lease <= ACTION_LEASE_MAX && o->expires > 0 &&
               o->resource < ACTION_RESOURCES;
}

static struct remedy_request request_of(const struct executor_child *child, const struct executor_order *o)
{
        const struct service *service = action_service(child->config.services, o->service);
        const struct action *action = action_find((enum action_kind)o->kind);
        struct remedy_request q = { .order = (enum action_order)o->order,
                                    .kind = (enum action_kind)o->kind,
                                    .key = { o->key_high, o->key_low },
                                    .epoch = o->epoch,
                                    .expires = o->expires,
                                    .lease = o->lease,
                                    .by_person = o->by_person == 1,
                                    .verified = o->verified == 1,
                                    .service = o->service,
                                    .one_way = true };

        memcpy(&q.former, o->former, sizeof(q.former));
        if (!service || !action || !(child->config.allow & 1u << o->kind) || action->forbids(service))
                return q;
        q.allowed = true;
        q.one_way = action->one_way(service);
        q.temporary = action->temporary;
        q.gone_with_boot = action->gone_with_boot;
        q.extends = action->extend != NULL;
        q.lease_max = action->lease_max(service);
        return q;
}

void executor_take_order(struct executor_child *child, const struct executor_order *order)
{
        struct remedy_request q;
        struct remedy_time now = executor_now();
        int index;

        if (!is_valid(order)) {
                executor_complain("an order");
                return;
        }
        q = request_of(child, order);
        if (remedy_epoch_is_new(&child->core, &q)) {
                int r = journal_write_epoch(child->journal, q.epoch);

                if (r == 0)
                        remedy_epoch_written(&child->core, q.epoch);
                else
                        log_error("executor", "cannot write the journal: %s", strerror(-r));
        }
        executor_look_for_stop(child);
        index = remedy_order(&child->core, &q, &now);
        /* A repeated order with other contents must not replace what was looked at. */
        if (index >= 0 && child->core.remedies[index].fresh) {
                child->core.remedies[index].fresh = false;
                child->entries[index].order = *order;
                child->entries[index].detail[0] = '\0';
                child->entries[index].untold = false;
        }
        executor_drain(child);
}
