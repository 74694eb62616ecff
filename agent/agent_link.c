#include "agent/agent_internal.h"

#include "agent/actions.h"
#include "agent/config.h"
#include "agent/probe.h"
#include "agent/report.h"
#include "proto/log.h"

#include <stdio.h>
#include <string.h>

#define FULL_AGAIN_NS (5 * NSEC_PER_SEC)

int agent_link_send(void *data, uint64_t sequence, const uint8_t *message, size_t size)
{
        struct agent *agent = data;

        if (clock_monotonic() < agent->paused_until)
                return -EAGAIN;
        return uplink_send(agent->parts.uplink, sequence, message, size);
}

int agent_link_pid(void *data)
{
        struct agent *agent = data;

        return uplink_pid(agent->parts.uplink);
}

static void raise_tier(struct agent *agent, const char *service, uint32_t tier, int64_t until)
{
        int r = schedule_tier_raise(&agent->tier, service, tier, until, clock_wall());

        if (r < 0)
                log_notice("agent", "the tier of %s is not raised: %s", service,
                           r == -ENOSPC ? "too many services are raised" : "the deadline has passed");
        agent_on_tier(agent, clock_monotonic());
}

/* Beside what the coordinator raises by a command, which ends by itself. */
void agent_on_raise(void *data, const char *service, int64_t until)
{
        char name[SCHEDULE_RAISE_SIZE];

        snprintf(name, sizeof(name), "%s (observe.raise)", service);
        raise_tier(data, name, until ? 2 : 0, until);
}

static void on_command(struct agent *agent, const struct uplink_event *event)
{
        int r;

        if (event->id > agent->last_command) {
                agent->last_command = event->id;
                if (event->command == WIRE_COMMAND_KEY_THRESHOLD) {
                        probe_set_key_threshold(agent->parts.probe, event->threshold);
                        report_set_key_threshold(agent->report, event->threshold);
                        agent->threshold_is_new = true;
                } else if (event->command == WIRE_COMMAND_TIER) {
                        raise_tier(agent, event->service, event->tier, schedule_tier_until(event->until, clock_wall()));
                } else {
                        log_notice("agent", "a command of a kind that this agent does not know: %u", event->command);
                }
        }
        r = uplink_done(agent->parts.uplink, event->id);
        if (r < 0)
                log_debug("agent", "cannot acknowledge a command: %s", strerror(-r));
}

/* What an order rests on is on disk before anything is done. */
static void take_order(struct agent *agent, const struct uplink_order *order)
{
        int r = 0;

        if (order->verdict == UPLINK_ORDER_GOOD && order->checkpoint_size)
                r = checkpoint_keep(agent->parts.config->state_dir, order->checkpoint, order->checkpoint_size, order->log_size);
        else if (order->verdict == UPLINK_ORDER_GOOD && !uplink_has_checkpoint(agent->parts.uplink))
                r = -EBADMSG;
        if (r < 0)
                log_error("agent", "the checkpoint of the audit log cannot be kept, so nothing is done on its word: %s",
                          strerror(-r));
        /* The child goes on from what was not kept: the next one from what is on disk. Where that is no checkpoint,
         * nothing is taken from either. */
        if (r < 0 && r != -EBADMSG)
                uplink_end_child(agent->parts.uplink);
        else if (r == 0 && order->verdict == UPLINK_ORDER_GOOD && order->checkpoint_size)
                uplink_kept(agent->parts.uplink, order);
        actions_order(agent->actions, order, r == 0);
}

void agent_on_order(void *data, const struct uplink_order *order)
{
        struct agent *agent = data;
        int r;

        if (order->id > agent->last_command) {
                agent->last_command = order->id;
                take_order(agent, order);
        }
        r = uplink_done(agent->parts.uplink, order->id);
        if (r < 0)
                log_debug("agent", "cannot acknowledge a command: %s", strerror(-r));
}

/* What became of an order is told at once. */
void agent_on_result(void *data)
{
        struct agent *agent = data;

        agent_want_push(agent, schedule_push_at(&agent->push, clock_monotonic()));
}

static void on_acknowledged(struct agent *agent, const struct uplink_event *event, int64_t now)
{
        /* The threshold of a coordinator's former life does not bind, but the new one's may have come
         * ahead of this. */
        if (event->coordinator != agent->coordinator && !agent->threshold_is_new) {
                probe_set_key_threshold(agent->parts.probe, UINT32_MAX);
                report_set_key_threshold(agent->report, UINT32_MAX);
        }
        agent->coordinator = event->coordinator;
        agent->threshold_is_new = false;
        if (event->pause_ms)
                agent->paused_until = now + MIN(event->pause_ms, 60000u) * NSEC_PER_MSEC;
        /* Answers to what was sent before a full report ask for it again; it is on its way. */
        if (event->resync && !report_is_full_pending(agent->report) &&
            (event->sequence > report_full_sequence(agent->report) || now - agent->full_at > FULL_AGAIN_NS)) {
                agent->full_at = now;
                report_full(agent->report);
                agent_want_push(agent, schedule_push_at(&agent->push, now));
        }
}

void agent_on_link(void *data, const struct uplink_event *event)
{
        struct agent *agent = data;
        int64_t now = clock_monotonic();

        switch (event->kind) {
        case UPLINK_CONNECTED:
                log_debug("agent", "connected to the coordinator");
                break;
        case UPLINK_DISCONNECTED:
                log_debug("agent", "disconnected from the coordinator");
                break;
        case UPLINK_ACKNOWLEDGED:
                on_acknowledged(agent, event, now);
                break;
        case UPLINK_COMMAND:
                on_command(agent, event);
                break;
        }
}
