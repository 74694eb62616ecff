#include "tests/sim/acting_agent.h"

#include "agent/remedy_core.h"

#include <stdlib.h>
#include <string.h>

#define ROWS 128
#define JOURNAL 256
#define DAY (24 * 3600 * NSEC_PER_SEC)

struct aw_agent {
        struct aw_agent_host host;
        struct remedy_core core;
        struct remedy journal[JOURNAL];
        uint64_t journal_epoch;
        uint32_t journal_count;
        int64_t next; /* when to tick */
        bool dead;
        struct {
                struct action_dispatch order;
                struct action_target target;
        } orders[REMEDY_MAX];
        struct summary_action rows[ROWS], filled[ROWS];
        bool unsaid[ROWS];
        uint32_t rows_count, rows_next;
};

static struct remedy_time time_of(int64_t now)
{
        return (struct remedy_time){ .wall = now, .boot = now };
}

/* "s07" */
static uint32_t number_of(const char *service)
{
        return (uint32_t)atoi(service + 1);
}

static struct action_digest digest_of(uint64_t value)
{
        struct action_digest d = { { 1 } };

        memcpy(d.bytes + 8, &value, sizeof(value));
        return d;
}

static uint64_t value_of(const struct action_digest *d)
{
        uint64_t value;

        memcpy(&value, d->bytes + 8, sizeof(value));
        return value;
}

struct aw_agent *aw_agent_new(const struct aw_agent_host *host, const struct aw_agent_limits *limits)
{
        struct aw_agent *a = calloc(1, sizeof(*a));

        if (!a)
                return NULL;
        a->host = *host;
        a->next = INT64_MAX;
        remedy_core_init(&a->core, &(struct remedy_limits){ .per_hour = limits->per_hour,
                                                            .concurrent = limits->concurrent,
                                                            .attempts = INT32_MAX,
                                                            .cooldown = limits->cooldown });
        return a;
}

void aw_agent_free(struct aw_agent **agent)
{
        free(*agent);
        *agent = NULL;
}

static bool dies(struct aw_agent *a)
{
        a->dead = a->dead || a->host.dies(a->host.data);
        return a->dead;
}

static struct remedy *entry(struct aw_agent *a, struct action_key key)
{
        for (uint32_t i = 0; i < a->journal_count; i++)
                if (action_key_equal(a->journal[i].request.key, key))
                        return &a->journal[i];
        return NULL;
}

static bool write_entry(struct aw_agent *a, const struct remedy *r)
{
        struct remedy *to = entry(a, r->request.key);

        if (!to && a->journal_count == JOURNAL)
                return false;
        if (!to)
                to = &a->journal[a->journal_count++];
        *to = *r;
        return true;
}

static void forget(struct aw_agent *a, struct action_key key)
{
        struct remedy *old = entry(a, key);

        if (old)
                *old = a->journal[--a->journal_count];
}

static void say(struct aw_agent *a, const struct summary_action *row)
{
        struct summary_action *to = NULL;

        for (uint32_t i = 0; i < a->rows_count && !to; i++)
                if (action_key_equal(a->rows[i].key, row->key))
                        to = &a->rows[i];
        /* As agent/actions.c does: an order for what is known is refused, and that says nothing new of it. */
        if (to && row->state == ACTION_REFUSED && to->state > ACTION_REFUSED) {
                a->unsaid[to - a->rows] = true;
                return;
        }
        if (!to && a->rows_count < ROWS)
                to = &a->rows[a->rows_count++];
        if (!to)
                to = &a->rows[a->rows_next++ % ROWS];
        *to = *row;
        a->unsaid[to - a->rows] = true;
}

static void tell(struct aw_agent *a, uint32_t index, int64_t now)
{
        const struct remedy *r = &a->core.remedies[index];

        if (r->state == 0 || r->state == REMEDY_PREPARING)
                return;
        say(a,
            &(struct summary_action){ .key = r->request.key,
                                      .epoch = r->request.epoch,
                                      .kind = r->request.kind,
                                      .state = r->state,
                                      .reason = r->reason,
                                      .verdict = r->verdict,
                                      .at = r->at_wall,
                                      .lease_left = r->lease_end ? MIN(MAX(r->lease_end - now, (int64_t)0), ACTION_LEASE_MAX) : 0,
                                      .touched = r->touched,
                                      .former = r->former,
                                      .present = r->present,
                                      .service = "",
                                      .detail = "" });
}

