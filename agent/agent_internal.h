/* What the files of the agent's core share: agent.c makes and ends it, agent_work.c does what is due,
 * agent_link.c talks to the link. Nobody else includes this. */
#pragma once

#include "agent/agent.h"
#include "agent/events.h"
#include "agent/losses.h"
#include "agent/retire.h"
#include "agent/schedule.h"
#include "agent/uplink.h"

struct agent {
        struct agent_parts parts;
        struct rows *rows;
        struct owners *owners;
        struct addresses *addresses;
        struct processes *processes;
        struct builds *builds;
        struct pools *pools;
        struct actions *actions;
        struct report *report;
        struct events events;
        struct retire retire;
        struct losses losses;

        struct loop_source *probe_source, *interval_timer, *push_timer, *tier_timer, *tick_timer;
        struct schedule_push push;
        struct schedule_sweep sweep;
        struct schedule_tier tier;
        bool started, tier_on, tier_failed, push_armed, threshold_is_new;
        int64_t paused_until, full_at;
        uint64_t last_command, coordinator;
};

/* agent_work.c */
void agent_on_probe(void *data, uint32_t revents);
void agent_on_push(void *data, int64_t now);
void agent_on_tick(void *data, int64_t now);
void agent_on_interval(void *data, int64_t now);
void agent_on_tier(void *data, int64_t now);
/* Everything that is brought up to date once an interval, and then said. */
void agent_collect(struct agent *agent, int64_t now, bool final);
/* Arms the timer of pushes, unless it is armed already: it must not be moved on and on. */
void agent_want_push(struct agent *agent, int64_t at);

/* agent_link.c */
int agent_link_send(void *data, uint64_t sequence, const uint8_t *message, size_t size);
int agent_link_pid(void *data);
void agent_on_link(void *data, const struct uplink_event *event);
void agent_on_order(void *data, const struct uplink_order *order);
void agent_on_result(void *data);
void agent_on_raise(void *data, const char *service, int64_t until);
