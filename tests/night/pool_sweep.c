/* The rules of bpf/pool.h, connection by connection in the order of their file numbers. */
#include "tests/night/pool.h"

#include <math.h>

#define TURNS_KEPT 31

/* None of those that came back had waited for half as long. */
static bool is_late(const struct conn *c, uint32_t returned_after)
{
        return returned_after < TURNS_KEPT && c->turns >= MIN(3 + 2 * returned_after, (uint32_t)TURNS_KEPT);
}

/* What the last sweep found of all counts in this one. */
static void begin(struct pool *p)
{
        p->swept.turn += p->swept.used;
        p->swept.turned = p->swept.open > 0 && p->swept.turn >= p->swept.open;
        if (p->swept.turned)
                p->swept.turn -= p->swept.open;
        p->swept.deepest_before = p->swept.deepest;
        p->swept.deepest = INFINITY;
        p->swept.open = p->swept.used = 0;
}

struct pool_swept pool_sweep(struct pool *p, double now)
{
        struct pool_swept swept = { 0 };

        begin(p);
        for (uint32_t i = 0; i < p->slots; i++) {
                struct conn *c = &p->conns[i];

                if (c->state == CONN_FREE)
                        continue;
                p->swept.open += c->state != CONN_HALF;
                if (!c->met || c->touched) {
                        p->swept.used++;
                        if (c->met) {
                                if (!c->busy_seen)
                                        p->swept.deepest = fmin(p->swept.deepest, c->quiet);
                                for (int k = 0; k < 2; k++)
                                        if (k ? c->held : c->passed)
                                                p->swept.returned_after[k] = MAX(p->swept.returned_after[k], c->turns);
                        }
                        c->passed = false;
                        c->turns = 0;
                        if (c->met && c->held)
                                p->swept.reused++;
                        c->held = false;
                        c->met = true;
                        c->touched = false;
                        c->busy_seen = c->state == CONN_BUSY;
                        c->quiet = now;
                }
                if (c->state == CONN_HALF) {
                        swept.close_wait++;
                } else if (c->busy_seen) {
                        swept.busy++;
                } else {
                        swept.idle++;
                        if (!c->held && c->quiet < p->swept.opened) {
                                c->held = true;
                                p->swept.held_ever++;
                        }
                        swept.held += c->held;
                        if ((c->passed || c->held) && p->swept.turned && c->turns < TURNS_KEPT)
                                c->turns++;
                        if (!c->passed && c->quiet < p->swept.at && c->quiet > p->swept.deepest_before) {
                                c->passed = true;
                                c->turns = 0;
                        }
                        swept.skipped += c->passed && is_late(c, p->swept.returned_after[0]);
                        swept.overdue += c->held && is_late(c, p->swept.returned_after[1]);
                }
                if (isnan(p->swept.opened) || c->opened > p->swept.opened)
                        p->swept.opened = c->opened;
        }
        p->swept.at = now;
        return swept;
}

void pool_forget(struct pool *p)
{
        for (uint32_t i = 0; i < p->slots; i++)
                p->conns[i].met = p->conns[i].held = p->conns[i].passed = false;
        p->swept.held_ever = p->swept.reused = 0;
        p->swept.opened = NAN;
        p->swept.at = -INFINITY;
        p->swept.deepest = INFINITY;
        p->swept.open = p->swept.used = p->swept.turn = 0;
        p->swept.returned_after[0] = p->swept.returned_after[1] = 0;
}