/* One step at once, and perhaps not all of it. */
static void run(struct aw_agent *a, uint32_t index, enum remedy_step step, int64_t now)
{
        struct remedy *r = &a->core.remedies[index];
        const struct action_dispatch *o = &a->orders[index].order;
        uint32_t service = (uint32_t)r->request.service;
        struct remedy_time time = time_of(now);
        struct remedy_result result = { .outcome = REMEDY_DONE, .touched = 1 };

        if (dies(a))
                return;
        switch (step) {
        case REMEDY_STEP_PREPARE:
                if (!a->host.is_there(a->host.data, service, &a->orders[index].target))
                        result = (struct remedy_result){ .outcome = REMEDY_UNCHANGED, .reason = ACTION_REASON_MISMATCH };
                break;
        case REMEDY_STEP_APPLY:
                if (!a->host.is_there(a->host.data, service, &a->orders[index].target)) {
                        result = (struct remedy_result){ .outcome = REMEDY_UNCHANGED, .reason = ACTION_REASON_MISMATCH };
                        break;
                }
                a->host.change(a->host.data, o, service);
                break;
        case REMEDY_STEP_VERIFY:
                result.verdict = ACTION_VERDICT_UNKNOWN;
                break;
        default:
                if (!a->host.restore(a->host.data, r->request.key, service, value_of(&r->former)))
                        result = (struct remedy_result){ .outcome = REMEDY_FAILED, .reason = ACTION_REASON_FAILED };
                break;
        }
        if (dies(a))
                return;
        result.former = result.present = digest_of(a->host.value(a->host.data, service));
        remedy_stepped(&a->core, index, &result, &time);
}

static bool drain(struct aw_agent *a, int64_t now)
{
        struct remedy_time time = time_of(now);
        struct remedy_effect e;

        while (!a->dead && remedy_effect(&a->core, &e)) {
                switch (e.kind) {
                case REMEDY_EFFECT_STEP:
                        run(a, e.index, e.step, now);
                        break;
                case REMEDY_EFFECT_WRITE:
                        if (!dies(a) && write_entry(a, &a->core.remedies[e.index]) && !dies(a))
                                remedy_written(&a->core, e.index, true, &time);
                        else if (!a->dead)
                                remedy_written(&a->core, e.index, false, &time);
                        break;
                case REMEDY_EFFECT_FORGET:
                        forget(a, e.key);
                        break;
                case REMEDY_EFFECT_TELL:
                        tell(a, e.index, now);
                        break;
                case REMEDY_EFFECT_REFUSE:
                        say(a, &(struct summary_action){ .key = e.key,
                                                         .epoch = e.epoch,
                                                         .kind = e.action,
                                                         .state = ACTION_REFUSED,
                                                         .reason = e.reason,
                                                         .at = now,
                                                         .service = "",
                                                         .detail = "" });
                        break;
                }
        }
        a->next = remedy_next(&a->core);
        return !a->dead;
}

bool aw_agent_start(struct aw_agent *a, int64_t now)
{
        struct remedy_limits limits = a->core.limits;
        struct remedy_time time = time_of(now);

        remedy_core_init(&a->core, &limits);
        a->dead = false;
        a->rows_count = 0;
        for (uint32_t i = 0; i < a->journal_count; i++) {
                struct remedy r = a->journal[i];
                uint32_t index;

                r.this_boot = true;
                if (remedy_load(&a->core, &r, &index) < 0)
                        abort();
        }
        remedy_epoch_written(&a->core, a->journal_epoch);
        remedy_reconcile(&a->core, &time);
        return drain(a, now);
}

bool aw_agent_order(struct aw_agent *a, const struct action_dispatch *o, bool one_way, bool temporary, int64_t now)
{
        struct remedy_request q = { .order = o->order,
                                    .kind = o->kind,
                                    .key = o->key,
                                    .epoch = o->epoch,
                                    .expires = o->expires,
                                    .lease = o->lease,
                                    .by_person = o->by_person,
                                    .verified = o->verified,
                                    .service = number_of(o->service),
                                    .former = o->former,
                                    .allowed = true,
                                    .one_way = one_way,
                                    .temporary = temporary,
                                    .lease_max = DAY };
        struct remedy_time time = time_of(now);
        int index;

        if (a->dead || dies(a))
                return false;
        if (remedy_epoch_is_new(&a->core, &q)) {
                a->journal_epoch = q.epoch;
                remedy_epoch_written(&a->core, q.epoch);
        }
        index = remedy_order(&a->core, &q, &time);
        if (index >= 0 && a->core.remedies[index].fresh) {
                a->core.remedies[index].fresh = false;
                a->orders[index].order = *o;
                a->orders[index].order.targets = NULL;
                a->orders[index].order.service = "";
                if (o->targets_count)
                        a->orders[index].target = o->targets[0];
        }
        return drain(a, now);
}

bool aw_agent_tick(struct aw_agent *a, int64_t now)
{
        struct remedy_time time = time_of(now);

        if (a->dead)
                return false;
        if (now < a->next)
                return true;
        remedy_tick(&a->core, &time);
        return drain(a, now);
}

uint64_t aw_agent_heard(const struct aw_agent *a)
{
        return a->journal_epoch;
}

size_t aw_agent_rows(struct aw_agent *a, bool all, struct summary_action **ret_rows)
{
        size_t n = 0;

        for (uint32_t i = 0; i < a->rows_count; i++) {
                if (all || a->unsaid[i])
                        a->filled[n++] = a->rows[i];
                a->unsaid[i] = false;
        }
        *ret_rows = a->filled;
        return n;
}
