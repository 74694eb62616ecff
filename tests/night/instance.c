/* One instance of a service: its processes, their pools, what comes in, and its turns (deployments, restarts). */
#include "tests/night/night_private.h"

#include <math.h>
#include <string.h>

static void start(struct instance *i, double now)
{
        for (int w = 0; w < i->plan->workers; w++) {
                struct worker *k = &i->workers[w];

                k->pid = (uint32_t)(700 + random_below(&i->random, 31000));
                k->started = now - 0.4;
                k->cache = k->bytes_leaked = 0;
                k->cpu = 1.5;
                k->files_leaked = 0;
                k->starved = false;
                k->files = i->plan->files;
                pool_reset(&k->pool, now);
        }
        pool_reset(&i->front, now);
        i->up = true;
        i->now = now;
}

static void stop(struct instance *i, double now)
{
        for (int w = 0; w < i->plan->workers; w++) {
                struct pool *p = &i->workers[w].pool;
                bool warm = p->kind.warm;

                p->kind.warm = false;
                pool_reset(p, now);
                p->kind.warm = warm;
        }
        pool_reset(&i->front, now);
        i->up = false;
}

static void take_turn(struct night *n, struct instance *i, const struct turn *t)
{
        stop(i, t->at);
        i->now = t->at;
        i->up_at = t->at + t->down;
        i->has_exit = true;
        i->exit_code = t->what == PLAN_CRASH ? 1 : 0;
        i->exit_signal = t->what == PLAN_CRASH && !i->exit_oom && random_chance(&i->random, 0.5) ? 11 : i->exit_oom ? 9 : 0;
        if (i->exit_signal)
                i->exit_code = 0;
        i->restarts[i->restarts_count++ % (int)ARRAY_SIZE(i->restarts)] = t->at;
        if (t->what == PLAN_DEPLOY) {
                i->build++;
        } else if (t->what == PLAN_CRASH) {
                n->truth.crashes++;
        } else {
                n->truth.restarts++;
        }
}

static void expand(const struct plan *plan, struct instance *i)
{
        for (int e = 0; e < plan->events_count; e++) {
                const struct plan_event *v = &plan->events[e];

                if (v->service != i->service || (v->instance >= 0 && v->instance != i->number) || i->turns_count == TURNS_MAX)
                        continue;
                i->turns[i->turns_count++] = (struct turn){ .at = v->at + (v->instance < 0 ? v->apart * i->number : 0),
                                                            .down = v->down,
                                                            .what = v->what };
        }
        for (int a = 1; a < i->turns_count; a++)
                for (int b = a; b > 0 && i->turns[b].at < i->turns[b - 1].at; b--) {
                        struct turn t = i->turns[b];

                        i->turns[b] = i->turns[b - 1];
                        i->turns[b - 1] = t;
                }
}

/* The night begins in the middle of its life. */
static void grow_old(struct instance *i, double now)
{
        double started = now - random_between(&i->random, 600, 20 * DAY);

        for (int w = 0; w < i->plan->workers; w++) {
                struct worker *k = &i->workers[w];
                struct pool *p = &k->pool;

                k->pid = (uint32_t)(700 + random_below(&i->random, 31000));
                k->started = started + w * 0.05;
                k->cpu = (now - started) * 0.01;
                k->cache = i->plan->memory.cache_max * fmin(1, (now - started) / DAY);
                for (uint32_t c = 0; c < p->slots; c++) {
                        double age =
                                random_unit(&p->random) * fmin(now - started, p->kind.lifetime > 0 ? p->kind.lifetime : 20 * DAY);

                        p->conns[c].opened -= age;
                        p->conns[c].expires -= age;
                }
        }
}

void instance_build(struct night *n, int service, int number, int host)
{
        struct instance *i = &n->instances[n->instances_count++];
        const struct plan_service *s = &n->plan.services[service];
        uint64_t stream = (uint64_t)(service * 100 + number);

        *i = (struct instance){ .plan = s, .service = service, .number = number, .host = host };
        random_seed(&i->random, n->plan.seed, 0x696e7374 + stream);
        i->weight = exp(0.04 * random_normal(&i->random));
        for (int w = 0; w < s->workers; w++) {
                struct worker *k = &i->workers[w];
                struct pool_limits limits = { .files = &k->files, .files_max = s->files_max };

                if (service == 0 && n->plan.server_max > 0) {
                        limits.server_open = &n->server_open;
                        limits.server_max = n->plan.server_max;
                }
                k->files = s->files;
                pool_init(&k->pool, &s->kind, &limits, random_bits(&i->random), n->plan.from);
        }
        pool_init(&i->front, pool_kind_get(number % 2 ? "haproxy" : "nginx"), NULL, random_bits(&i->random), n->plan.from);
        i->front.kind.idle_max = 0;
        i->front.few = 4;
        expand(&n->plan, i);
        grow_old(i, n->plan.from);
        i->up = true;
        i->now = n->plan.from;
}

bool instance_has_fault(const struct instance *i)
{
        const struct plan_service *s = i->plan;

        return s->fault != NIGHT_HEALTHY && i->build >= s->fault_build && (s->fault_until == 0 || i->build < s->fault_until);
}

