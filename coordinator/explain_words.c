#include "coordinator/explain_words.h"
#include "coordinator/markdown.h"
#include "coordinator/utf8.h"
#include "coordinator/values.h"
#include "proto/time_text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BOLD "\033[1m"
#define NORMAL "\033[0m"

/* A text made fit to be shown, kept until all is written. */
struct kept {
        struct kept *next;
        char text[];
};

struct words {
        struct text *out;
        enum words_style style;
        int64_t now;
        struct kept *kept;
};

/* What is not ours (names, builds, reasons that quote them) as it may stand in the output. */
static const char *harmless(struct words *w, const char *s)
{
        struct text text = { 0 };
        struct kept *kept;

        if (w->style == WORDS_MARKDOWN) {
                markdown_text(&text, s);
        } else {
                for (size_t n; *s; s += MAX(n, (size_t)1)) {
                        n = utf8_length(s);
                        if (n == 0 || utf8_is_control(s))
                                text_puts(&text, "?");
                        else
                                text_append(&text, s, n);
                }
        }
        kept = text.failed ? NULL : malloc(sizeof(*kept) + text.length + 1);
        if (!kept) {
                text_free(&text);
                w->out->failed = -ENOMEM;
                return "";
        }
        kept->next = w->kept;
        w->kept = kept;
        memcpy(kept->text, text.data ? text.data : "", text.length + 1);
        text_free(&text);
        return kept->text;
}

static const char *shown(struct words *w, json_t *object, const char *key)
{
        return harmless(w, value_string(object, key));
}

static const char *when(const struct words *w, char buffer[VALUE_SIZE], json_t *v)
{
        return w->style == WORDS_MARKDOWN ? value_time_utc(buffer, v) : value_time(buffer, v, w->now);
}

static double number_of(json_t *object, const char *key)
{
        json_t *v = json_object_get(object, key);

        return json_is_number(v) ? json_number_value(v) : NAN;
}

/* One that stands out; `mark` is Markdown's. */
static void line(struct words *w, const char *mark, const char *words)
{
        bool colour = w->style == WORDS_COLOUR, markdown = w->style == WORDS_MARKDOWN;

        text_printf(w->out, "%s%s%s%s",
                    markdown ? mark
                    : colour ? BOLD
                             : "",
                    words, colour ? NORMAL : "", markdown ? "\n\n" : "\n");
}

