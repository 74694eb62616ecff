#include "coordinator/render_acting.h"
#include "coordinator/action_names.h"
#include "coordinator/json.h"
#include "coordinator/log_index.h"

#include <inttypes.h>
#include <stdio.h>

static const char *state_name(const struct remedy *m)
{
        return remedy_state_name(m->state == REMEDY_INTENDED && m->told ? REMEDY_DISPATCHED : m->state);
}

static const char *target_name(enum target_state state)
{
        static const char *const names[] = {
                [TARGET_WAITS] = "waits",       [TARGET_ORDERED] = "ordered",     [TARGET_APPLIED] = "applied",
                [TARGET_VERIFIED] = "verified", [TARGET_HELD] = "held",           [TARGET_REFUSED] = "refused",
                [TARGET_FAILED] = "failed",     [TARGET_REVERTING] = "reverting", [TARGET_REVERTED] = "reverted",
                [TARGET_STUCK] = "stuck"
        };

        return names[state];
}

static void id(struct text *out, const char *key, char letter, uint64_t number)
{
        char text[24];

        snprintf(text, sizeof(text), "%c%" PRIu64, letter, number);
        json_string(out, key, text);
}

static int64_t expires_at(const struct policy *p, const struct remedy *m)
{
        if (m->state == REMEDY_PROPOSED)
                return m->proposed_at + p->proposal_lives;
        if (m->state == REMEDY_APPROVED)
                return m->approved_at + p->approval_lives;
        return remedy_is_in_flight(m->state) ? m->lease_until : 0;
}

static void targets(struct text *out, const struct plan *plan, const enum target_state *states)
{
        json_open(out, "targets", '[');
        for (uint32_t i = 0; i < plan->count; i++) {
                const struct plan_target *t = &plan->targets[i];

                json_open(out, NULL, '{');
                json_string(out, "host", t->host);
                json_uint(out, "pid", t->pid);
                json_time(out, "started", t->started);
                json_string(out, "build", t->build);
                if (states)
                        json_string(out, "state", target_name(states[i]));
                json_close(out, '}');
        }
        json_close(out, ']');
}

static void prediction(struct text *out, const struct plan *plan)
{
        json_open(out, "prediction", '{');
        json_string(out, "signal", plan->predicts.signal);
        json_string(out, "says", plan->predicts.says);
        json_number(out, "within_s", (double)plan->predicts.within / 1e9);
        json_close(out, '}');
}

static void action(struct text *out, const struct acting *a, const struct remedy *m, int64_t now)
{
        char hex[DIGEST_TEXT_SIZE];

        json_open_line(out, '{');
        id(out, "id", 'a', m->id);
        id(out, "incident", 'i', m->plan.incident);
        json_string(out, "action", m->plan.action->name);
        json_string(out, "class", class_name(m->plan.class));
        json_string(out, "service", m->plan.service);
        json_string(out, "signature", m->plan.signature);
        json_string(out, "environment", m->plan.unit.environment);
        targets(out, &m->plan, m->targets);
        json_string(out, "state", state_name(m));
        json_string(out, "rung", rung_name(m->rung));
        if (m->decided_by[0])
                json_string(out, "decided_by", m->decided_by);
        else
                json_null(out, "decided_by");
        prediction(out, &m->plan);
        if (m->verdict == VERDICT_NONE)
                json_null(out, "verdict");
        else
                json_string(out, "verdict", remedy_verdict_name(m->verdict));
        json_bool(out, "undoable", acting_undoable(a, m, now));
        json_time(out, "expires_at", expires_at(acting_policy(a), m));
        json_string(out, "digest", digest_text(m->plan.digest, hex));
        json_time(out, "proposed_at", m->proposed_at);
        json_time(out, "changed_at", m->state_at);
        json_string(out, "why", m->why);
        json_string(out, "limits", m->limits);
        json_close(out, '}');
}

void render_actions(struct text *out, const struct acting *a, int64_t now)
{
        json_open(out, "actions", '[');
        for (int over = 0; over < 2; over++)
                for (size_t i = acting_count(a); i-- > 0;) {
                        const struct remedy *m = acting_get(a, i);

                        if ((remedy_is_over(m->state) && m->state != REMEDY_STUCK) == over)
                                action(out, a, m, now);
                }
        json_close(out, ']');
}

