#include "tests/night/pool.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FEW 8

void pool_init(struct pool *p, const struct pool_kind *kind, const struct pool_limits *limits, uint64_t seed, double now)
{
        *p = (struct pool){ .kind = *kind, .now = now, .few = FEW, .starved_at = NAN, .retired_at = -INFINITY };
        if (limits)
                p->limits = *limits;
        pool_forget(p);
        random_seed(&p->random, seed, 0x706f6f6c);
        p->chores_at = now + kind->chores * random_unit(&p->random);
        if (kind->warm)
                while (pool_open(p) < kind->min && pool_connect(p, now) >= 0)
                        ;
}

void pool_reset(struct pool *p, double now)
{
        for (uint32_t i = p->slots; i-- > 0;)
                if (p->conns[i].state != CONN_FREE)
                        pool_close(p, i);
        p->waiting = 0;
        p->now = now;
        pool_forget(p);
        p->retired_at = -INFINITY;
        p->starved_at = NAN;
        if (p->kind.warm)
                while (pool_open(p) < p->kind.min && pool_connect(p, now) >= 0)
                        ;
}

void pool_free(struct pool *p)
{
        free(p->conns);
        free(p->idle);
        p->conns = NULL;
        p->idle = NULL;
}

uint32_t pool_open(const struct pool *p)
{
        return p->idle_count + p->busy + p->leaked + p->half;
}

static uint32_t slot_take(struct pool *p)
{
        while (p->lowest < p->slots && p->conns[p->lowest].state != CONN_FREE)
                p->lowest++;
        if (p->lowest < p->slots)
                return p->lowest;
        if (p->slots == p->size) {
                p->size = p->size ? p->size * 2 : 16;
                p->conns = reallocarray(p->conns, p->size, sizeof(*p->conns));
                p->idle = reallocarray(p->idle, p->size, sizeof(*p->idle));
                if (!p->conns || !p->idle)
                        abort();
        }
        p->conns[p->slots].state = CONN_FREE;
        return p->slots++;
}

static bool at_limit(struct pool *p)
{
        return p->limits.files && p->limits.files_max && *p->limits.files >= p->limits.files_max;
}

/* The new connection is idle and the last of the list. */
int pool_connect(struct pool *p, double now)
{
        uint32_t slot;

        if (p->kind.max && pool_open(p) - p->half >= p->kind.max) {
                if (p->leaked >= p->kind.max && isnan(p->starved_at))
                        p->starved_at = now;
                return -1;
        }
        if (at_limit(p)) {
                if (isnan(p->starved_at))
                        p->starved_at = now;
                return -1;
        }
        if (p->limits.server_open && p->limits.server_max && *p->limits.server_open >= p->limits.server_max) {
                p->flow.opened++;
                p->flow.closed++;
                p->flow.refused++;
                if (isnan(p->starved_at))
                        p->starved_at = now;
                return -1;
        }
        slot = slot_take(p);
        p->conns[slot] = (struct conn){ .state = CONN_IDLE, .touched = true, .opened = now, .used = now, .expires = INFINITY };
        if (p->kind.lifetime > 0)
                p->conns[slot].expires = now + p->kind.lifetime * (1 - p->kind.jitter * random_unit(&p->random));
        p->idle[p->idle_count++] = slot;
        p->flow.opened++;
        if (p->limits.server_open)
                ++*p->limits.server_open;
        if (p->limits.files)
                ++*p->limits.files;
        return (int)slot;
}

static void idle_remove(struct pool *p, uint32_t at)
{
        memmove(p->idle + at, p->idle + at + 1, (p->idle_count - at - 1) * sizeof(*p->idle));
        p->idle_count--;
}