static void heading(struct words *w, const char *words)
{
        text_puts(w->out, "\n");
        line(w, "## ", words);
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
static void finding(struct words *w, json_t *e)
{
        const char *signal = value_string(e, "signal"), *shape = value_string(e, "shape"), *unit = value_string(e, "unit");
        const char *of = value_string(e, "of");
        double first = number_of(e, "first"), last = number_of(e, "last"), wanted = number_of(e, "wanted");
        double confidence = number_of(e, "confidence"), reference = number_of(e, "reference");
        bool trend = strcmp(shape, "rising") == 0 || strcmp(shape, "falling") == 0, events = strcmp(unit, "events") == 0;
        bool accumulated = strcmp(shape, "accumulating") == 0;
        char b[VALUE_SIZE];

        text_printf(w->out, "%s ", harmless(w, signal));
        if (json_is_null(json_object_get(e, "holds"))) {
                text_printf(w->out, "is not known for long enough to say whether it is %s", shape);
                return;
        }
        if (trend || accumulated || strncmp(shape, "step", 4) == 0) {
                text_puts(w->out, accumulated ? "rose from " : "went from ");
                amount(w->out, first, unit);
                text_puts(w->out, " to ");
                amount(w->out, last, unit);
        } else {
                text_puts(w->out, "was ");
                amount(w->out, last, unit);
        }
        text_printf(w->out, " within %s", value_duration(b, seconds_between(e, "from", "to", w->now)));
        if (!isnan(reference) && accumulated) {
                text_puts(w->out, " and never came back; ");
                amount(w->out, reference, unit);
                text_puts(w->out, " more are enough");
        } else if (!isnan(reference) && !trend) {
                text_printf(w->out, "%s %s%s", events ? "; compared with" : " at the end, against", harmless(w, of),
                            of[0] ? " " : "");
                amount(w->out, reference, unit);
        }
        if (!isnan(confidence))
                text_printf(w->out, " (%s with %.4g %% confidence%s", shape,
                            100 * (strcmp(shape, "rising") ? 1 - confidence : confidence), isnan(wanted) ? ")" : "; it takes ");
        if (!isnan(confidence) && !isnan(wanted)) {
                amount(w->out, wanted, unit);
                text_puts(w->out, ")");
        }
}

/* What is not of one process has the number 0. */
static void process(struct words *w, json_t *x)
{
        json_int_t pid = json_integer_value(json_object_get(x, "pid"));

        if (pid)
                text_printf(w->out, ", process %lld", (long long)pid);
}

static void source(struct words *w, json_t *e)
{
        char b[VALUE_SIZE];

        text_printf(w->out, "    %s", shown(w, e, "host"));
        process(w, e);
        text_printf(w->out, ", until %s\n", when(w, b, json_object_get(e, "to")));
}

static void chain(struct words *w, json_t *array, bool against)
{
        json_t *e;
        size_t i;

        json_array_foreach(array, i, e)
        {
                text_puts(w->out, "  - ");
                if (against) {
                        bool known = !json_is_null(json_object_get(e, "holds"));

                        text_printf(w->out, "%s: %s. ", shown(w, e, "says"),
                                    !known                                      ? "not known"
                                    : json_is_true(json_object_get(e, "holds")) ? "yes"
                                                                                : "ruled out");
                }
                finding(w, e);
                text_puts(w->out, "\n");
                if (!against)
                        source(w, e);
        }
}

static void subjects(struct words *w, json_t *x)
{
        json_t *s;
        size_t i;

        json_array_foreach(json_object_get(x, "subjects"), i, s)
        {
                const char *build = value_string(s, "build");
                double value = number_of(s, "value"), limit = number_of(s, "limit");
                char b[VALUE_SIZE], c[VALUE_SIZE];

                text_printf(w->out, "  - %s", shown(w, s, "host"));
                process(w, s);
                if (json_is_string(json_object_get(s, "started")))
                        text_printf(w->out, ", started %s", when(w, b, json_object_get(s, "started")));
                if (build[0]) {
                        snprintf(c, 13, "%s", build);
                        text_printf(w->out, ", build %s", harmless(w, c));
                }
                text_printf(w->out, ": since %s", when(w, c, json_object_get(s, "onset")));
                if (!isnan(value))
                        text_printf(w->out, ", now %.3g", value);
                if (!isnan(limit))
                        text_printf(w->out, " of %.4g", limit);
                text_puts(w->out, "\n");
        }
        if (json_integer_value(json_object_get(x, "subjects_left_out")) > 0)
                text_printf(w->out, "  - and %lld more\n", (long long)json_integer_value(json_object_get(x, "subjects_left_out")));
}

static void ruled_out(struct words *w, json_t *array)
{
        json_t *c;
        size_t i;

        json_array_foreach(array, i, c)
                text_printf(w->out, "  - %s %s: %s\n", shown(w, c, "kind"), shown(w, c, "ref"), shown(w, c, "why"));
}

static void causes(struct words *w, json_t *array)
{
        json_t *c;
        size_t i;

        if (json_array_size(array) == 0) {
                text_puts(w->out, "  None is named: nothing that changed and that is known explains it.\n");
                return;
        }
        json_array_foreach(array, i, c) text_printf(w->out, "  %zu. %s %s (%.0f %%): %s\n", i + 1, shown(w, c, "kind"),
                                                    shown(w, c, "ref"), 100 * number_of(c, "confidence"), shown(w, c, "why"));
}

static void if_nothing_is_done(struct words *w, json_t *x)
{
        json_t *breach = json_object_get(x, "breach_at"), *rate = json_object_get(x, "rate_per_hour");
        char a[VALUE_SIZE], b[VALUE_SIZE], c[VALUE_SIZE];

        if (!json_is_object(breach)) {
                text_puts(w->out, "  When it will fail cannot be said: no limit is known, or it is too far away.\n");
                return;
        }
        text_printf(w->out, "  The limit of %.4g is reached at about %s (between %s and %s, with 90 %% confidence),\n",
                    number_of(x, "limit"), when(w, a, json_object_get(breach, "likely")),
                    when(w, b, json_object_get(breach, "earliest")), when(w, c, json_object_get(breach, "latest")));
        text_printf(w->out, "  at %.3g an hour (%.3g to %.3g).\n", number_of(rate, "mid"), number_of(rate, "low"),
                    number_of(rate, "high"));
}

/* "service.rollback of payments on a, b and c". */
static void plan(struct words *w, json_t *p)
{
        json_t *target, *targets = json_object_get(p, "targets");
        size_t i;

        text_printf(w->out, "%s (%s) on ", shown(w, p, "action"), shown(w, p, "class"));
        json_array_foreach(targets, i, target) if (i < 4) text_printf(w->out, "%s%s", i ? ", " : "", shown(w, target, "host"));
        if (json_array_size(targets) > 4)
                text_printf(w->out, " and %zu more", json_array_size(targets) - 4);
        text_printf(w->out, "; it should bring: %s", shown(w, json_object_get(p, "prediction"), "says"));
}

static void actions(struct words *w, json_t *array)
{
        json_t *a;
        char b[VALUE_SIZE];
        size_t i;

        json_array_foreach(array, i, a)
        {
                text_printf(w->out, "  - %s %s: ", shown(w, a, "id"), shown(w, a, "state"));
                plan(w, a);
                text_printf(w->out, "; since %s", when(w, b, json_object_get(a, "changed_at")));
                if (*value_string(a, "decided_by"))
                        text_printf(w->out, ", by %s", shown(w, a, "decided_by"));
                if (*value_string(a, "why"))
                        text_printf(w->out, ": %s", shown(w, a, "why"));
                if (*value_string(a, "verdict"))
                        text_printf(w->out, "; its effect: %s", shown(w, a, "verdict"));
                text_puts(w->out, "\n");
                if (*value_string(a, "limits"))
                        text_printf(w->out, "    limits as computed: %s\n", shown(w, a, "limits"));
        }
}

static void outlook(struct words *w, json_t *o)
{
        if (!json_is_object(o)) {
                text_puts(w->out, "  Nothing: the incident is over.\n");
                return;
        }
        if (*value_string(o, "action")) {
                text_puts(w->out, "  ");
                plan(w, o);
                text_printf(w->out, ".\n  In %s its authority is %s.\n", shown(w, o, "environment"), shown(w, o, "rung"));
        }
        if (*value_string(o, "why_not"))
                text_printf(w->out, "  It is not done now: %s.\n", shown(w, o, "why_not"));
        if (*value_string(o, "at_alone_small"))
                text_printf(w->out, "  With the authority alone_small: %s\n", shown(w, o, "at_alone_small"));
        if (*value_string(o, "at_alone"))
                text_printf(w->out, "  With the authority alone: %s\n", shown(w, o, "at_alone"));
}

/* Where each step can be looked up, with its proof. */
static void log_entries(struct words *w, json_t *array)
{
        char b[VALUE_SIZE];
        json_t *e;
        size_t i;

        json_array_foreach(array, i, e)
        {
                const char *action = shown(w, e, "action");

                text_printf(w->out, "  - entry %lld: %s%s%s at %s\n", (long long)json_integer_value(json_object_get(e, "index")),
                            shown(w, e, "kind"), *action ? " of " : "", action, when(w, b, json_object_get(e, "at")));
        }
}

static void title(struct words *w, json_t *x)
{
        const char *server = shown(w, x, "server");
        char b[VALUE_SIZE], c[VALUE_SIZE];
        struct text head = { 0 };

        text_printf(&head, "%s  %s  %s", shown(w, x, "id"), shown(w, x, "service"), shown(w, x, "signature"));
        line(w, "# ", head.data ? head.data : "");
        text_free(&head);
        text_printf(w->out, "%s: %s", shown(w, x, "service"), shown(w, x, "title"));
        if (server[0])
                text_printf(w->out, ", towards %s port %lld", server, (long long)json_integer_value(json_object_get(x, "port")));
        text_printf(w->out, ".\nIt began at about %s; seen since %s; %s.\n", when(w, b, json_object_get(x, "onset_at")),
                    when(w, c, json_object_get(x, "opened_at")), shown(w, x, "state"));
}

static void list(struct words *w, const char *words, json_t *array, void (*write)(struct words *w, json_t *array))
{
        if (json_array_size(array) == 0)
                return;
        heading(w, words);
        write(w, array);
}

static void remedies(struct words *w, json_t *array)
{
        json_t *remedy;
        size_t i;

        json_array_foreach(array, i, remedy)
                text_printf(w->out, "  %zu. %s\n", i + 1, harmless(w, json_string_value(remedy) ?: ""));
}

static void against(struct words *w, json_t *array)
{
        chain(w, array, true);
}

int explain_words(struct text *out, json_t *root, int64_t now, enum words_style style)
{
        struct words words = { .out = out, .style = style, .now = now }, *w = &words;
        json_t *x = json_object_get(root, "explain");

        if (!json_is_object(x))
                return -EBADMSG;
        title(w, x);
        if (json_array_size(json_object_get(x, "subjects")) > 0)
                heading(w, "Where");
        subjects(w, x);
        heading(w, "What shows it");
        chain(w, json_object_get(x, "evidence"), false);
        list(w, "What would speak against it", json_object_get(x, "against"), against);
        heading(w, "Cause");
        causes(w, json_object_get(x, "causes"));
        list(w, "Not the cause", json_object_get(x, "ruled_out"), ruled_out);
        heading(w, "If nothing is done");
        if_nothing_is_done(w, x);
        list(w, "Remedies, in order", json_object_get(x, "remedies"), remedies);
        list(w, "What was decided", json_object_get(x, "actions"), actions);
        if (json_object_get(x, "outlook")) {
                heading(w, "What would be done");
                outlook(w, json_object_get(x, "outlook"));
        }
        list(w, "In the audit log", json_object_get(x, "log"), log_entries);
        while (words.kept) {
                struct kept *next = words.kept->next;

                free(words.kept);
                words.kept = next;
        }
        return out->failed;
}
