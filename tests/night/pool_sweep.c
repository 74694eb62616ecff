/* The rules of bpf/pool.h, connection by connection in the order of their file numbers. */
#include "tests/night/pool.h"

#include <math.h>

struct pool_swept pool_sweep(struct pool *p, double now)
{
        struct pool_swept swept = { 0 };

        for (uint32_t i = 0; i < p->slots; i++) {
                struct conn *c = &p->conns[i];

                if (c->state == CONN_FREE)
                        continue;
                if (!c->met || c->touched) {
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
                }
                if (isnan(p->swept.opened) || c->opened > p->swept.opened)
                        p->swept.opened = c->opened;
        }
        return swept;
}

void pool_forget(struct pool *p)
{
        for (uint32_t i = 0; i < p->slots; i++)
                p->conns[i].met = p->conns[i].held = false;
        p->swept.held_ever = p->swept.reused = 0;
        p->swept.opened = NAN;
}
