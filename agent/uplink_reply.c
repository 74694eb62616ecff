#include "agent/uplink_child.h"
#include "proto/arena.h"
#include "proto/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REFUSED_NS (5 * NSEC_PER_SEC)
#define DONE_WAIT_NS NSEC_PER_SEC /* for the agent to carry a command out, before we poll again */
#define ARENA_KEEP (64u << 10)

/* One of these is written at most twice a minute. */
static void complain(const char *what, const char *why)
{
        static struct log_gate gate = { .interval_ns = 60 * NSEC_PER_SEC, .burst = 2 };
        uint64_t suppressed;

        if (log_gate_open(&gate, clock_monotonic(), &suppressed))
                log_error("uplink", "%s: %s", what, why);
}

void link_poll(struct link_child *child)
{
        struct wire_request request = {
                .kind = WIRE_POLL,
                .poll = { .session = child->session, .host = child->options->host, .acknowledged = child->commands_done },
        };
        uint8_t *message;
        size_t size;
        int r = wire_pack_request(&request, &message, &size);

        if (r < 0) {
                complain("cannot pack a poll", strerror(-r));
                exchange_again(&child->exchanges[LINK_POLL], REFUSED_NS);
                return;
        }
        exchange_start(&child->exchanges[LINK_POLL], message, size);
}

static void take_ack(struct link_child *child, struct exchange *exchange, const struct wire_ack *ack)
{
        struct uplink_event event = {
                .kind = UPLINK_ACKNOWLEDGED,
                .session = ack->session,
                .sequence = ack->sequence,
                .coordinator = ack->coordinator,
                .resync = ack->resync,
                .pause_ms = ack->pause_ms,
        };

        if (exchange->index == LINK_POLL || ack->session != child->session || ack->sequence != exchange->sequence) {
                complain("the coordinator acknowledges what was not sent", "it is sent again");
                exchange_again(exchange, REFUSED_NS);
                return;
        }
        exchange_done(exchange);
        link_tell(child, &event);
}

static void take_commands(struct link_child *child, struct exchange *exchange, const struct wire_commands *commands)
{
        if (exchange->index != LINK_POLL) {
                complain("the coordinator answers a summary with commands", "it is sent again");
                exchange_again(exchange, REFUSED_NS);
                return;
        }
        for (size_t i = 0; i < commands->count; i++) {
                const struct wire_command *command = &commands->commands[i];
                struct uplink_event event = {
                        .kind = UPLINK_COMMAND,
                        .command = command->kind,
                        .id = command->id,
                        .session = child->session,
                        .threshold = command->threshold,
                        .tier = command->tier,
                        .until = command->until,
                };
                child->commands_seen = MAX(child->commands_seen, command->id);
                if (command->kind == WIRE_COMMAND_ACTION) {
                        link_tell_order(child, command);
                        continue;
                }
                if (command->service)
                        snprintf(event.service, sizeof(event.service), "%s", command->service);
                link_tell(child, &event);
        }
        if (child->commands_seen > child->commands_done)
                exchange_again(exchange, DONE_WAIT_NS); /* or at once when the agent says it is done */
        else if (clock_monotonic() - exchange->sent < 100 * NSEC_PER_MSEC)
                exchange_again(exchange, 100 * NSEC_PER_MSEC); /* an empty answer is not worth a storm */
        else
                link_poll(child);
}

void link_reply(struct link_child *child, struct exchange *exchange, const uint8_t *body, size_t size)
{
        struct wire_reply reply;
        const char *why = "too large";
        int r;

        arena_reset(child->arena, ARENA_KEEP);
        r = wire_unpack_reply(body, size, child->arena, &reply, &why);
        if (r < 0) {
                complain("a reply of the coordinator does not parse", why);
                exchange_again(exchange, REFUSED_NS);
                return;
        }
        switch (reply.kind) {
        case WIRE_ACK:
                take_ack(child, exchange, &reply.ack);
                return;
        case WIRE_COMMANDS:
                take_commands(child, exchange, &reply.commands);
                return;
        case WIRE_REFUSAL:
                complain("the coordinator refuses this agent", reply.refusal.reason);
                exchange_again(exchange, REFUSED_NS);
                link_redial(child, REFUSED_NS);
                child->complained = clock_monotonic(); /* why there is no connection has been said */
                return;
        case WIRE_ANSWER:
                break;
        }
        complain("the coordinator sends a reply of the wrong kind", "ignored");
        exchange_again(exchange, REFUSED_NS);
}
