#include "coordinator/cli/verbs.h"
#include "coordinator/render.h"

#include <string.h>

static void pad(struct text *out, size_t from, size_t to)
{
        do
                text_append(out, " ", 1);
        while (++from < to);
}

static void entry(struct text *out, const struct cli_option *o, const char *choices)
{
        size_t start = out->length;

        text_printf(out, "  --%s", o->name);
        if (o->value) {
                text_puts(out, " ");
                for (const char *c = choices ? choices : o->value; *c; c++)
                        text_append(out, *c == ' ' ? "|" : c, 1);
        }
        pad(out, out->length - start, 28);
        text_printf(out, "%s\n", o->help);
}

void help_global(struct text *out)
{
        text_puts(out, "Usage: nightshift [--control PATH] [--format table|json] VERB [OPTION]...\n\nVerbs:\n");
        for (size_t i = 0; i < cli_verbs_count; i++) {
                size_t start = out->length;

                text_printf(out, "  %s", cli_verbs[i].name);
                pad(out, out->length - start, 16);
                text_printf(out, "%s\n", cli_verbs[i].summary);
        }
        text_puts(out, "\nOptions:\n");
        for (const struct cli_option *const *o = cli_global_options; *o; o++)
                entry(out, *o, (*o)->choices);
        text_puts(out, "\n`nightshift VERB --help` says more about one.\n"
                       "Exit status: 0 done, 1 failed, 2 wrong usage, 3 no such thing, 4 a verification failed.\n");
}

void help_verb(struct text *out, const struct cli_verb *verb)
{
        text_printf(out, "Usage: nightshift %s%s%s [OPTION]...\n\n%c%s.\n", verb->name, *verb->arguments ? " " : "",
                    verb->arguments, verb->summary[0] - ('a' <= verb->summary[0] && verb->summary[0] <= 'z' ? 'a' - 'A' : 0),
                    verb->summary + 1);
        if (*verb->help)
                text_printf(out, "\n%s\n", verb->help);
        text_puts(out, "\nOptions:\n");
        for (const struct cli_option *const *o = verb->options; *o; o++)
                entry(out, *o, (*o)->choices);
        for (const struct cli_option *const *o = cli_global_options; *o; o++) {
                bool is_format = strcmp((*o)->name, "format") == 0;

                if (cli_global_stands(verb, *o) && (!is_format || *verb->formats))
                        entry(out, *o, is_format ? verb->formats : (*o)->choices);
        }
}
