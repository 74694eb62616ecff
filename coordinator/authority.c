#include "coordinator/authority.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void authority_free(struct authority *a)
{
        free(a->units);
        *a = (struct authority){ 0 };
}

static bool same(const struct unit_key *a, const struct unit_key *b)
{
        return strcmp(a->signature, b->signature) == 0 && strcmp(a->action, b->action) == 0 &&
               strcmp(a->environment, b->environment) == 0 && memcmp(a->version, b->version, DIGEST_SIZE) == 0;
}

const struct unit *authority_find(const struct authority *a, const struct unit_key *key)
{
        for (uint32_t i = 0; i < a->count; i++)
                if (same(&a->units[i].key, key))
                        return &a->units[i];
        return NULL;
}

static int get(struct authority *a, const struct unit_key *key, struct unit **ret_unit)
{
        struct unit *units = (struct unit *)authority_find(a, key);

        if (units) {
                *ret_unit = units;
                return 0;
        }
        if (a->count == AUTHORITY_UNITS_MAX)
                return -ENOSPC;
        if (a->count == a->capacity) {
                uint32_t capacity = a->capacity ? 2 * a->capacity : 16;

                units = reallocarray(a->units, capacity, sizeof(*units));
                if (!units)
                        return -ENOMEM;
                a->units = units;
                a->capacity = capacity;
        }
        *ret_unit = &a->units[a->count++];
        **ret_unit = (struct unit){ .key = *key, .rung = RUNG_PROPOSE };
        return 0;
}

static double alpha_of(const struct policy *p, const struct unit *u, enum rung rung)
{
        return p->trials[rung].alpha * pow(p->alpha_shrinks, u->trials[rung].failed);
}

static double upper_of(const struct policy *p, const struct unit *u, enum rung rung)
{
        return log((1 - p->trials[rung].beta) / alpha_of(p, u, rung));
}

static double lower_of(const struct policy *p, const struct unit *u, enum rung rung)
{
        return log(p->trials[rung].beta / (1 - alpha_of(p, u, rung)));
}

static double gain(const struct trial *t)
{
        return log(t->p1 / t->p0);
}

static double loss(const struct trial *t)
{
        return log((1 - t->p1) / (1 - t->p0));
}

enum rung authority_earned(const struct policy *p, const struct unit *u, int64_t now)
{
        int64_t idle;

        if (!u)
                return RUNG_PROPOSE;
        idle = u->used_at && now > u->used_at ? (now - u->used_at) / p->decays_after : 0;
        /* What is not used is not trusted more than what is not known; it falls no lower. */
        if (u->rung <= RUNG_PROPOSE || idle == 0)
                return u->rung;
        return idle >= (int64_t)(u->rung - RUNG_PROPOSE) ? RUNG_PROPOSE : (enum rung)(u->rung - (enum rung)idle);
}

static bool holds(const struct mandate *m, int64_t now)
{
        return m->set && now < m->until;
}

enum rung authority_rung(const struct policy *p, const struct unit *u, enum action_class class, int64_t now)
{
        enum rung rung = authority_earned(p, u, now);

        if (u && holds(&u->grant, now))
                rung = MAX(rung, u->grant.rung);
        if (u && holds(&u->cap, now))
                rung = MIN(rung, u->cap.rung);
        return class == CLASS_ONE_WAY ? MIN(rung, RUNG_PROPOSE) : rung;
}

/* The test of a rung begins anew, harder. */
static void begin_again(struct unit *u, enum rung rung)
{
        u->trials[rung].score = 0;
        u->trials[rung].failed++;
}

/* Decay becomes fact when the unit is used again. */
static void settle(const struct policy *p, struct unit *u, int64_t now)
{
        enum rung earned = authority_earned(p, u, now);

        while (u->rung > earned) {
                if (u->rung < RUNG_ALONE)
                        u->trials[u->rung].score = 0;
                u->rung--;
                begin_again(u, u->rung);
        }
        if (!u->since)
                u->since = now;
        u->used_at = MAX(u->used_at, now);
}

static bool counted(const struct policy *p, const struct unit *u, uint64_t cause, int64_t now)
{
        for (size_t i = 0; i < AUTHORITY_CAUSES; i++)
                if (u->causes[i].at && u->causes[i].cause == cause && now - u->causes[i].at < p->correlated_within)
                        return true;
        return false;
}

int authority_succeed(struct authority *a, const struct policy *p, const struct unit_key *key, uint64_t cause, int64_t now)
{
        struct unit *u;
        int r = get(a, key, &u);

        if (r < 0)
                return r;
        settle(p, u, now);
        if (counted(p, u, cause, now))
                return 0;
        u->causes[u->causes_next].cause = cause;
        u->causes[u->causes_next].at = now;
        u->causes_next = (u->causes_next + 1) % AUTHORITY_CAUSES;
        u->successes++;
        if (u->rung == RUNG_ALONE)
                return 0;
        u->trials[u->rung].score += gain(&p->trials[u->rung]);
        if (u->trials[u->rung].score >= upper_of(p, u, u->rung)) {
                u->trials[u->rung].score = 0;
                u->rung++;
        }
        return 0;
}

int authority_fail(struct authority *a, const struct policy *p, const struct unit_key *key, int64_t now)
{
        struct unit *u;
        enum rung rung;
        bool falls;
        int r = get(a, key, &u);

        if (r < 0)
                return r;
        settle(p, u, now);
        u->failures++;
        u->grant.set = false;
        rung = u->rung;
        falls = rung > RUNG_PROPOSE;
        if (rung < RUNG_ALONE) {
                u->trials[rung].score += loss(&p->trials[rung]);
                if (u->trials[rung].score <= lower_of(p, u, rung)) {
                        begin_again(u, rung);
                        falls = true;
                }
        }
        if (falls && rung > RUNG_SHADOW) {
                u->rung = rung - 1;
                begin_again(u, u->rung);
        }
        return 0;
}

int authority_mandate(struct authority *a, const struct unit_key *key, bool cap, const struct mandate *mandate)
{
        struct unit *u;
        int r = get(a, key, &u);

        if (r < 0)
                return r;
        *(cap ? &u->cap : &u->grant) = *mandate;
        return 0;
}

struct authority_score authority_score(const struct policy *p, const struct unit *u, int64_t now)
{
        static const struct unit unknown = { .rung = RUNG_PROPOSE };
        enum rung rung = authority_earned(p, u, now);

        if (!u)
                u = &unknown;
        if (rung == RUNG_ALONE)
                return (struct authority_score){ 0 };
        return (struct authority_score){ rung == u->rung ? u->trials[rung].score : 0, lower_of(p, u, rung), upper_of(p, u, rung) };
}

uint32_t authority_missing(const struct policy *p, const struct unit *u, int64_t now)
{
        enum rung rung = authority_earned(p, u, now);
        struct authority_score s = authority_score(p, u, now);

        if (rung == RUNG_ALONE)
                return 0;
        return (uint32_t)MAX(1.0, ceil((s.upper - s.score) / gain(&p->trials[rung])));
}

int64_t authority_expected(const struct policy *p, const struct unit *u, int64_t now)
{
        if (!u || u->successes < 2 || u->used_at <= u->since)
                return 0;
        return (int64_t)((double)(now - u->since) / u->successes * authority_missing(p, u, now));
}
