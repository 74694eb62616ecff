/* Incidents that are found along the graph: one for each root, however many show its symptoms. */
#include "coordinator/incident.h"
#include "coordinator/roots.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TWICE (3 * 120 * NSEC_PER_SEC) /* between the first sight of a root and the second */
#define TOGETHER (600 * NSEC_PER_SEC)  /* an onset is told so roughly */
#define SURE 0.85
#define LIKELY 0.7

/* What tells one root from another. */
struct root_name {
        uint64_t kind, service, host, other;
};

static struct root_name name_of(const struct root *r)
{
        bool place = r->kind == CAUSE_HOST || r->kind == CAUSE_NETWORK;
        uintptr_t host = place ? (uintptr_t)r->host : 0, other = place ? (uintptr_t)r->other : 0;

        return (struct root_name){ .kind = place ? (uint64_t)r->kind : CAUSE_ANY,
                                   .service = place ? 0 : (uintptr_t)r->service,
                                   .host = MIN(host, other) ? MIN(host, other) : host,
                                   .other = MAX(host, other) };
}

static bool seen_before(struct core *core, const struct root *r)
{
        struct root_name name = name_of(r);
        uint64_t hash = hash_bytes(&core->hash_key, &name, sizeof(name));
        struct root_seen *oldest = &core->roots_seen[0];

        for (size_t i = 0; i < ARRAY_SIZE(core->roots_seen); i++) {
                struct root_seen *s = &core->roots_seen[i];

                if (s->hash == hash && s->at) {
                        bool before = s->at + TWICE >= core->now;

                        s->at = core->now;
                        return before;
                }
                if (s->at < oldest->at)
                        oldest = s;
        }
        *oldest = (struct root_seen){ .hash = hash, .at = core->now };
        return false;
}

static bool stands_for(const struct incident *i, const struct root *r)
{
        if (!i->rooted || !incident_is_open(i))
                return false;
        if (r->kind == CAUSE_HOST || r->kind == CAUSE_NETWORK)
                return (i->root_host == r->host && i->root_other == r->other) ||
                       (i->root_host == r->other && i->root_other == r->host);
        return !i->root_host && (i->server ? i->server : i->service) == r->service;
}

static bool is_followed(const struct core *core, const struct root *r)
{
        for (uint32_t k = 0; k < core->incidents_count; k++)
                if (stands_for(core->incidents[k], r))
                        return true;
        return false;
}

static bool is_of(const struct root *r, const struct service *service)
{
        for (uint32_t n = 0; n < r->services_count; n++)
                if (r->services[n] == service)
                        return true;
        return false;
}

/* What was taken for a service by itself, before more of what runs on its host showed the same: it is the host's. */
static void adopt(struct core *core, const struct root *r)
{
        for (uint32_t k = 0; k < core->incidents_count; k++) {
                struct incident *i = core->incidents[k];

                if (i->rooted && incident_is_open(i) && !i->root_host && is_of(r, i->server ? i->server : i->service) &&
                    llabs(i->onset_at - r->onset) <= TOGETHER)
                        i->root_host = r->host;
        }
}

/* What an incident is called by its cause, or by what a signature found. */
static const struct signature *signature_of(const struct core *core, const struct root *r)
{
        switch (r->kind) {
        case CAUSE_DEPLOYMENT:
                return signatures_find(core->signatures, "bad-deployment");
        case CAUSE_NETWORK:
                return signatures_find(core->signatures, "packet-loss");
        default:
                return r->symptom ? r->symptom->symptom : NULL;
        }
}

/* What is not sure is one more symptom, unless there is nothing else that it could come from. */
static bool is_sure(const struct core *core, const struct root *roots, size_t own)
{
        if (roots[own].confidence >= SURE)
                return true;
        if (own > 0 || roots[own].confidence < LIKELY)
                return false;
        for (uint32_t k = 0; k < core->incidents_count; k++)
                if (core->incidents[k]->rooted && incident_is_open(core->incidents[k]))
                        return false;
        return true;
}

