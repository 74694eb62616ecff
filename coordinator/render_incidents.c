/* Incidents in JSON: a line each in the list, or one with its whole evidence chain. */
#include "coordinator/render_incidents.h"
#include "coordinator/json.h"

#include <math.h>

static const char *state_name(enum incident_state state)
{
        static const char *const names[] = { [INCIDENT_OPEN] = "open",
                                             [INCIDENT_MITIGATING] = "mitigating",
                                             [INCIDENT_RESOLVED] = "resolved",
                                             [INCIDENT_HANDED_OVER] = "handed_over" };

        return names[state];
}

static void number(struct text *out, const char *key, double value)
{
        if (isnan(value))
                json_null(out, key);
        else
                json_number(out, key, value);
}

static void breach(struct text *out, const struct view_incident *v)
{
        if (!v->has_breach) {
                json_null(out, "breach_at");
                return;
        }
        json_open(out, "breach_at", '{');
        json_time(out, "earliest", v->earliest);
        json_time(out, "likely", v->likely);
        json_time(out, "latest", v->latest);
        json_close(out, '}');
}

static void cause(struct text *out, const char *key, const struct view_cause *c, bool why)
{
        json_open(out, key, '{');
        json_string(out, "kind", c->kind);
        json_string(out, "ref", c->ref);
        json_number(out, "confidence", c->confidence);
        if (why)
                json_string(out, "why", c->why);
        json_close(out, '}');
}

static void summary(struct text *out, const struct view_incident *v)
{
        json_string(out, "id", v->id);
        json_string(out, "state", state_name(v->state));
        json_string(out, "signature", v->signature);
        json_string(out, "title", v->title);
        json_string(out, "service", v->service);
        if (v->server[0]) {
                json_string(out, "server", v->server);
                json_uint(out, "port", v->port);
        } else {
                json_null(out, "server");
                json_null(out, "port");
        }
        json_time(out, "onset_at", v->onset_at);
        json_time(out, "opened_at", v->opened_at);
        json_time(out, "resolved_at", v->resolved_at);
        breach(out, v);
        if (v->causes_count)
                cause(out, "cause", &v->causes[0], false);
        else
                json_null(out, "cause");
        json_open(out, "remedies", '[');
        for (size_t i = 0; i < v->remedies.count; i++)
                json_string(out, NULL, v->remedies.items[i]);
        json_close(out, ']');
}

void render_incident_row(struct text *out, const struct view_incident *v)
{
        json_open_line(out, '{');
        summary(out, v);
        json_close(out, '}');
}

static void evidence(struct text *out, const struct view_evidence *e)
{
        json_open_line(out, '{');
        json_string(out, "signal", e->signal);
        json_string(out, "unit", e->unit);
        json_string(out, "shape", e->shape);
        if (e->known)
                json_bool(out, "holds", e->holds);
        else
                json_null(out, "holds");
        json_string(out, "host", e->host);
        json_uint(out, "pid", e->pid);
        json_time(out, "from", e->from);
        json_time(out, "to", e->to);
        number(out, "first", e->first);
        number(out, "last", e->last);
        number(out, "wanted", e->wanted);
        number(out, "reference", e->reference);
        json_string(out, "of", e->of);
        number(out, "confidence", e->confidence);
        if (e->against)
                json_string(out, "says", e->says);
        json_close(out, '}');
}

static void chain(struct text *out, const struct view_incident *v, const char *key, bool against)
{
        json_open(out, key, '[');
        for (size_t i = 0; i < v->evidence_count; i++)
                if (v->evidence[i].against == against)
                        evidence(out, &v->evidence[i]);
        json_close(out, ']');
}

void render_incident_chain(struct text *out, const struct view_incident *v, const struct render_more *more)
{
        json_open(out, "explain", '{');
        summary(out, v);
        json_string(out, "subject", v->subject);
        number(out, "limit", v->limit);
        if (v->has_breach) {
                json_open(out, "rate_per_hour", '{');
                json_number(out, "low", v->rate_low);
                json_number(out, "mid", v->rate);
                json_number(out, "high", v->rate_high);
                json_close(out, '}');
        } else {
                json_null(out, "rate_per_hour");
        }
        json_open(out, "subjects", '[');
        for (size_t i = 0; i < v->subjects_count; i++) {
                const struct view_incident_subject *s = &v->subjects[i];

                json_open_line(out, '{');
                json_string(out, "host", s->host);
                json_uint(out, "pid", s->pid);
                json_time(out, "started", s->started);
                json_string(out, "build", s->build);
                json_time(out, "onset", s->onset);
                number(out, "value", s->value);
                number(out, "limit", s->limit);
                json_close(out, '}');
        }
        json_close(out, ']');
        json_uint(out, "subjects_left_out", v->subjects_left_out);
        chain(out, v, "evidence", false);
        chain(out, v, "against", true);
        json_open(out, "causes", '[');
        for (size_t i = 0; i < v->causes_count; i++)
                cause(out, NULL, &v->causes[i], true);
        json_close(out, ']');
        json_open(out, "ruled_out", '[');
        for (size_t i = v->causes_count; i < v->causes_count + v->ruled_out; i++)
                cause(out, NULL, &v->causes[i], true);
        json_close(out, ']');
        if (more)
                more->write(more->data, out, v->id);
        json_close(out, '}');
}
