#include "coordinator/scenes.h"
#include "coordinator/action_names.h"
#include "coordinator/host_actions.h"
#include "coordinator/incident.h"
#include "coordinator/scenes_internal.h"
#include "coordinator/utf8.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct seen {
        struct scene scene;
        struct situation *situations;
        struct reading *readings;
};

void seen_free(struct seen **ret_seen)
{
        struct seen *seen = *ret_seen;

        if (!seen)
                return;
        for (uint32_t i = 0; i < seen->scene.situations_count; i++)
                free(seen->situations[i].instances);
        free(seen->situations);
        free(seen->readings);
        free(seen);
        *ret_seen = NULL;
}

uint64_t scenes_latest(const struct core *core)
{
        uint64_t latest = 0;

        for (uint32_t k = 0; k < core->incidents_count; k++)
                if (incident_is_open(core->incidents[k]))
                        latest = MAX(latest, core->incidents[k]->id);
        return latest;
}

struct scene *seen_scene(struct seen *seen)
{
        return &seen->scene;
}

static void name(char *to, size_t size, const char *from)
{
        snprintf(to, size, "%s", from);
        utf8_clean(to);
}

static const char *label(const struct host *h, const char *key)
{
        for (uint32_t i = 0; i + 1 < h->labels_count; i += 2)
                if (strcmp(h->labels[i]->data, key) == 0)
                        return h->labels[i + 1]->data;
        return "";
}

static bool shows(const struct incident *i, const struct host *h, const struct host_process *p)
{
        for (uint32_t k = 0; k < i->subjects_count; k++) {
                const struct incident_subject *s = &i->subjects[k];
                int64_t apart = s->started - p->row.started;

                if (s->host == h->name && (s->pid == 0 || (s->pid == p->row.pid && apart < NSEC_PER_SEC && apart > -NSEC_PER_SEC)))
                        return true;
        }
        return false;
}

/* Builds of those that show it: what runs one of them runs what was deployed. */
static bool runs_the_same(const struct incident *i, const struct host_process *p)
{
        for (uint32_t k = 0; k < i->subjects_count; k++)
                if (i->subjects[k].build && i->subjects[k].build == p->build)
                        return true;
        return false;
}

/* No other process of its unit or container runs there. */
static bool is_alone(const struct host *h, const struct host_process *p)
{
        for (uint32_t i = 0; i < h->processes_count; i++) {
                const struct host_process *other = &h->processes[i];

                if (other != p && other->identity && other->identity->service == p->identity->service &&
                    other->identity->instance == p->identity->instance)
                        return false;
        }
        return true;
}

static void add_permits(const struct host *h, const struct identity *identity, struct instance *x)
{
        const struct host_permit *permit = host_permit_find(h, identity);

        if (!permit || h->actions->stopped)
                return;
        x->permits = permit->kinds;
        x->restart_safe = permit->restart_safe;
        x->barriers = permit->barriers;
}

static void add_bounds(const struct scene_rows *rows, const struct incident *i, const struct signature *g, const struct host *h,
                       const struct host_process *p, struct instance *x)
{
        for (size_t r = 0; r < ARRAY_SIZE(x->bounds); r++)
                x->bounds[r] = NAN;
        for (size_t r = 0; g && x->sick && r < g->remedies_count; r++) {
                struct signature_item predicts = g->remedies[r].predicts;

                predicts.signal = scenes_signal(i, &predicts);
                x->bounds[r] = scenes_bound(rows, &predicts, h, p);
        }
}

/* Where nothing shows yet, it has to stay as little as where it shows is to become. */
static void even_bounds(struct situation *s)
{
        for (uint32_t r = 0; r < s->remedies_count; r++) {
                double most = NAN;

                for (uint32_t k = 0; k < s->instances_count; k++)
                        if (s->instances[k].sick)
                                most = fmax(most, s->instances[k].bounds[r]);
                for (uint32_t k = 0; k < s->instances_count; k++)
                        if (!s->instances[k].sick)
                                s->instances[k].bounds[r] = most;
        }
}

