/* Kin of the payment night. What is drawn: when and how fast, the traffic and its noise, the library and its
 * limit, restarts and crashes, and whether a deployment brought the leak at all. Where one did, the former build
 * is seen under the same traffic for a day before. Where none did, the leak
 * - was always there, and the service is restarted now and then;
 * - came with traffic that never came before, some hours after a deployment of the service or without one;
 * - was there before the service was deployed, and goes on after. */
#include "tests/night/plan.h"

#include <math.h>

enum origin { BROUGHT_ASLEEP, BROUGHT_AT_ONCE, ALWAYS, WITH_TRAFFIC, WITH_TRAFFIC_DEPLOYED, BEFORE };

static const char *const stories[] = {
        [BROUGHT_ASLEEP] = "a deployment brought the leak, which slept",
        [BROUGHT_AT_ONCE] = "a deployment brought the leak",
        [ALWAYS] = "the leak was always there",
        [WITH_TRAFFIC] = "the leak came with new traffic; nothing was deployed here",
        [WITH_TRAFFIC_DEPLOYED] = "the leak came with new traffic, after a deployment that did not bring it",
        [BEFORE] = "the leak was there before the service was deployed",
};

static enum origin draw_origin(struct random *r)
{
        double u = random_unit(r);

        return u < 0.45   ? BROUGHT_ASLEEP
               : u < 0.68 ? BROUGHT_AT_ONCE
               : u < 0.76 ? ALWAYS
               : u < 0.85 ? WITH_TRAFFIC
               : u < 0.92 ? WITH_TRAFFIC_DEPLOYED
                          : BEFORE;
}

static double log_between(struct random *r, double low, double high)
{
        return exp(random_between(r, log(low), log(high)));
}

static struct plan_service *draw_service(struct plan *plan, struct random *r)
{
        static const char *const bounded[] = { "pg-pool",      "pg-pool-keeps",     "hikari", "hikari-grows", "psycopg_pool",
                                               "lifo-minimum", "database/sql-tuned" };
        bool bound = random_chance(r, 0.7);
        const char *kind = bound ? bounded[random_below(r, ARRAY_SIZE(bounded))] : "database/sql";
        struct plan_service *s = plan_service(plan, "payment", kind, 1 + (int)random_below(r, 4), log_between(r, 5, 150));

        if (bound) {
                s->kind.max = 16 + (uint32_t)random_below(r, 45);
                if (s->kind.min >= 10)
                        s->kind.min = random_chance(r, 0.5) ? s->kind.max / 2 : 10;
                if (random_chance(r, 0.08))
                        s->workers = 2;
        } else {
                plan->server_max = 97 + 100 * (uint32_t)random_below(r, 4);
                plan->server_others = 10 + (uint32_t)random_below(r, 30);
        }
        s->rhythm.swing = random_between(r, 0.2, 1.1);
        s->rhythm.peak = random_between(r, 10, 21);
        s->rhythm.second = random_between(r, 0, 0.35);
        s->rhythm.shift = random_between(r, 0, 12);
        s->rhythm.noise = random_between(r, 0.05, 0.35);
        s->rhythm.memory = log_between(r, 120, 5400);
        s->rhythm.weekend = random_between(r, 0.5, 1.1);
        if (random_chance(r, 0.4)) {
                s->rhythm.bursts = random_between(r, 1, 8);
                s->rhythm.burst = random_between(r, 1.5, 4);
                s->rhythm.burst_length = log_between(r, 60, 1200);
        }
        s->query = (struct duration){ log_between(r, 0.002, 0.025), random_between(r, 0.5, 1.1) };
        s->front = random_chance(r, 0.5) ? FRONT_PROXY : FRONT_EXTERNAL;
        if (random_chance(r, 0.15)) {
                s->slow_share = random_between(r, 0.0001, 0.001);
                s->slow = (struct duration){ random_between(r, 5, 40), 0.8 };
        }
        return s;
}

/* What one process can lose, as far as this can be said before. */
static double room(const struct plan *plan, const struct plan_service *s)
{
        if (s->kind.max)
                return s->kind.max;
        return fmax((plan->server_max - plan->server_others - 4.0 * s->instances) / (s->instances * s->workers), 5);
}

