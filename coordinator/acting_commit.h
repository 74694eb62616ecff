/* From a record to its effect, by way of the log: first the entry, synced, then the change. The only place where
 * acting_apply() is called for what is new. */
#pragma once

#include "coordinator/acting.h"

/* The audit log, as far as acting is concerned. */
struct ledger {
        /* Durable when it returns 0; on failure nothing may be taken for written. */
        int (*append)(void *data, const struct record *record);
        void *data;
};

/* Time for acting: wall clock, but never back and never standing still. Where the clock was set back, or what the
 * log says is of a time to come, it goes on from there as fast as monotonic time does: a deadline is neither missed
 * nor waited for in vain. */
struct pace {
        int64_t now, monotonic;
};
int64_t pace_now(struct pace *pace, const struct acting *acting, int64_t wall, int64_t monotonic);

/* Frees what the record owns in any case. -errno of the ledger: nothing has changed. -EBADMSG, -ENOSPC: it does not follow
 * from what is there, so that it was not written. -ENOMEM: it may have been written; if so, nothing more is, until the log
 * is read anew (-ENOTRECOVERABLE). */
MUST_CHECK int acting_commit(struct acting *acting, const struct ledger *ledger, struct record *record);
/* The first of all decisions: that we lead, and by which policy. Nothing is decided where this fails. */
MUST_CHECK int acting_begin(struct acting *acting, const struct ledger *ledger, int64_t now, const struct scene *scene,
                            const struct policy *policy);
/* Decides until there is nothing more to decide, at most `most` times. How often it did, or -errno. */
MUST_CHECK int acting_decide(struct acting *acting, const struct ledger *ledger, int64_t now, const struct scene *scene, int most);
