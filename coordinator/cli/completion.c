#include "coordinator/cli/ask.h"
#include "coordinator/cli/run.h"
#include "coordinator/cli/verbs.h"
#include "coordinator/render.h"

#include <stdio.h>
#include <string.h>

static void verbs(struct text *out)
{
        for (size_t i = 0; i < cli_verbs_count; i++)
                text_printf(out, "%s%s", i ? " " : "", cli_verbs[i].name);
}

static void options(struct text *out, const struct cli_option *const *o)
{
        for (; *o; o++)
                text_printf(out, " --%s", (*o)->name);
}

static void bash(struct text *out)
{
        text_puts(out, "# bash completion of nightshift\n"
                       "_nightshift() {\n"
                       "        local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} verb= words= i\n"
                       "        for ((i = 1; i < COMP_CWORD; i++)); do\n"
                       "                case ${COMP_WORDS[i]} in\n"
                       "                --control|--format) ((i++)) ;;\n"
                       "                -*) ;;\n"
                       "                *) verb=${COMP_WORDS[i]}; break ;;\n"
                       "                esac\n"
                       "        done\n"
                       "        case $before in\n"
                       "        --control) mapfile -t COMPREPLY < <(compgen -f -- \"$word\"); return ;;\n"
                       "        --format)\n"
                       "                case $verb in\n");
        for (size_t i = 0; i < cli_verbs_count; i++)
                if (*cli_verbs[i].formats)
                        text_printf(out, "                %s) words='%s' ;;\n", cli_verbs[i].name, cli_verbs[i].formats);
        text_puts(out, "                *) words='table json' ;;\n"
                       "                esac\n"
                       "                mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\"); return ;;\n"
                       "        --service) words=$(nightshift --format json services 2>/dev/null | sed -n "
                       "'s/^{\"name\":\"\\([^\"\\\\]*\\)\".*/\\1/p') ;;\n"
                       "        --host) words=$(nightshift --format json hosts 2>/dev/null | sed -n "
                       "'s/^{\"name\":\"\\([^\"\\\\]*\\)\".*/\\1/p') ;;\n"
                       "        *)\n"
                       "                case $verb in\n"
                       "                '') words='");
        verbs(out);
        options(out, cli_global_options);
        text_puts(out, "' ;;\n");
        for (size_t i = 0; i < cli_verbs_count; i++) {
                text_printf(out, "                %s) words='", cli_verbs[i].name);
                if (strcmp(cli_verbs[i].name, "completion") == 0)
                        text_puts(out, "bash zsh fish");
                if (strcmp(cli_verbs[i].name, "signatures") == 0)
                        text_puts(out, "check list");
                if (strcmp(cli_verbs[i].name, "audit") == 0)
                        text_puts(out, "list rotate-key show verify");
                options(out, cli_verbs[i].options);
                options(out, cli_global_options);
                text_puts(out, "' ;;\n");
        }
        text_puts(out, "                esac ;;\n"
                       "        esac\n"
                       "        mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n"
                       "        [ \"$verb\" != signatures ] && [ \"$verb\" != audit ] || mapfile -t -O \"${#COMPREPLY[@]}\" "
                       "COMPREPLY < <(compgen -f -- \"$word\")\n"
                       "}\n"
                       "complete -F _nightshift nightshift\n");
}

/* Text inside single quotes, for both shells; [ ] and : mean something to zsh's _arguments. */
static void quoted(struct text *out, const char *s, bool zsh)
{
        for (; *s; s++) {
                if (*s == '\'')
                        text_puts(out, zsh ? "'\\''" : "\\'");
                else if (zsh && strchr("[]:\\", *s))
                        text_printf(out, "\\%c", *s);
                else
                        text_append(out, s, 1);
        }
}

static void zsh_option(struct text *out, const struct cli_option *o, const char *choices)
{
        text_printf(out, " \\\n                        '--%s[", o->name);
        quoted(out, o->help, true);
        text_puts(out, "]");
        if (o->value && choices)
                text_printf(out, ":%s:(%s)", o->value, choices);
        else if (o->value)
                text_printf(out, ":%s:%s", o->value, strcmp(o->name, "control") ? "" : "_files");
        text_puts(out, "'");
}

static void zsh(struct text *out)
{
        text_puts(out, "#compdef nightshift\n"
                       "_nightshift() {\n"
                       "        local verb= word\n"
                       "        for word in ${words[2,CURRENT-1]}; do\n"
                       "                case $word in\n"
                       "                ");
        for (size_t i = 0; i < cli_verbs_count; i++)
                text_printf(out, "%s%s", i ? "|" : "", cli_verbs[i].name);
        text_puts(out, ") verb=$word; break ;;\n"
                       "                esac\n"
                       "        done\n"
                       "        case $verb in\n"
                       "        '')\n"
                       "                local -a verbs=(");
        for (size_t i = 0; i < cli_verbs_count; i++) {
                text_printf(out, "\n                        '%s:", cli_verbs[i].name);
                quoted(out, cli_verbs[i].summary, true);
                text_puts(out, "'");
        }
        text_puts(out, ")\n                _arguments");
        for (const struct cli_option *const *o = cli_global_options; *o; o++)
                zsh_option(out, *o, (*o)->choices);
        text_puts(out, " \\\n                        '1:verb:{_describe verb verbs}' ;;\n");
        for (size_t i = 0; i < cli_verbs_count; i++) {
                text_printf(out, "        %s)\n                _arguments", cli_verbs[i].name);
                for (const struct cli_option *const *o = cli_verbs[i].options; *o; o++)
                        zsh_option(out, *o, (*o)->choices);
                for (const struct cli_option *const *o = cli_global_options; *o; o++)
                        if (cli_global_stands(&cli_verbs[i], *o))
                                zsh_option(out, *o,
                                           strcmp((*o)->name, "format") ? (*o)->choices
                                           : *cli_verbs[i].formats      ? cli_verbs[i].formats
                                                                        : NULL);
                if (strcmp(cli_verbs[i].name, "completion") == 0)
                        text_puts(out, " \\\n                        '2:shell:(bash zsh fish)'");
                if (strcmp(cli_verbs[i].name, "signatures") == 0)
                        text_puts(out, " \\\n                        '2:what:(check list)' '*:file:_files'");
                if (strcmp(cli_verbs[i].name, "audit") == 0)
                        text_puts(out, " \\\n                        '2:what:(list rotate-key show verify)' '*:folder:_files -/'");
                text_puts(out, " ;;\n");
        }
        text_puts(out,
                  "        esac\n"
                  "}\n"
                  "if [ \"$funcstack[1]\" = _nightshift ]; then _nightshift \"$@\"; else compdef _nightshift nightshift; fi\n");
}