static int add_instances(const struct core *core, const struct incident *i, const struct signature *g, bool deployed, int64_t now,
                         struct situation *s)
{
        struct scene_rows rows;

        s->instances = calloc(SITUATION_INSTANCES_MAX, sizeof(*s->instances));
        if (!s->instances || scenes_gather(core, i, &rows) < 0)
                return -ENOMEM;
        for (uint32_t k = 0; k < core->hosts_count; k++) {
                const struct host *h = core->hosts[k];

                for (uint32_t n = 0; n < h->processes_count; n++) {
                        const struct host_process *p = &h->processes[n];
                        struct instance *x;

                        if (!p->identity || p->identity->service != i->service)
                                continue;
                        if (s->instances_count == SITUATION_INSTANCES_MAX) {
                                s->instances_left_out++;
                                continue;
                        }
                        x = &s->instances[s->instances_count++];
                        name(x->host, sizeof(x->host), h->name->data);
                        name(x->boot_id, sizeof(x->boot_id), h->boot_id ? h->boot_id->data : "");
                        name(x->build, sizeof(x->build), p->build ? p->build->data : "");
                        name(x->zone, sizeof(x->zone), label(h, "zone"));
                        name(x->environment, sizeof(x->environment), label(h, "environment"));
                        x->host_number = h->number;
                        x->pid = p->row.pid;
                        x->started = p->row.started;
                        x->sick = shows(i, h, p);
                        x->condemned = deployed && runs_the_same(i, p);
                        x->fresh = host_fresh(core, h) && host_complete(core, h, now - 60 * NSEC_PER_SEC, h->heard);
                        x->alone = is_alone(h, p);
                        add_permits(h, p->identity, x);
                        add_bounds(&rows, i, g, h, p, x);
                }
        }
        free(rows.rows);
        even_bounds(s);
        return 0;
}

static void add_cause(const struct core *core, const struct incident *i, struct situation *s)
{
        const struct incident_cause *c = NULL;
        const struct deployment *d;

        for (uint32_t k = 0; k < i->causes_count; k++) {
                const struct incident_cause *x = &i->causes[k];

                if (x->ruled_out)
                        continue;
                if (!c)
                        c = x;
                else if (c->kind == CAUSE_DEPLOYMENT && x->kind == CAUSE_DEPLOYMENT && 2 * x->confidence >= c->confidence)
                        s->two_causes = true;
        }
        if (!c)
                return;
        name(s->cause, sizeof(s->cause), cause_name(c->kind));
        name(s->cause_ref, sizeof(s->cause_ref), c->ref ? c->ref->data : "");
        s->confidence = c->confidence;
        s->cause_key = situation_key(s->cause) * 31 + situation_key(s->cause_ref) + c->deployment;
        d = c->kind == CAUSE_DEPLOYMENT && c->deployment ? deployment_find(core, c->deployment) : NULL;
        if (d && d->service == i->service->text) {
                name(s->from_build, sizeof(s->from_build), d->from ? d->from->data : "");
                name(s->to_build, sizeof(s->to_build), d->to ? d->to->data : "");
                s->deployed_at = d->at;
        }
}

static void add_remedies(const struct incident *i, const struct signature *g, struct situation *s)
{
        for (size_t k = 0; k < g->remedies_count; k++) {
                const struct signature_remedy *r = &g->remedies[k];
                struct situation_remedy *x = &s->remedies[s->remedies_count++];
                struct signature_item predicts = r->predicts;

                predicts.signal = scenes_signal(i, &predicts);
                name(x->action, sizeof(x->action), r->action);
                x->wants_cause = r->needs != CAUSE_ANY && strcmp(s->cause, cause_name(r->needs)) != 0;
                name(x->predicts.signal, sizeof(x->predicts.signal), signal_name(predicts.signal));
                scenes_describe(&predicts, x->predicts.says, sizeof(x->predicts.says));
                x->predicts.rises = predicts.shape == SHAPE_ABOVE;
                x->predicts.within = predicts.within;
        }
}

