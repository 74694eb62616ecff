/* A step with many requests, drawn at once.
 *
 * In an infinite-server queue the number in service is Poisson with mean ρ = λE[S] whatever the law of
 * service (Tijms, "A First Course in Stochastic Models", 2003, 1.1.3). Level k+1 is entered from below as a
 * Poisson process of rate λπ(k) less those that come in one clump (Aldous, "Probability Approximations
 * via the Poisson Clumping Heuristic", 1989, C12), so P(never above k in Δ) ≈ exp(−λπ(k)(1−ρ/(k+1))Δ).
 * A pool that is too small serves what its connections can; the rest waits. */
#include "tests/night/pool.h"

#include <math.h>

#define USED_MAX 4096

static uint32_t drawn_peak(struct pool *p, double rate, double mean, double step, uint32_t least)
{
        double u = -log(random_unit(&p->random)), k = fmax(floor(mean), least), pi;

        if (!(mean > 0))
                return least;
        pi = exp(k * log(mean) - mean - lgamma(k + 1));
        while (k < mean + 60 + 12 * sqrt(mean) && rate * step * pi * fmax(1 - mean / (k + 1), 0.05) > u) {
                k++;
                pi *= mean / k;
        }
        return (uint32_t)k;
}

/* Slow requests outlast the step: one by one, at the end of it. */
static uint32_t start_slow(struct pool *p, double to, const struct pool_load *load)
{
        double step = to - p->now;
        uint32_t n = random_poisson(&p->random, load->rate * load->slow_share * step), started = 0;

        p->flow.requests += n;
        for (; n > 0; n--) {
                double from = p->now + step * random_unit(&p->random);
                int slot = pool_acquire(p, from);

                if (slot < 0) {
                        p->flow.failed++;
                        continue;
                }
                started++;
                p->conns[slot].until = fmax(from + duration_draw(&p->random, &load->slow), p->now);
        }
        return started;
}

struct used {
        uint32_t slots[USED_MAX], count;
};

/* Those in use that end within the step; *ret_left: that do not. */
static void finish(struct pool *p, double to, struct used *used, uint32_t *ret_left)
{
        uint32_t busy = p->busy, left = 0;

        for (uint32_t i = 0; i < p->slots && busy > 0; i++) {
                if (p->conns[i].state != CONN_BUSY)
                        continue;
                busy--;
                if (p->conns[i].until <= to && used->count < USED_MAX)
                        used->slots[used->count++] = i;
                else
                        left++;
        }
        *ret_left = left;
}

/* False if there were not enough. */
static bool take_more(struct pool *p, double to, uint32_t peak, uint32_t n, struct used *used)
{
        double step = to - p->now;
        uint32_t distinct = peak > p->busy ? peak - p->busy : 0, idle = p->idle_count;

        if (p->kind.order == ORDER_FIFO && n > distinct)
                distinct = MAX(distinct, MIN(n, idle));
        if (p->kind.order == ORDER_ANY || p->kind.order == ORDER_BOUND) {
                uint32_t all = MAX(p->kind.order == ORDER_BOUND ? p->kind.max : idle + used->count, 1u);
                uint32_t touched = random_binomial(&p->random, p->kind.order == ORDER_BOUND ? all - MIN(p->busy, all) : idle,
                                                   1 - exp(-(double)n / all));
                distinct = MAX(distinct, touched);
        }
        for (; distinct > 0 && used->count < USED_MAX; distinct--) {
                int slot = pool_acquire(p, p->now + step * random_unit(&p->random));

                if (slot < 0)
                        return false;
                used->slots[used->count++] = (uint32_t)slot;
        }
        return true;
}

/* A small idle list makes a pool close and open all the time: a request finds it empty about once in
 * (its size + 1) when more are in use than it holds. */
static void churn(struct pool *p, uint32_t n, double mean, struct used *used, double to)
{
        double m = p->kind.idle_max, above = 0.5 * erfc((m - mean) / sqrt(2 * fmax(mean, 0.1)));
        uint32_t times = random_binomial(&p->random, n, fmin(above / (m + 1), 1));
        uint32_t anew = MIN(times, used->count);

        p->flow.opened += times - anew;
        p->flow.closed += times - anew;
        for (uint32_t i = 0; i < anew; i++) {
                double at = to - (to - p->now) * random_unit(&p->random);

                pool_close(p, used->slots[i]);
                if (pool_connect(p, at) >= 0) {
                        used->slots[i] = p->idle[--p->idle_count];
                        p->conns[used->slots[i]].state = CONN_BUSY;
                        p->busy++;
                } else {
                        used->slots[i--] = used->slots[--used->count];
                        anew--;
                }
        }
}

