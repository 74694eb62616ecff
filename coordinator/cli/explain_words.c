#include "coordinator/cli/explain_words.h"
#include "coordinator/cli/table.h"
#include "coordinator/cli/values.h"
#include "proto/time_text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static double number_of(json_t *object, const char *key)
{
        json_t *v = json_object_get(object, key);

        return json_is_number(v) ? json_number_value(v) : NAN;
}

static void heading(struct text *out, const char *words, bool colour)
{
        text_puts(out, "\n");
        table_tone_begin(out, TABLE_BOLD, colour);
        text_printf(out, "%s\n", words);
        table_tone_end(out, TABLE_BOLD, colour);
}

/* A value with its unit: "5", "12 an hour", "1.2 MB". */
static void amount(struct text *out, double v, const char *unit)
{
        char b[VALUE_SIZE];

        if (isnan(v))
                text_puts(out, "?");
        else if (strcmp(unit, "bytes") == 0)
                text_puts(out, value_bytes(b, v));
        else if (strcmp(unit, "bytes_per_s") == 0)
                text_printf(out, "%s/s", value_bytes(b, v));
        else if (strcmp(unit, "ratio") == 0)
                text_printf(out, "%.3g %%", 100 * v);
        else if (strcmp(unit, "s") == 0)
                text_puts(out, value_duration(b, v));
        else if (strcmp(unit, "per_s") == 0)
                text_printf(out, "%s/s", value_rate(b, v));
        else
                text_printf(out, "%.3g", v);
}

static double seconds_between(json_t *e, const char *from, const char *to, int64_t now)
{
        int64_t a, b;

        if (time_text_parse(value_string(e, from), now, &a) < 0 || time_text_parse(value_string(e, to), now, &b) < 0)
                return NAN;
        return (double)(b - a) / 1e9;
}

/* "held rose from 0 to 5 within 15 min (99.9 % sure; it takes 3)". */
static void finding(struct text *out, json_t *e, int64_t now)
{
        const char *signal = value_string(e, "signal"), *shape = value_string(e, "shape"), *unit = value_string(e, "unit");
        const char *of = value_string(e, "of");
        double first = number_of(e, "first"), last = number_of(e, "last"), wanted = number_of(e, "wanted");
        double confidence = number_of(e, "confidence"), reference = number_of(e, "reference");
        bool trend = strcmp(shape, "rising") == 0 || strcmp(shape, "falling") == 0, events = strcmp(unit, "events") == 0;
        bool accumulated = strcmp(shape, "accumulating") == 0;
        char b[VALUE_SIZE];

        text_printf(out, "%s ", signal);
        if (json_is_null(json_object_get(e, "holds"))) {
                text_printf(out, "is not known for long enough to say whether it is %s", shape);
                return;
        }
        if (trend || accumulated || strncmp(shape, "step", 4) == 0) {
                text_puts(out, accumulated ? "rose from " : "went from ");
                amount(out, first, unit);
                text_puts(out, " to ");
                amount(out, last, unit);
        } else {
                text_puts(out, "was ");
                amount(out, last, unit);
        }
        text_printf(out, " within %s", value_duration(b, seconds_between(e, "from", "to", now)));
        if (!isnan(reference) && accumulated) {
                text_puts(out, " and never came back; ");
                amount(out, reference, unit);
                text_puts(out, " more are enough");
        } else if (!isnan(reference) && !trend) {
                text_printf(out, "%s %s%s", events ? "; compared with" : " at the end, against", of, of[0] ? " " : "");
                amount(out, reference, unit);
        }
        if (!isnan(confidence))
                text_printf(out, " (%s with %.4g %% confidence%s", shape,
                            100 * (strcmp(shape, "rising") ? 1 - confidence : confidence), isnan(wanted) ? ")" : "; it takes ");
        if (!isnan(confidence) && !isnan(wanted)) {
                amount(out, wanted, unit);
                text_puts(out, ")");
        }
}

/* What is not of one process has the number 0. */
static void process(struct text *out, json_t *x)
{
        json_int_t pid = json_integer_value(json_object_get(x, "pid"));

        if (pid)
                text_printf(out, ", process %lld", (long long)pid);
}

