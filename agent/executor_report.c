#include "agent/executor_child.h"

#include "proto/log.h"

#include <string.h>
#include <sys/socket.h>

void executor_say(struct executor_child *child, struct executor_event *event, bool *ret_untold)
{
        event->host_epoch = child->core.epoch;
        event->stopped = child->core.stopped || child->core.damaged;
        if (child->fd < 0)
                return;
        *ret_untold = send(child->fd, event, sizeof(*event), MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && errno == EAGAIN;
}

void executor_tell(struct executor_child *child, uint32_t index)
{
        const struct remedy *r = &child->core.remedies[index];
        struct executor_event event = { .key_high = r->request.key.high,
                                        .key_low = r->request.key.low,
                                        .epoch = r->request.epoch,
                                        .service = r->request.service,
                                        .at = r->at_wall,
                                        .lease_end = r->lease_end,
                                        .kind = r->request.kind,
                                        .state = r->state,
                                        .reason = r->reason,
                                        .verdict = r->verdict,
                                        .touched = r->touched };

        if (r->state == 0 || r->state == REMEDY_PREPARING)
                return;
        memcpy(event.former, &r->former, sizeof(event.former));
        memcpy(event.present, &r->present, sizeof(event.present));
        memcpy(event.detail, child->entries[index].detail, sizeof(event.detail));
        executor_say(child, &event, &child->entries[index].untold);
        if (r->state == ACTION_STUCK)
                log_error("executor", "%s is stuck and needs a person: %s", action_kind_name(r->request.kind), event.detail);
}

void executor_tell_refusal(struct executor_child *child, const struct remedy_effect *effect)
{
        struct executor_event event = { .key_high = effect->key.high,
                                        .key_low = effect->key.low,
                                        .epoch = effect->epoch,
                                        .at = clock_wall(),
                                        .kind = effect->action,
                                        .state = ACTION_REFUSED,
                                        .reason = effect->reason };
        bool lost;

        executor_say(child, &event, &lost); /* one that is lost is asked for again */
}

bool executor_any_untold(const struct executor_child *child)
{
        for (size_t i = 0; i < REMEDY_MAX; i++)
                if (child->entries[i].untold)
                        return true;
        return false;
}

void executor_complain(const char *what)
{
        static struct log_gate gate = { .interval_ns = 60 * NSEC_PER_SEC, .burst = 4 };
        uint64_t suppressed;

        if (log_gate_open(&gate, clock_monotonic(), &suppressed))
                log_error("executor", "%s that cannot be was ignored; %llu before it", what, (unsigned long long)suppressed);
}
