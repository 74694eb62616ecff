/* Inside the executor: what its files share. */
#pragma once

#include "agent/config.h"
#include "agent/executor.h"
#include "agent/journal.h"
#include "agent/options.h"

#include <sys/types.h>

/* A step under way, in a process of its own. What it finds comes back in memory that both see. */
struct executor_worker {
        pid_t pid; /* 0: none */
        int pidfd;
        struct action_call *call;
        enum remedy_step step;
        int64_t deadline; /* monotonic */
        bool late;
        struct loop_source *source;
        struct executor_child *child;
};

struct executor_child {
        struct options options;
        struct config config;
        int fd; /* to the agent; -1: it ended */
        struct loop *loop;
        struct loop_source *fd_source, *timer;
        struct journal *journal;
        struct remedy_core core;
        struct {
                struct executor_order order;
                uint32_t inverse_size;
                uint8_t *inverse; /* ACTION_INVERSE_MAX bytes, or NULL */
                char detail[ACTION_DETAIL_SIZE];
                bool untold;
        } entries[REMEDY_MAX];
        struct executor_worker workers[REMEDY_MAX];
};

struct remedy_time executor_now(void);
/* Does what the core wants, until it wants nothing more. */
void executor_drain(struct executor_child *child);

/* Whether actions may begin is looked up again. */
void executor_look_for_stop(struct executor_child *child);

/* executor_orders.c: an order from the agent, which may be anything. */
void executor_take_order(struct executor_child *child, const struct executor_order *order);

/* executor_report.c: what the agent is told. *ret_untold: it is behind, and has to be told again. */
void executor_say(struct executor_child *child, struct executor_event *event, bool *ret_untold);
void executor_tell(struct executor_child *child, uint32_t index);
void executor_tell_refusal(struct executor_child *child, const struct remedy_effect *effect);
bool executor_any_untold(const struct executor_child *child);
/* In the log: something that cannot be was ignored. */
void executor_complain(const char *what);

/* executor_journal.c: true once the entry is on disk. */
bool executor_write_entry(struct executor_child *child, uint32_t index);
/* Waits for the executor before, which may still undo what it must, and takes what the journal has into the core. */
MUST_CHECK int executor_open_journal(struct executor_child *child);

/* executor_step.c */
MUST_CHECK int executor_step(struct executor_child *child, uint32_t index, enum remedy_step step);
/* Ends steps that take too long; when to look again, monotonic, INT64_MAX: never. */
int64_t executor_step_watch(struct executor_child *child, int64_t now);
/* The step ended: the core is told and goes on. */
void executor_step_ended(struct executor_child *child, uint32_t index, const struct remedy_result *result);
