#include "coordinator/cli/ask.h"
#include "coordinator/cli/client.h"
#include "coordinator/cli/rows.h"
#include "coordinator/cli/run.h"
#include "coordinator/cli/terminal.h"
#include "coordinator/cli/verbs.h"
#include "coordinator/render.h"
#include "coordinator/values.h"

#include <stdio.h>
#include <string.h>

int run_rows(const struct invocation *invocation)
{
        const char *verb = invocation->verb->name;
        bool json = invocation->format && strcmp(invocation->format, "json") == 0;
        struct client *client = NULL;
        struct wire_answer answer;
        struct text out = { 0 };
        json_t *root = NULL;
        struct terminal terminal;
        struct ask ask;
        int r = ask_prepare(invocation, &ask);

        if (r == CLI_DONE)
                r = ask_connect(invocation, &client);
        if (r == CLI_DONE && json) {
                r = ask_send(client, verb, &ask, &answer);
                if (r == CLI_DONE)
                        r = cli_write((const char *)answer.body, answer.body_size);
        } else if (r == CLI_DONE) {
                r = ask_json(client, verb, &ask, &root);
                if (r == CLI_DONE) {
                        terminal_read(&terminal);
                        if (rows_draw(&out, verb, root, clock_wall(), terminal.width, terminal.colour) == 0) {
                                r = cli_write(out.data, out.length);
                        } else {
                                cli_complain("the coordinator's answer to %s cannot be shown", verb);
                                r = CLI_FAILED;
                        }
                }
        }
        json_decref(root);
        text_free(&out);
        client_free(&client);
        return r;
}

int run_version(const struct invocation *invocation)
{
        if (invocation->format && strcmp(invocation->format, "json") == 0)
                puts("{\"version\":\"" NIGHTSHIFT_VERSION "\"}");
        else
                puts("nightshift " NIGHTSHIFT_VERSION);
        return CLI_DONE;
}
