#include "coordinator/cli/client.h"
#include "coordinator/cli/verbs.h"
#include "coordinator/render.h"

#include <string.h>

const char *invocation_value(const struct invocation *invocation, const char *option)
{
        for (size_t i = invocation->options_count; i-- > 0;)
                if (strcmp(invocation->options[i]->name, option) == 0)
                        return invocation->values[i];
        return NULL;
}

static int wrong(struct text *error, const struct cli_verb *verb, const char *what, const char *word)
{
        text_printf(error, "%s%s", verb ? verb->name : "", verb ? ": " : "");
        text_printf(error, what, word);
        text_printf(error, "; see `nightshift %s%s--help`", verb ? verb->name : "", verb ? " " : "");
        return -EINVAL;
}

static const struct cli_option *find(const struct cli_option *const *options, const char *name, size_t length)
{
        for (; *options; options++)
                if (strlen((*options)->name) == length && strncmp((*options)->name, name, length) == 0)
                        return *options;
        return NULL;
}

static bool is_choice(const char *choices, const char *word)
{
        size_t length = strlen(word);

        for (const char *c = choices; c && *c;) {
                size_t n = strcspn(c, " ");

                if (n == length && strncmp(c, word, n) == 0)
                        return true;
                c += n;
                c += *c == ' ';
        }
        return false;
}

static int take(struct invocation *i, const struct cli_option *option, const char *value, enum cli_asked *asked, struct text *error)
{
        bool global = find(cli_global_options, option->name, strlen(option->name)) == option;

        if (global && strcmp(option->name, "help") == 0)
                *asked = CLI_ASKED_HELP;
        else if (global && strcmp(option->name, "version") == 0)
                *asked = *asked == CLI_ASKED_HELP ? *asked : CLI_ASKED_VERSION;
        else if (global && strcmp(option->name, "control") == 0)
                i->control = value;
        else if (global && strcmp(option->name, "format") == 0)
                i->format = value;
        else if (i->options_count == ARRAY_SIZE(i->options))
                return wrong(error, i->verb, "too many options at %s", option->name);
        else {
                i->options[i->options_count] = option;
                i->values[i->options_count++] = value;
        }
        return 0;
}

/* One option and, unless it is "--name=value", the word after it. */
static int option(struct invocation *i, int argc, char **argv, int *at, enum cli_asked *asked, struct text *error)
{
        const char *name = argv[*at] + 2, *value;
        size_t length = strcspn(name, "=");
        const struct cli_option *o;

        if (strcmp(argv[*at], "-h") == 0) {
                *asked = CLI_ASKED_HELP;
                return 0;
        }
        if (argv[*at][1] != '-')
                return wrong(error, i->verb, "unknown option %s", argv[*at]);
        /* Behind its verb an option is the verb's: `deployed --version V`. */
        o = i->verb ? find(i->verb->options, name, length) : NULL;
        if (!o)
                o = find(cli_global_options, name, length);
        if (!o)
                return wrong(error, i->verb, "unknown option %s", argv[*at]);
        if (!o->value) {
                if (name[length])
                        return wrong(error, i->verb, "--%s takes no value", o->name);
                return take(i, o, "", asked, error);
        }
        if (name[length])
                value = name + length + 1;
        else if (*at + 1 < argc)
                value = argv[++*at];
        else
                value = "";
        if (!*value)
                return wrong(error, i->verb, "--%s needs a value", o->name);
        return take(i, o, value, asked, error);
}

static int check(struct invocation *i, struct text *error)
{
        if (!i->verb)
                return wrong(error, NULL, "%s", "a verb is missing");
        if (i->format && !is_choice(i->verb->formats, i->format)) {
                if (!*i->verb->formats)
                        return wrong(error, i->verb, "%s", "there is no choice of --format here");
                text_printf(error, "%s: --format: expected one of %s, found '%s'", i->verb->name, i->verb->formats, i->format);
                return -EINVAL;
        }
        if (i->positional_count < i->verb->positional_min)
                return wrong(error, i->verb, "expected %s", i->verb->arguments);
        if (invocation_value(i, "depth") && !invocation_value(i, "service"))
                return wrong(error, i->verb, "%s", "--depth needs a --service");
        return 0;
}

int invocation_parse(int argc, char **argv, struct invocation *ret_invocation, enum cli_asked *ret_asked, struct text *error)
{
        struct invocation i = { .control = CLIENT_CONTROL_DEFAULT };
        enum cli_asked asked = CLI_ASKED_RUN;
        bool words_only = false;
        int r = 0;

        for (int at = 1; at < argc && r == 0; at++) {
                const char *word = argv[at];

                if (!words_only && strcmp(word, "--") == 0) {
                        words_only = true;
                } else if (!words_only && word[0] == '-' && word[1]) {
                        r = option(&i, argc, argv, &at, &asked, error);
                } else if (!i.verb && strcmp(word, "help") == 0) {
                        asked = CLI_ASKED_HELP;
                } else if (!i.verb) {
                        i.verb = cli_verb_find(word);
                        if (!i.verb)
                                r = wrong(error, NULL, "unknown verb '%s'", word);
                        else if (i.verb->raw) {
                                /* The rest is its own. */
                                i.positional_count = argc - at;
                                break;
                        }
                } else if (i.positional_count >= i.verb->positional_max) {
                        r = wrong(error, i.verb, "unexpected argument '%s'", word);
                } else {
                        i.positional[i.positional_count++] = word;
                }
        }
        if (r == 0 && asked == CLI_ASKED_RUN && !(i.verb && i.verb->raw))
                r = check(&i, error);
        if (r < 0)
                return r;
        *ret_invocation = i;
        *ret_asked = asked;
        return 0;
}
