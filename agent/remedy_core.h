/* The deciding half of the executor: which order is carried out, what is due next, what a lapse or a crash means.
 * It does no I/O and reads no clock: it is stepped with orders, the results of steps, the results of writes, and
 * time; what it wants done comes out as effects, in order. So it can be simulated with a crash at every point.
 *
 * The life of one remedy on this host (action_state of proto/action.h, and PREPARING before them):
 *
 *     PREPARING ─ check and inverse read ─→ CHECKED (a dry run) | REFUSED
 *        └→ INTENDED ─ intent and inverse on disk ─→ apply
 *              ├→ REFUSED    nothing was changed after all, and the intent is forgotten
 *              ├→ APPLIED ─ on disk ─→ verify on this host ─→ KEEP: lease anew, extend │ CLOSE → CLOSED
 *              │     └ lapse: verified and not temporary → HELD, else ↓
 *              └→ REVERTING ─→ REVERTED (compared) | YIELDED (somebody else's) | STUCK (after three attempts)
 *
 * What holds at all times, and what tests/executor/sim_test.c checks after every step:
 *  - apply begins only after the intent with its inverse was written and synced;
 *  - no order of a lower epoch than any that was seen and written down begins anything;
 *  - at most `concurrent` remedies are under way, one a service, `per_hour` begin in an hour, `cooldown` apart on a
 *    service and `attempts` of them on it in a day; of what happened before a boot only the time since the boot
 *    counts as its age, so that no jump of a clock gives budget back;
 *  - one key is applied at most once;
 *  - a change outlives neither its lease nor a restart, unless it was verified and its lapse means hold;
 *  - what has the end of its lease in itself knows the one that counts, or is being told, or undone;
 *  - REVERTED is only said when the present state was read and is the former one, or the target is gone;
 *  - nothing new begins while what a former life left is not settled, while an entry of the journal is damaged,
 *    or, for its kind of action, while one is stuck. */
#pragma once

#include "proto/action.h"

#define REMEDY_MAX 256u /* remembered at a time; of those that ended the oldest goes first, after a day */
#define REMEDY_EFFECTS_MAX (4u * REMEDY_MAX)

struct remedy_limits {
        int64_t per_hour, concurrent, attempts;
        int64_t cooldown; /* nanoseconds */
};

struct remedy_time {
        int64_t wall; /* CLOCK_REALTIME: only orders' expiry is measured with it */
        int64_t boot; /* CLOCK_BOOTTIME */
};

/* An order with what the host's own file says of it. */
struct remedy_request {
        enum action_order order;
        enum action_kind kind;
        struct action_key key;
        uint64_t epoch;
        int64_t expires, lease;
        bool by_person, verified;
        uint64_t service; /* its digest */
        struct action_digest former;
        /* from the file and the action */
        bool allowed;
        bool one_way;        /* it cannot be undone */
        bool temporary;      /* a lapse always means revert */
        bool gone_with_boot; /* the change does not survive a reboot */
        bool extends;        /* what was changed has the end of the lease in itself, and is told when that moves */
        int64_t lease_max;
};

#define REMEDY_PREPARING ((enum action_state)ACTION_STATES)

enum remedy_step {
        REMEDY_STEP_NONE,
        REMEDY_STEP_PREPARE,
        REMEDY_STEP_APPLY,
        REMEDY_STEP_VERIFY,
        REMEDY_STEP_EXTEND,
        REMEDY_STEP_REVERT
};

/* As in the journal, but for what says otherwise. */
struct remedy {
        enum action_state state; /* 0: an empty place */
        enum action_reason reason;
        enum action_verdict verdict;
        struct remedy_request request;
        struct action_digest former, ours, present;
        uint32_t touched;
        int64_t at_wall; /* of the last change of state */
        int64_t begun_boot;
        int64_t lease_end; /* CLOCK_BOOTTIME; 0: no lease */
        bool this_boot;    /* not in the journal: it was written in this boot */
        bool verified;     /* the coordinator said so */

