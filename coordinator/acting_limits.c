/* The blast radius: how much may be done at a time, an hour and a day, to a target, a host, a zone, a service, by
 * a class and in all. All of them must have room. */
#include "coordinator/acting_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOUR (3600 * NSEC_PER_SEC)
#define DAY (24 * HOUR)

/* What is counted against each limit; all of it but `cool` includes what is being asked for. */
struct load {
        uint32_t class_hour, class_day, service_hour, host_hour, zone_hour, fleet_hour;
        uint32_t class_now, host_now, zone_now, fleet_now;
        uint32_t service_now; /* instances; of the others, targets */
        int64_t target_at;    /* latest attempt */
};

static uint64_t target_key(const struct plan *plan, uint32_t i)
{
        return situation_key(plan->service) * 31 + situation_key(plan->targets[i].host);
}

/* Keys of a target, made once. */
struct keys {
        uint64_t host, zone, target;
};

static void spent(const struct acting *a, int64_t now, const struct plan *plan, const struct keys *k, struct load *load)
{
        for (uint32_t i = a->spendings_count; i-- > 0;) {
                const struct spending *s = &a->spendings[i];
                bool hour = s->at + HOUR > now;

                if (s->at + DAY <= now)
                        break;
                load->class_day += s->class == plan->class;
                if (s->target == k->target)
                        load->target_at = MAX(load->target_at, s->at);
                if (!hour)
                        continue;
                load->class_hour += s->class == plan->class;
                load->service_hour += s->service == plan->service_key;
                load->host_hour += s->host == k->host;
                load->zone_hour += s->zone == k->zone;
                load->fleet_hour++;
        }
}

/* It helped and is out still, until its lease ends and its agent says so. Of whom nothing is heard for a day, the graph knows
 * no instances any more. */
static bool stays_out(const struct remedy *m, uint32_t target, int64_t now)
{
        return m->plan.action->unavailable && m->plan.action->lapse == LAPSE_REVERT && m->state_at + DAY > now &&
               (m->targets[target] == TARGET_VERIFIED || m->targets[target] == TARGET_HELD);
}

static void underway(const struct acting *a, int64_t now, const struct plan *plan, uint32_t target, struct load *load)
{
        for (uint32_t i = 0; i < a->remedies_count; i++) {
                const struct remedy *m = a->remedies[i];

                for (uint32_t t = 0; t < m->plan.count; t++) {
                        bool out = remedy_is_in_flight(m->state) && target_is_out(m->targets[t]);

                        if (m->plan.service_key == plan->service_key && (out || stays_out(m, t, now)))
                                load->service_now += plan_weight(&m->plan, t);
                        if (!out)
                                continue;
                        load->fleet_now++;
                        load->class_now += m->plan.class == plan->class;
                        load->host_now += strcmp(m->plan.targets[t].host, plan->targets[target].host) == 0;
                        load->zone_now += strcmp(m->plan.targets[t].zone, plan->targets[target].zone) == 0;
                }
        }
}

/* Those of the wave that come before, and itself. */
static void asked(const struct plan *plan, uint32_t from, uint32_t target, struct load *load)
{
        for (uint32_t i = from; i <= target; i++) {
                bool host = strcmp(plan->targets[i].host, plan->targets[target].host) == 0;
                bool zone = strcmp(plan->targets[i].zone, plan->targets[target].zone) == 0;

                load->class_hour++;
                load->class_day++;
                load->service_hour++;
                load->fleet_hour++;
                load->class_now++;
                load->service_now += plan_weight(plan, i);
                load->fleet_now++;
                load->host_hour += host;
                load->host_now += host;
                load->zone_hour += zone;
                load->zone_now += zone;
        }
}

struct account {
        char *limits, *why;
        size_t used;
        bool full;
};

static void check(struct account *account, uint32_t load, uint32_t limit, const char *format, ...) PRINTF_LIKE(4, 5);
static void check(struct account *account, uint32_t load, uint32_t limit, const char *format, ...)
{
        char what[160];
        va_list args;

        va_start(args, format);
        vsnprintf(what, sizeof(what), format, args);
        va_end(args);
        if (account->used < 512) {
                int n = snprintf(account->limits + account->used, 512 - account->used, "%s%s %u of %u", account->used ? "; " : "",
                                 what, load, limit);

                account->used += (size_t)MAX(n, 0);
        }
        if (load <= limit || account->full)
                return;
        account->full = true;
        snprintf(account->why, PLAN_WHY_MAX, "no room: %s would be %u, at most %u", what, load, limit);
}

