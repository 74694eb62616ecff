/* Verbs that decide: what people say about actions. The answer is a line for people. */
#include "coordinator/cli/ask.h"
#include "coordinator/cli/client.h"
#include "coordinator/cli/run.h"
#include "coordinator/cli/verbs.h"

#include <string.h>

static int say(const struct invocation *invocation, const char *verb, const char *name, const char *value)
{
        struct client *client = NULL;
        struct wire_answer answer;
        struct ask ask;
        int r = ask_prepare(invocation, &ask);

        if (r == CLI_DONE && value)
                ask_add(&ask, name, value);
        if (r == CLI_DONE)
                r = ask_connect(invocation, &client);
        if (r == CLI_DONE)
                r = ask_send(client, verb, &ask, &answer);
        if (r == CLI_DONE)
                r = cli_write((const char *)answer.body, answer.body_size);
        client_free(&client);
        return r;
}

int run_word(const struct invocation *invocation)
{
        return say(invocation, invocation->verb->name, "action", invocation->positional_count ? invocation->positional[0] : NULL);
}

int run_opt_out(const struct invocation *invocation)
{
        return say(invocation, invocation->verb->name, "service", invocation->positional[0]);
}

int run_window(const struct invocation *invocation)
{
        bool ends = invocation->positional_count && strcmp(invocation->positional[0], "end") == 0;

        if (invocation->positional_count && !ends && strcmp(invocation->positional[0], "begin")) {
                cli_complain("%s: expected begin or end, found '%s'", invocation->verb->name, invocation->positional[0]);
                return CLI_USAGE;
        }
        if (strcmp(invocation->verb->name, "freeze") == 0)
                return say(invocation, ends ? "freeze-end" : "freeze", NULL, NULL);
        return say(invocation, ends ? "maintenance-end" : "maintenance", NULL, NULL);
}

int run_authority(const struct invocation *invocation)
{
        const char *what = invocation->positional_count ? invocation->positional[0] : NULL;
        static const char *const needed[] = { "signature", "action", "rung", "for", "why" };

        if (!what && invocation->options_count == 0)
                return run_rows(invocation);
        if (!what || (strcmp(what, "grant") && strcmp(what, "cap"))) {
                cli_complain("authority: expected grant or cap, found '%s'", what ? what : "options alone");
                return CLI_USAGE;
        }
        for (size_t i = 0; i < ARRAY_SIZE(needed); i++)
                if (!invocation_value(invocation, needed[i])) {
                        cli_complain("authority %s: expected --%s", what, needed[i]);
                        return CLI_USAGE;
                }
        return say(invocation, what, NULL, NULL);
}
