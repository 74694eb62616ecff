#include "coordinator/cli/ask.h"
#include "coordinator/cli/run.h"
#include "coordinator/cli/screen.h"
#include "coordinator/cli/verbs.h"
#include "coordinator/render.h"

#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
        struct text text = { 0 };
        struct invocation invocation;
        enum cli_asked asked;
        int r;

        /* Only for the width of characters: answers are UTF-8 wherever we run. */
        if (!setlocale(LC_CTYPE, "C.UTF-8"))
                setlocale(LC_CTYPE, "");
        signal(SIGPIPE, SIG_IGN);

        if (argc < 2) {
                help_global(&text);
                fputs(text.data ? text.data : "", stderr);
                r = CLI_USAGE;
        } else if (invocation_parse(argc, argv, &invocation, &asked, &text) < 0) {
                cli_complain("%s", text.data ? text.data : "out of memory");
                r = CLI_USAGE;
        } else if (asked == CLI_ASKED_HELP && invocation.verb && invocation.verb->raw) {
                char name[] = "", option[] = "--help", *words[] = { name, option, NULL };

                r = invocation.verb->raw(2, words);
        } else if (asked == CLI_ASKED_HELP) {
                if (invocation.verb)
                        help_verb(&text, invocation.verb);
                else
                        help_global(&text);
                r = cli_write(text.data, text.length);
        } else if (asked == CLI_ASKED_VERSION) {
                r = cli_write("nightshift " NIGHTSHIFT_VERSION "\n", strlen("nightshift " NIGHTSHIFT_VERSION "\n"));
        } else if (invocation.verb->raw) {
                r = invocation.verb->raw(invocation.positional_count, argv + argc - invocation.positional_count);
        } else {
                r = invocation.verb->run(&invocation);
        }
        screen_leave();
        text_free(&text);
        return r;
}
