#include "agent/executor_child.h"

#include "agent/privileges.h"
#include "proto/log.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CHILD_FD 3
#define LOCK_WAIT_NS (200 * NSEC_PER_MSEC)
#define UNTOLD_NS (200 * NSEC_PER_MSEC)

struct remedy_time executor_now(void)
{
        struct timespec ts;

        clock_gettime(CLOCK_BOOTTIME, &ts);
        return (struct remedy_time){ .wall = clock_wall(), .boot = ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec };
}

static void send_event(struct executor_child *child, struct executor_event *event, bool *untold)
{
        event->host_epoch = child->core.epoch;
        event->stopped = child->core.stopped || child->core.damaged;
        if (child->fd < 0)
                return;
        *untold = send(child->fd, event, sizeof(*event), MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && errno == EAGAIN;
}

static void tell(struct executor_child *child, uint32_t index)
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
        send_event(child, &event, &child->entries[index].untold);
        if (r->state == ACTION_STUCK)
                log_error("executor", "%s is stuck and needs a person: %s", action_kind_name(r->request.kind), event.detail);
}

static void tell_refusal(struct executor_child *child, const struct remedy_effect *effect)
{
        struct executor_event event = { .key_high = effect->key.high,
                                        .key_low = effect->key.low,
                                        .epoch = effect->epoch,
                                        .at = clock_wall(),
                                        .kind = effect->action,
                                        .state = ACTION_REFUSED,
                                        .reason = effect->reason };
        bool lost;

        send_event(child, &event, &lost); /* one that is lost is asked for again */
}

static bool write_entry(struct executor_child *child, uint32_t index)
{
        CLEANUP_FREE struct journal_entry *entry = calloc(1, sizeof(*entry));
        int r;

        if (!entry)
                return false;
        entry->remedy = child->core.remedies[index];
        entry->order = child->entries[index].order;
        if (child->entries[index].inverse) {
                entry->inverse_size = child->entries[index].inverse_size;
                memcpy(entry->inverse, child->entries[index].inverse, entry->inverse_size);
        }
        r = journal_write(child->journal, entry);
        if (r < 0)
                log_error("executor", "cannot write the journal: %s", strerror(-r));
        return r == 0;
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

static bool any_untold(const struct executor_child *child)
{
        for (size_t i = 0; i < REMEDY_MAX; i++)
                if (child->entries[i].untold)
                        return true;
        return false;
}

static void arm(struct executor_child *child)
{
        int64_t now = clock_monotonic(), at = executor_step_watch(child, now), next = remedy_next(&child->core);

        if (next != INT64_MAX)
                at = MIN(at, now + MAX(next - executor_now().boot, (int64_t)0));
        if (any_untold(child))
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

static void look_for_stop(struct executor_child *child)
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
                        ok = write_entry(child, effect.index);
                        now = executor_now();
                        remedy_written(&child->core, effect.index, ok, &now);
                        break;
                case REMEDY_EFFECT_FORGET:
                        journal_forget(child->journal, effect.key);
                        break;
                case REMEDY_EFFECT_TELL:
                        tell(child, effect.index);
                        break;
                case REMEDY_EFFECT_REFUSE:
                        tell_refusal(child, &effect);
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

        look_for_stop(child);
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
                        tell(child, i);
        remedy_tick(&child->core, &now);
        executor_drain(child);
}

static void complain(const char *what)
{
        static struct log_gate gate = { .interval_ns = 60 * NSEC_PER_SEC, .burst = 4 };
        uint64_t suppressed;

        if (log_gate_open(&gate, clock_monotonic(), &suppressed))
                log_error("executor", "%s that cannot be was ignored; %llu before it", what, (unsigned long long)suppressed);
}

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
        q.lease_max = action->lease_max(service);
        return q;
}

static void take_order(struct executor_child *child, const struct executor_order *order)
{
        struct remedy_request q;
        struct remedy_time now = executor_now();
        int index;

        if (!is_valid(order)) {
                complain("an order");
                return;
        }
        q = request_of(child, order);
        if (remedy_epoch_is_new(&child->core, q.epoch)) {
                int r = journal_write_epoch(child->journal, q.epoch);

                if (r == 0)
                        remedy_epoch_written(&child->core, q.epoch);
                else
                        log_error("executor", "cannot write the journal: %s", strerror(-r));
        }
        look_for_stop(child);
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
        look_for_stop(child);
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
                take_order(child, &request.order);
        else if (n == sizeof(request) && request.kind == EXECUTOR_RELOAD)
                reload(child);
        else
                complain("a request");
}

static void load(void *data, const struct journal_entry *entry)
{
        struct executor_child *child = data;
        uint32_t index;

        if (remedy_load(&child->core, &entry->remedy, &index) < 0) {
                child->core.damaged = true;
                return;
        }
        child->entries[index].order = entry->order;
        child->entries[index].inverse = malloc(MAX(entry->inverse_size, 1u));
        child->entries[index].inverse_size = entry->inverse_size;
        if (child->entries[index].inverse)
                memcpy(child->entries[index].inverse, entry->inverse, entry->inverse_size);
        else
                child->core.damaged = true;
}

/* The executor before may still undo what it must. */
static int open_journal(struct executor_child *child)
{
        struct timespec nap = { .tv_nsec = LOCK_WAIT_NS };
        uint64_t epoch = 0;
        size_t damaged = 0;
        int r;

        while ((r = journal_open(child->config.state_dir, &child->journal)) == -EBUSY) {
                struct executor_request request;

                if (recv(child->fd, &request, sizeof(request), MSG_DONTWAIT | MSG_PEEK) == 0)
                        _exit(0);
                nanosleep(&nap, NULL);
        }
        if (r == 0)
                r = journal_read(child->journal, load, child, &epoch, &damaged);
        if (r < 0)
                return r;
        remedy_epoch_written(&child->core, epoch);
        if (damaged) {
                log_error("executor",
                          "%zu entries of the journal in %s/actions cannot be read: no action begins before a person "
                          "has looked",
                          damaged, child->config.state_dir);
                child->core.damaged = true;
        }
        return 0;
}

static void leave_agent(int *fd)
{
        static const int ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGUSR1, SIGUSR2 };
        sigset_t none;

        /* What ends us is the agent's end, after which there is something to do. */
        for (size_t i = 0; i < ARRAY_SIZE(ignored); i++)
                signal(ignored[i], SIG_IGN);
        signal(SIGCHLD, SIG_DFL);
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        if (*fd != CHILD_FD)
                dup2(*fd, CHILD_FD);
        *fd = CHILD_FD;
        close_range(CHILD_FD + 1, ~0u, 0);
        prctl(PR_SET_NAME, "nightshift-act", 0, 0, 0);
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

        leave_agent(&fd);
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
        r = open_journal(child);
        if (r < 0)
                give_up("cannot open the journal", strerror(-r));
        look_for_stop(child);
        now = executor_now();
        remedy_reconcile(&child->core, &now);
        executor_drain(child);
        send_event(child, &hello, &lost);
        r = loop_add_fd(child->loop, child->fd, EPOLLIN, on_request, child, &child->fd_source);
        if (r == 0)
                r = loop_run(child->loop);
        _exit(r < 0 ? 1 : 0);
}
