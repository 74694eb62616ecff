#include "coordinator/record_json.h"
#include "coordinator/action_names.h"
#include "coordinator/policy_keys.h"
#include "coordinator/utf8.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VERSION 1

enum audit_kind record_audit_kind(const struct record *r)
{
        static const enum audit_kind kinds[RECORDS] = {
                [RECORD_STARTED] = AUDIT_CONFIGURATION,
                [RECORD_PROPOSED] = AUDIT_DECISION,
                [RECORD_APPROVED] = AUDIT_APPROVAL,
                [RECORD_REJECTED] = AUDIT_APPROVAL,
                [RECORD_WITHDRAWN] = AUDIT_DECISION,
                [RECORD_INTENDED] = AUDIT_INTENT,
                [RECORD_RESULT] = AUDIT_RESULT,
                [RECORD_VERDICT] = AUDIT_VERDICT,
                [RECORD_REVERTING] = AUDIT_REVERT,
                [RECORD_STUCK] = AUDIT_REVERT,
                [RECORD_CLOSED] = AUDIT_DECISION,
                [RECORD_ACKNOWLEDGED] = AUDIT_APPROVAL,
                [RECORD_PAUSED] = AUDIT_PAUSE,
                [RECORD_RESUMED] = AUDIT_PAUSE,
                [RECORD_MANDATE] = AUDIT_GRANT,
                [RECORD_WINDOW] = AUDIT_CONFIGURATION,
                [RECORD_WINDOW_ENDED] = AUDIT_CONFIGURATION,
                [RECORD_POLICY] = AUDIT_CONFIGURATION,
        };

        return kinds[r->kind];
}

/* jansson's json_string() has a namesake in coordinator/json.h. */
static json_t *new_string(const char *text)
{
        return json_stringn(text, strlen(text));
}

static void set_number(json_t *o, const char *key, int64_t value)
{
        char text[24];

        if (!value)
                return;
        snprintf(text, sizeof(text), "%" PRId64, value);
        json_object_set_new(o, key, new_string(text));
}

static void set_key(json_t *o, const char *key, uint64_t value)
{
        char text[24];

        snprintf(text, sizeof(text), "%" PRIx64, value);
        json_object_set_new(o, key, new_string(text));
}

/* What a workload chose may be anything: what is not UTF-8 was replaced when it came in. */
static void set_string(json_t *o, const char *key, const char *value)
{
        if (*value)
                json_object_set_new(o, key, new_string(value));
}

static void set_digest(json_t *o, const char *key, const uint8_t *digest)
{
        char hex[DIGEST_TEXT_SIZE];

        json_object_set_new(o, key, new_string(digest_text(digest, hex)));
}

static json_t *unit_to_json(const struct unit_key *k)
{
        json_t *o = json_object();

        set_string(o, "signature", k->signature);
        set_string(o, "action", k->action);
        set_string(o, "environment", k->environment);
        set_digest(o, "version", k->version);
        return o;
}

static json_t *plan_to_json(const struct plan *p)
{
        json_t *o = json_object(), *targets = json_array(), *cone = json_array();

        set_number(o, "incident", (int64_t)p->incident);
        set_string(o, "signature", p->signature);
        set_string(o, "service", p->service);
        set_string(o, "action", p->action->name);
        set_string(o, "class", class_name(p->class));
        json_object_set_new(o, "unit", unit_to_json(&p->unit));
        set_string(o, "cause", p->cause);
        set_string(o, "cause_ref", p->cause_ref);
        set_key(o, "cause_key", p->cause_key);
        set_string(o, "from", p->from_build);
        set_string(o, "to", p->to_build);
        set_string(o, "signal", p->predicts.signal);
        set_string(o, "predicts", p->predicts.says);
        json_object_set_new(o, "rises", json_boolean(p->predicts.rises));
        set_number(o, "within", p->predicts.within);
        set_number(o, "most", p->most);
        set_number(o, "instances", p->instances);
        set_key(o, "service_key", p->service_key);
        for (uint32_t i = 0; i < p->cone_count; i++) {
                char text[24];

                snprintf(text, sizeof(text), "%" PRIx64, p->cone[i]);
                json_array_append_new(cone, new_string(text));
        }
        json_object_set_new(o, "cone", cone);
        json_object_set_new(o, "cone_whole", json_boolean(p->cone_whole));
        for (uint32_t i = 0; i < p->count; i++) {
                const struct plan_target *t = &p->targets[i];
                json_t *x = json_object();

                set_string(x, "host", t->host);
                set_string(x, "boot_id", t->boot_id);
                set_string(x, "build", t->build);
                set_string(x, "zone", t->zone);
                set_number(x, "pid", t->pid);
                set_number(x, "started", t->started);
                set_number(x, "instances", t->instances);
                if (!isnan(t->bound))
                        json_object_set_new(x, "bound", json_real(t->bound));
                json_array_append_new(targets, x);
        }
        json_object_set_new(o, "targets", targets);
        json_object_set_new(o, "barriers_unknown", json_boolean(p->barriers_unknown));
        set_digest(o, "digest", p->digest);
        return o;
}

