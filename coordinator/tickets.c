#include "coordinator/tickets.h"
#include "coordinator/acting.h"
#include "coordinator/graph.h"
#include "coordinator/incident.h"
#include "coordinator/log_index.h"

#include <stdlib.h>
#include <string.h>

#define WRITE_EVERY (5 * NSEC_PER_SEC)
#define RETRY_AFTER (10 * NSEC_PER_SEC)
#define KNOWN_MAX (2 * INCIDENTS_MAX)
_Static_assert(TICKET_FACTS_MAX >= INCIDENTS_MAX, "a fact for each incident");

struct known {
        uint64_t incident, revision, noted;
        int64_t opened_at, tried_at; /* monotonic; 0: never */
        bool has_ticket, failing;
};

struct tickets {
        struct known known[KNOWN_MAX]; /* in the order in which they came */
        size_t count;
        int64_t retry_at;
};

/* FNV-1a: it tells moves apart, and decides nothing else. */
static void mix(uint64_t *h, const void *data, size_t size)
{
        for (size_t i = 0; i < size; i++)
                *h = (*h ^ ((const uint8_t *)data)[i]) * UINT64_C(0x100000001b3);
}

static uint64_t revision(const struct incident *i, const struct acting *acting, const struct log_index *log)
{
        uint64_t h = UINT64_C(0xcbf29ce484222325), entries = log_index_count(log, i->id);
        bool named = i->causes_count && !i->causes[0].ruled_out;

        mix(&h, &i->opened_at, sizeof(i->opened_at));
        mix(&h, &i->state, sizeof(i->state));
        mix(&h, &entries, sizeof(entries));
        if (named) {
                mix(&h, &i->causes[0].kind, sizeof(i->causes[0].kind));
                if (i->causes[0].ref)
                        mix(&h, i->causes[0].ref->data, strlen(i->causes[0].ref->data));
        }
        for (size_t k = 0; k < acting_count(acting); k++) {
                const struct remedy *m = acting_get(acting, k);

                if (m->plan.incident == i->id) {
                        mix(&h, &m->id, sizeof(m->id));
                        mix(&h, &m->state, sizeof(m->state));
                        mix(&h, &m->verdict, sizeof(m->verdict));
                }
        }
        return h ? h : 1;
}

size_t ticket_facts(const struct core *core, const struct acting *acting, const struct log_index *log,
                    struct ticket_fact *ret_facts, size_t most)
{
        const struct incident *i;
        size_t n = 0;

        for (uint32_t k = 0; n < most && (i = incident_get(core, k)); k++)
                ret_facts[n++] = (struct ticket_fact){ .incident = i->id,
                                                       .opened_at = i->opened_at,
                                                       .open = incident_is_open(i),
                                                       .breach_at = i->has_breach ? i->breach.earliest : 0,
                                                       .service = i->service->name,
                                                       .signature = i->signature->data,
                                                       .revision = revision(i, acting, log) };
        return n;
}

int tickets_new(struct tickets **ret_tickets)
{
        *ret_tickets = calloc(1, sizeof(**ret_tickets));
        return *ret_tickets ? 0 : -ENOMEM;
}

void tickets_free(struct tickets **tickets)
{
        free(*tickets);
        *tickets = NULL;
}

static struct known *find(const struct tickets *t, const struct ticket_fact *f)
{
        for (size_t i = t->count; i-- > 0;)
                if (t->known[i].incident == f->incident && t->known[i].opened_at == f->opened_at)
                        return (struct known *)&t->known[i];
        return NULL;
}

bool tickets_knows(const struct tickets *t, const struct ticket_fact *f)
{
        return find(t, f) != NULL;
}

void tickets_forget(struct tickets *t)
{
        t->count = 0;
        t->retry_at = 0;
}

bool tickets_has(const struct tickets *t, const struct ticket_fact *f)
{
        const struct known *k = find(t, f);

        return k && k->has_ticket;
}

void tickets_found(struct tickets *t, const struct ticket_fact *f, uint64_t revision_)
{
        struct known *k = find(t, f);

        if (!k) {
                /* The core has half as many: the oldest here is of one that it has no more. */
                if (t->count == KNOWN_MAX)
                        memmove(t->known, t->known + 1, --t->count * sizeof(*t->known));
                k = &t->known[t->count++];
        }
        *k = (struct known){ .incident = f->incident,
                             .opened_at = f->opened_at,
                             .revision = revision_,
                             .noted = revision_,
                             .has_ticket = revision_ != 0 };
}

const struct ticket_fact *tickets_next(struct tickets *t, const struct ticket_fact *facts, size_t count, int64_t now)
{
        const struct ticket_fact *next = NULL;
        int64_t waits_since = INT64_MAX;

        if (now < t->retry_at)
                return NULL;
        for (size_t i = 0; i < count; i++) {
                const struct known *k = find(t, &facts[i]);

                if (!k || k->revision == facts[i].revision || (!k->has_ticket && !facts[i].open) ||
                    (k->tried_at && now - k->tried_at < WRITE_EVERY) || k->tried_at >= waits_since)
                        continue;
                next = &facts[i];
                waits_since = k->tried_at;
        }
        return next;
}

void tickets_written(struct tickets *t, const struct ticket_fact *f, int64_t now)
{
        struct known *k = find(t, f);

        if (!k)
                return;
        k->revision = f->revision;
        k->tried_at = now;
        k->has_ticket = true;
        k->failing = false;
}

bool tickets_is_of_folder(int r)
{
        return r == -ENOSPC || r == -EDQUOT || r == -EROFS || r == -ENOENT;
}

bool tickets_failed(struct tickets *t, const struct ticket_fact *f, int r, int64_t now)
{
        struct known *k = find(t, f);
        bool again = k && k->failing;

        if (k)
                k->tried_at = now;
        if (tickets_is_of_folder(r)) {
                t->retry_at = now + RETRY_AFTER;
                return true;
        }
        if (k)
                k->failing = true;
        return !again;
}

void tickets_note(struct tickets *t, const struct ticket_fact *f)
{
        struct known *k = find(t, f);

        if (k)
                k->noted = f->revision;
}

bool tickets_noted(const struct tickets *t, const struct ticket_fact *f)
{
        const struct known *k = find(t, f);

        return k && k->noted == f->revision;
}
