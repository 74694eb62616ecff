/* Between the link and the executor: finds the services and processes that an order names, gives it to the executor,
 * and keeps what became of it until it was said. It changes nothing itself.
 *
 * The name of a service ends here: the executor is given the digest of the name that is in this host's own file.
 * A target becomes a process incarnation here or is a refusal. */
#pragma once

#include "agent/executor.h"
#include "proto/summary.h"

struct actions;
struct processes;
struct service;
struct uplink_order;

/* `executor` may be NULL: then every order is refused. Both stay the caller's. */
MUST_CHECK int actions_new(struct executor *executor, struct processes *processes, struct actions **ret_actions);
void actions_free(struct actions **actions);
/* `news` is called when there is something to say. Ends the loop with -EIO if the executor dies. */
MUST_CHECK int actions_attach(struct actions *actions, struct loop *loop, void (*news)(void *data), void *data);
/* `raise` is told until when the turnarounds tier of a service is to be raised (observe.raise), wall clock; 0: not any
 * more. The same may be told again. */
void actions_on_raise(struct actions *actions, void (*raise)(void *data, const char *service, int64_t until), void *data);
/* The services are kept until the next call. */
void actions_configure(struct actions *actions, const struct service *services, uint32_t allow);

/* `kept`: the checkpoint that it came with is on disk; else it is refused. */
void actions_order(struct actions *actions, const struct uplink_order *order, bool kept);
/* Entries of the coordinator's audit log as of the last checkpoint that is kept here. */
void actions_set_log_size(struct actions *actions, uint64_t log_size);

/* What is of the whole host, and in every summary. */
void actions_fill_state(const struct actions *actions, struct summary *summary);
/* Adds to a summary what was not said yet, or all of it. The rows live until the next call. */
void actions_fill(struct actions *actions, struct summary *summary, bool always);
/* Another size of the log was seen than the last summary says. */
bool actions_have_log_news(const struct actions *actions);
/* The link took the summary of the last actions_fill(). */
void actions_said(struct actions *actions, bool rows, bool permits);