static void unit(struct text *out, const struct policy *p, const struct unit_key *key, const struct unit *u, int64_t now)
{
        struct authority_score score = authority_score(p, u, now);
        const struct mandate *grant = u && u->grant.set && now < u->grant.until ? &u->grant : NULL;
        const struct mandate *cap = u && u->cap.set && now < u->cap.until ? &u->cap : NULL;
        char hex[DIGEST_TEXT_SIZE];
        int64_t expected = authority_expected(p, u, now);

        json_open_line(out, '{');
        json_string(out, "signature", key->signature);
        json_string(out, "action", key->action);
        json_string(out, "environment", key->environment);
        json_string(out, "version", digest_text(key->version, hex));
        json_string(out, "rung", rung_name(authority_rung(p, u, CLASS_REVERSIBLE, now)));
        json_string(out, "earned", rung_name(authority_earned(p, u, now)));
        json_number(out, "score", score.score);
        json_number(out, "score_to_rise", score.upper);
        json_number(out, "score_to_fall", score.lower);
        json_uint(out, "successes", u ? u->successes : 0);
        json_uint(out, "failures", u ? u->failures : 0);
        json_uint(out, "to_next", authority_missing(p, u, now));
        if (expected)
                json_number(out, "next_in_s", (double)expected / 1e9);
        else
                json_null(out, "next_in_s");
        if (grant)
                json_string(out, "granted_by", grant->by);
        else
                json_null(out, "granted_by");
        json_time(out, "expires_at", grant ? grant->until : 0);
        json_string(out, "why", grant ? grant->why : cap ? cap->why : "");
        if (cap)
                json_string(out, "capped_by", cap->by);
        else
                json_null(out, "capped_by");
        json_time(out, "cap_expires_at", cap ? cap->until : 0);
        json_close(out, '}');
}

static bool mentioned(const struct acting *a, size_t before, const struct unit_key *key)
{
        const struct authority one = { .units = &(struct unit){ .key = *key }, .count = 1 };

        for (size_t i = 0; i < before; i++)
                if (authority_find(&one, &acting_get(a, i)->plan.unit))
                        return true;
        return authority_find(acting_authority(a), key) != NULL;
}

void render_authority(struct text *out, const struct acting *a, int64_t now)
{
        const struct authority *all = acting_authority(a);

        json_open(out, "authority", '[');
        for (uint32_t i = 0; i < all->count; i++)
                unit(out, acting_policy(a), &all->units[i].key, &all->units[i], now);
        for (size_t i = 0; i < acting_count(a); i++)
                if (!mentioned(a, i, &acting_get(a, i)->plan.unit))
                        unit(out, acting_policy(a), &acting_get(a, i)->plan.unit, NULL, now);
        json_close(out, ']');
}

void render_pause(struct text *out, const struct pause *pause)
{
        if (!pause) {
                json_null(out, "paused");
                return;
        }
        json_open(out, "paused", '{');
        json_string(out, "by", pause->by);
        json_time(out, "since", pause->since);
        json_string(out, "why", pause->why);
        json_close(out, '}');
}

void render_outlook(struct text *out, const struct acting *a, uint64_t incident, const struct outlook *o, int64_t now)
{
        json_open(out, "actions", '[');
        for (size_t i = 0; i < acting_count(a); i++)
                if (acting_get(a, i)->plan.incident == incident)
                        action(out, a, acting_get(a, i), now);
        json_close(out, ']');
        if (!o) {
                json_null(out, "outlook");
                return;
        }
        json_open(out, "outlook", '{');
        if (o->planned) {
                json_string(out, "action", o->plan.action->name);
                json_string(out, "class", class_name(o->plan.class));
                json_string(out, "environment", o->plan.unit.environment);
                targets(out, &o->plan, NULL);
                prediction(out, &o->plan);
        } else {
                json_null(out, "action");
        }
        json_string(out, "rung", rung_name(o->rung));
        json_string(out, "why_not", o->why);
        json_string(out, "at_alone_small", o->more[0]);
        json_string(out, "at_alone", o->more[1]);
        json_close(out, '}');
}

void render_log(struct text *out, const struct log_index *index, uint64_t incident)
{
        const struct log_entry *e;

        json_open(out, "log", '[');
        for (size_t n = 0; (e = log_index_get(index, incident, n)); n++) {
                json_open(out, NULL, '{');
                json_uint(out, "index", e->index);
                json_time(out, "at", e->at);
                json_string(out, "kind", e->kind);
                if (e->action)
                        id(out, "action", 'a', e->action);
                else
                        json_null(out, "action");
                json_close(out, '}');
        }
        json_close(out, ']');
}
