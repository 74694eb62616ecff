/* Healthy days of varied rhythm, most of them of a kind that looks suspicious. */
#include "tests/night/plan.h"

#include <math.h>

#define MIB 1048576.0

struct model {
        const char *name, *kind;
        void (*shape)(struct plan *plan, struct plan_service *s, struct random *r);
};

static double some_time(struct plan *plan, struct random *r)
{
        return random_between(r, plan->from + HOUR, plan->until - HOUR);
}

static void plain(struct plan *plan, struct plan_service *s, struct random *r)
{
        (void)plan;
        s->query.median = random_between(r, 0.002, 0.02);
}

static void burst_kept(struct plan *plan, struct plan_service *s, struct random *r)
{
        (void)plan;
        s->rhythm.bursts = random_between(r, 1, 5);
        s->rhythm.burst = random_between(r, 4, 15);
        s->rhythm.burst_length = random_between(r, 20, 400);
}

static void tuned_lifetime(struct plan *plan, struct plan_service *s, struct random *r)
{
        (void)plan;
        if (random_chance(r, 0.5))
                s->kind = *pool_kind_get("database/sql-tuned");
        s->kind.lifetime = random_between(r, 120, 3600);
}

static void minimum(struct plan *plan, struct plan_service *s, struct random *r)
{
        (void)plan;
        s->kind.min = 4 + (uint32_t)random_below(r, 30);
        s->kind.max = MAX(s->kind.max, s->kind.min + 5);
}

static void threads(struct plan *plan, struct plan_service *s, struct random *r)
{
        (void)plan;
        s->kind.max = 8 + (uint32_t)random_below(r, 40);
        s->threads = s->kind.max + 8;
        s->rhythm.base *= random_between(r, 0.01, 1);
}

static void streams(struct plan *plan, struct plan_service *s, struct random *r)
{
        (void)plan;
        s->kind.min = 1 + (uint32_t)random_below(r, 3);
        s->kind.lifetime = random_chance(r, 0.5) ? random_between(r, 300, 7200) : 0;
}

static void bouncer(struct plan *plan, struct plan_service *s, struct random *r)
{
        (void)plan;
        s->kind.max = 10 + (uint32_t)random_below(r, 40);
        s->kind.lifetime = random_between(r, 600, 3600);
        s->kind.apart = s->kind.lifetime / s->kind.max;
}

static void workers(struct plan *plan, struct plan_service *s, struct random *r)
{
        (void)plan;
        s->workers = 2 + (int)random_below(r, PLAN_WORKERS - 1);
        if (random_chance(r, 0.5))
                s->kind = *pool_kind_get("sqlalchemy");
}

static void grows(struct plan *plan, struct plan_service *s, struct random *r)
{
        (void)plan;
        s->rhythm.swing = random_between(r, 1, 1.6);
        s->kind.idle = random_between(r, 10, 1800);
        s->kind.max = 60;
        s->query.median = random_between(r, 0.02, 0.2);
}

static void transactions(struct plan *plan, struct plan_service *s, struct random *r)
{
        (void)plan;
        s->slow_share = random_between(r, 0.0002, 0.003);
        s->slow = (struct duration){ random_between(r, 30, 600), random_between(r, 0.5, 1.2) };
        s->kind.max = 80;
}

static void polls(struct plan *plan, struct plan_service *s, struct random *r)
{
        (void)plan;
        s->server = "broker";
        s->rhythm.base = random_between(r, 0.5, 4);
        s->slow_share = random_between(r, 0.5, 1);
        s->slow = (struct duration){ random_between(r, 15, 60), 0.3 };
        s->kind.max = 0;
        s->threads_follow = true;
}

static void storms(struct plan *plan, struct plan_service *s, struct random *r)
{
        (void)plan;
        s->rhythm.every = random_chance(r, 0.5) ? 3600 : 900;
        s->rhythm.storm = random_between(r, 3, 20);
        s->rhythm.storm_length = random_between(r, 10, 200);
}

static void rolling(struct plan *plan, struct plan_service *s, struct random *r)
{
        (void)s;
        for (uint64_t i = 1 + random_below(r, 3); i > 0; i--)
                plan_event(plan, PLAN_RESTART, 0, -1, some_time(plan, r));
}

static void cache(struct plan *plan, struct plan_service *s, struct random *r)
{
        double requests = s->rhythm.base / s->instances * random_between(r, 1, 10) * HOUR;

        s->memory.cache_max = random_between(r, 100, 900) * MIB;
        s->memory.cache = s->memory.cache_max / requests;
        plan_event(plan, random_chance(r, 0.5) ? PLAN_RESTART : PLAN_DEPLOY, 0, -1, some_time(plan, r));
}

static void deployed(struct plan *plan, struct plan_service *s, struct random *r)
{
        (void)s;
        for (uint64_t i = 1 + random_below(r, 2); i > 0; i--)
                plan_event(plan, PLAN_DEPLOY, 0, -1, some_time(plan, r));
}

