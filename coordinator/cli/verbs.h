/* The table of verbs and options: it parses the command line, prints --help, completes in the shell
 * and writes the manual page, so that these cannot disagree. */
#pragma once

#include "proto/base.h"

struct text;
struct invocation;

enum cli_status { CLI_DONE = 0, CLI_FAILED = 1, CLI_USAGE = 2, CLI_NO_SUCH = 3, CLI_NOT_VERIFIED = 4 };

struct cli_option {
        const char *name;
        const char *value;   /* placeholder; NULL: a flag */
        const char *choices; /* separated by blanks; NULL: anything */
        const char *help;
};

struct cli_verb {
        const char *name;
        const char *arguments;                   /* of the synopsis, or "" */
        const char *summary;                     /* one line */
        const char *help;                        /* some more, or "" */
        const char *formats;                     /* choices of --format, the default first; "" for none */
        const struct cli_option *const *options; /* ended by NULL */
        int positional_min, positional_max;
        int (*run)(const struct invocation *invocation);
        int (*raw)(int argc, char **argv); /* instead of run: parses for itself */
};

extern const struct cli_verb cli_verbs[];
extern const size_t cli_verbs_count;
extern const struct cli_option *const cli_global_options[];

/* True if a global option means the same behind the verb: it has none of its own of that name. */
bool cli_global_stands(const struct cli_verb *verb, const struct cli_option *global);
const struct cli_verb *cli_verb_find(const char *name);

/* What was typed. Values live as long as argv. */
struct invocation {
        const struct cli_verb *verb;
        const char *control, *format;
        const struct cli_option *options[16];
        const char *values[16]; /* "" for a flag */
        size_t options_count;
        const char *positional[272];
        int positional_count;
};

/* NULL if it was not given. */
const char *invocation_value(const struct invocation *invocation, const char *option);

/* 0: ready to run; 1: help or version is to be shown; -EINVAL with a sentence in `error`. */
enum cli_asked { CLI_ASKED_RUN = 0, CLI_ASKED_HELP, CLI_ASKED_VERSION };
MUST_CHECK int invocation_parse(int argc, char **argv, struct invocation *ret_invocation, enum cli_asked *ret_asked,
                                struct text *error);

void help_global(struct text *out);
void help_verb(struct text *out, const struct cli_verb *verb);
