#include "agent/agent_internal.h"

#include "agent/actions.h"
#include "agent/addresses.h"
#include "agent/builds.h"
#include "agent/config.h"
#include "agent/host.h"
#include "agent/owners.h"
#include "agent/pools.h"
#include "agent/probe.h"
#include "agent/processes.h"
#include "agent/report.h"
#include "agent/rows.h"
#include "agent/settings_key.h"
#include "proto/log.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

static int new_builds(struct agent *agent)
{
        struct hash_key key = { 0 };
        int r = settings_key_load(agent->parts.config->state_dir, &key);

        if (r < 0)
                log_warning("agent", "no key for digests of settings can be kept in %s, changes across a restart stay unseen: %s",
                            agent->parts.config->state_dir, strerror(-r));
        r = builds_new("/proc", &key, &agent->builds);
        if (r == 0)
                processes_set_builds(agent->processes, agent->builds);
        return r;
}

int agent_new(const struct agent_parts *parts, struct agent **ret_agent)
{
        struct agent *agent = calloc(1, sizeof(*agent));
        struct report_sources sources = {
                .probe = parts->probe, .host = parts->host, .send = agent_link_send, .link_pid = agent_link_pid
        };
        int r;

        if (!agent)
                return -ENOMEM;
        agent->parts = *parts;
        r = owners_new(config_matches(parts->config), "/proc", &agent->owners);
        if (r == 0)
                r = rows_new(parts->probe, &agent->rows);
        if (r == 0)
                r = addresses_new("/proc", &agent->addresses);
        if (r == 0)
                r = processes_new(parts->probe, agent->owners, "/proc", &agent->processes);
        if (r == 0)
                r = new_builds(agent);
        if (r == 0)
                r = pools_new(parts->probe, agent->rows, agent->owners, &agent->pools);
        if (r == 0)
                r = actions_new(parts->executor, agent->processes, &agent->actions);
        if (r == 0)
                actions_set_log_size(agent->actions, parts->log_size);
        sources.processes = agent->processes;
        sources.pools = agent->pools;
        sources.actions = agent->actions;
        sources.rows = agent->rows;
        sources.owners = agent->owners;
        sources.addresses = agent->addresses;
        sources.data = agent;
        if (r == 0)
                r = report_new(&sources, &agent->report);
        if (r == 0)
                r = loop_add_fd(parts->loop, probe_fd(parts->probe), EPOLLIN, agent_on_probe, agent, &agent->probe_source);
        if (r == 0)
                r = loop_add_timer(parts->loop, agent_on_interval, agent, &agent->interval_timer);
        if (r == 0)
                r = loop_add_timer(parts->loop, agent_on_push, agent, &agent->push_timer);
        if (r == 0)
                r = loop_add_timer(parts->loop, agent_on_tier, agent, &agent->tier_timer);
        if (r == 0)
                r = loop_add_timer(parts->loop, agent_on_tick, agent, &agent->tick_timer);
        if (r == 0)
                r = agent_reconfigure(agent, parts->config);
        if (r < 0) {
                agent_free(&agent);
                return r;
        }
        agent->events = (struct events){ .probe = parts->probe,
                                         .rows = agent->rows,
                                         .owners = agent->owners,
                                         .addresses = agent->addresses,
                                         .report = agent->report,
                                         .processes = agent->processes,
                                         .own_pids = parts->host->pid_namespace != 0 };
        agent->retire = (struct retire){
                .probe = parts->probe, .rows = agent->rows, .owners = agent->owners, .processes = agent->processes
        };
        *ret_agent = agent;
        return 0;
}

int agent_start(struct agent *agent)
{
        int64_t now = clock_monotonic();
        int r;

        uplink_on_order(agent->parts.uplink, agent_on_order, agent);
        actions_on_raise(agent->actions, agent_on_raise, agent);
        r = actions_attach(agent->actions, agent->parts.loop, agent_on_result, agent);
        if (r < 0)
                return r;
        r = uplink_attach(agent->parts.uplink, agent->parts.loop, agent_on_link, agent);
        if (r == 0)
                r = probe_start(agent->parts.probe, events_take, &agent->events);
        if (r == 0)
                r = probe_drain(agent->parts.probe);
        if (r == 0)
                r = events_resync_if_lost(&agent->events, now);
        if (r < 0)
                return r;
        agent->started = true;
        agent->full_at = now;
        agent->tier.phase = now + (int64_t)(agent->parts.host->session % SCHEDULE_DUTY_CYCLE_NS);
        addresses_refresh(agent->addresses, now);
        r = processes_refresh(agent->processes, now);
        if (r < 0)
                return r;
        report_full(agent->report);
        agent_on_push(agent, now);
        agent_on_interval(agent, now);
        agent_on_tier(agent, now);
        agent_on_tick(agent, now);
        return 0;
}

void agent_free(struct agent **agent)
{
        struct agent *a = *agent;

        if (!a)
                return;
        if (a->started) {
                a->paused_until = 0;
                agent_collect(a, clock_monotonic(), true);
        }
        loop_remove(&a->probe_source);
        loop_remove(&a->interval_timer);
        loop_remove(&a->push_timer);
        loop_remove(&a->tier_timer);
        loop_remove(&a->tick_timer);
        report_free(&a->report);
        actions_free(&a->actions);
        pools_free(&a->pools);
        processes_free(&a->processes);
        builds_free(&a->builds);
        addresses_free(&a->addresses);
        rows_free(&a->rows);
        owners_free(&a->owners);
        free(a);
        *agent = NULL;
}

int agent_reconfigure(struct agent *agent, const struct config *config)
{
        agent->parts.config = config;
        report_set_interval(agent->report, config->interval);
        report_set_labels(agent->report, config->labels, config->labels_count);
        pools_declare(agent->pools, config->services);
        actions_configure(agent->actions, config->services, config->allow);
        agent->tier.always = config->tier >= 2;
        if (agent->started)
                agent_on_tier(agent, clock_monotonic());
        return owners_reconfigure(agent->owners, config_matches(config));
}