static void draw_path(struct plan_service *s, struct random *r, enum origin origin, double onset, double length)
{
        bool traffic = origin == WITH_TRAFFIC || origin == WITH_TRAFFIC_DEPLOYED || origin == BEFORE;

        s->fault = NIGHT_POOL_LEAK;
        s->fault_build = origin == BROUGHT_ASLEEP || origin == BROUGHT_AT_ONCE ? 1 : -1;
        if (traffic || origin == BROUGHT_ASLEEP) {
                double share = traffic ? random_between(r, 0.4, 1) : random_between(r, 0.1, 1);

                s->on_visit = true;
                s->visit = (struct visit){ .rate = share * s->rhythm.base,
                                           .from = fmod(onset, DAY),
                                           .ramp = random_between(r, 60, 1800),
                                           .since = traffic ? onset : 0 };
                s->visit.to = s->visit.from + fmin(length * random_between(r, 1.3, 2.2), 20 * HOUR);
        } else {
                s->path = log_between(r, 0.01, 1);
        }
}

static void draw_turns(struct plan *plan, struct random *r, enum origin origin, double onset, double breach)
{
        if (origin == ALWAYS)
                plan_event(plan, PLAN_RESTART, 0, -1, plan->from + 120);
        if (random_chance(r, 0.25))
                plan_event(plan, PLAN_RESTART, 0, random_chance(r, 0.5) ? -1 : 0, random_between(r, plan->from, breach));
        if (random_chance(r, 0.1))
                plan_event(plan, PLAN_CRASH, 0, 0, random_between(r, plan->from, breach));
        if (origin == BEFORE)
                plan_event(plan, PLAN_DEPLOY, 0, -1, onset + (breach - onset) * random_between(r, 0.3, 0.7));
        if (origin == WITH_TRAFFIC_DEPLOYED)
                plan_event(plan, PLAN_DEPLOY, 0, -1, onset - random_between(r, 0.3, 10) * HOUR);
}

static void draw_bystanders(struct plan *plan, struct random *r, double deployed, double onset)
{
        static const char *const names[] = { "catalog", "ledger" }, *const kinds[] = { "http2", "hikari" };
        uint64_t count = random_below(r, 3);

        for (uint64_t i = 0; i < count; i++) {
                struct plan_service *s = plan_service(plan, names[i], kinds[i], 1, 2);

                s->server = "outside";
                s->server_port = 443;
                s->host = (int)random_below(r, (uint64_t)plan->services[0].instances);
                plan_event(plan, PLAN_DEPLOY, plan->services_count - 1, -1,
                           random_between(r, fmin(deployed, onset - 3 * HOUR), onset + 1800));
        }
}

int night_variant(uint64_t seed, const struct night_options *options, struct night **ret_night)
{
        double length, onset, sleep, deployed;
        struct plan_service *s;
        enum origin origin;
        struct plan plan;
        struct random r;
        int status = night_seed_check(seed);

        if (status < 0)
                return status;
        random_seed(&r, seed, 0x76617269);
        plan_begin(&plan, seed, options);
        origin = draw_origin(&r);
        plan.story = stories[origin];
        plan.server_seen = random_chance(&r, 0.6);
        s = draw_service(&plan, &r);
        length = log_between(&r, 0.75, 10) * HOUR;
        onset = random_between(&r, 2, 6) * DAY;
        sleep = origin == BROUGHT_ASLEEP ? random_between(&r, 0.5, 14) * HOUR : 0;
        deployed = onset - sleep;
        plan.from = origin == ALWAYS ? onset - 300 : onset - fmax(26 * HOUR, sleep + 20 * HOUR);
        draw_path(s, &r, origin, onset, length);
        plan_calibrate(s, onset, onset + length, room(&plan, s));
        plan.until = onset + length * 1.25 + 40 * MINUTE;
        if (s->fault_build > 0)
                plan_event(&plan, PLAN_DEPLOY, 0, -1, deployed);
        draw_turns(&plan, &r, origin, onset, onset + length);
        draw_bystanders(&plan, &r, deployed, onset);
        plan_failings(&plan, options, &r);
        return night_from_plan(&plan, ret_night);
}
