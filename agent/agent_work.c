#include "agent/agent_internal.h"

#include "agent/addresses.h"
#include "agent/config.h"
#include "agent/pools.h"
#include "agent/probe.h"
#include "agent/processes.h"
#include "agent/report.h"
#include "agent/rows.h"
#include "proto/log.h"

#include <string.h>
#include <time.h>

#define RETRY_NS (200 * NSEC_PER_MSEC)
#define YOUNG_AGAIN_NS (300 * NSEC_PER_MSEC)
#define TICK_NS NSEC_PER_SEC

void agent_want_push(struct agent *agent, int64_t at)
{
        if (agent->push_armed)
                return;
        agent->push_armed = loop_set_timer(agent->push_timer, at) == 0;
}

void agent_on_push(void *data, int64_t now)
{
        struct agent *agent = data;
        bool was_full = report_is_full_pending(agent->report);
        int r;

        agent->push_armed = false;
        r = probe_drain(agent->parts.probe);
        if (r < 0)
                log_error("probe", "cannot read events: %s", strerror(-r));
        r = was_full ? report_continue(agent->report, now) : report_push(agent->report, now);
        if (r == 0)
                schedule_pushed(&agent->push, now);
        else if (r != -EAGAIN)
                log_error("report", "cannot make a summary: %s", strerror(-r));
        if (r < 0)
                agent_want_push(agent, now + RETRY_NS);
        else if (report_is_full_pending(agent->report))
                agent_want_push(agent, now);
        else if (report_has_young(agent->report, now))
                agent_want_push(agent, MAX(schedule_push_at(&agent->push, now), now + YOUNG_AGAIN_NS));
}

static void drain(struct agent *agent)
{
        int r = probe_drain(agent->parts.probe);

        if (r < 0)
                log_error("probe", "cannot read events: %s", strerror(-r));
        if (agent->events.news || report_has_many_keys(agent->report)) {
                agent->events.news = false;
                agent_want_push(agent, schedule_push_at(&agent->push, clock_monotonic()));
        }
}

void agent_on_probe(void *data, uint32_t revents)
{
        (void)revents;
        drain(data);
}

/* Keys wake nobody: the ring is emptied each second, before it is full. */
void agent_on_tick(void *data, int64_t now)
{
        struct agent *agent = data;
        int r;

        if (loop_set_timer(agent->tick_timer, now + TICK_NS) < 0)
                log_error("agent", "cannot set a timer: %s", strerror(errno));
        drain(agent);
        /* Many edges that come and go: they may only go when they were said, so that is done sooner. */
        if (rows_count(agent->rows) > probe_edges_max(agent->parts.probe) / 2) {
                r = report_interval(agent->report, now, false);
                if (r < 0 && r != -EAGAIN)
                        log_error("report", "cannot make a summary: %s", strerror(-r));
                retire_step(&agent->retire, now);
        }
}

static int64_t thread_time(void)
{
        struct timespec ts;

        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
        return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

/* What the sweep found in each pool is taken once the announcements of new edges were. */
static void take_pools(struct agent *agent, int64_t now)
{
        int r = pools_refresh(agent->pools, now);

        if (r < 0)
                log_error("probe", "cannot read the pools: %s", strerror(-r));
}

/* True if it was due. */
static bool sweep(struct agent *agent, int64_t now)
{
        int64_t before = thread_time();
        uint64_t files = 0, sockets = 0;
        int r;

        if (!schedule_sweep_due(&agent->sweep, agent->parts.config->interval, now))
                return false;
        r = probe_sweep(agent->parts.probe, &files, &sockets);
        if (r < 0)
                log_error("probe", "cannot visit the file tables: %s", strerror(-r));
        schedule_swept(&agent->sweep, now, thread_time() - before);
        log_debug("probe", "visited %llu files and %llu sockets in %lld us", (unsigned long long)files, (unsigned long long)sockets,
                  (long long)(agent->sweep.cost_ns / NSEC_PER_USEC));
        return r == 0;
}

void agent_collect(struct agent *agent, int64_t now, bool final)
{
        uint64_t losses[EVENT_LOSS_MAX];
        int r = probe_drain(agent->parts.probe);
        bool swept;

        if (r == 0)
                r = events_resync_if_lost(&agent->events, now);
        if (r < 0)
                log_error("probe", "cannot read events: %s", strerror(-r));
        swept = sweep(agent, now);
        r = probe_drain(agent->parts.probe);
        if (r < 0)
                log_error("probe", "cannot read events: %s", strerror(-r));
        if (swept)
                take_pools(agent, now);
        probe_losses(agent->parts.probe, losses);
        losses_log(&agent->losses, losses);
        addresses_refresh(agent->addresses, now);
        r = processes_refresh(agent->processes, now);
        if (r < 0)
                log_error("probe", "cannot read the processes: %s", strerror(-r));
        r = report_interval(agent->report, now, final);
        if (r < 0 && r != -EAGAIN)
                log_error("report", "cannot make a summary: %s", strerror(-r));
        retire_step(&agent->retire, now);
        if (r == -EAGAIN || report_is_full_pending(agent->report) || agent->events.news)
                agent_want_push(agent, schedule_push_at(&agent->push, now));
        agent->events.news = false;
}

void agent_on_interval(void *data, int64_t now)
{
        struct agent *agent = data;

        if (loop_set_timer(agent->interval_timer, now + agent->parts.config->interval) < 0)
                log_error("agent", "cannot set a timer: %s", strerror(errno));
        agent_collect(agent, now, false);
}

void agent_on_tier(void *data, int64_t now)
{
        struct agent *agent = data;
        int64_t again;
        int64_t wall = clock_wall();
        bool on = schedule_tier_on(&agent->tier, now, wall, &again);
        int r;

        if (on != agent->tier_on && !agent->tier_failed) {
                r = probe_turnarounds(agent->parts.probe, on);
                if (r == 0)
                        agent->tier_on = on;
                else if (r == -ENOTSUP)
                        agent->tier_failed = true; /* the probe's hooks say why */
                else
                        log_error("probe", "cannot switch the turnarounds tier: %s", strerror(-r));
        }
        probe_count_datagrams(agent->parts.probe, agent->tier_on && schedule_tier_raised(&agent->tier, wall));
        if (loop_set_timer(agent->tier_timer, again) < 0)
                log_error("agent", "cannot set a timer: %s", strerror(errno));
}