/* A service that runs out of something is slow in the end, and that is no other incident. */
static bool is_symptom(const struct core *core, const struct root *r)
{
        for (uint32_t k = 0; k < core->incidents_count; k++) {
                const struct incident *x = core->incidents[k];

                if (!x->rooted && incident_is_open(x) && (x->service == r->service || (x->server && x->server == r->service)))
                        return true;
        }
        return false;
}

static void go_on(struct core *core, struct incident *i, const struct root *roots, size_t count, size_t own)
{
        const struct root *r = &roots[own];

        i->rooted = true;
        i->onset_at = MIN(i->onset_at, r->onset);
        i->fired_at = core->now;
        i->caused_at = core->now;
        if (r->host)
                incident_add_subject(i, r->host, r->onset, core->now, r->value);
        if (r->symptom)
                incident_take_evidence(core, i, r->symptom);
        causes_of_root(core, i, roots, count, own);
}

static void follow(struct core *core, const struct root *roots, size_t count, size_t own)
{
        const struct root *r = &roots[own];
        const struct signature *s = signature_of(core, r);
        struct incident *i;

        if (!is_followed(core, r)) {
                if (!s || !r->service || !r->symptom || !is_sure(core, roots, own) || is_symptom(core, r) || !seen_before(core, r))
                        return;
                adopt(core, r);
        }
        if (!is_followed(core, r)) {
                i = incident_open(core, s, s->subject, r->client ? r->client : r->service, r->client ? r->service : NULL, r->port,
                                  r->onset);
                if (!i)
                        return;
                if (r->kind == CAUSE_HOST || r->kind == CAUSE_NETWORK) {
                        i->root_host = r->host;
                        i->root_other = r->other;
                }
                i->rooted = true;
        }
        for (uint32_t k = 0; k < core->incidents_count; k++)
                if (stands_for(core->incidents[k], r))
                        go_on(core, core->incidents[k], roots, count, own);
}

/* An incident that stands for it: by its root, or by what was found nearby before. */
static bool is_told(const struct core *core, const struct measured *m)
{
        for (uint32_t k = 0; k < core->incidents_count; k++) {
                const struct incident *i = core->incidents[k];
                const struct service *at = i->server ? i->server : i->service;

                /* A service that runs out of connections to another one is the server of those that wait for it. */
                if (incident_is_open(i) &&
                    (at == m->service || at == m->server || i->service == m->service || i->service == m->server) &&
                    (i->rooted || i->kind != m->kind || strcmp(i->signature->data, m->symptom->name) != 0))
                        return true;
        }
        return false;
}

/* Signatures that look for nothing but a deployment find nothing where none is to blame. */
static bool can_be(struct core *core, const struct measured *m)
{
        const struct signature *s = m->symptom;

        for (size_t k = 0; k < s->causes_count; k++)
                if (s->causes[k] != CAUSE_DEPLOYMENT && s->causes[k] != CAUSE_CONFIGURATION)
                        return true;
        return s->causes_count == 0 || causes_blame(core, m->service, m->symptom_since, m->host->name);
}

/* What a signature found and no root explains, for as long as it takes to find one twice. */
static void raise_others(struct core *core)
{
        for (uint32_t k = 0; k < core->measured_count; k++) {
                struct measured *m = core->measured[k];

                if (measured_is_of_graph(m->kind) && measured_has_symptom(core, m) && m->symptom_since + TWICE <= core->now &&
                    m->explained_at + TWICE < core->now && can_be(core, m) && !is_told(core, m))
                        incident_raise(core, m);
        }
}

bool incidents_follow_roots(struct core *core, uint32_t *cursor)
{
        struct root roots[ROOTS_MAX];
        size_t count;

        (void)cursor;
        if (!core->signatures)
                return false;
        count = roots_find(core, roots, ARRAY_SIZE(roots));
        for (size_t k = 0; k < count; k++)
                follow(core, roots, count, k);
        raise_others(core);
        return false;
}
