#include "agent/executor_child.h"

#include "agent/child.h"
#include "agent/privileges.h"
#include "proto/log.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define UNTOLD_NS (200 * NSEC_PER_MSEC)

struct remedy_time executor_now(void)
{
        struct timespec ts;

        clock_gettime(CLOCK_BOOTTIME, &ts);
        return (struct remedy_time){ .wall = clock_wall(), .boot = ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec };
}

static void run_step(struct executor_child *child, const struct remedy_effect *effect)
{
        struct remedy_result result = { .outcome = REMEDY_UNCHANGED, .reason = ACTION_REASON_FAILED };
        struct remedy_time now = executor_now();
        int r = executor_step(child, effect->index, effect->step);

        if (r == 0)
                return;
        log_error("executor", "cannot start a step: %s", strerror(-r));
        if (effect->step == REMEDY_STEP_REVERT || effect->step == REMEDY_STEP_VERIFY)
                result.outcome = REMEDY_FAILED;
        remedy_stepped(&child->core, effect->index, &result, &now);
}

static void arm(struct executor_child *child)
{
        int64_t now = clock_monotonic(), at = executor_step_watch(child, now), next = remedy_next(&child->core);

        if (next != INT64_MAX)
                at = MIN(at, now + MAX(next - executor_now().boot, (int64_t)0));
        if (executor_any_untold(child))
                at = MIN(at, now + UNTOLD_NS);
        /* Timers count CLOCK_MONOTONIC, which stands still while the machine sleeps: look at least once a second
         * while a lease runs. */
        if (next != INT64_MAX)
                at = MIN(at, now + NSEC_PER_SEC);
        if (loop_set_timer(child->timer, at == INT64_MAX ? -1 : at) < 0)
                _exit(1);
}

/* What only waits to be written does not keep us: the next life comes to the same. */
static bool any_left(const struct executor_child *child)
{
        for (size_t i = 0; i < REMEDY_MAX; i++)
                if (remedy_is_live(&child->core.remedies[i]) && !child->core.remedies[i].unsaved)
                        return true;
        return false;
}

void executor_look_for_stop(struct executor_child *child)
{
        bool stopped = child->fd < 0 || (child->config.stop_file && access(child->config.stop_file, F_OK) == 0);

        if (stopped != child->core.stopped)
                log_notice("executor", stopped ? "stopped: no action begins here" : "actions may begin here again");
        child->core.stopped = stopped;
}

void executor_drain(struct executor_child *child)
{
        struct remedy_effect effect;

        while (remedy_effect(&child->core, &effect)) {
                struct remedy_time now;
                bool ok;

                switch (effect.kind) {
                case REMEDY_EFFECT_STEP:
                        run_step(child, &effect);
                        break;
                case REMEDY_EFFECT_WRITE:
                        ok = executor_write_entry(child, effect.index);
                        now = executor_now();
                        remedy_written(&child->core, effect.index, ok, &now);
                        break;
                case REMEDY_EFFECT_FORGET:
                        journal_forget(child->journal, effect.key);
                        break;
                case REMEDY_EFFECT_TELL:
                        executor_tell(child, effect.index);
                        break;
                case REMEDY_EFFECT_REFUSE:
                        executor_tell_refusal(child, &effect);
                        break;
                }
        }
        if (child->fd < 0 && !any_left(child))
                loop_stop(child->loop, 0);
        arm(child);
}

void executor_step_ended(struct executor_child *child, uint32_t index, const struct remedy_result *result)
{
        struct remedy_time now = executor_now();

        executor_look_for_stop(child);
        remedy_stepped(&child->core, index, result, &now);
        executor_drain(child);
}

static void on_timer(void *data, int64_t monotonic)
{
        struct executor_child *child = data;
        struct remedy_time now = executor_now();

        (void)monotonic;
        for (uint32_t i = 0; i < REMEDY_MAX; i++)
                if (child->entries[i].untold)
                        executor_tell(child, i);
        remedy_tick(&child->core, &now);
        executor_drain(child);
}