static bool fits(const struct acting *a, int64_t now, const struct plan *plan, uint32_t from, uint32_t target, char *limits,
                 char *why)
{
        const struct policy *p = &a->policy;
        const struct plan_target *t = &plan->targets[target];
        struct keys keys = { situation_key(t->host), situation_key(t->zone), target_key(plan, target) };
        struct account account = { limits, why };
        uint32_t share = MAX(1u, plan->instances * p->share_percent / 100);
        const char *class = class_name(plan->class);
        struct load load = { 0 };

        spent(a, now, plan, &keys, &load);
        if (load.target_at && load.target_at + p->cool_down > now) {
                snprintf(why, PLAN_WHY_MAX, "%.80s on %.60s was acted on %lld s ago, and cools down for %lld s", plan->service,
                         t->host, (long long)((now - load.target_at) / NSEC_PER_SEC), (long long)(p->cool_down / NSEC_PER_SEC));
                return false;
        }
        underway(a, now, plan, target, &load);
        asked(plan, from, target, &load);
        /* One target is the least that can be done. */
        if (load.service_now == plan_weight(plan, target))
                share = MAX(share, load.service_now);
        if (plan->action->unavailable &&
            (plan->instances < load.service_now || plan->instances - load.service_now < p->min_healthy)) {
                snprintf(why, PLAN_WHY_MAX, "no room: of %u instances of %.100s at least %u have to stay", plan->instances,
                         plan->service, p->min_healthy);
                return false;
        }
        check(&account, load.service_now, share, "of %s at once", plan->service);
        check(&account, load.class_now, p->class_at_once, "%s at once", class);
        check(&account, load.host_now, p->host_at_once, "on %s at once", t->host);
        check(&account, load.zone_now, p->zone_at_once, "in zone '%s' at once", t->zone);
        check(&account, load.fleet_now, p->fleet_at_once, "in all at once");
        check(&account, load.class_hour, p->hourly[plan->class], "%s an hour", class);
        check(&account, load.class_day, p->daily[plan->class], "%s a day", class);
        check(&account, load.service_hour, p->service_hourly, "of %s an hour", plan->service);
        check(&account, load.host_hour, p->host_hourly, "on %s an hour", t->host);
        check(&account, load.zone_hour, p->zone_hourly, "in zone '%s' an hour", t->zone);
        check(&account, load.fleet_hour, p->fleet_hourly, "in all an hour");
        return !account.full;
}

uint32_t limits_fit(const struct acting *a, int64_t now, const struct plan *plan, uint32_t from, uint32_t count,
                    char ret_limits[512], char ret_why[PLAN_WHY_MAX])
{
        uint32_t n = 0;
        char limits[512] = "", why[PLAN_WHY_MAX] = "";

        while (n < count && fits(a, now, plan, from, from + n, limits, n ? why : ret_why)) {
                memcpy(ret_limits, limits, sizeof(limits));
                n++;
        }
        return n;
}

int limits_reserve(struct acting *a, uint32_t count)
{
        struct spending *spendings;
        uint32_t capacity = MAX(a->spendings_capacity, 64u);

        while (capacity < a->spendings_count + count)
                capacity *= 2;
        if (capacity == a->spendings_capacity)
                return 0;
        spendings = reallocarray(a->spendings, capacity, sizeof(*spendings));
        if (!spendings)
                return -ENOMEM;
        a->spendings = spendings;
        a->spendings_capacity = capacity;
        return 0;
}

void limits_spend(struct acting *a, const struct remedy *m, int64_t now)
{
        uint32_t old = 0;

        while (old < a->spendings_count && a->spendings[old].at + DAY <= now)
                old++;
        a->spendings_count -= old;
        memmove(a->spendings, a->spendings + old, a->spendings_count * sizeof(*a->spendings));
        for (uint32_t i = m->from; i < m->from + m->count; i++)
                a->spendings[a->spendings_count++] = (struct spending){ .at = now,
                                                                        .class = m->plan.class,
                                                                        .service = m->plan.service_key,
                                                                        .host = situation_key(m->plan.targets[i].host),
                                                                        .zone = situation_key(m->plan.targets[i].zone),
                                                                        .target = target_key(&m->plan, i) };
}

uint32_t limits_attempts(const struct acting *a, int64_t now, const struct plan *plan)
{
        uint32_t most = 0;

        for (uint32_t t = 0; t < plan->count; t++) {
                uint64_t key = target_key(plan, t);
                uint32_t n = 0;

                for (uint32_t i = 0; i < a->spendings_count; i++)
                        n += a->spendings[i].target == key && a->spendings[i].at + DAY > now;
                most = MAX(most, n);
        }
        return most;
}