void pool_close(struct pool *p, uint32_t slot)
{
        struct conn *c = &p->conns[slot];

        if (c->state == CONN_IDLE)
                for (uint32_t i = 0; i < p->idle_count; i++)
                        if (p->idle[i] == slot) {
                                idle_remove(p, i);
                                break;
                        }
        p->busy -= c->state == CONN_BUSY;
        p->leaked -= c->state == CONN_LEAKED;
        p->half -= c->state == CONN_HALF;
        if (p->limits.server_open && c->state != CONN_HALF)
                --*p->limits.server_open;
        if (p->limits.files)
                --*p->limits.files;
        c->state = CONN_FREE;
        p->lowest = MIN(p->lowest, slot);
        p->flow.closed++;
        while (p->slots > 0 && p->conns[p->slots - 1].state == CONN_FREE)
                p->slots--;
}

/* Which of the idle ones is next, or that a thread has none yet. */
static int next_idle(struct pool *p)
{
        if (p->kind.order == ORDER_BOUND && pool_open(p) < p->kind.max) {
                double without = (double)(p->kind.max - pool_open(p)) / (p->kind.max - p->busy);

                if (random_chance(&p->random, without))
                        return -1;
        }
        if (p->idle_count == 0)
                return -1;
        switch (p->kind.order) {
        case ORDER_LIFO:
                return (int)p->idle_count - 1;
        case ORDER_FIFO:
                return 0;
        default:
                return (int)random_below(&p->random, p->idle_count);
        }
}

int pool_acquire(struct pool *p, double now)
{
        int at = next_idle(p);
        uint32_t slot;

        if (at < 0) {
                if (pool_connect(p, now) < 0)
                        return -1;
                at = (int)p->idle_count - 1;
        }
        slot = p->idle[at];
        idle_remove(p, (uint32_t)at);
        p->conns[slot].state = CONN_BUSY;
        p->conns[slot].touched = true;
        p->busy++;
        return (int)slot;
}

void pool_release(struct pool *p, uint32_t slot, double now)
{
        struct conn *c = &p->conns[slot];

        c->used = now;
        c->touched = true;
        if ((p->kind.idle_max && p->idle_count >= p->kind.idle_max) || (c->expires <= now && p->kind.apart == 0)) {
                pool_close(p, slot);
                return;
        }
        p->busy--;
        c->state = CONN_IDLE;
        p->idle[p->idle_count++] = slot;
}

/* A busy one does not come back. */
void pool_leak(struct pool *p, uint32_t slot, enum leak_kind kind, double now)
{
        struct conn *c = &p->conns[slot];

        c->used = now;
        c->touched = true;
        p->busy--;
        p->flow.leaked++;
        if (kind == LEAK_HALF) {
                c->state = CONN_HALF;
                p->half++;
                if (p->limits.server_open)
                        --*p->limits.server_open;
        } else {
                c->state = CONN_LEAKED;
                p->leaked++;
        }
}

/* Ends what was idle or lived for too long, and makes up for it. */
void pool_reap(struct pool *p, double now)
{
        const struct pool_kind *k = &p->kind;

        if (k->chores > 0) {
                if (now < p->chores_at)
                        return;
                p->chores_at += k->chores * ceil((now - p->chores_at) / k->chores + 1e-9);
        }
        if (k->idle > 0)
                while (p->idle_count > 0 && p->conns[p->idle[0]].used + k->idle <= now && pool_open(p) - p->half > k->min)
                        pool_close(p, p->idle[0]);
        if (k->lifetime > 0)
                for (uint32_t i = p->idle_count; i-- > 0;)
                        if (p->conns[p->idle[i]].expires <= now && now - p->retired_at >= k->apart) {
                                p->retired_at = now;
                                pool_close(p, p->idle[i]);
                        }
        while (k->min && p->busy + p->idle_count < k->min && pool_connect(p, now) >= 0)
                ;
}

void pool_move(struct pool *p, double now, const struct pool_load *load)
{
        double expected = load->rate * (now - p->now);

        if (p->kind.order != ORDER_STREAMS && expected <= p->few)
                pool_exact(p, now, load);
        else
                pool_bulk(p, now, load);
        pool_reap(p, now);
        p->now = now;
}
