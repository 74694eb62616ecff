/* A decision, and everything else by which the state of acting changes: each is an entry of the audit log before
 * it has any effect, and reading them back in order gives the same state. record_json.h is how they are written. */
#pragma once

#include "coordinator/plan.h"
#include "coordinator/remedy.h"

enum record_kind {
        RECORD_STARTED,   /* a coordinator leads, with an epoch above all before */
        RECORD_PROPOSED,  /* a plan */
        RECORD_APPROVED,  /* by a person, or by the authority of its unit */
        RECORD_REJECTED,  /* by a person */
        RECORD_WITHDRAWN, /* it does not apply any more, or its time is over */
        RECORD_INTENDED,  /* a wave is about to be dispatched: the limits as computed */
        RECORD_RESULT,    /* what an agent says of a target */
        RECORD_VERDICT,   /* on a wave */
        RECORD_REVERTING, /* what was done is to be undone */
        RECORD_STUCK,     /* it cannot be, or nobody knows */
        RECORD_CLOSED,
        RECORD_ACKNOWLEDGED, /* a person has seen that it is stuck */
        RECORD_PAUSED,
        RECORD_RESUMED,
        RECORD_MANDATE, /* a grant or a cap */
        RECORD_WINDOW,  /* a time in which less is done */
        RECORD_WINDOW_ENDED,
        RECORD_POLICY, /* by which is decided from now on */
        RECORDS
};

enum outcome {
        OUTCOME_APPLIED,
        OUTCOME_REFUSED,  /* nothing was changed */
        OUTCOME_FAILED,   /* it is not known what was changed */
        OUTCOME_HELD,     /* it will stay without a lease */
        OUTCOME_REVERTED, /* by order, or because the lease ended */
        OUTCOME_STUCK,    /* it cannot be undone */
        OUTCOMES
};

enum remedy_verdict { VERDICT_NONE, VERDICT_VERIFIED, VERDICT_FALSIFIED, VERDICT_UNTOLD, REMEDY_VERDICTS };

enum window_kind {
        WINDOW_MAINTENANCE, /* nothing is done or proposed there */
        WINDOW_FREEZE,      /* nothing is done there; proposals go on */
        WINDOW_OPT_OUT,     /* the service wants nothing done or proposed, ever */
        WINDOWS
};
enum window_scope { SCOPE_ALL, SCOPE_SERVICE, SCOPE_ZONE, SCOPE_ENVIRONMENT, SCOPE_HOST, SCOPES };

struct window {
        enum window_kind kind;
        enum window_scope scope;
        char name[NAME_MAX_SERVICE + 1];
        int64_t from, until; /* until 0: until it is ended */
};

struct record {
        enum record_kind kind;
        int64_t at;
        uint64_t epoch;
        uint64_t remedy; /* of those that concern one */
        enum remedy_mover mover;
        char by[64]; /* a person, a host, or "authority" */
        char why[PLAN_WHY_MAX];

        struct plan plan;            /* PROPOSED; owned */
        enum rung rung;              /* PROPOSED, APPROVED: the unit's; MANDATE */
        uint8_t digest[DIGEST_SIZE]; /* APPROVED: of the plan that is meant */
        uint32_t from, count;        /* INTENDED: the wave's targets */
        int64_t expires_at;          /* INTENDED: to be begun by then, or not at all; */
        int64_t lease_until;         /* held so long without another word */
        char limits[512];            /* INTENDED: as computed */
        uint32_t target;             /* RESULT */
        enum outcome outcome;
        enum remedy_verdict verdict;
        struct unit_key unit; /* MANDATE */
        bool cap;
        int64_t until; /* MANDATE */
        struct window window;
        struct policy policy; /* POLICY */
};

void record_free(struct record *record);
/* Makes its own texts well-formed UTF-8 where they were cut, as names from outside are when they come in: what is
 * read back from the log is then what was written. */
void record_clean(struct record *record);
const char *record_kind_name(enum record_kind kind);
bool record_kind_find(const char *name, enum record_kind *ret_kind);
const char *outcome_name(enum outcome outcome);
bool outcome_find(const char *name, enum outcome *ret_outcome);
const char *remedy_verdict_name(enum remedy_verdict verdict); /* "" for none */
bool remedy_verdict_find(const char *name, enum remedy_verdict *ret_verdict);
const char *window_kind_name(enum window_kind kind);
bool window_kind_find(const char *name, enum window_kind *ret_kind);
const char *window_scope_name(enum window_scope scope);
bool window_scope_find(const char *name, enum window_scope *ret_scope);
