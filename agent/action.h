/* What an action is: six functions on one contract. Each action_NAME.c defines one `const struct action
 * action_NAME`, which the build puts into the table; there is no list to edit.
 *
 * All of them run in a process of their own that the executor forks for one step and ends when it takes too long,
 * or dies itself. So they may block, up to `patience`, and may be killed at any point; nothing is kept between
 * them but what inverse() writes, which is in the journal, synced, before apply() runs. They find what they touch
 * in `service`, the host's own file, and nowhere else; `order` has only numbers and digests.
 *
 *  - check() changes nothing and may be repeated: is it possible now, and what exactly would it touch? It sets
 *    `former` to a digest of the state that would be changed, and `touched`. It is what a dry run runs, and it runs
 *    again in the moment of acting: if `former` differs then, nothing is done.
 *  - inverse() changes nothing. It writes what revert() will need.
 *  - apply() runs once, right after a check(). UNCHANGED only if nothing at all was changed; FAILED otherwise.
 *  - verify() changes nothing and may be repeated: does the change have its effect, read through another channel
 *    than the one that applied it? What it cannot tell is UNKNOWN.
 *  - extend() may be repeated: the lease ends at `lease_end` now. If it fails the change is undone.
 *  - revert() may be repeated and may find anything: nothing done, half of it, all of it. It first looks whether
 *    the present value is still ours, else OTHERS. It reads `present` after it is done; the executor compares.
 *
 * What goes wrong is said in `result` with a sentence in `detail`. */
#pragma once

#include "agent/executor_wire.h"
#include "agent/remedy_core.h"

struct action_driver;
struct service;

#define ACTION_INVERSE_MAX 8192u

struct action_call {
        const struct service *services; /* all, as some must be told from others */
        const struct service *service;
        const struct executor_order *order;
        int64_t lease_end;                 /* CLOCK_BOOTTIME */
        struct action_digest former, ours; /* as check() and apply() left them; `ours` none: apply() did not end */
        uint32_t inverse_size;
        uint8_t inverse[ACTION_INVERSE_MAX];
        struct remedy_result result;
        char detail[ACTION_DETAIL_SIZE];
};

struct action {
        enum action_kind kind;
        bool temporary;        /* a lapsed lease always means revert */
        bool gone_with_boot;   /* the change does not survive one */
        uint32_t capabilities; /* bits of enum action_capability */
        /* Of an action that has drivers (driver.h): the one that the file names, else NULL. */
        const struct action_driver *(*driver)(const struct service *service);
        /* NULL if the file lets it be done to this service, else a sentence. */
        const char *(*forbids)(const struct service *service);
        bool (*one_way)(const struct service *service);
        int64_t (*lease_max)(const struct service *service);
        int64_t (*patience)(const struct service *service); /* of a step */
        void (*check)(struct action_call *call);
        void (*inverse)(struct action_call *call);
        void (*apply)(struct action_call *call);
        void (*verify)(struct action_call *call);
        /* NULL but where what was changed has the end of the lease in itself. */
        void (*extend)(struct action_call *call);
        void (*revert)(struct action_call *call);
};

/* Beyond those that every executor keeps. */
enum action_capability { ACTION_NEEDS_BPF = 1, ACTION_NEEDS_NETWORK = 2 };

/* From the table that the build makes; NULL if this agent has no such action. */
const struct action *action_find(enum action_kind kind);
/* By the digest of its name; NULL. */
const struct service *action_service(const struct service *services, uint64_t digest);
/* The bits 1 << enum action_kind of what the file lets be done to the service, by this agent. */
uint32_t action_permits(const struct service *service, uint32_t allow);

/* Set the outcome and the sentence. */
void action_unchanged(struct action_call *call, enum action_reason reason, const char *format, ...) PRINTF_LIKE(3, 4);
void action_failed(struct action_call *call, enum action_reason reason, const char *format, ...) PRINTF_LIKE(3, 4);
void action_say(struct action_call *call, const char *format, ...) PRINTF_LIKE(2, 3);
