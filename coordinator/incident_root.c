/* Incidents that are found along the graph: one for each root, however many show its symptoms. */
#include "coordinator/incident.h"
#include "coordinator/roots.h"

#include <math.h>
#include <string.h>

#define TWICE (3 * 120 * NSEC_PER_SEC) /* between the first sight of a root and the second */
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

static struct incident *find(const struct core *core, const struct root *r)
{
        for (uint32_t k = core->incidents_count; k-- > 0;) {
                struct incident *i = core->incidents[k];
                bool place = r->kind == CAUSE_HOST || r->kind == CAUSE_NETWORK;

                if (!i->rooted || !incident_is_open(i))
                        continue;
                if (place ? (i->root_host == r->host && i->root_other == r->other) ||
                                    (i->root_host == r->other && i->root_other == r->host)
                          : !i->root_host && (i->server ? i->server : i->service) == r->service)
                        return i;
        }
        return NULL;
}

static void add_evidence(struct core *core, struct incident *i, const struct root *r)
{
        bool lossy = r->kind == CAUSE_NETWORK;
        enum signal signal = lossy ? SIGNAL_RETRANSMITS : r->kind == CAUSE_LOAD ? SIGNAL_RECEIVED : SIGNAL_TURNAROUND_P50;

        if (!i->evidence)
                i->evidence = core_alloc(core, sizeof(*i->evidence));
        if (!i->evidence)
                return;
        i->evidence_count = 1;
        if (!i->evidence->host)
                i->evidence->host = text_ref(r->host ? r->host->name : r->service->text);
        i->evidence->signal = signal;
        i->evidence->item = (struct signature_item){ .signal = signal, .shape = SHAPE_ABOVE };
        i->evidence->finding = (struct finding){ .verdict = VERDICT_YES,
                                                 .from = core->now - 6 * 60 * NSEC_PER_SEC,
                                                 .to = core->now,
                                                 .first = NAN,
                                                 .last = r->value,
                                                 .reference = lossy ? 0 : 1 };
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

static void follow(struct core *core, const struct root *roots, size_t count, size_t own)
{
        const struct root *r = &roots[own];
        const struct signature *s = signatures_find(core->signatures, r->signature);
        struct incident *i = find(core, r);

        if (!i && (!s || !r->service || (!r->serious && r->kind != CAUSE_NETWORK) || !is_sure(core, roots, own) ||
                   is_symptom(core, r) || !seen_before(core, r)))
                return;
        if (!i)
                i = incident_open(core, s, s->subject, r->client ? r->client : r->service, r->client ? r->service : NULL, r->port,
                                  r->onset);
        if (!i)
                return;
        if (!i->rooted && (r->kind == CAUSE_HOST || r->kind == CAUSE_NETWORK)) {
                i->root_host = r->host;
                i->root_other = r->other;
        }
        i->rooted = true;
        i->onset_at = MIN(i->onset_at, r->onset);
        i->fired_at = core->now;
        i->caused_at = core->now;
        if (r->host)
                incident_add_subject(i, r->host, r->onset, core->now, r->value);
        add_evidence(core, i, r);
        causes_of_root(core, i, roots, count, own);
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
        return false;
}
