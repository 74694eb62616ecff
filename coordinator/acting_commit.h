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

/* Frees what the record owns in any case. -errno of the ledger: nothing has changed. */
MUST_CHECK int acting_commit(struct acting *acting, const struct ledger *ledger, struct record *record);
/* Decides until there is nothing more to decide, at most `most` times. How often it did, or -errno. */
MUST_CHECK int acting_decide(struct acting *acting, const struct ledger *ledger, int64_t now, const struct scene *scene, int most);
