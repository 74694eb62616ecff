#include "coordinator/action_names.h"
#include "coordinator/conduct.h"
#include "coordinator/query_acting.h"
#include "coordinator/signature.h"
#include "proto/units.h"

#include <stdlib.h>
#include <string.h>

enum takes { TAKES_ACTION, TAKES_NOTHING, TAKES_UNIT, TAKES_WINDOW };

static const struct {
        const char *verb, *done;
        enum word_kind kind;
        enum takes takes;
        bool cap;
        enum window_kind window;
} words[] = {
        { "approve", "approved", WORD_APPROVE, TAKES_ACTION },
        { "reject", "rejected", WORD_REJECT, TAKES_ACTION },
        { "undo", "being undone", WORD_UNDO, TAKES_ACTION },
        { "acknowledge", "acknowledged", WORD_ACKNOWLEDGE, TAKES_ACTION },
        { "pause", "paused: nothing is done until `nightshift resume`", WORD_PAUSE, TAKES_NOTHING },
        { "resume", "goes on; what was approved before the pause is void", WORD_RESUME, TAKES_NOTHING },
        { "grant", "granted", WORD_MANDATE, TAKES_UNIT, .cap = false },
        { "cap", "capped", WORD_MANDATE, TAKES_UNIT, .cap = true },
        { "maintenance", "nothing is done or proposed there", WORD_WINDOW, TAKES_WINDOW, .window = WINDOW_MAINTENANCE },
        { "freeze", "nothing is done there", WORD_WINDOW, TAKES_WINDOW, .window = WINDOW_FREEZE },
        { "opt-out", "it has opted out", WORD_WINDOW, TAKES_WINDOW, .window = WINDOW_OPT_OUT },
        { "maintenance-end", "maintenance is over", WORD_END_WINDOW, TAKES_WINDOW, .window = WINDOW_MAINTENANCE },
        { "freeze-end", "the freeze is over", WORD_END_WINDOW, TAKES_WINDOW, .window = WINDOW_FREEZE },
        { "opt-in", "it takes part again", WORD_END_WINDOW, TAKES_WINDOW, .window = WINDOW_OPT_OUT },
};

static size_t find(const char *verb)
{
        size_t i = 0;

        while (i < ARRAY_SIZE(words) && strcmp(words[i].verb, verb))
                i++;
        return i;
}

bool query_is_word(const char *verb)
{
        return find(verb) < ARRAY_SIZE(words);
}

const char *query_argument(const struct wire_query *query, const char *name)
{
        for (size_t i = 0; i < query->arguments_count; i++)
                if (strcmp(query->arguments[i].name, name) == 0)
                        return query->arguments[i].value;
        return "";
}

/* All that a word may be given; "" where it was not. */
struct given {
        const char *action, *why, *digest, *signature, *environment, *rung, *lasts, *service, *zone, *host;
};

static const struct {
        const char *name;
        size_t offset;
        unsigned takes; /* bits 1 << enum takes */
} arguments[] = {
        { "action", offsetof(struct given, action), 1u << TAKES_ACTION | 1u << TAKES_UNIT },
        { "why", offsetof(struct given, why), ~0u },
        { "digest", offsetof(struct given, digest), 1u << TAKES_ACTION },
        { "signature", offsetof(struct given, signature), 1u << TAKES_UNIT },
        { "environment", offsetof(struct given, environment), 1u << TAKES_UNIT | 1u << TAKES_WINDOW },
        { "rung", offsetof(struct given, rung), 1u << TAKES_UNIT },
        { "for", offsetof(struct given, lasts), 1u << TAKES_UNIT | 1u << TAKES_WINDOW },
        { "service", offsetof(struct given, service), 1u << TAKES_WINDOW },
        { "zone", offsetof(struct given, zone), 1u << TAKES_WINDOW },
        { "host", offsetof(struct given, host), 1u << TAKES_WINDOW },
};

static enum query_status usage(struct text *out, const char *what)
{
        text_printf(out, "%s\n", what);
        return QUERY_USAGE;
}

static enum query_status take(const struct wire_query *query, enum takes takes, struct given *g, struct text *out)
{
        for (size_t i = 0; i < query->arguments_count; i++) {
                const struct wire_argument *a = &query->arguments[i];
                size_t k = 0;

                while (k < ARRAY_SIZE(arguments) && (strcmp(arguments[k].name, a->name) || !(arguments[k].takes >> takes & 1)))
                        k++;
                if (k == ARRAY_SIZE(arguments)) {
                        text_printf(out, "unknown argument '%.100s'\n", a->name);
                        return QUERY_USAGE;
                }
                *(const char **)((char *)g + arguments[k].offset) = a->value;
        }
        return QUERY_DONE;
}

static bool parse_digest(const char *text, uint8_t digest[DIGEST_SIZE], size_t *ret_size)
{
        size_t length = strlen(text);

        if (length < 2 || length > 2 * DIGEST_SIZE || length % 2 || strspn(text, "0123456789abcdef") != length)
                return false;
        for (size_t i = 0; i < length / 2; i++) {
                char pair[3] = { text[2 * i], text[2 * i + 1], '\0' };

                digest[i] = (uint8_t)strtoul(pair, NULL, 16);
        }
        *ret_size = length / 2;
        return true;
}