/* Nothing is missing of what shows it. */
static bool is_complete(const struct core *core, const struct incident *i)
{
        for (uint32_t k = 0; k < i->evidence_count; k++) {
                const struct incident_evidence *e = &i->evidence[k];
                const struct host *h = e->host ? host_find(core, e->host->data) : NULL;
                int64_t skew;

                if (e->against || e->finding.to == 0)
                        continue;
                if (!h)
                        return false;
                skew = host_skew(h);
                if (!host_complete(core, h, e->finding.from + skew, e->finding.to + skew))
                        return false;
        }
        return true;
}

static int add(const struct core *core, const struct incident *i, int64_t now, struct situation *s)
{
        const struct signature *g = core->signatures ? signatures_find(core->signatures, i->signature->data) : NULL;

        *s = (struct situation){
                .incident = i->id, .opened_at = i->opened_at, .seen_at = i->fired_at, .complete = is_complete(core, i)
        };
        name(s->signature, sizeof(s->signature), i->signature->data);
        name(s->title, sizeof(s->title), i->title->data);
        name(s->service, sizeof(s->service), i->service->name);
        s->service_key = situation_key(i->service->name);
        /* Without a named cause, what one service shows at a time is taken for one. */
        s->cause_key = s->service_key;
        add_cause(core, i, s);
        if (g) {
                memcpy(s->signature_digest, g->digest, DIGEST_SIZE);
                add_remedies(i, g, s);
        }
        scenes_cone(core, i->service, s);
        return add_instances(core, i, g, s->from_build[0] != '\0', now, s);
}

static int add_readings(const struct core *core, const struct acting *acting, struct seen *seen)
{
        uint32_t wanted = 0;

        for (size_t k = 0; acting && k < acting_count(acting); k++)
                if (acting_get(acting, k)->state == REMEDY_APPLIED)
                        wanted += acting_get(acting, k)->count;
        seen->readings = calloc(MAX(wanted, 1u), sizeof(*seen->readings));
        if (!seen->readings)
                return -ENOMEM;
        for (size_t k = 0; acting && k < acting_count(acting); k++) {
                const struct remedy *m = acting_get(acting, k);

                for (uint32_t t = m->from; m->state == REMEDY_APPLIED && t < m->from + m->count; t++)
                        scenes_read(core, m, t, &seen->readings[seen->scene.readings_count++]);
        }
        seen->scene.readings = seen->readings;
        return 0;
}

int seen_new(const struct core *core, const struct acting *acting, int64_t now, struct seen **ret_seen)
{
        struct seen *seen = calloc(1, sizeof(*seen));
        uint32_t open = 0;
        int r = seen ? 0 : -ENOMEM;

        for (uint32_t k = 0; k < core->incidents_count; k++)
                open += incident_is_open(core->incidents[k]);
        if (r == 0)
                seen->situations = calloc(MAX(open, 1u), sizeof(*seen->situations));
        if (r == 0 && !seen->situations)
                r = -ENOMEM;
        for (uint32_t k = 0; k < core->incidents_count && r == 0; k++)
                if (incident_is_open(core->incidents[k]))
                        r = add(core, core->incidents[k], now, &seen->situations[seen->scene.situations_count++]);
        if (r == 0)
                r = add_readings(core, acting, seen);
        if (r < 0) {
                seen_free(&seen);
                return r;
        }
        seen->scene.situations = seen->situations;
        for (uint32_t k = 0; k < core->hosts_count; k++)
                seen->scene.hosts_count += host_fresh(core, core->hosts[k]);
        *ret_seen = seen;
        return 0;
}
