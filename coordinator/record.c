#include "coordinator/record.h"
#include "coordinator/utf8.h"

#include <string.h>

static const char *const kinds[RECORDS] = {
        [RECORD_STARTED] = "started",
        [RECORD_PROPOSED] = "proposed",
        [RECORD_APPROVED] = "approved",
        [RECORD_REJECTED] = "rejected",
        [RECORD_WITHDRAWN] = "withdrawn",
        [RECORD_INTENDED] = "intended",
        [RECORD_RESULT] = "result",
        [RECORD_VERDICT] = "verdict",
        [RECORD_REVERTING] = "reverting",
        [RECORD_STUCK] = "stuck",
        [RECORD_CLOSED] = "closed",
        [RECORD_ACKNOWLEDGED] = "acknowledged",
        [RECORD_PAUSED] = "paused",
        [RECORD_RESUMED] = "resumed",
        [RECORD_MANDATE] = "mandate",
        [RECORD_WINDOW] = "window",
        [RECORD_WINDOW_ENDED] = "window_ended",
        [RECORD_POLICY] = "policy",
};
static const char *const outcomes[OUTCOMES] = { "applied", "refused", "failed", "held", "reverted", "stuck" };
static const char *const verdicts[REMEDY_VERDICTS] = { "", "verified", "falsified", "unknown" };
static const char *const windows[WINDOWS] = { "maintenance", "freeze", "opt_out" };
static const char *const scopes[SCOPES] = { "all", "service", "zone", "environment", "host" };

/* The index of a name; false if it is not there. */
static bool find(const char *const *names, size_t count, const char *name, unsigned *ret_index)
{
        for (unsigned i = 0; i < count; i++)
                if (strcmp(names[i], name) == 0) {
                        *ret_index = i;
                        return true;
                }
        return false;
}

void record_free(struct record *record)
{
        plan_free(&record->plan);
}

void record_clean(struct record *r)
{
        utf8_clean(r->by);
        utf8_clean(r->why);
        utf8_clean(r->limits);
}

#define NAMES(function, type, names)                                                                                               \
        const char *function##_name(enum type value)                                                                               \
        {                                                                                                                          \
                return names[value];                                                                                               \
        }                                                                                                                          \
        bool function##_find(const char *name, enum type *ret_value)                                                               \
        {                                                                                                                          \
                unsigned i;                                                                                                        \
                                                                                                                                   \
                if (!find(names, ARRAY_SIZE(names), name, &i))                                                                     \
                        return false;                                                                                              \
                *ret_value = (enum type)i;                                                                                         \
                return true;                                                                                                       \
        }

NAMES(record_kind, record_kind, kinds)
NAMES(outcome, outcome, outcomes)
NAMES(remedy_verdict, remedy_verdict, verdicts)
NAMES(window_kind, window_kind, windows)
NAMES(window_scope, window_scope, scopes)