static void source(struct text *out, json_t *e, int64_t now)
{
        char b[VALUE_SIZE];

        text_printf(out, "    %s", value_string(e, "host"));
        process(out, e);
        text_printf(out, ", until %s\n", value_time(b, json_object_get(e, "to"), now));
}

static void chain(struct text *out, json_t *array, int64_t now, bool against)
{
        json_t *e;
        size_t i;

        json_array_foreach(array, i, e)
        {
                text_puts(out, "  - ");
                if (against) {
                        bool known = !json_is_null(json_object_get(e, "holds"));

                        text_printf(out, "%s: %s. ", value_string(e, "says"),
                                    !known                                      ? "not known"
                                    : json_is_true(json_object_get(e, "holds")) ? "yes"
                                                                                : "ruled out");
                }
                finding(out, e, now);
                text_puts(out, "\n");
                if (!against)
                        source(out, e, now);
        }
}

static void subjects(struct text *out, json_t *x, int64_t now)
{
        json_t *s;
        size_t i;

        json_array_foreach(json_object_get(x, "subjects"), i, s)
        {
                const char *build = value_string(s, "build");
                double value = number_of(s, "value"), limit = number_of(s, "limit");
                char b[VALUE_SIZE], c[VALUE_SIZE];

                text_printf(out, "  - %s", value_string(s, "host"));
                process(out, s);
                if (json_is_string(json_object_get(s, "started")))
                        text_printf(out, ", started %s", value_time(b, json_object_get(s, "started"), now));
                if (build[0])
                        text_printf(out, ", build %.12s", build);
                text_printf(out, ": since %s", value_time(c, json_object_get(s, "onset"), now));
                if (!isnan(value))
                        text_printf(out, ", now %.3g", value);
                if (!isnan(limit))
                        text_printf(out, " of %.4g", limit);
                text_puts(out, "\n");
        }
        if (json_integer_value(json_object_get(x, "subjects_left_out")) > 0)
                text_printf(out, "  - and %lld more\n", (long long)json_integer_value(json_object_get(x, "subjects_left_out")));
}

static void ruled_out(struct text *out, json_t *array, bool colour)
{
        json_t *c;
        size_t i;

        if (json_array_size(array) == 0)
                return;
        heading(out, "Not the cause", colour);
        json_array_foreach(array, i, c)
                text_printf(out, "  - %s %s: %s\n", value_string(c, "kind"), value_string(c, "ref"), value_string(c, "why"));
}

static void causes(struct text *out, json_t *array)
{
        json_t *c;
        size_t i;

        if (json_array_size(array) == 0) {
                text_puts(out, "  None is named: nothing that changed and that is known explains it.\n");
                return;
        }
        json_array_foreach(array, i, c)
                text_printf(out, "  %zu. %s %s (%.0f %%): %s\n", i + 1, value_string(c, "kind"), value_string(c, "ref"),
                            100 * number_of(c, "confidence"), value_string(c, "why"));
}

static void if_nothing_is_done(struct text *out, json_t *x, int64_t now)
{
        json_t *breach = json_object_get(x, "breach_at"), *rate = json_object_get(x, "rate_per_hour");
        char a[VALUE_SIZE], b[VALUE_SIZE], c[VALUE_SIZE];

        if (!json_is_object(breach)) {
                text_puts(out, "  When it will fail cannot be said: no limit is known, or it is too far away.\n");
                return;
        }
        text_printf(out, "  The limit of %.4g is reached at about %s (between %s and %s, with 90 %% confidence),\n",
                    number_of(x, "limit"), value_time(a, json_object_get(breach, "likely"), now),
                    value_time(b, json_object_get(breach, "earliest"), now), value_time(c, json_object_get(breach, "latest"), now));
        text_printf(out, "  at %.3g an hour (%.3g to %.3g).\n", number_of(rate, "mid"), number_of(rate, "low"),
                    number_of(rate, "high"));
}

/* "service.rollback of payments on a, b and c". */
static void plan(struct text *out, json_t *p)
{
        json_t *target, *targets = json_object_get(p, "targets");
        size_t i;

        text_printf(out, "%s (%s) on ", value_string(p, "action"), value_string(p, "class"));
        json_array_foreach(targets, i, target) if (i < 4) text_printf(out, "%s%s", i ? ", " : "", value_string(target, "host"));
        if (json_array_size(targets) > 4)
                text_printf(out, " and %zu more", json_array_size(targets) - 4);
        text_printf(out, "; it should bring: %s", value_string(json_object_get(p, "prediction"), "says"));
}