json_t *record_to_json(const struct record *r)
{
        json_t *o = json_object();

        json_object_set_new(o, "version", json_integer(VERSION));
        set_string(o, "record", record_kind_name(r->kind));
        set_number(o, "at", r->at);
        set_number(o, "epoch", (int64_t)r->epoch);
        set_number(o, "remedy", (int64_t)r->remedy);
        set_number(o, "mover", r->mover);
        set_string(o, "by", r->by);
        set_string(o, "why", r->why);
        switch (r->kind) {
        case RECORD_PROPOSED:
                set_string(o, "rung", rung_name(r->rung));
                json_object_set_new(o, "plan", plan_to_json(&r->plan));
                break;
        case RECORD_APPROVED:
                set_string(o, "rung", rung_name(r->rung));
                set_digest(o, "digest", r->digest);
                break;
        case RECORD_INTENDED:
                set_number(o, "from", r->from);
                set_number(o, "count", r->count);
                set_number(o, "expires_at", r->expires_at);
                set_number(o, "lease_until", r->lease_until);
                set_string(o, "limits", r->limits);
                break;
        case RECORD_RESULT:
                set_number(o, "target", r->target);
                set_string(o, "outcome", outcome_name(r->outcome));
                break;
        case RECORD_VERDICT:
                set_string(o, "verdict", remedy_verdict_name(r->verdict));
                break;
        case RECORD_MANDATE:
                json_object_set_new(o, "unit", unit_to_json(&r->unit));
                json_object_set_new(o, "cap", json_boolean(r->cap));
                set_string(o, "rung", rung_name(r->rung));
                set_number(o, "until", r->until);
                break;
        case RECORD_WINDOW:
        case RECORD_WINDOW_ENDED:
                set_string(o, "window", window_kind_name(r->window.kind));
                set_string(o, "scope", window_scope_name(r->window.scope));
                set_string(o, "name", r->window.name);
                set_number(o, "from", r->window.from);
                set_number(o, "until", r->window.until);
                break;
        case RECORD_POLICY:
                json_object_set_new(o, "policy", policy_to_json(&r->policy));
                break;
        default:
                break;
        }
        return o;
}

/* Reading: the first thing that is wrong latches. */
struct source {
        const json_t *object;
        bool bad;
};

static const char *text_of(const struct source *s, const char *key)
{
        const char *text = json_string_value(json_object_get(s->object, key));

        return text ? text : "";
}

static void get_string(struct source *s, const char *key, char *to, size_t size)
{
        const char *text = text_of(s, key);

        if (strlen(text) >= size)
                s->bad = true;
        else
                memcpy(to, text, strlen(text) + 1);
}

static int64_t get_number(struct source *s, const char *key, int64_t most)
{
        const char *text = text_of(s, key);
        char *end;
        long long v;

        if (!*text)
                return 0;
        errno = 0;
        v = strtoll(text, &end, 10);
        s->bad = s->bad || errno || *end || v < 0 || v > most;
        return v;
}