/* How much of the requests may leak: those on the path, of builds that have it. */
static double path_share(const struct night *n, const struct instance *i)
{
        const struct traffic *t = &n->traffic[i->service];

        if (!instance_has_fault(i))
                return 0;
        if (!i->plan->on_visit)
                return i->plan->path;
        return t->rate > 0 ? t->visit_rate / t->rate : 0;
}

static void leak_others(struct night *n, struct instance *i, struct worker *k, double share, uint32_t served, double now)
{
        const struct plan_service *s = i->plan;

        if (s->fault == NIGHT_FILE_LEAK) {
                uint32_t lost = random_binomial(&i->random, served, share / s->one_in);

                if (lost > 0)
                        truth_leak(n, now);
                k->files_leaked += lost;
                k->files += lost;
        } else if (s->fault == NIGHT_MEMORY_LEAK) {
                k->bytes_leaked += served * share * s->bytes;
                if (served * share > 0)
                        truth_leak(n, now);
        }
        if (s->memory.cache > 0)
                k->cache = fmin(s->memory.cache_max, k->cache + served * s->memory.cache);
}

static void worker_move(struct night *n, struct instance *i, struct worker *k, double now, double rate, double share)
{
        const struct plan_service *s = i->plan;
        struct pool_load load = { .rate = rate / s->workers, .service = s->query, .slow_share = s->slow_share, .slow = s->slow };
        uint64_t served = k->pool.flow.served, leaked = k->pool.flow.leaked;

        if (share > 0 && (s->fault == NIGHT_POOL_LEAK || s->fault == NIGHT_CLOSE_WAIT_LEAK)) {
                load.leak = s->fault == NIGHT_POOL_LEAK ? LEAK_HELD : LEAK_HALF;
                load.leak_chance = share / s->one_in;
        }
        pool_move(&k->pool, now, &load);
        if (k->pool.flow.leaked > leaked)
                truth_leak(n, now);
        if (s->fault == NIGHT_FILE_LEAK || s->fault == NIGHT_MEMORY_LEAK || s->memory.cache > 0)
                leak_others(n, i, k, share, (uint32_t)(k->pool.flow.served - served), now);
        if (share > 0 && rate > 0)
                truth_onset(n, now);
        if (k->starved)
                return;
        if (!isnan(k->pool.starved_at) || k->files >= s->files_max) {
                k->starved = true;
                truth_breach(n, i, isnan(k->pool.starved_at) ? now : k->pool.starved_at);
        }
}

static void front_move(struct instance *i, double now, double rate)
{
        const struct plan_service *s = i->plan;
        struct pool_load load = { .rate = rate, .service = s->query };
        uint32_t before = pool_open(&i->front), after;
        double waiting = 0, served = fmax(rate / s->workers, 0.01);

        for (int w = 0; w < s->workers; w++)
                waiting += i->workers[w].pool.waiting;
        i->front_extra = fmin(waiting / served, s->kind.patience);
        load.service.median += s->own.median + i->front_extra;
        if (s->slow_share > 0) {
                load.slow_share = s->slow_share;
                load.slow = s->slow;
        }
        pool_move(&i->front, now, &load);
        after = pool_open(&i->front);
        i->workers[0].files += after - before; /* wraps for fewer */
}

/* Killed for memory; what watches it starts it anew. */
static void out_of_memory(struct night *n, struct instance *i, double now)
{
        struct turn t = { .at = now, .down = 8, .what = PLAN_CRASH };

        truth_breach(n, i, now);
        i->exit_oom = true;
        take_turn(n, i, &t);
        i->exit_oom = true;
}

static void move_up(struct night *n, struct instance *i, double now)
{
        const struct plan_service *s = i->plan;
        double rate = n->traffic[i->service].rate * i->weight / n->weights[i->service];
        double share = path_share(n, i);

        for (int w = 0; w < s->workers; w++) {
                struct worker *k = &i->workers[w];

                worker_move(n, i, k, now, rate, share);
                if (s->memory_max && s->memory.base + k->cache + k->bytes_leaked >= s->memory_max) {
                        out_of_memory(n, i, now);
                        return;
                }
        }
        if (s->front != FRONT_NONE)
                front_move(i, now, rate);
        i->now = now;
}

void instance_move(struct night *n, struct instance *i, double now)
{
        while (i->now < now) {
                const struct turn *t = i->turns_done < i->turns_count ? &i->turns[i->turns_done] : NULL;

                if (!i->up) {
                        double to = fmin(now, i->up_at);

                        i->refused += (uint64_t)((to - i->now) / 2);
                        i->now = to;
                        if (to >= i->up_at)
                                start(i, i->up_at);
                        continue;
                }
                if (t && t->at <= now) {
                        if (t->at > i->now)
                                move_up(n, i, t->at);
                        if (i->up) {
                                i->exit_oom = false;
                                take_turn(n, i, t);
                        }
                        i->turns_done++;
                        continue;
                }
                move_up(n, i, now);
        }
}
