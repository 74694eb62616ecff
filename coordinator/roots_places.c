/* Networks and hosts that are the cause. */
#include "coordinator/roots_internal.h"

#include <math.h>
#include <stdio.h>

#define WORSE 0.7 /* than the same service elsewhere: twice as much */

void roots_find_networks(struct walk *w)
{
        for (uint32_t i = 0; i < w->calls_count; i++) {
                struct call *k = &w->calls[i];
                struct pair_flow both = { 0 };
                struct root *r;

                if (!k->loses || !k->to || k->counted || k->to->host == k->from->host)
                        continue;
                for (uint32_t n = i; n < w->calls_count; n++) {
                        struct call *o = &w->calls[n];

                        if (!o->to || !((o->from->host == k->from->host && o->to->host == k->to->host) ||
                                        (o->from->host == k->to->host && o->to->host == k->from->host)))
                                continue;
                        o->counted = true;
                        o->loses = true;
                        pair_add(&both, &o->flow);
                }
                r = walk_add(w, CAUSE_NETWORK, 0.97);
                if (!r)
                        return;
                r->host = k->from->host;
                r->other = k->to->host;
                r->service = k->to->service;
                r->client = k->from->service;
                r->port = k->port;
                r->value = both.now.retransmits / fmax(flow_segments(&both.now), 1);
                snprintf(r->why, sizeof(r->why),
                         "%.0f segments in a hundred are sent again between %s and %s, and elsewhere they are not",
                         100 * both.now.retransmits / fmax(flow_segments(&both.now), 1), r->host->name->data, r->other->name->data);
        }
}

/* Of the same service on other hosts: the median of how much slower it is; false if none is measured. */
static bool siblings(const struct walk *w, const struct copy *c, double *ret_slower)
{
        double values[64];
        uint32_t n = 0;

        for (const struct copy *k = c; k >= w->copies && k->service == c->service; k--)
                if (k != c && k->measured && n < ARRAY_SIZE(values))
                        values[n++] = k->slower;
        for (const struct copy *k = c + 1; k < w->copies + w->copies_count && k->service == c->service; k++)
                if (k->measured && n < ARRAY_SIZE(values))
                        values[n++] = k->slower;
        for (uint32_t i = 1; i < n; i++)
                for (uint32_t k = i; k > 0 && values[k] < values[k - 1]; k--) {
                        double v = values[k];

                        values[k] = values[k - 1];
                        values[k - 1] = v;
                }
        *ret_slower = n ? values[n / 2] : NAN;
        return n > 0;
}

static bool is_bad_elsewhere(const struct walk *w, const struct copy *c)
{
        const struct copy *k = c, *end = w->copies + w->copies_count;

        while (k > w->copies && k[-1].service == c->service)
                k--;
        for (; k < end && k->service == c->service; k++)
                if (k->host != c->host && k->bad)
                        return true;
        return false;
}

/* Three that are slow here and not elsewhere are no chance, though some that run beside them are well, since they hardly
 * do anything by themselves. */
static bool stand_out(uint32_t elsewhere, uint32_t bad, uint32_t well)
{
        return elsewhere >= 3 && bad > well;
}

/* What speaks for a host: copies that are slow without waiting for anybody, or slower than the same elsewhere. */
void roots_find_hosts(struct core *core, struct walk *w)
{
        for (uint32_t n = 0; n < core->hosts_count; n++) {
                struct host *h = core->hosts[n];
                uint32_t bad = 0, well = 0, elsewhere = 0, there = 0;
                struct root *r;

                for (uint32_t i = 0; i < w->copies_count; i++) {
                        struct copy *c = &w->copies[i];
                        double other;
                        bool has;

                        if (c->host != h || (!c->measured && !c->bad))
                                continue;
                        has = siblings(w, c, &other);
                        there++;
                        well += c->measured && c->slower < SLOWER;
                        /* What waits over a lossy way is slow here and not elsewhere, and by the way. */
                        if (c->slower <= SLOWER || c->by_load || c->lossy || (has ? c->slower < other + WORSE : c->explained))
                                continue;
                        c->of_host = true;
                        bad++;
                        elsewhere += has;
                }
                if (bad == 0 || (well * 3 > bad && !stand_out(elsewhere, bad, well)) ||
                    (bad == 1 && !(elsewhere == 1 && there <= 2)))
                        continue;
                r = walk_add(w, CAUSE_HOST, well * 3 > bad ? 0.91 : elsewhere + bad >= 3 ? 0.945 : bad == 1 ? 0.84 : 0.85);
                if (!r)
                        return;
                r->host = h;
                snprintf(r->why, sizeof(r->why),
                         "%u of the %u services on %s are slow by themselves, and %u of them are not elsewhere", bad, there,
                         h->name->data, elsewhere);
                for (uint32_t i = 0; i < w->copies_count; i++) {
                        struct copy *c = &w->copies[i];

                        if (c->host != h)
                                continue;
                        c->by_host = c->by_host || c->of_host || (c->bad && !c->explained);
                        if ((c->by_host || c->bad) && r->services_count < ROOT_SERVICES_MAX && !is_bad_elsewhere(w, c))
                                r->services[r->services_count++] = c->service;
                }
        }
}