static uint64_t parse_key(struct source *s, const char *text)
{
        char *end;
        unsigned long long v;

        errno = 0;
        v = strtoull(text, &end, 16);
        s->bad = s->bad || errno || !*text || *end;
        return v;
}

static void get_digest(struct source *s, const char *key, uint8_t *to)
{
        const char *text = text_of(s, key);

        if (strlen(text) != 2 * DIGEST_SIZE || strspn(text, "0123456789abcdef") != 2 * DIGEST_SIZE) {
                s->bad = true;
                return;
        }
        for (size_t i = 0; i < DIGEST_SIZE; i++) {
                char pair[3] = { text[2 * i], text[2 * i + 1], '\0' };

                to[i] = (uint8_t)strtoul(pair, NULL, 16);
        }
}

static void get_unit(struct source *s, struct unit_key *k)
{
        struct source unit = { json_object_get(s->object, "unit"), false };

        get_string(&unit, "signature", k->signature, sizeof(k->signature));
        get_string(&unit, "action", k->action, sizeof(k->action));
        get_string(&unit, "environment", k->environment, sizeof(k->environment));
        get_digest(&unit, "version", k->version);
        s->bad = s->bad || unit.bad;
}

static void get_targets(struct source *s, struct plan *p)
{
        const json_t *array = json_object_get(s->object, "targets");
        size_t count = json_array_size(array);

        if (count == 0 || count > PLAN_TARGETS_MAX) {
                s->bad = true;
                return;
        }
        p->targets = calloc(count, sizeof(*p->targets));
        for (size_t i = 0; p->targets && i < count; i++) {
                struct source x = { json_array_get(array, i), false };
                struct plan_target *t = &p->targets[p->count++];
                const json_t *bound = json_object_get(x.object, "bound");

                get_string(&x, "host", t->host, sizeof(t->host));
                get_string(&x, "boot_id", t->boot_id, sizeof(t->boot_id));
                get_string(&x, "build", t->build, sizeof(t->build));
                get_string(&x, "zone", t->zone, sizeof(t->zone));
                t->pid = (uint32_t)get_number(&x, "pid", UINT32_MAX);
                t->started = get_number(&x, "started", INT64_MAX);
                t->instances = (uint32_t)get_number(&x, "instances", UINT32_MAX);
                t->bound = bound ? json_number_value(bound) : NAN;
                s->bad = s->bad || x.bad;
        }
}

static int get_plan(struct source *record, struct plan *p)
{
        struct source s = { json_object_get(record->object, "plan"), false };
        const json_t *cone = json_object_get(s.object, "cone");
        uint8_t digest[DIGEST_SIZE] = { 0 };
        char class[16] = "", action[32] = "";
        int r;

        p->incident = (uint64_t)get_number(&s, "incident", INT64_MAX);
        get_string(&s, "signature", p->signature, sizeof(p->signature));
        get_string(&s, "service", p->service, sizeof(p->service));
        get_string(&s, "action", action, sizeof(action));
        get_string(&s, "class", class, sizeof(class));
        get_unit(&s, &p->unit);
        get_string(&s, "cause", p->cause, sizeof(p->cause));
        get_string(&s, "cause_ref", p->cause_ref, sizeof(p->cause_ref));
        p->cause_key = parse_key(&s, text_of(&s, "cause_key"));
        get_string(&s, "from", p->from_build, sizeof(p->from_build));
        get_string(&s, "to", p->to_build, sizeof(p->to_build));
        get_string(&s, "signal", p->predicts.signal, sizeof(p->predicts.signal));
        get_string(&s, "predicts", p->predicts.says, sizeof(p->predicts.says));
        p->predicts.rises = json_is_true(json_object_get(s.object, "rises"));
        p->predicts.within = get_number(&s, "within", INT64_MAX);
        p->most = (uint32_t)get_number(&s, "most", PLAN_TARGETS_MAX);
        p->instances = (uint32_t)get_number(&s, "instances", UINT32_MAX);
        p->service_key = parse_key(&s, text_of(&s, "service_key"));
        for (size_t i = 0; i < json_array_size(cone) && i < SITUATION_CONE_MAX; i++) {
                const char *text = json_string_value(json_array_get(cone, i));

                p->cone[p->cone_count++] = parse_key(&s, text ? text : "");
        }
        p->cone_whole = json_is_true(json_object_get(s.object, "cone_whole"));
        p->barriers_unknown = json_is_true(json_object_get(s.object, "barriers_unknown"));
        get_targets(&s, p);
        get_digest(&s, "digest", digest);
        p->action = action_get(action);
        if (s.bad || !p->action || !class_find(class, &p->class))
                return -EBADMSG;
        r = p->targets ? plan_seal(p) : -ENOMEM;
        return r < 0 ? r : memcmp(p->digest, digest, DIGEST_SIZE) ? -EBADMSG : 0;
}

