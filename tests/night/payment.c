/* The mission's first incident, as it was told: a payment service is deployed on Tuesday at 17:40; the leaking
 * path sleeps until 02:41 on Wednesday, when overseas traffic begins to use it, as it does each night; the pool
 * would be exhausted at about 05:00, in that peak; two other services are deployed in between. The night begins
 * on Monday at 18:00, so that the former build is seen under the same traffic. */
#include "tests/night/plan.h"

#include <math.h>

#define CLOCK(day, hour, minute) ((day)*DAY + (hour)*HOUR + (minute)*MINUTE)
#define POOL 40

static void bystander(struct plan *plan, const char *name, const char *kind, int host, double rate, double deployed)
{
        struct plan_service *s = plan_service(plan, name, kind, 1, rate);

        s->host = host;
        s->server = "outside";
        s->server_port = 443;
        plan_event(plan, PLAN_DEPLOY, plan->services_count - 1, -1, deployed);
}

int night_payment(uint64_t seed, const struct night_options *options, struct night **ret_night)
{
        struct plan plan;
        struct plan_service *s;
        struct random random;
        int r = night_seed_check(seed);

        if (r < 0)
                return r;
        random_seed(&random, seed, 0x7061796d);
        plan_begin(&plan, seed, options);
        plan.story = "the payment service of the mission's first incident";
        plan.from = CLOCK(0, 18, 0);
        plan.until = CLOCK(2, 6, 0);
        s = plan_service(&plan, "payment", "pg-pool", 3, 45);
        s->kind.max = POOL;
        s->front = FRONT_PROXY;
        s->visit = (struct visit){ .rate = 30, .from = CLOCK(0, 2, 41), .to = CLOCK(0, 7, 20), .ramp = 15 * MINUTE };
        s->fault = NIGHT_POOL_LEAK;
        s->fault_build = 1;
        s->on_visit = true;
        /* The first of three instances is about a deviation and a half ahead of the expected one. */
        plan_calibrate(s, CLOCK(2, 2, 41), CLOCK(2, 5, 0), POOL - 0.85 * sqrt(POOL));
        plan_event(&plan, PLAN_DEPLOY, 0, -1, CLOCK(1, 17, 40));
        bystander(&plan, "catalog", "http2", 0, 8, CLOCK(1, 21, 10));
        bystander(&plan, "ledger", "hikari", 1, 2, CLOCK(2, 0, 30));
        plan_failings(&plan, options, &random);
        return night_from_plan(&plan, ret_night);
}
