/* Leaks of other kinds, and slow ones: connections lost over days from the deployment on, files, connections in
 * CLOSE_WAIT, memory. A quarter of them in no deployment: always there, seen from a restart on. */
#include "tests/night/plan.h"

#include <math.h>

static const char *const stories[] = {
        "connections, from the deployment on, for days",
        "files",
        "connections in CLOSE_WAIT",
        "memory",
};

static const enum night_fault faults[] = { NIGHT_POOL_LEAK, NIGHT_FILE_LEAK, NIGHT_CLOSE_WAIT_LEAK, NIGHT_MEMORY_LEAK };

static double capacity(const struct plan_service *s)
{
        switch (s->fault) {
        case NIGHT_POOL_LEAK:
                return s->kind.max;
        case NIGHT_MEMORY_LEAK:
                return 1;
        default:
                return s->files_max - s->files - 20.0;
        }
}

int night_leak(uint64_t seed, const struct night_options *options, struct night **ret_night)
{
        static const char *const kinds[] = { "pg-pool", "hikari-grows", "psycopg_pool", "lifo-minimum" };
        struct night_options slow = options ? *options : (struct night_options){ 0 };
        size_t what = (size_t)(seed / 2 % ARRAY_SIZE(faults));
        double deployed, length, requests;
        struct plan_service *s;
        struct plan plan;
        struct random r;
        bool brought;
        int status = night_seed_check(seed);

        if (status < 0)
                return status;
        if (slow.interval == 0)
                slow.interval = 30 * NSEC_PER_SEC;
        random_seed(&r, seed, 0x6c65616b);
        plan_begin(&plan, seed, &slow);
        plan.story = stories[what];
        plan.server_seen = random_chance(&r, 0.5);
        s = plan_service(&plan, "orders", kinds[random_below(&r, ARRAY_SIZE(kinds))], 1 + (int)random_below(&r, 3),
                         exp(random_between(&r, log(4), log(80))));
        s->kind.max = 24 + (uint32_t)random_below(&r, 40);
        s->rhythm.swing = random_between(&r, 0.3, 1.1);
        s->rhythm.noise = random_between(&r, 0.05, 0.3);
        s->rhythm.weekend = random_between(&r, 0.5, 1);
        s->front = random_chance(&r, 0.5) ? FRONT_PROXY : FRONT_EXTERNAL;
        s->files_max = random_chance(&r, 0.6) ? 1024 : 4096;
        brought = random_chance(&r, 0.75);
        deployed = random_between(&r, 2, 4) * DAY;
        length = random_between(&r, what == 0 ? 1 : 0.3, what == 0 ? 4 : 2) * DAY;
        plan.from = brought ? deployed - 26 * HOUR : deployed - 600;
        plan.until = deployed + length * 1.1 + HOUR;
        s->fault = faults[what];
        s->fault_build = brought ? 1 : -1;
        s->path = exp(random_between(&r, log(0.01), log(1)));
        plan_calibrate(s, deployed, deployed + length, capacity(s));
        s->memory_max = (uint64_t)(512 << (int)random_below(&r, 3)) << 20;
        requests = s->one_in;
        if (s->fault == NIGHT_MEMORY_LEAK)
                s->bytes = ((double)s->memory_max - s->memory.base * 1.05) / requests;
        plan_event(&plan, brought ? PLAN_DEPLOY : PLAN_RESTART, 0, -1, deployed);
        if (random_chance(&r, 0.2))
                plan_event(&plan, PLAN_RESTART, 0, random_chance(&r, 0.5) ? -1 : 0, deployed + length * random_unit(&r));
        plan_failings(&plan, options, &r);
        return night_from_plan(&plan, ret_night);
}