        /* of this life only */
        enum remedy_step step; /* that runs */
        bool writing;          /* a write was asked for and not answered */
        bool revert_wanted;    /* as soon as the step ends */
        bool extend_wanted;    /* likewise: the lease has another end than what was changed knows */
        bool left_behind;      /* a former life's, not settled yet */
        bool fresh;            /* begun just now by this order; the driver clears it */
        bool unsaved;          /* it ended, and that is not on disk yet */
        enum action_reason revert_reason;
        uint32_t revert_attempts;
        int64_t retry_at; /* CLOCK_BOOTTIME; 0: none */
        struct {
                enum action_state state;
                int64_t lease_end;
                bool verified;
        } before; /* what a failed write of KEEP or CLOSE goes back to */
        bool tentative;
};

enum remedy_outcome {
        REMEDY_DONE = 1,  /* PREPARE: possible. APPLY: changed. REVERT: `present` was read after it. */
        REMEDY_UNCHANGED, /* PREPARE, APPLY: not done, and nothing was changed; `reason` */
        REMEDY_FAILED,    /* something may have been changed; `reason` */
        REMEDY_OTHERS,    /* REVERT: the value is not ours any more and was left */
        REMEDY_GONE,      /* REVERT: the target is gone, and the change with it */
};

struct remedy_result {
        enum remedy_outcome outcome;
        enum action_reason reason;
        enum action_verdict verdict;          /* of VERIFY */
        struct action_digest former, present; /* PREPARE: both as now; APPLY and REVERT: `present` */
        uint32_t touched;
};

enum remedy_effect_kind {
        REMEDY_EFFECT_STEP = 1, /* run `step` for `index`; answered by remedy_stepped() */
        REMEDY_EFFECT_WRITE,    /* write the entry and sync it; answered by remedy_written() */
        REMEDY_EFFECT_FORGET,   /* remove the entry from the journal, if it is there */
        REMEDY_EFFECT_TELL,     /* the coordinator should know the present state of `index` */
        REMEDY_EFFECT_REFUSE,   /* it should know that the order for `key` was refused, for `reason` */
};

struct remedy_effect {
        enum remedy_effect_kind kind;
        uint32_t index;
        enum remedy_step step;
        struct action_key key;
        enum action_kind action;
        enum action_reason reason;
        uint64_t epoch;
};

struct remedy_core {
        struct remedy_limits limits;
        uint64_t epoch; /* the highest that was written down */
        bool stopped, damaged;
        struct remedy remedies[REMEDY_MAX];
        struct remedy_effect effects[REMEDY_EFFECTS_MAX];
        uint32_t effects_begin, effects_count;
};

void remedy_core_init(struct remedy_core *core, const struct remedy_limits *limits);
/* The next thing to do, taken out; false: there is none. */
bool remedy_effect(struct remedy_core *core, struct remedy_effect *ret_effect);

/* Epochs rise by one with each life of a coordinator: one that is further above what was heard is a lie that would make
 * this host deaf to all that come after it, and is refused. */
#define REMEDY_EPOCH_STEP_MAX (UINT64_C(1) << 20)

/* True if the epoch of an order must be written down, and synced, before the order is given; then say that it was. */
bool remedy_epoch_is_new(const struct remedy_core *core, const struct remedy_request *request);
void remedy_epoch_written(struct remedy_core *core, uint64_t epoch);
/* Returns the place of the order's remedy, or -1 if none was made or found. */
int remedy_order(struct remedy_core *core, const struct remedy_request *request, const struct remedy_time *now);
void remedy_stepped(struct remedy_core *core, uint32_t index, const struct remedy_result *result, const struct remedy_time *now);
void remedy_written(struct remedy_core *core, uint32_t index, bool ok, const struct remedy_time *now);
/* Leases, retries. */
void remedy_tick(struct remedy_core *core, const struct remedy_time *now);
/* When to tick next, CLOCK_BOOTTIME; INT64_MAX: not before something happens. */
int64_t remedy_next(const struct remedy_core *core);

/* At the start: what the journal has, then once remedy_reconcile(). -ENOSPC: more than are remembered. */
MUST_CHECK int remedy_load(struct remedy_core *core, const struct remedy *remedy, uint32_t *ret_index);
void remedy_reconcile(struct remedy_core *core, const struct remedy_time *now);

/* remedy_limits.c: why a remedy may not begin now, or ACTION_REASON_NONE. `except` is its own place, or -1. */
enum action_reason remedy_refuses(const struct remedy_core *core, const struct remedy_request *request, int except,
                                  const struct remedy_time *now);
bool remedy_is_live(const struct remedy *remedy);
/* How long ago it began, at least. */
int64_t remedy_age(const struct remedy *remedy, const struct remedy_time *now);
