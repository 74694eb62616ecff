#include "agent/actions.h"

#include "agent/action.h"
#include "agent/config_services.h"
#include "agent/processes.h"
#include "agent/uplink.h"
#include "proto/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define ROWS_MAX REMEDY_MAX

struct row {
        struct executor_event event;
        uint64_t said, changed; /* numbers of changes */
};

struct actions {
        struct executor *executor;
        struct processes *processes;
        struct loop *loop;
        void (*news)(void *data);
        void *data;
        void (*raise)(void *data, const char *service, int64_t until);
        void *raise_data;
        const struct service *services;
        uint32_t allow;

        struct row rows[ROWS_MAX];
        size_t count;
        uint64_t changes;
        uint64_t epoch, log_size;
        bool stopped, log_news;
        struct action_key in_hands[64]; /* given to the executor, the latest of them; it may not have answered yet */
        size_t in_hands_next;

        struct summary_action filled[ROWS_MAX];
        uint64_t filled_to;
        struct summary_permit *permits;
        size_t permits_count;
        bool permits_said, permits_ever;
};

int actions_new(struct executor *executor, struct processes *processes, struct actions **ret_actions)
{
        struct actions *actions = calloc(1, sizeof(*actions));

        if (!actions)
                return -ENOMEM;
        actions->executor = executor;
        actions->processes = processes;
        actions->stopped = !executor;
        *ret_actions = actions;
        return 0;
}

void actions_free(struct actions **actions)
{
        if (!*actions)
                return;
        free((*actions)->permits);
        free(*actions);
        *actions = NULL;
}

static bool is_same(const struct executor_event *a, const struct executor_event *b)
{
        return a->key_high == b->key_high && a->key_low == b->key_low;
}

/* Its row, a new one, or the one that changed longest ago. */
static struct row *row_of(struct actions *actions, const struct executor_event *event)
{
        struct row *oldest = &actions->rows[0];

        for (size_t i = 0; i < actions->count; i++) {
                if (is_same(&actions->rows[i].event, event))
                        return &actions->rows[i];
                if (actions->rows[i].changed < oldest->changed)
                        oldest = &actions->rows[i];
        }
        if (actions->count < ROWS_MAX)
                oldest = &actions->rows[actions->count++];
        *oldest = (struct row){ 0 };
        return oldest;
}

static void take(struct actions *actions, const struct executor_event *event)
{
        struct row *row = row_of(actions, event);

        /* A refusal of an order for what is known says nothing new of it. */
        if (event->state == ACTION_REFUSED && row->event.state > ACTION_REFUSED)
                row->changed = ++actions->changes;
        else
                *row = (struct row){ .event = *event, .said = row->said, .changed = ++actions->changes };
        if (actions->news)
                actions->news(actions->data);
}

