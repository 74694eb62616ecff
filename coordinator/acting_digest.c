#include "coordinator/acting_internal.h"
#include "coordinator/policy_keys.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Fields one by one, never whole structs: what lies between fields is nobody's. */
struct sum {
        uint8_t *data;
        size_t size, capacity;
        bool failed;
};

static void put(struct sum *s, const void *data, size_t size)
{
        if (s->failed)
                return;
        if (s->capacity - s->size < size) {
                size_t capacity = 2 * s->capacity + size + 4096;
                uint8_t *grown = realloc(s->data, capacity);

                if (!grown) {
                        s->failed = true;
                        return;
                }
                s->data = grown;
                s->capacity = capacity;
        }
        memcpy(s->data + s->size, data, size);
        s->size += size;
}

static void number(struct sum *s, uint64_t n)
{
        put(s, &n, sizeof(n));
}

static void string(struct sum *s, const char *text)
{
        put(s, text, strlen(text) + 1);
}

static void unit_key(struct sum *s, const struct unit_key *k)
{
        string(s, k->signature);
        string(s, k->action);
        string(s, k->environment);
        put(s, k->version, sizeof(k->version));
}

static void mandate(struct sum *s, const struct mandate *m)
{
        number(s, m->set);
        if (!m->set)
                return;
        number(s, m->rung);
        number(s, (uint64_t)m->until);
        string(s, m->by);
        string(s, m->why);
}

static void unit(struct sum *s, const struct unit *u)
{
        unit_key(s, &u->key);
        number(s, u->rung);
        for (size_t i = 0; i < ARRAY_SIZE(u->trials); i++) {
                put(s, &u->trials[i].score, sizeof(u->trials[i].score));
                number(s, u->trials[i].failed);
        }
        number(s, u->successes);
        number(s, u->failures);
        number(s, (uint64_t)u->since);
        number(s, (uint64_t)u->used_at);
        mandate(s, &u->grant);
        mandate(s, &u->cap);
        for (size_t i = 0; i < ARRAY_SIZE(u->causes); i++) {
                number(s, u->causes[i].cause);
                number(s, (uint64_t)u->causes[i].at);
        }
        number(s, u->causes_next);
}

static void remedy(struct sum *s, const struct remedy *m)
{
        number(s, m->id);
        put(s, m->plan.digest, sizeof(m->plan.digest));
        unit_key(s, &m->plan.unit);
        number(s, m->plan.cause_key);
        number(s, m->plan.instances);
        number(s, m->plan.most);
        number(s, m->plan.service_key);
        number(s, m->plan.cone_count);
        for (uint32_t i = 0; i < m->plan.cone_count; i++)
                number(s, m->plan.cone[i]);
        number(s, m->plan.cone_whole);
        number(s, m->plan.barriers_unknown);
        string(s, m->plan.predicts.signal);
        number(s, m->plan.predicts.rises);
        number(s, (uint64_t)m->plan.predicts.within);
        number(s, m->state);
        number(s, m->rung);
        string(s, m->decided_by);
        string(s, m->why);
        string(s, m->limits);
        number(s, m->verdict);
        for (uint32_t i = 0; i < m->plan.count; i++) {
                number(s, m->targets[i]);
                number(s, m->changed[i]);
                number(s, m->plan.targets[i].instances);
                /* NaN has many spellings. */
                number(s, isnan(m->plan.targets[i].bound));
                if (!isnan(m->plan.targets[i].bound))
                        put(s, &m->plan.targets[i].bound, sizeof(m->plan.targets[i].bound));
        }
        number(s, m->from);
        number(s, m->count);
        number(s, m->epoch);
        number(s, (uint64_t)m->proposed_at);
        number(s, (uint64_t)m->approved_at);
        number(s, (uint64_t)m->intended_at);
        number(s, (uint64_t)m->applied_at);
        number(s, (uint64_t)m->state_at);
        number(s, (uint64_t)m->expires_at);
        number(s, (uint64_t)m->lease_until);
        number(s, m->by_person);
        number(s, m->halted);
}

static void limits(struct sum *s, const struct acting *a)
{
        number(s, a->spendings_count);
        for (uint32_t i = 0; i < a->spendings_count; i++) {
                const struct spending *x = &a->spendings[i];

                number(s, (uint64_t)x->at);
                number(s, x->class);
                number(s, x->service);
                number(s, x->host);
                number(s, x->zone);
                number(s, x->target);
        }
        number(s, a->pause.set);
        string(s, a->pause.by);
        string(s, a->pause.why);
        number(s, (uint64_t)a->pause.since);
        number(s, a->windows_count);
        for (uint32_t i = 0; i < a->windows_count; i++) {
                number(s, a->windows[i].kind);
                number(s, a->windows[i].scope);
                string(s, a->windows[i].name);
                number(s, (uint64_t)a->windows[i].from);
                number(s, (uint64_t)a->windows[i].until);
        }
}

static void put_value(void *sum, const void *value, size_t size)
{
        put(sum, value, size);
}

int acting_digest(const struct acting *a, uint8_t ret_digest[DIGEST_SIZE])
{
        struct sum s = { 0 };
        int r;

        number(&s, a->configured);
        policy_visit(&a->policy, put_value, &s);
        number(&s, a->epoch);
        number(&s, a->next_remedy);
        number(&s, (uint64_t)a->latest);
        number(&s, a->remedies_count);
        for (uint32_t i = 0; i < a->remedies_count; i++)
                remedy(&s, a->remedies[i]);
        number(&s, a->authority.count);
        for (uint32_t i = 0; i < a->authority.count; i++)
                unit(&s, &a->authority.units[i]);
        limits(&s, a);
        r = s.failed ? -ENOMEM : digest_of(s.data, s.size, ret_digest);
        free(s.data);
        return r;
}