static void actions(struct text *out, json_t *array, int64_t now)
{
        json_t *a;
        char b[VALUE_SIZE];
        size_t i;

        json_array_foreach(array, i, a)
        {
                text_printf(out, "  - %s %s: ", value_string(a, "id"), value_string(a, "state"));
                plan(out, a);
                text_printf(out, "; since %s", value_time(b, json_object_get(a, "changed_at"), now));
                if (*value_string(a, "decided_by"))
                        text_printf(out, ", by %s", value_string(a, "decided_by"));
                if (*value_string(a, "why"))
                        text_printf(out, ": %s", value_string(a, "why"));
                text_puts(out, "\n");
                if (*value_string(a, "limits"))
                        text_printf(out, "    limits as computed: %s\n", value_string(a, "limits"));
        }
}

static void outlook(struct text *out, json_t *o)
{
        if (!json_is_object(o)) {
                text_puts(out, "  Nothing: the incident is over.\n");
                return;
        }
        if (*value_string(o, "action")) {
                text_puts(out, "  ");
                plan(out, o);
                text_printf(out, ".\n  In %s its authority is %s.\n", value_string(o, "environment"), value_string(o, "rung"));
        }
        if (*value_string(o, "why_not"))
                text_printf(out, "  It is not done now: %s.\n", value_string(o, "why_not"));
        if (*value_string(o, "at_alone_small"))
                text_printf(out, "  With the authority alone_small: %s\n", value_string(o, "at_alone_small"));
        if (*value_string(o, "at_alone"))
                text_printf(out, "  With the authority alone: %s\n", value_string(o, "at_alone"));
}

int explain_words(struct text *out, json_t *root, int64_t now, bool colour)
{
        json_t *x = json_object_get(root, "explain"), *remedy;
        const char *server;
        char b[VALUE_SIZE], c[VALUE_SIZE];
        size_t i;

        if (!json_is_object(x))
                return -EBADMSG;
        server = value_string(x, "server");
        table_tone_begin(out, TABLE_BOLD, colour);
        text_printf(out, "%s  %s  %s\n", value_string(x, "id"), value_string(x, "service"), value_string(x, "signature"));
        table_tone_end(out, TABLE_BOLD, colour);
        text_printf(out, "%s: %s", value_string(x, "service"), value_string(x, "title"));
        if (server[0])
                text_printf(out, ", towards %s port %lld", server, (long long)json_integer_value(json_object_get(x, "port")));
        text_printf(out, ".\nIt began at about %s; seen since %s; %s.\n", value_time(b, json_object_get(x, "onset_at"), now),
                    value_time(c, json_object_get(x, "opened_at"), now), value_string(x, "state"));
        if (json_array_size(json_object_get(x, "subjects")) > 0)
                heading(out, "Where", colour);
        subjects(out, x, now);
        heading(out, "What shows it", colour);
        chain(out, json_object_get(x, "evidence"), now, false);
        if (json_array_size(json_object_get(x, "against")) > 0)
                heading(out, "What would speak against it", colour);
        chain(out, json_object_get(x, "against"), now, true);
        heading(out, "Cause", colour);
        causes(out, json_object_get(x, "causes"));
        ruled_out(out, json_object_get(x, "ruled_out"), colour);
        heading(out, "If nothing is done", colour);
        if_nothing_is_done(out, x, now);
        if (json_array_size(json_object_get(x, "remedies")) > 0)
                heading(out, "Remedies, in order", colour);
        json_array_foreach(json_object_get(x, "remedies"), i, remedy)
                text_printf(out, "  %zu. %s\n", i + 1, json_string_value(remedy));
        if (json_array_size(json_object_get(x, "actions")) > 0) {
                heading(out, "What was decided", colour);
                actions(out, json_object_get(x, "actions"), now);
        }
        if (json_object_get(x, "outlook")) {
                heading(out, "What would be done", colour);
                outlook(out, json_object_get(x, "outlook"));
        }
        return out->failed;
}