static int64_t boot_now(void)
{
        struct timespec ts;

        clock_gettime(CLOCK_BOOTTIME, &ts);
        return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

static const char *name_of(const struct actions *actions, uint64_t digest)
{
        const struct service *service = action_service(actions->services, digest);

        return service ? service->name : "";
}

/* By the state of the moment: what one life of the executor began, the next one tells again. */
static void follow_raise(struct actions *actions, const struct executor_event *event)
{
        const char *service = name_of(actions, event->service);
        bool on = event->state == ACTION_APPLIED && event->lease_end;

        if (event->kind == ACTION_OBSERVE_RAISE && event->state >= ACTION_APPLIED && *service && actions->raise)
                actions->raise(actions->raise_data, service, on ? clock_wall() + event->lease_end - boot_now() : 0);
}

static void on_event(void *data, const struct executor_event *event)
{
        struct actions *actions = data;

        actions->epoch = event->host_epoch;
        actions->stopped = event->stopped;
        if (event->kind) {
                follow_raise(actions, event);
                take(actions, event);
        }
}

static void on_death(void *data)
{
        struct actions *actions = data;

        log_error("actions", "the executor ended; the agent ends too, since only a new start can fork another one");
        loop_stop(actions->loop, -EIO);
}

int actions_attach(struct actions *actions, struct loop *loop, void (*news)(void *data), void *data)
{
        actions->loop = loop;
        actions->news = news;
        actions->data = data;
        return actions->executor ? executor_attach(actions->executor, loop, on_event, on_death, actions) : 0;
}

void actions_on_raise(struct actions *actions, void (*raise)(void *data, const char *service, int64_t until), void *data)
{
        actions->raise = raise;
        actions->raise_data = data;
}

void actions_configure(struct actions *actions, const struct service *services, uint32_t allow)
{
        size_t count = 0;

        actions->services = services;
        actions->allow = actions->executor ? allow : 0;
        for (const struct service *s = services; s; s = (const struct service *)(const void *)s->match.next)
                count++;
        free(actions->permits);
        actions->permits_count = 0;
        actions->permits_said = false;
        actions->permits = calloc(MAX(count, (size_t)1), sizeof(*actions->permits));
        for (const struct service *s = services; s && actions->permits; s = (const struct service *)(const void *)s->match.next) {
                uint32_t kinds = action_permits(s, actions->allow);

                if (kinds)
                        actions->permits[actions->permits_count++] =
                                (struct summary_permit){ .service = s->name,
                                                         .kinds = kinds,
                                                         .restart_safe = s->restart_safe.present,
                                                         .barriers = s->rollback.barriers != NULL,
                                                         .instances_min = (uint32_t)s->scale.min,
                                                         .instances_max = (uint32_t)s->scale.max };
        }
}

/* The coordinator proves what it says next from what it knows that we have seen. */
static void tell_log(struct actions *actions)
{
        actions->log_news = true;
        if (actions->news)
                actions->news(actions->data);
}

static bool is_in_hands(const struct actions *actions, const struct executor_order *order)
{
        struct action_key key = { order->key_high, order->key_low };

        for (size_t i = 0; i < ARRAY_SIZE(actions->in_hands); i++)
                if (action_key_equal(actions->in_hands[i], key))
                        return true;
        return false;
}

/* Only for what nothing was begun of: of an order that is told again while the executor is at it, or of one that ends
 * what was begun, the executor alone knows what has become. It is told again. */
static void refuse(struct actions *actions, const struct executor_order *order, enum action_reason reason, const char *why)
{
        struct executor_event event = { .key_high = order->key_high,
                                        .key_low = order->key_low,
                                        .epoch = order->epoch,
                                        .service = order->service,
                                        .at = clock_wall(),
                                        .kind = order->kind,
                                        .state = ACTION_REFUSED,
                                        .reason = reason };

        if ((order->order != ACTION_ORDER_CHECK && order->order != ACTION_ORDER_APPLY) || is_in_hands(actions, order)) {
                log_notice("actions", "an order is not passed on (%s): %s", action_reason_name(reason), why);
                return;
        }
        snprintf(event.detail, sizeof(event.detail), "%s", why);
        take(actions, &event);
}

static void hand_over(struct actions *actions, const struct executor_order *order)
{
        if (executor_send(actions->executor, order) < 0) {
                refuse(actions, order, ACTION_REASON_BUSY, "the executor is behind");
                return;
        }
        if (order->order == ACTION_ORDER_APPLY && !is_in_hands(actions, order))
                actions->in_hands[actions->in_hands_next++ % ARRAY_SIZE(actions->in_hands)] =
                        (struct action_key){ order->key_high, order->key_low };
}

static bool find_target(const struct actions *actions, const struct uplink_target *from, struct executor_target *to)
{
        char path[64];
        struct stat st;

        *to = (struct executor_target){ .pid = from->pid };
        if (processes_incarnation(actions->processes, from->pid, from->started, from->build, &to->start_ns) < 0)
                return false;
        /* As the executor will see it: an exec between now and then is another executable. */
        snprintf(path, sizeof(path), "/proc/%u/exe", from->pid);
        if (stat(path, &st) < 0)
                return false;
        to->exe_inode = st.st_ino;
        to->exe_device = st.st_dev;
        return true;
}

static bool is_known(const struct actions *actions, const char *name)
{
        for (const struct service *s = actions->services; s; s = (const struct service *)(const void *)s->match.next)
                if (strcmp(s->name, name) == 0)
                        return true;
        return false;
}

void actions_set_log_size(struct actions *actions, uint64_t log_size)
{
        actions->log_size = log_size;
}

/* Whether the coordinator's audit log is one that this host goes along with. */
static bool is_witnessed(struct actions *actions, const struct uplink_order *order, bool kept)
{
        if (order->verdict == UPLINK_ORDER_GOOD && kept) {
                actions->log_size = order->log_size;
                return true;
        }
        if (order->verdict == UPLINK_ORDER_REFUSED)
                log_error("actions", "an order is refused: %s", order->why);
        if (order->verdict != UPLINK_ORDER_UNPROVEN)
                refuse(actions, &order->order, ACTION_REASON_CHECKPOINT,
                       kept ? order->why : "the checkpoint of the audit log cannot be kept here");
        return false;
}

/* How long a temporary measure may last is for the host's file to say, which the coordinator does not know. A shorter
 * lease only ends sooner. */
static void shorten_lease(const struct actions *actions, struct executor_order *order)
{
        const struct service *service = action_service(actions->services, order->service);
        const struct action *action = action_find((enum action_kind)order->kind);

        if (service && action && action->temporary && !action->forbids(service))
                order->lease = MIN(order->lease, action->lease_max(service));
}

void actions_order(struct actions *actions, const struct uplink_order *uplink_order, bool kept)
{
        struct executor_order order = uplink_order->order;
        bool begins = order.order == ACTION_ORDER_CHECK || order.order == ACTION_ORDER_APPLY;

        if (order.kind < ACTION_SERVICE_ROLLBACK || order.kind >= ACTION_KINDS)
                return; /* the link's child says what its wire module would not let pass */
        /* The size that is seen now goes with the next summary, also where the order came to nothing. */
        tell_log(actions);
        if (!is_witnessed(actions, uplink_order, kept))
                return;
        order.service = action_text_digest(uplink_order->service);
        shorten_lease(actions, &order);
        if (!actions->executor) {
                refuse(actions, &order, ACTION_REASON_NOT_ALLOWED, "this host's file allows no action");
                return;
        }
        if (begins && !is_known(actions, uplink_order->service)) {
                refuse(actions, &order, ACTION_REASON_NOT_ALLOWED, "the service is not in this host's file");
                return;
        }
        for (uint32_t i = 0; begins && i < order.targets_count; i++)
                if (!find_target(actions, &uplink_order->targets[i], &order.targets[i])) {
                        refuse(actions, &order, ACTION_REASON_MISMATCH, "a process of the plan is not there, or another one");
                        return;
                }
        hand_over(actions, &order);
}

void actions_fill_state(const struct actions *actions, struct summary *summary)
{
        summary->action_epoch = actions->epoch;
        summary->actions_stopped = actions->stopped;
        summary->checkpoint_size = actions->log_size;
}

void actions_fill(struct actions *actions, struct summary *summary, bool always)
{
        int64_t now = boot_now();

        summary->actions = actions->filled;
        for (size_t i = 0; i < actions->count; i++) {
                const struct row *row = &actions->rows[i];
                const struct executor_event *e = &row->event;
                struct summary_action *to = &actions->filled[summary->actions_count];

                if (row->said == row->changed && !always)
                        continue;
                *to = (struct summary_action){ .key = { e->key_high, e->key_low },
                                               .epoch = e->epoch,
                                               .kind = (enum action_kind)e->kind,
                                               .state = (enum action_state)e->state,
                                               .reason = (enum action_reason)e->reason,
                                               .verdict = (enum action_verdict)e->verdict,
                                               .at = e->at,
                                               .lease_left = e->lease_end
                                                                     ? MIN(MAX(e->lease_end - now, (int64_t)0), ACTION_LEASE_MAX)
                                                                     : 0,
                                               .touched = e->touched,
                                               .service = name_of(actions, e->service),
                                               .detail = e->detail };
                memcpy(&to->former, e->former, sizeof(to->former));
                memcpy(&to->present, e->present, sizeof(to->present));
                summary->actions_count++;
        }
        actions->filled_to = actions->changes;
        if (actions->permits && (always || (!actions->permits_said && (actions->permits_count || actions->permits_ever)))) {
                summary->permits_told = true;
                summary->permits = actions->permits;
                summary->permits_count = actions->permits_count;
        }
}

bool actions_have_log_news(const struct actions *actions)
{
        return actions->log_news;
}

void actions_said(struct actions *actions, bool rows, bool permits)
{
        for (size_t i = 0; rows && i < actions->count; i++)
                if (actions->rows[i].changed <= actions->filled_to)
                        actions->rows[i].said = actions->rows[i].changed;
        actions->log_news = false;
        actions->permits_said |= permits;
        actions->permits_ever |= permits;
}