static void stream_step(struct pool *p, double to, const struct pool_load *load)
{
        uint32_t n = random_poisson(&p->random, load->rate * (to - p->now)), want = MAX(p->kind.min, 1u);
        double mean = load->rate * duration_mean(&load->service);

        p->flow.requests += n;
        p->flow.served += n;
        while (n > 0 && p->busy + p->idle_count < want && pool_connect(p, p->now) >= 0)
                ;
        for (uint32_t i = 0; i < p->slots; i++) {
                struct conn *c = &p->conns[i];

                if (c->state != CONN_IDLE && c->state != CONN_BUSY)
                        continue;
                if (n > 0) {
                        c->touched = true;
                        c->used = to;
                }
                if (c->state == CONN_BUSY) {
                        c->state = CONN_IDLE;
                        p->busy--;
                        p->idle[p->idle_count++] = i;
                }
        }
        for (uint32_t i = p->idle_count; i-- > 0;)
                if (random_chance(&p->random, 1 - exp(-mean / MAX(want, 1u)))) {
                        p->conns[p->idle[i]].state = CONN_BUSY;
                        p->conns[p->idle[i]].until = to;
                        p->idle[i] = p->idle[--p->idle_count];
                        p->busy++;
                }
}

/* All that were used go back but for those in use at the end and those that leaked. The ones below the usual
 * level were used a while ago. */
static void settle(struct pool *p, double to, const struct pool_load *load, struct used *used, uint32_t busy, uint32_t leaks)
{
        double step = to - p->now;
        uint32_t staying = MIN(busy, used->count - MIN(leaks, used->count));

        for (uint32_t i = used->count; i-- > 0;) {
                uint32_t slot = used->slots[i];
                struct conn *c = &p->conns[slot];

                c->touched = true;
                if (leaks > 0 && random_below(&p->random, i + 1) < leaks) {
                        pool_leak(p, slot, load->leak, to - step * random_unit(&p->random));
                        leaks--;
                } else if (i < staying) {
                        c->until = to + duration_left(&p->random, &load->service);
                        staying = MIN(staying, i);
                } else {
                        double ago = used->count > 1 ? step * random_unit(&p->random) * i / used->count : 0;

                        pool_release(p, slot, fmax(to - ago, c->opened));
                }
        }
}

/* How many of those that came and that waited get one of what connections there were. */
static uint32_t serve(struct pool *p, uint32_t n, uint32_t able, double step)
{
        uint32_t served = MIN(n + p->waiting, able), gone;

        p->waiting = n + p->waiting - served;
        p->flow.requests += n;
        gone = p->waiting ? random_binomial(&p->random, p->waiting, 1 - exp(-step / fmax(p->kind.patience, 1))) : 0;
        p->waiting -= gone;
        p->flow.failed += gone;
        return served;
}

void pool_bulk(struct pool *p, double to, const struct pool_load *load)
{
        double step = to - p->now, each = duration_mean(&load->service), rate = load->rate * (1 - load->slow_share);
        uint32_t left, n, peak, busy, served, leaks = 0, before = p->busy, slow = 0;
        struct used used;
        bool enough;

        used.count = 0;
        if (p->kind.order == ORDER_STREAMS) {
                stream_step(p, to, load);
                return;
        }
        if (load->slow_share > 0)
                slow = start_slow(p, to, load);
        n = random_poisson(&p->random, rate * step);
        finish(p, to, &used, &left);
        busy = random_binomial(&p->random, n, fmin(each / step, 1));
        peak = drawn_peak(p, rate, rate * each, step, MAX(busy + left, p->busy));
        peak = MIN(peak, p->busy + n + p->waiting);
        enough = take_more(p, to, peak, n, &used);
        served = serve(p, n, enough ? UINT32_MAX : (uint32_t)fmin(used.count * step / each, 4e9), step);
        if (p->waiting) /* saturated */
                busy = used.count;
        if (p->kind.idle_max)
                churn(p, served, rate * each, &used, to);
        if (load->leak != LEAK_NONE)
                leaks = random_binomial(&p->random, served, load->leak_chance);
        settle(p, to, load, &used, MIN(busy, served), MIN(leaks, used.count));
        p->flow.served += served + slow + before - p->busy;
}