static void take_limits(struct executor_child *child)
{
        child->core.limits = (struct remedy_limits){ .per_hour = child->config.limits.actions_per_hour,
                                                     .concurrent = child->config.limits.concurrent,
                                                     .attempts = child->config.limits.attempts,
                                                     .cooldown = child->config.limits.cooldown };
}

static void reload(struct executor_child *child)
{
        struct yaml_config_error error = { "" };
        struct config config;

        if (config_load(child->options.config, &config, &error) < 0) {
                log_error("executor", "%s; the configuration stays as it was", error.text);
                return;
        }
        /* The running steps have a copy of their own, being processes. */
        config_free(&child->config);
        child->config = config;
        take_limits(child);
}

/* The agent ended: nobody can keep a lease any more. */
static void on_end(struct executor_child *child)
{
        struct remedy_time now = executor_now();

        loop_remove(&child->fd_source);
        fd_close(&child->fd);
        executor_look_for_stop(child);
        for (size_t i = 0; i < REMEDY_MAX; i++)
                if (child->core.remedies[i].lease_end)
                        child->core.remedies[i].lease_end = MIN(child->core.remedies[i].lease_end, now.boot);
        remedy_tick(&child->core, &now);
        executor_drain(child);
}

static void on_request(void *data, uint32_t events)
{
        struct executor_child *child = data;
        struct executor_request request;
        ssize_t n = recv(child->fd, &request, sizeof(request), MSG_DONTWAIT | MSG_TRUNC);

        (void)events;
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return;
        if (n <= 0)
                on_end(child);
        else if (n == sizeof(request) && request.kind == EXECUTOR_ORDER)
                executor_take_order(child, &request.order);
        else if (n == sizeof(request) && request.kind == EXECUTOR_RELOAD)
                reload(child);
        else
                executor_complain("a request");
}

static _Noreturn void give_up(const char *what, const char *why)
{
        log_error("executor", "%s: %s", what, why);
        _exit(1);
}

/* Of all actions that the file allows at the start: what is allowed later and needs more has to wait for a new one. */
static uint32_t needs_of(uint32_t allow)
{
        uint32_t needs = 0;

        for (enum action_kind kind = ACTION_SERVICE_ROLLBACK; kind < ACTION_KINDS; kind++)
                if (allow & 1u << kind && action_find(kind))
                        needs |= action_find(kind)->capabilities;
        return needs;
}

void executor_child(const struct options *options, const struct config *config, int fd)
{
        struct executor_child *child = calloc(1, sizeof(*child));
        struct executor_event hello = { 0 };
        const char *why = NULL;
        struct remedy_time now;
        uint32_t needs;
        bool lost;
        int r;

        /* What ends us is the agent's end, after which there is something to do. */
        fd = child_leave_agent(fd, "nightshift-act");
        if (!child)
                give_up("cannot start", "out of memory");
        child->options = *options;
        child->config = *config;
        child->fd = fd;
        remedy_core_init(&child->core, &(struct remedy_limits){ 0 });
        take_limits(child);
        needs = needs_of(config->allow);
        if (privileges_keep_for_actions(needs & ACTION_NEEDS_BPF, needs & ACTION_NEEDS_NETWORK, &why) < 0)
                give_up("cannot start", why);
        r = loop_new(&child->loop);
        if (r == 0)
                r = loop_add_timer(child->loop, on_timer, child, &child->timer);
        if (r < 0)
                give_up("cannot start", strerror(-r));
        r = executor_open_journal(child);
        if (r < 0)
                give_up("cannot open the journal", strerror(-r));
        executor_look_for_stop(child);
        now = executor_now();
        remedy_reconcile(&child->core, &now);
        executor_drain(child);
        executor_say(child, &hello, &lost);
        r = loop_add_fd(child->loop, child->fd, EPOLLIN, on_request, child, &child->fd_source);
        if (r == 0)
                r = loop_run(child->loop);
        _exit(r < 0 ? 1 : 0);
}
