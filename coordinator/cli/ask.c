#include "coordinator/cli/ask.h"
#include "coordinator/cli/client.h"
#include "coordinator/cli/screen.h"
#include "coordinator/cli/verbs.h"
#include "coordinator/render.h"
#include "proto/time_text.h"
#include "proto/units.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ANSWER_WITHIN (30 * NSEC_PER_SEC)

void cli_complain(const char *format, ...)
{
        va_list args;

        screen_leave(); /* or the sentence would vanish with the screen */
        fflush(stdout);
        fputs("nightshift: ", stderr);
        va_start(args, format);
        vfprintf(stderr, format, args);
        va_end(args);
        fputs("\n", stderr);
}

int cli_write(const char *data, size_t size)
{
        while (size > 0) {
                ssize_t n = write(STDOUT_FILENO, data, size);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0 && errno == EPIPE)
                        return CLI_FAILED;
                if (n < 0) {
                        cli_complain("the answer cannot be written: %s", strerror(errno));
                        return CLI_FAILED;
                }
                data += n;
                size -= (size_t)n;
        }
        return CLI_DONE;
}

void ask_add(struct ask *ask, const char *name, const char *value)
{
        if (ask->count < ARRAY_SIZE(ask->arguments))
                ask->arguments[ask->count++] = (struct wire_argument){ name, value };
}

/* Times are read here, where the user's zone is known, and go out in UTC. */
static int add_time(struct ask *ask, const char *value)
{
        int64_t now = clock_wall(), at;
        struct text text = { 0 };

        if (time_text_parse(value, now, &at) < 0) {
                cli_complain("--at: expected %s, found '%s'", TIME_TEXT_EXPECTED, value);
                return CLI_USAGE;
        }
        if (at > now) {
                cli_complain("--at: expected a time that has passed, found '%s'", value);
                return CLI_USAGE;
        }
        text_time(&text, at);
        if (text.failed)
                return CLI_FAILED;
        snprintf(ask->texts[0], sizeof(ask->texts[0]), "%s", text.data);
        text_free(&text);
        ask_add(ask, "at", ask->texts[0]);
        return CLI_DONE;
}

int ask_prepare(const struct invocation *invocation, struct ask *ret_ask)
{
        *ret_ask = (struct ask){ .invocation = invocation };
        for (size_t i = 0; i < invocation->options_count; i++) {
                const char *name = invocation->options[i]->name, *value = invocation->values[i];
                int64_t duration;
                char *end;

                if (strcmp(name, "at") == 0) {
                        int r = add_time(ret_ask, value);

                        if (r != CLI_DONE)
                                return r;
                        continue;
                }
                if (strcmp(name, "window") == 0 && (duration_parse(value, &duration) < 0 || duration == 0)) {
                        cli_complain("--window: expected a duration such as 30s, 5m or 24h, found '%s'", value);
                        return CLI_USAGE;
                }
                if (strcmp(name, "depth") == 0) {
                        unsigned long depth = strtoul(value, &end, 10);

                        if (*end || *value == '-' || depth < 1 || depth > 100) {
                                cli_complain("--depth: expected a whole number from 1 to 100, found '%s'", value);
                                return CLI_USAGE;
                        }
                }
                ask_add(ret_ask, name, value);
        }
        return CLI_DONE;
}

int ask_connect(const struct invocation *invocation, struct client **ret_client)
{
        const char *why = "";

        if (client_new(invocation->control, ret_client, &why) == 0)
                return CLI_DONE;
        cli_complain("%s", why);
        return CLI_FAILED;
}

int ask_send(struct client *client, const char *verb, const struct ask *ask, struct wire_answer *ret_answer)
{
        struct wire_query query = { .verb = verb,
                                    .arguments = (struct wire_argument *)ask->arguments,
                                    .arguments_count = ask->count };
        const char *why = "";
        size_t size;

        if (client_query(client, &query, ANSWER_WITHIN, ret_answer, &why) < 0) {
                cli_complain("%s", why);
                return CLI_FAILED;
        }
        if (ret_answer->status == CLI_DONE)
                return CLI_DONE;
        size = ret_answer->body_size;
        while (size > 0 && ret_answer->body[size - 1] == '\n')
                size--;
        cli_complain("%.*s", (int)MIN(size, (size_t)4096), (const char *)ret_answer->body);
        return (int)MIN(ret_answer->status, (uint32_t)CLI_NOT_VERIFIED);
}

int ask_json(struct client *client, const char *verb, const struct ask *ask, json_t **ret_root)
{
        struct wire_answer answer;
        json_error_t error;
        json_t *root;
        int r = ask_send(client, verb, ask, &answer);

        if (r != CLI_DONE)
                return r;
        root = json_loadb((const char *)answer.body, answer.body_size, 0, &error);
        if (!root) {
                cli_complain("the coordinator's answer is no JSON: %s", error.text);
                return CLI_FAILED;
        }
        *ret_root = root;
        return CLI_DONE;
}
