/* The CLI's side of the control socket: asks the coordinator a question and waits for the answer.
 * Speaks nng's request/reply protocol over ipc with stock nng, which lives in client.c alone.
 *
 * A client keeps one connection, for `watch` as well as for a single question. It owns the last
 * answer: its strings and body live until the next question or client_free(). Every failure comes
 * with a sentence in *ret_why that names the socket and what to do (owned by the client module,
 * valid until the next call). */
#pragma once

#include "proto/base.h"
#include "proto/wire.h"

#define CLIENT_CONTROL_DEFAULT "/run/nightshift/control.sock"

struct client;

/* -ENOENT: no socket there; -ECONNREFUSED: nobody listens; -EACCES: not permitted; -EINVAL, -ENOMEM. */
MUST_CHECK int client_new(const char *control_path, struct client **ret_client, const char **ret_why);
void client_free(struct client **client);

/* -ETIMEDOUT after `timeout_ns`; -ECONNRESET: the coordinator went away; -EBADMSG: its answer does
 * not parse; -EPERM: it refused, with its reason in *ret_why. An answer with a status other than 0
 * is a success here: its body is the sentence to print and its status the one to exit with. */
MUST_CHECK int client_query(struct client *client, const struct wire_query *query, int64_t timeout_ns,
                            struct wire_answer *ret_answer, const char **ret_why);
