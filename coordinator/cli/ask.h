/* Questions to the coordinator, and the end of a verb that got no answer: every failure becomes one
 * sentence on standard error and an exit status. */
#pragma once

#include "proto/wire.h"

#include <jansson.h>

struct client;
struct invocation;

/* The options of the invocation as arguments of a question, the format with them. */
struct ask {
        const struct invocation *invocation;
        struct wire_argument arguments[20];
        char texts[2][40]; /* what was rewritten: times */
        size_t count;
};

/* CLI_USAGE with its sentence printed if an option has no meaning. */
int ask_prepare(const struct invocation *invocation, struct ask *ret_ask);
void ask_add(struct ask *ask, const char *name, const char *value);

/* Connects; the sentence is printed. */
int ask_connect(const struct invocation *invocation, struct client **ret_client);
/* Asks `verb`; on CLI_DONE the answer lives until the next question. */
int ask_send(struct client *client, const char *verb, const struct ask *ask, struct wire_answer *ret_answer);
/* The same, parsed. The caller frees it with json_decref(). */
int ask_json(struct client *client, const char *verb, const struct ask *ask, json_t **ret_root);

/* Prints "nightshift: ..." on standard error. */
void cli_complain(const char *format, ...) PRINTF_LIKE(1, 2);
/* Writes all of it to standard output. CLI_FAILED with a sentence; a reader that went away is none. */
int cli_write(const char *data, size_t size);