static void slow_server(struct plan *plan, struct plan_service *s, struct random *r)
{
        (void)plan;
        s->query = (struct duration){ random_between(r, 0.3, 2), random_between(r, 0.2, 0.6) };
        s->rhythm.base = random_between(r, 1, 12);
        s->kind.max = 60;
}

static void benchmark(struct plan *plan, struct plan_service *s, struct random *r)
{
        double at = fmod(some_time(plan, r), DAY);

        s->visit = (struct visit){ .rate = s->rhythm.base * random_between(r, 5, 30),
                                   .from = at,
                                   .to = at + random_between(r, 300, 3000),
                                   .ramp = 5,
                                   .since = plan->from,
                                   .until = plan->until };
}

static const struct model models[] = {
        { "plain", "pg-pool", plain },
        { "never closes idle connections after a burst", "pg-pool-keeps", burst_kept },
        { "rotation by maximum lifetime", "hikari-grows", tuned_lifetime },
        { "last in first out with a minimum of idle ones", "lifo-minimum", minimum },
        { "bound to threads", "thread-bound", threads },
        { "http/2", "http2", streams },
        { "pgbouncer with server_lifetime", "pgbouncer", bouncer },
        { "pre-warmed", "prewarmed", plain },
        { "a pool for each worker process", "psycopg_pool", workers },
        { "grows with load and shrinks after", "hikari-grows", grows },
        { "long transactions", "pg-pool", transactions },
        { "long polls", "database/sql", polls },
        { "cron storms", "pg-pool", storms },
        { "rolling restart", "hikari", rolling },
        { "cache warm-up that grows memory and stops", "pg-pool", cache },
        { "a deployment that changes nothing", "pg-pool", deployed },
        { "slow but steady dependency", "hikari-grows", slow_server },
        { "benchmark run", "pg-pool", benchmark },
        { "two idle at most", "database/sql", plain },
        { "first in first out with a minimum", "psycopg_pool", plain },
};

size_t night_healthy_kinds(void)
{
        return ARRAY_SIZE(models);
}

const char *night_healthy_kind(size_t index)
{
        return models[index].name;
}

/* What may happen on any healthy day. */
static void draw_common(struct plan *plan, struct plan_service *s, struct random *r)
{
        s->rhythm.swing = random_between(r, 0.1, 1.2);
        s->rhythm.peak = random_between(r, 0, 24);
        s->rhythm.second = random_between(r, 0, 0.4);
        s->rhythm.shift = random_between(r, 0, 12);
        s->rhythm.noise = random_between(r, 0.05, 0.4);
        s->rhythm.memory = exp(random_between(r, log(60), log(7200)));
        s->rhythm.weekend = random_between(r, 0.2, 1.2);
        s->rhythm.growth = random_chance(r, 0.2) ? random_between(r, 0, 0.1) : 0;
        if (random_chance(r, 0.3)) {
                s->rhythm.bursts = random_between(r, 0.5, 6);
                s->rhythm.burst = random_between(r, 1.5, 5);
                s->rhythm.burst_length = exp(random_between(r, log(30), log(1800)));
        }
        s->front = random_chance(r, 0.5) ? FRONT_PROXY : FRONT_EXTERNAL;
        if (random_chance(r, 0.2))
                s->visit = (struct visit){ .rate = s->rhythm.base * random_between(r, 0.2, 2),
                                           .from = random_between(r, 0, DAY),
                                           .to = 0,
                                           .ramp = random_between(r, 10, 3600) };
        s->visit.to = s->visit.from + random_between(r, 1, 8) * HOUR;
        if (random_chance(r, 0.1))
                plan_event(plan, PLAN_RESTART, 0, -1, some_time(plan, r));
        if (random_chance(r, 0.05))
                plan_event(plan, PLAN_CRASH, 0, 0, some_time(plan, r));
        if (random_chance(r, 0.2))
                plan_event(plan, PLAN_DEPLOY, 0, -1, some_time(plan, r));
}

int night_healthy(uint64_t seed, const struct night_options *options, struct night **ret_night)
{
        const struct model *model = &models[seed / 2 % ARRAY_SIZE(models)];
        struct plan_service *s;
        struct plan plan;
        struct random r;
        int status = night_seed_check(seed);

        if (status < 0)
                return status;
        random_seed(&r, seed, 0x6865616c);
        plan_begin(&plan, seed, options);
        plan.story = model->name;
        plan.from = (double)random_below(&r, 7) * DAY + random_between(&r, 0, DAY);
        plan.until = plan.from + DAY;
        plan.server_seen = random_chance(&r, 0.5);
        s = plan_service(&plan, "shop", model->kind, 1 + (int)random_below(&r, 3), exp(random_between(&r, log(2), log(120))));
        draw_common(&plan, s, &r);
        model->shape(&plan, s, &r);
        plan_failings(&plan, options, &r);
        return night_from_plan(&plan, ret_night);
}