static void get_window(struct source *s, struct window *w)
{
        s->bad = s->bad || !window_kind_find(text_of(s, "window"), &w->kind) || !window_scope_find(text_of(s, "scope"), &w->scope);
        get_string(s, "name", w->name, sizeof(w->name));
        w->from = get_number(s, "from", INT64_MAX);
        w->until = get_number(s, "until", INT64_MAX);
}

int record_from_json(const json_t *json, struct record *ret_record)
{
        struct source s = { json, false };
        struct record r = { 0 };
        int e = 0;

        if (json_integer_value(json_object_get(json, "version")) != VERSION || !record_kind_find(text_of(&s, "record"), &r.kind))
                return -EBADMSG;
        r.at = get_number(&s, "at", INT64_MAX);
        r.epoch = (uint64_t)get_number(&s, "epoch", INT64_MAX);
        r.remedy = (uint64_t)get_number(&s, "remedy", INT64_MAX);
        r.mover = (enum remedy_mover)get_number(&s, "mover", MOVER_CLOCK);
        get_string(&s, "by", r.by, sizeof(r.by));
        get_string(&s, "why", r.why, sizeof(r.why));
        switch (r.kind) {
        case RECORD_PROPOSED:
                s.bad = s.bad || !rung_find(text_of(&s, "rung"), &r.rung);
                e = get_plan(&s, &r.plan);
                break;
        case RECORD_APPROVED:
                s.bad = s.bad || !rung_find(text_of(&s, "rung"), &r.rung);
                get_digest(&s, "digest", r.digest);
                break;
        case RECORD_INTENDED:
                r.from = (uint32_t)get_number(&s, "from", PLAN_TARGETS_MAX);
                r.count = (uint32_t)get_number(&s, "count", PLAN_TARGETS_MAX);
                r.expires_at = get_number(&s, "expires_at", INT64_MAX);
                r.lease_until = get_number(&s, "lease_until", INT64_MAX);
                get_string(&s, "limits", r.limits, sizeof(r.limits));
                break;
        case RECORD_RESULT:
                r.target = (uint32_t)get_number(&s, "target", PLAN_TARGETS_MAX);
                s.bad = s.bad || !outcome_find(text_of(&s, "outcome"), &r.outcome);
                break;
        case RECORD_VERDICT:
                s.bad = s.bad || !remedy_verdict_find(text_of(&s, "verdict"), &r.verdict);
                break;
        case RECORD_MANDATE:
                get_unit(&s, &r.unit);
                r.cap = json_is_true(json_object_get(json, "cap"));
                s.bad = s.bad || !rung_find(text_of(&s, "rung"), &r.rung);
                r.until = get_number(&s, "until", INT64_MAX);
                break;
        case RECORD_WINDOW:
        case RECORD_WINDOW_ENDED:
                get_window(&s, &r.window);
                break;
        case RECORD_POLICY:
                e = policy_from_json(json_object_get(json, "policy"), &r.policy);
                break;
        default:
                break;
        }
        if (e == 0 && s.bad)
                e = -EBADMSG;
        if (e < 0) {
                record_free(&r);
                return e;
        }
        *ret_record = r;
        return 0;
}
