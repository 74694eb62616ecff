/* The rows of an agent's edges. Counters are what the simulation counted since the session began; what was
 * open then was adopted. Turnarounds are seen for one second in twenty. */
#include "tests/night/night_private.h"

#include <math.h>
#include <string.h>

#define DUTY 20.0

struct source *source_add(struct night *n, int host, enum source_kind kind, int instance, const char *service)
{
        struct host *h = &n->hosts[host];
        struct source *s = &h->sources[h->sources_count++];
        const struct plan_service *plan = &n->plan.services[kind == SOURCE_SERVER ? 0 : n->instances[instance].service];
        uint64_t pair = kind == SOURCE_INBOUND || kind == SOURCE_PROXY ? 1000 + (uint64_t)instance
                        : kind == SOURCE_SERVER                        ? 2000 + (uint64_t)instance
                                                                       : 2000 + (uint64_t)n->instances[instance].host;

        *s = (struct source){ .kind = kind, .instance = instance };
        s->pair = (n->plan.seed + 1) * UINT64_C(0x9e3779b97f4a7c15) ^ pair * UINT64_C(0xd1342543de82ef95);
        s->row.identity = host_identity(h, service, plan->executable, "");
        s->row.netns = 4026531840u;
        s->row.transport = TRANSPORT_TCP;
        s->row.role = kind == SOURCE_CLIENT || kind == SOURCE_PROXY ? ROLE_CLIENT : ROLE_SERVER;
        return s;
}

static void add_flow(struct summary_counters *c, const struct pool *p)
{
        const struct pool_flow *f = &p->flow;

        c->attempted += f->opened;
        c->opened += f->opened;
        c->closed += f->closed;
        c->sent += f->opened * 610 + f->served * 190;
        c->received += f->opened * 980 + f->served * 1450 - MIN(f->refused * 800, f->opened * 980);
}

static uint64_t totals(const struct night *n, const struct source *s, struct summary_counters *ret, uint32_t *ret_open)
{
        uint64_t served = 0;

        memset(ret, 0, sizeof(*ret));
        *ret_open = 0;
        for (int j = 0; j < n->instances_count; j++) {
                const struct instance *i = &n->instances[j];
                bool queries = s->kind == SOURCE_CLIENT ? j == s->instance : i->host == s->instance && i->service == 0;

                if (s->kind == SOURCE_INBOUND || s->kind == SOURCE_PROXY) {
                        if (j != s->instance)
                                continue;
                        add_flow(ret, &i->front);
                        *ret_open += pool_open(&i->front);
                        served += i->front.flow.served;
                        if (s->kind == SOURCE_PROXY) {
                                ret->attempted += i->refused;
                                ret->refused += i->refused;
                        }
                } else if (queries) {
                        for (int w = 0; w < i->plan->workers; w++) {
                                add_flow(ret, &i->workers[w].pool);
                                *ret_open += pool_open(&i->workers[w].pool);
                                served += i->workers[w].pool.flow.served;
                        }
                }
        }
        if (s->row.role == ROLE_SERVER) {
                uint64_t sent = ret->sent;

                ret->sent = ret->received;
                ret->received = sent;
                ret->attempted = ret->opened;
        }
        return served;
}

void source_begin(struct night *n, struct source *s, double now)
{
        struct summary_edge *e = &s->row;
        uint32_t open;

        s->served = totals(n, s, &s->seen, &open);
        memset(&e->counters, 0, sizeof(e->counters));
        memset(&e->rtt, 0, sizeof(e->rtt));
        memset(&e->turnaround, 0, sizeof(e->turnaround));
        e->counters.adopted = open;
        e->first_seen = e->last_seen = night_time(now);
}

static struct duration turnaround(const struct night *n, const struct source *s)
{
        const struct plan_service *plan = &n->plan.services[s->kind == SOURCE_SERVER ? 0 : n->instances[s->instance].service];
        struct duration d = plan->query;

        if (s->kind == SOURCE_INBOUND || s->kind == SOURCE_PROXY) {
                d.median += plan->own.median + n->instances[s->instance].front_extra;
                d.sigma = fmax(plan->own.sigma, 0.5);
        }
        if (s->row.role == ROLE_CLIENT)
                d.median += 0.0004;
        return d;
}

void source_read(struct night *n, struct host *h, struct source *s, double now)
{
        static const struct duration rtt = { 0.0003, 0.4 };
        struct summary_edge *e = &s->row;
        struct summary_counters c;
        uint32_t open, sampled;
        uint64_t served = totals(n, s, &c, &open);
        double seconds = floor((now + h->phase) / DUTY) - floor((h->at + h->phase) / DUTY);
        struct duration d = turnaround(n, s);

        if (c.attempted != s->seen.attempted || served != s->served || c.closed != s->seen.closed)
                e->last_seen = night_time(now + h->offset - random_unit(&h->random) * fmin(now - h->at, 1));
#define X(name) e->counters.name += c.name - s->seen.name;
        SUMMARY_COUNTERS(X)
#undef X
        if (random_chance(&h->random, 0.02))
                e->counters.retransmits += random_below(&h->random, 3);
        sampled = random_binomial(&h->random, (uint32_t)(served - s->served), fmin(1, seconds / fmax(now - h->at, 1)));
        duration_record(&h->random, &d, sampled, &e->turnaround);
        duration_record(&h->random, &rtt, (uint32_t)MIN(c.closed - s->seen.closed, (uint64_t)64), &e->rtt);
        s->seen = c;
        s->served = served;
}
