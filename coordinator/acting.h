/* Acting: from what is seen to what is done, within limits and as far as authority reaches. A pure core beside
 * the graph's: no I/O, no clock, no randomness.
 *
 * Its state changes by acting_apply() alone, one record at a time, and whoever drives it has made that record an
 * entry of the audit log, synced, before. So the log is the database: the same records give the same state, and
 * nothing can be dispatched of which there is no entry. Everything else is a function of state, scene and time:
 *
 *   acting_next()    what is to be decided next, as a record; one at a time, each seen by the next
 *   acting_word()    a person's word as a record, or why it cannot be
 *   acting_report()  an agent's answer as a record
 *   acting_orders()  what agents have to be told now. It may be told again: an agent knows an order by its key
 *
 * What no log entry says is not so: without a log nothing is decided. Bounds: REMEDIES_MAX are remembered, the
 * oldest that are over go first; when all are under way nothing new is proposed. */
#pragma once

#include "coordinator/record.h"

#define REMEDIES_MAX 2048
#define WINDOWS_MAX 256

struct acting;

/* Where a target of a remedy is. */
enum target_state {
        TARGET_WAITS,
        TARGET_ORDERED, /* intended; no answer yet */
        TARGET_APPLIED,
        TARGET_VERIFIED,
        TARGET_HELD, /* verified, and its agent keeps it without a lease */
        TARGET_REFUSED,
        TARGET_FAILED,
        TARGET_REVERTING,
        TARGET_REVERTED,
        TARGET_STUCK,
};

struct remedy {
        uint64_t id;
        struct plan plan;
        enum remedy_state state;
        bool told;      /* the wave was handed to the link since we started: shown as dispatched */
        enum rung rung; /* of its unit, when it was proposed or approved */
        char decided_by[64];
        char why[PLAN_WHY_MAX];
        char limits[512];
        enum remedy_verdict verdict;
        enum target_state *targets; /* plan.count of them */
        bool *changed;              /* likewise: its agent has said that it changed something */
        uint32_t from, count;       /* the wave */
        uint64_t epoch;             /* that intended it */
        int64_t proposed_at, approved_at, intended_at, applied_at, state_at;
        int64_t expires_at, lease_until;
        bool by_person; /* approved by one */
        bool halted;    /* a target refused or failed: it does not go further */
};

struct pause {
        bool set;
        char by[64], why[PLAN_WHY_MAX];
        int64_t since;
};

MUST_CHECK int acting_new(const struct policy *policy, struct acting **ret_acting);
void acting_free(struct acting **acting);
/* That of the last record of one; until there is one, what acting_new() was given, NULL being the defaults. */
const struct policy *acting_policy(const struct acting *acting);
/* What makes `policy` the one that holds, as a record; false: it holds, and the log says so. */
bool acting_configure(const struct acting *acting, int64_t now, const struct policy *policy, struct record *ret_record);

/* The only way in. -EBADMSG: it does not follow from what is there, which then is as before; -ENOSPC: likewise, as there
 * are too many units of trust; -ENOMEM. */
MUST_CHECK int acting_apply(struct acting *acting, const struct record *record);

/* False: nothing is to be decided now. The record is the caller's to free. */
bool acting_next(const struct acting *acting, int64_t now, const struct scene *scene, struct record *ret_record);

enum word_kind {
        WORD_APPROVE,
        WORD_REJECT,
        WORD_UNDO,
        WORD_ACKNOWLEDGE,
        WORD_PAUSE,
        WORD_RESUME,
        WORD_MANDATE,
        WORD_WINDOW,
        WORD_END_WINDOW
};
struct word {
        enum word_kind kind;
        const char *by, *why;  /* never NULL */
        uint64_t remedy;       /* APPROVE, REJECT, UNDO, ACKNOWLEDGE */
        const uint8_t *digest; /* APPROVE: the first bytes of the plan's; NULL: whatever the id means */
        size_t digest_size;
        struct unit_key unit; /* MANDATE */
        bool cap;
        enum rung rung;
        int64_t until;
        struct window window; /* WINDOW, END_WINDOW */
};
/* -ENOENT: there is none such; -EPERM: not now, or not at all. `ret_why` says it in a sentence. */
MUST_CHECK int acting_word(const struct acting *acting, int64_t now, const struct scene *scene, const struct word *word,
                           struct record *ret_record, char ret_why[PLAN_WHY_MAX]);

struct report {
        uint64_t remedy;
        uint32_t target;
        enum outcome outcome;
        const char *host, *why;
};
/* -ENOENT: it is of no order that is out; -EALREADY: it says what is known. Both are to be ignored. */
MUST_CHECK int acting_report(const struct acting *acting, int64_t now, const struct scene *scene, const struct report *report,
                             struct record *ret_record);

enum order_kind { ORDER_APPLY, ORDER_HOLD, ORDER_REVERT };
struct order {
        enum order_kind kind;
        uint64_t remedy;
        uint32_t target;
        uint64_t epoch;
        int64_t expires_in;      /* from now: APPLY is not to be begun later; */
        int64_t lease;           /* from now. Durations, so that they do not depend on whose clock is right */
        bool by_person;          /* a person approved the plan */
        const struct plan *plan; /* until the next acting_apply() */
};
/* Those of one host (NULL: of all), at most `most`; returns how many. */
size_t acting_orders(const struct acting *acting, int64_t now, const struct scene *scene, const char *host,
                     struct order *ret_orders, size_t most);
/* An order went out. It changes what is shown, and nothing else. */
void acting_told(struct acting *acting, uint64_t remedy);

/* For those who show it. */
size_t acting_count(const struct acting *acting);
const struct remedy *acting_get(const struct acting *acting, size_t index); /* by rising id */
const struct remedy *acting_find(const struct acting *acting, uint64_t id);
const struct pause *acting_pause(const struct acting *acting);
const struct authority *acting_authority(const struct acting *acting);
size_t acting_windows(const struct acting *acting, const struct window **ret_windows);
uint64_t acting_epoch(const struct acting *acting);
/* The remedy whose undoing failed, for which nothing of this class is done; NULL: there is none. */
const struct remedy *acting_frozen(const struct acting *acting, enum action_class class);
bool acting_undoable(const struct acting *acting, const struct remedy *remedy, int64_t now);

/* What would be done about a situation, and why it is not being done. */
struct outlook {
        bool planned;
        struct plan plan; /* owned by the outlook */
        enum rung rung;
        char why[PLAN_WHY_MAX];     /* why nothing is planned, or what it waits for; "" */
        char more[2][PLAN_WHY_MAX]; /* what would be done at alone_small and at alone; "" */
};
MUST_CHECK int acting_outlook(const struct acting *acting, int64_t now, const struct scene *scene,
                              const struct situation *situation, struct outlook *ret_outlook);
void outlook_free(struct outlook *outlook);

/* Of all that the log decides: equal states have equal digests. -ENOMEM. */
MUST_CHECK int acting_digest(const struct acting *acting, uint8_t ret_digest[DIGEST_SIZE]);