static enum query_status about_action(const struct given *g, struct word *w, uint8_t digest[DIGEST_SIZE], struct text *out)
{
        char *end;

        errno = 0;
        w->remedy = *g->action == 'a' ? strtoull(g->action + 1, &end, 10) : 0;
        if (w->remedy == 0 || *end || errno || g->action[1] == '-') {
                text_printf(out, "action: expected an id such as a12, found '%.100s'\n", g->action);
                return QUERY_USAGE;
        }
        if (*g->digest) {
                if (!parse_digest(g->digest, digest, &w->digest_size))
                        return usage(out, "digest: expected hexadecimal digits, as `actions` shows them");
                w->digest = digest;
        }
        return QUERY_DONE;
}

static enum query_status about_unit(const struct conduct *c, const struct signature_set *signatures, const struct given *g,
                                    int64_t now, struct word *w, struct text *out)
{
        const struct action *action = action_get(g->action);
        const struct signature *s = signatures_find(signatures, g->signature);
        char list[400];
        int64_t lasts;

        if (!action) {
                text_printf(out, "action: expected one of %s\n", actions_list(list, sizeof(list)));
                return QUERY_USAGE;
        }
        if (!s) {
                text_printf(out, "no signature '%.100s'\n", g->signature);
                return QUERY_NO_SUCH;
        }
        if (!rung_find(g->rung, &w->rung))
                return usage(out, "rung: expected shadow, propose, alone_small or alone");
        if (duration_parse(g->lasts, &lasts) < 0 || lasts == 0)
                return usage(out, "for: expected how long, such as 8h or 30d");
        if (strlen(g->environment) > UNIT_ENVIRONMENT_MAX)
                return usage(out, "environment: expected at most 64 bytes");
        w->until = now + lasts;
        strcpy(w->unit.signature, s->name);
        strcpy(w->unit.action, action->name);
        strcpy(w->unit.environment, *g->environment ? g->environment : "production");
        return plan_version(acting_policy(conduct_acting(c)), s->digest, action, w->unit.version) < 0 ? QUERY_FAILED : QUERY_DONE;
}

static enum query_status about_window(const struct given *g, int64_t now, struct word *w, struct text *out)
{
        const char *const names[SCOPES] = {
                [SCOPE_SERVICE] = g->service, [SCOPE_ZONE] = g->zone, [SCOPE_ENVIRONMENT] = g->environment, [SCOPE_HOST] = g->host
        };
        int64_t lasts = 0;
        int given = 0;

        for (int i = 0; i < SCOPES; i++)
                if (names[i] && *names[i]) {
                        if (strlen(names[i]) > NAME_MAX_SERVICE)
                                return usage(out, "expected a name of at most 256 bytes");
                        w->window.scope = (enum window_scope)i;
                        strcpy(w->window.name, names[i]);
                        given++;
                }
        if (given > 1)
                return usage(out, "expected one of service, zone, environment and host");
        if (w->window.kind == WINDOW_OPT_OUT && w->window.scope != SCOPE_SERVICE)
                return usage(out, "expected a service");
        if (*g->lasts && (duration_parse(g->lasts, &lasts) < 0 || lasts == 0))
                return usage(out, "for: expected how long, such as 2h");
        w->window.from = now;
        w->window.until = lasts ? now + lasts : 0;
        return QUERY_DONE;
}

enum query_status query_word(struct conduct *conduct, const struct signature_set *signatures, int64_t now,
                             const struct wire_query *query, const char *by, struct text *out)
{
        size_t which = find(query->verb);
        struct given g = { "", "", "", "", "", "", "", "", "", "" };
        struct word w = { .kind = words[which].kind, .by = by, .cap = words[which].cap, .window.kind = words[which].window };
        enum query_status status = take(query, words[which].takes, &g, out);
        uint8_t digest[DIGEST_SIZE];
        char why[PLAN_WHY_MAX] = "";
        int r;

        w.why = g.why;
        if (status == QUERY_DONE && words[which].takes == TAKES_ACTION)
                status = about_action(&g, &w, digest, out);
        if (status == QUERY_DONE && words[which].takes == TAKES_UNIT)
                status = about_unit(conduct, signatures, &g, now, &w, out);
        if (status == QUERY_DONE && words[which].takes == TAKES_WINDOW)
                status = about_window(&g, now, &w, out);
        if (status != QUERY_DONE)
                return status;
        r = conduct_say(conduct, now, &w, why);
        if (r < 0) {
                text_printf(out, "%s\n", why);
                return r == -ENOENT ? QUERY_NO_SUCH : QUERY_FAILED;
        }
        text_printf(out, "%s%s%s\n", g.action[0] && words[which].takes == TAKES_ACTION ? g.action : "",
                    g.action[0] && words[which].takes == TAKES_ACTION ? " " : "", words[which].done);
        return QUERY_DONE;
}
