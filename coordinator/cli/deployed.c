#include "coordinator/cli/ask.h"
#include "coordinator/cli/client.h"
#include "coordinator/cli/run.h"
#include "coordinator/cli/verbs.h"

/* The answer is a line for people: the id of the deployment. */
int run_deployed(const struct invocation *invocation)
{
        struct client *client = NULL;
        struct wire_answer answer;
        struct ask ask;
        int r;

        if (!invocation_value(invocation, "service") || !invocation_value(invocation, "version")) {
                cli_complain("deployed: expected --service NAME and --version V");
                return CLI_USAGE;
        }
        r = ask_prepare(invocation, &ask);
        if (r == CLI_DONE)
                r = ask_connect(invocation, &client);
        if (r == CLI_DONE)
                r = ask_send(client, "deployed", &ask, &answer);
        if (r == CLI_DONE)
                r = cli_write((const char *)answer.body, answer.body_size);
        client_free(&client);
        return r;
}
