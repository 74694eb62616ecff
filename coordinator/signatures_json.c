#include "coordinator/signatures_json.h"
#include "coordinator/json.h"
#include "coordinator/signature.h"

static void breach(struct text *out, const struct signature *s)
{
        if (s->breach == SIGNAL_NONE) {
                json_null(out, "breach");
                return;
        }
        json_open(out, "breach", '{');
        json_string(out, "signal", signal_name(s->breach));
        if (s->breach_limit != SIGNAL_NONE)
                json_string(out, "limit", signal_name(s->breach_limit));
        else
                json_number(out, "limit", s->breach_at);
        json_close(out, '}');
}

static void remedies(struct text *out, const struct signature *s)
{
        json_open(out, "remedies", '[');
        for (size_t i = 0; i < s->remedies_count; i++) {
                const struct signature_remedy *m = &s->remedies[i];

                json_open(out, NULL, '{');
                json_string(out, "action", m->action);
                if (m->needs == CAUSE_ANY)
                        json_null(out, "needs");
                else
                        json_string(out, "needs", cause_name(m->needs));
                json_close(out, '}');
        }
        json_close(out, ']');
}

static void signature(struct text *out, const struct signature *s)
{
        char digest[DIGEST_TEXT_SIZE];

        json_open_line(out, '{');
        json_string(out, "name", s->name);
        json_string(out, "title", s->title);
        json_string(out, "subject", subject_name(s->subject));
        json_string(out, "file", s->file);
        json_string(out, "digest", digest_text(s->digest, digest));
        breach(out, s);
        json_open(out, "causes", '[');
        for (size_t i = 0; i < s->causes_count; i++)
                json_string(out, NULL, cause_name(s->causes[i]));
        json_close(out, ']');
        remedies(out, s);
        if (s->tier)
                json_string(out, "observe", tier_name(s->tier));
        else
                json_null(out, "observe");
        json_close(out, '}');
}

void signatures_json(struct text *out, const struct signature_set *set, int64_t now)
{
        json_open(out, NULL, '{');
        json_time(out, "as_of", now);
        json_bool(out, "complete", true);
        json_open(out, "signatures", '[');
        for (size_t i = 0; i < signatures_count(set); i++)
                signature(out, signatures_get(set, i));
        json_close(out, ']');
        json_close(out, '}');
        text_puts(out, "\n");
}
