/* The agent's privileged half: a child that carries actions out and undoes them. It is forked before the link, when
 * no network code runs and nothing is loaded, and is the only process that keeps what it takes to act. It reads the
 * configuration file itself; what reaches it from the agent are messages of one size (executor_wire.h).
 *
 * It has the journal (journal.h) and decides by the core (remedy_core.h). When the agent ends it takes every lease
 * as lapsed, undoes what that means, and ends. If it dies itself the agent ends too and is started anew: only a new
 * start has the rights to fork another one. */
#pragma once

#include "agent/executor_wire.h"
#include "proto/loop.h"

struct config;
struct executor;
struct options;

typedef void (*executor_function)(void *data, const struct executor_event *event);

/* Forks it if the file allows any action or the journal has anything; else *ret_executor is NULL and nothing can ever
 * be done here. What is given is copied by the fork. */
MUST_CHECK int executor_fork(const struct options *options, const struct config *config, struct executor **ret_executor,
                             const char **ret_why);
/* `died` is called once if it ends by itself. */
MUST_CHECK int executor_attach(struct executor *executor, struct loop *loop, executor_function function, void (*died)(void *data),
                               void *data);
/* -EAGAIN: it is behind. */
MUST_CHECK int executor_send(struct executor *executor, const struct executor_order *order);
/* The file may have changed: it reads it again itself. */
void executor_reload(struct executor *executor);
int executor_pid(const struct executor *executor);
/* Lets it undo what it must, for at most `grace_ns`, after which it goes on alone. */
void executor_free(struct executor **executor, int64_t grace_ns);

/* executor_child.c: never returns. */
_Noreturn void executor_child(const struct options *options, const struct config *config, int fd);
