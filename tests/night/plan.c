#include "tests/night/plan.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MIB 1048576.0

int night_seed_check(uint64_t seed)
{
        const char *final = getenv("NIGHT_FINAL");

        return seed % 2 == 0 || (final && strcmp(final, "1") == 0) ? 0 : -EPERM;
}

void plan_begin(struct plan *plan, uint64_t seed, const struct night_options *options)
{
        *plan = (struct plan){ .seed = seed, .interval = 10 * NSEC_PER_SEC, .server_seen = true };
        if (options && options->interval > 0)
                plan->interval = options->interval;
}

struct plan_service *plan_service(struct plan *plan, const char *name, const char *kind, int instances, double rate)
{
        struct plan_service *s = &plan->services[plan->services_count++];

        *s = (struct plan_service){ .executable = "/usr/bin/node",
                                    .server = "postgres",
                                    .port = (uint16_t)(8080 + plan->services_count),
                                    .server_port = 5432,
                                    .instances = instances,
                                    .workers = 1,
                                    .kind = *pool_kind_get(kind),
                                    .query = { 0.006, 0.9 },
                                    .own = { 0.010, 0.7 },
                                    .front = FRONT_EXTERNAL,
                                    .memory = { .base = 180 * MIB, .of_connection = 0.2 * MIB, .wobble = 0.01 },
                                    .cpu = 0.003,
                                    .threads = 11,
                                    .files = 28,
                                    .files_max = 65536,
                                    .fault_build = -1 };
        s->rhythm =
                (struct rhythm){ .base = rate, .swing = 0.9, .peak = 14, .second = 0.2, .shift = 10, .noise = 0.15, .memory = 900 };
        snprintf(s->name, sizeof(s->name), "%s", name);
        return s;
}

void plan_event(struct plan *plan, enum plan_what what, int service, int instance, double at)
{
        if (plan->events_count < PLAN_EVENTS)
                plan->events[plan->events_count++] = (struct plan_event){
                        .at = at, .apart = 90, .down = 6, .what = what, .service = service, .instance = instance
                };
}

void plan_failings(struct plan *plan, const struct night_options *options, struct random *random)
{
        if (options && options->perfect)
                return;
        plan->agents = (struct plan_agents){ .lost = random_chance(random, 0.3) ? random_between(random, 0.001, 0.03) : 0.0005,
                                             .late = random_chance(random, 0.3) ? random_between(random, 0.001, 0.02) : 0.0005,
                                             .late_by = random_between(random, 5, 60),
                                             .restarts = random_chance(random, 0.3) ? random_between(random, 0.3, 2) : 0.05,
                                             .gap = random_between(random, 5, 300),
                                             .losses = random_chance(random, 0.2) ? random_between(random, 0.5, 4) : 0,
                                             .offset = random_between(random, 0, 1.5) };
}

/* Requests on the path that one instance serves from `since` until `at`, without noise. */
static double path_requests(const struct plan_service *s, double since, double at)
{
        double sum = 0, step = 20;

        for (double t = since; t < at; t += step)
                sum += step * (s->on_visit ? visit_expected(&s->visit, t)
                                           : s->path * (rhythm_expected(&s->rhythm, t) + visit_expected(&s->visit, t)));
        return sum / s->instances / s->workers;
}

void plan_calibrate(struct plan_service *s, double since, double at, double connections)
{
        s->one_in = fmax(path_requests(s, since, at) / connections, 1);
}
