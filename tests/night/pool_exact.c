/* One request after the other. */
#include "tests/night/pool.h"

#include <math.h>

static int first_done(const struct pool *p, double *ret_at)
{
        uint32_t left = p->busy;
        int best = -1;

        *ret_at = INFINITY;
        for (uint32_t i = 0; i < p->slots && left > 0; i++) {
                if (p->conns[i].state != CONN_BUSY)
                        continue;
                left--;
                if (p->conns[i].until < *ret_at) {
                        *ret_at = p->conns[i].until;
                        best = (int)i;
                }
        }
        return best;
}

static bool start(struct pool *p, double now, const struct pool_load *load)
{
        bool slow = random_chance(&p->random, load->slow_share);
        int slot;

        if (p->kind.chores == 0)
                pool_reap(p, now);
        slot = pool_acquire(p, now);
        if (slot < 0)
                return false;
        p->conns[slot].until = now + duration_draw(&p->random, slow ? &load->slow : &load->service);
        return true;
}

/* What waits longer than its patience has failed; one that came is about as likely to be any of them. */
static void give_up(struct pool *p, double step)
{
        uint32_t gone = random_binomial(&p->random, p->waiting, 1 - exp(-step / fmax(p->kind.patience, 1)));

        p->waiting -= gone;
        p->flow.failed += gone;
}

void pool_exact(struct pool *p, double to, const struct pool_load *load)
{
        double gap = load->rate > 0 ? 1 / load->rate : INFINITY, done;
        double next = load->rate > 0 ? p->now + random_exponential(&p->random, gap) : INFINITY;
        int slot = first_done(p, &done);

        if (p->waiting)
                give_up(p, to - p->now);
        while (p->waiting && start(p, p->now, load))
                p->waiting--;
        slot = first_done(p, &done);
        for (;;) {
                if (done <= to && done <= next) {
                        double at = fmax(done, p->now);

                        p->flow.served++;
                        if (load->leak != LEAK_NONE && random_chance(&p->random, load->leak_chance))
                                pool_leak(p, (uint32_t)slot, load->leak, at);
                        else
                                pool_release(p, (uint32_t)slot, at);
                        if (p->waiting && start(p, at, load))
                                p->waiting--;
                        slot = first_done(p, &done);
                } else if (next <= to) {
                        p->flow.requests++;
                        if (!start(p, next, load))
                                p->waiting++;
                        next += random_exponential(&p->random, gap);
                        slot = first_done(p, &done);
                } else {
                        break;
                }
        }
}