static void fish_option(struct text *out, const char *condition, const struct cli_option *o)
{
        text_printf(out, "complete -c nightshift%s -l %s", condition, o->name);
        if (o->value && o->choices)
                text_printf(out, " -x -a '%s'", o->choices);
        else if (o->value)
                text_puts(out, strcmp(o->name, "control") ? " -x" : " -r");
        text_puts(out, " -d '");
        quoted(out, o->help, false);
        text_puts(out, "'\n");
}

static void fish(struct text *out)
{
        char condition[96];

        text_puts(out, "# fish completion of nightshift\ncomplete -c nightshift -f\n");
        for (const struct cli_option *const *o = cli_global_options; *o; o++)
                fish_option(out, "", *o);
        for (size_t i = 0; i < cli_verbs_count; i++) {
                text_printf(out, "complete -c nightshift -n __fish_use_subcommand -a %s -d '", cli_verbs[i].name);
                quoted(out, cli_verbs[i].summary, false);
                text_puts(out, "'\n");
                snprintf(condition, sizeof(condition), " -n '__fish_seen_subcommand_from %s'", cli_verbs[i].name);
                for (const struct cli_option *const *o = cli_verbs[i].options; *o; o++)
                        fish_option(out, condition, *o);
        }
        text_puts(out, "complete -c nightshift -n '__fish_seen_subcommand_from completion' -a 'bash zsh fish'\n"
                       "complete -c nightshift -n '__fish_seen_subcommand_from signatures' -a 'check list' -F\n"
                       "complete -c nightshift -n '__fish_seen_subcommand_from audit' -a 'list rotate-key show verify' -F\n");
}

/* A word at the start of a line would be a request to mandoc if it began with a dot; ours do not. */
static void mdoc_option(struct text *out, const struct cli_option *o, const char *choices)
{
        text_printf(out, ".It Fl -%s", o->name);
        if (o->value && choices) {
                text_puts(out, " Cm ");
                for (const char *c = choices; *c; c++)
                        text_puts(out, *c == ' ' ? " | Cm " : (char[]){ *c, '\0' });
        } else if (o->value) {
                text_printf(out, " Ar %s", o->value);
        }
        text_printf(out, "\n%s.\n", o->help);
}

/* The verbs as the manual page has them; coordinator/manual.sh puts them there. */
static void mdoc(struct text *out)
{
        for (size_t i = 0; i < cli_verbs_count; i++) {
                const struct cli_verb *v = &cli_verbs[i];

                text_printf(out, ".Ss %s%s%s\n%c%s.\n", v->name, *v->arguments ? " " : "", v->arguments,
                            v->summary[0] - ('a' <= v->summary[0] && v->summary[0] <= 'z' ? 'a' - 'A' : 0), v->summary + 1);
                if (*v->help)
                        text_printf(out, "%s%s\n%s", strchr(v->help, ':') ? ".Bd -literal\n" : "", v->help,
                                    strchr(v->help, ':') ? ".Ed\n" : "");
                if (!*v->options && !*v->formats)
                        continue;
                text_puts(out, ".Bl -tag -width Ds\n");
                for (const struct cli_option *const *o = v->options; *o; o++)
                        mdoc_option(out, *o, (*o)->choices);
                for (const struct cli_option *const *o = cli_global_options; *o && *v->formats; o++)
                        if (strcmp((*o)->name, "format") == 0) {
                                static const struct cli_option format = { "format", "FORMAT", NULL,
                                                                          "form of the answer, the first by default" };

                                mdoc_option(out, &format, v->formats);
                        }
                text_puts(out, ".El\n");
        }
}

int run_completion(const struct invocation *invocation)
{
        static const struct {
                const char *name;
                void (*write)(struct text *out);
        } shells[] = { { "bash", bash }, { "zsh", zsh }, { "fish", fish }, { "mdoc", mdoc } };
        struct text out = { 0 };

        for (size_t i = 0; i < ARRAY_SIZE(shells); i++)
                if (strcmp(invocation->positional[0], shells[i].name) == 0) {
                        int r = CLI_FAILED;

                        shells[i].write(&out);
                        if (!out.failed)
                                r = cli_write(out.data, out.length);
                        text_free(&out);
                        return r;
                }
        cli_complain("completion: expected bash, zsh or fish, found '%s'", invocation->positional[0]);
        return CLI_USAGE;
}
