/* Services that are the cause: by their deployment, their load, or themselves. */
#include "coordinator/roots_internal.h"

#include <math.h>
#include <stdio.h>

#define A_LITTLE 0.15 /* a seventh longer */
#define MORE_ASKED 1.6
#define MORE 2.0 /* load from outside, times the usual */

/* Whether requests of one reach the other, along calls. */
static bool calls_reach(struct walk *w, const struct service *from, const struct service *to)
{
        bool more = true;

        if (from == to)
                return true;
        for (uint32_t i = 0; i < w->copies_count; i++)
                w->copies[i].mark = w->copies[i].service == from;
        while (more) {
                more = false;
                for (uint32_t i = 0; i < w->calls_count; i++) {
                        struct copy *c;

                        if (!w->calls[i].from->mark || w->calls[i].server->external)
                                continue;
                        if (w->calls[i].server == to)
                                return true;
                        c = w->calls[i].to;
                        if (c && !c->mark)
                                c->mark = more = true;
                }
                for (uint32_t i = 1; i < w->copies_count; i++)
                        if (w->copies[i].service == w->copies[i - 1].service && w->copies[i].mark != w->copies[i - 1].mark)
                                w->copies[i].mark = w->copies[i - 1].mark = true;
        }
        return false;
}

/* More comes to it because more comes to another. */
static bool load_explains(struct walk *w, const struct copy *c)
{
        for (uint32_t k = 0; k < w->roots_count; k++)
                if (w->roots[k].kind == CAUSE_LOAD && c->growth > 1.4 && calls_reach(w, w->roots[k].service, c->service))
                        return true;
        return false;
}

void roots_find_loads(struct walk *w)
{
        for (uint32_t i = 0; i < w->copies_count;) {
                const struct copy *first = &w->copies[i];
                struct pair_flow all = { 0 };
                double growth;
                struct root *r;

                for (; i < w->copies_count && w->copies[i].service == first->service; i++)
                        pair_add(&all, &w->copies[i].outside);
                growth = flow_per_cell(all.now.received, &all.now) / fmax(flow_per_cell(all.usual.received, &all.usual), 1);
                if (all.usual.cells < 3 || all.now.cells < PULSE_NOW || growth < MORE || all.now.answers < 20)
                        continue;
                r = walk_add(w, CAUSE_LOAD, 0.96);
                if (!r)
                        return;
                r->service = first->service;
                r->value = growth;
                snprintf(r->why, sizeof(r->why), "%.1f times as much comes to %s from outside as half an hour before", growth,
                         r->service->name);
        }
        for (uint32_t i = 0; i < w->copies_count; i++)
                w->copies[i].by_load = w->copies[i].bad && load_explains(w, &w->copies[i]);
}

static const struct deployment *deployed(const struct core *core, const struct service *s, int64_t from)
{
        for (uint32_t k = core->deployments.count; k-- > 0;) {
                const struct deployment *d = core->deployments.items[k];

                if (d->service == s->text && d->observed && d->at >= from)
                        return d;
        }
        return NULL;
}

/* Whether the deployment reached a copy that is well: then what is sick is so for another reason. */
static bool is_well_where_deployed(const struct copy *from, const struct copy *to, const struct deployment *d)
{
        for (const struct copy *c = from; c < to; c++)
                if (c->measured && !c->bad && deployment_has_reached(d, c->host->name))
                        return true;
        return false;
}

void roots_find_services(struct core *core, struct walk *w)
{
        for (uint32_t i = 0; i < w->copies_count;) {
                const struct copy *first = &w->copies[i];
                struct service *s = first->service;
                uint32_t bad = 0, there = 0, by_host = 0, explained = 0, little = 0;
                double worst = 0, share = 0, calls_late = 0, least_growth = INFINITY;
                bool by_requests;
                const struct deployment *d;
                bool refuses = false, crashes = false;
                struct root *r;

                for (; i < w->copies_count && w->copies[i].service == s; i++) {
                        const struct copy *c = &w->copies[i];

                        there += c->measured || c->bad;
                        if (!c->bad && c->slower > A_LITTLE && !c->explained && !c->by_load) {
                                little++;
                                worst = fmax(worst, c->slower);
                        }
                        if (!c->bad || c->by_load)
                                continue;
                        by_host += c->by_host;
                        explained += c->explained && !c->refused && !c->crashes; /* who waits for another does neither */
                        bad++;
                        worst = fmax(worst, c->slower);
                        least_growth = fmin(least_growth, c->growth);
                        refuses = refuses || c->refused;
                        crashes = crashes || c->crashes;
                        calls_late = fmax(calls_late, c->late);
                }
                d = bad + little > 0 ? deployed(core, s, core->now - (PULSE_USUAL + 1) * PULSE_CELL) : NULL;
                if (d && bad > 0 && by_host == bad && is_well_where_deployed(first, &w->copies[i], d))
                        continue;
                share = there ? (double)(bad - by_host) / there : 0;
                /* A little counts where all that was deployed shows it, and nothing else is wrong there. */
                if (bad == 0 && d && little == there && (r = walk_add(w, CAUSE_DEPLOYMENT, 0.72)) != NULL) {
                        r->service = s;
                        r->deployment = d;
                        r->value = exp(worst);
                        snprintf(r->why, sizeof(r->why), "%s takes %.2f times as long on all of its %u hosts", s->name, exp(worst),
                                 there);
                }
                if (bad == 0 || (explained == bad && !d) || (by_host == bad && !d))
                        continue;
                /* More is asked of it, and not because it does not answer. */
                by_requests = !d && !refuses && !crashes && calls_late <= LATE && least_growth > MORE_ASKED;
                r = walk_add(w,
                             d             ? CAUSE_DEPLOYMENT
                             : by_requests ? CAUSE_LOAD
                                           : CAUSE_DEPENDENCY,
                             (by_requests ? 0.7 : 1) * (d ? 0.95 : 0.6 + 0.3 * share) *
                                     (explained == 0    ? 1
                                      : explained < bad ? 0.8
                                                        : 0.6) *
                                     (by_host && !d ? 0.6 : 1));
                if (!r)
                        return;
                r->service = s;
                r->deployment = d;
                r->value = exp(worst);
                if (refuses)
                        snprintf(r->why, sizeof(r->why),
                                 "%s refuses its clients on %u of %u hosts, and waits for nothing that does", s->name, bad, there);
                else if (crashes)
                        snprintf(r->why, sizeof(r->why), "%s ends with an error and is started again, over and over", s->name);
                else if (worst > SLOWER)
                        snprintf(r->why, sizeof(r->why), "%s takes %.1f times as long on %u of %u hosts%s", s->name, exp(worst),
                                 bad, there, explained ? "" : ", and waits for nothing that does");
                else
                        snprintf(r->why, sizeof(r->why), "%s leaves %.0f in a hundred requests of its clients without an answer",
                                 s->name, 100 * calls_late);
        }
}
