#include "coordinator/cli/ask.h"
#include "coordinator/cli/client.h"
#include "coordinator/cli/run.h"
#include "coordinator/cli/terminal.h"
#include "coordinator/cli/verbs.h"
#include "coordinator/explain_words.h"
#include "coordinator/values.h"

#include <string.h>

int run_explain(const struct invocation *invocation)
{
        bool json = invocation->format && strcmp(invocation->format, "json") == 0;
        struct client *client = NULL;
        struct wire_answer answer;
        struct terminal terminal;
        struct text out = { 0 };
        json_t *root = NULL;
        struct ask ask;
        int r = ask_prepare(invocation, &ask);

        if (r == CLI_DONE)
                r = ask_connect(invocation, &client);
        if (r == CLI_DONE)
                ask_add(&ask, "incident", invocation->positional[0]);
        if (r == CLI_DONE && json) {
                r = ask_send(client, "explain", &ask, &answer);
                if (r == CLI_DONE)
                        r = cli_write((const char *)answer.body, answer.body_size);
        } else if (r == CLI_DONE) {
                r = ask_json(client, "explain", &ask, &root);
                terminal_read(&terminal);
                if (r == CLI_DONE && explain_words(&out, root, clock_wall(), terminal.colour ? WORDS_COLOUR : WORDS_PLAIN) == 0) {
                        r = cli_write(out.data, out.length);
                } else if (r == CLI_DONE) {
                        cli_complain("the coordinator's answer to explain cannot be shown");
                        r = CLI_FAILED;
                }
        }
        json_decref(root);
        text_free(&out);
        client_free(&client);
        return r;
}
