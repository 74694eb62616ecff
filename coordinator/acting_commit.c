#include "coordinator/acting_commit.h"
#include "coordinator/acting_internal.h"

int64_t pace_now(struct pace *pace, const struct acting *acting, int64_t wall, int64_t monotonic)
{
        int64_t now = pace->now ? pace->now + (monotonic - pace->monotonic) : acting_time(acting, wall);

        pace->now = MAX(now, wall);
        pace->monotonic = monotonic;
        return pace->now;
}

int acting_commit(struct acting *acting, const struct ledger *ledger, struct record *record)
{
        int r;

        record_clean(record);
        r = acting->behind ? -ENOTRECOVERABLE : acting_follows(acting, record);
        if (r == 0)
                r = ledger->append(ledger->data, record);
        if (r == 0) {
                r = acting_apply(acting, record);
                acting->behind = r < 0;
        }
        record_free(record);
        return r;
}

int acting_decide(struct acting *acting, const struct ledger *ledger, int64_t now, const struct scene *scene, int most)
{
        struct record record;
        int n = 0;

        while (n < most && acting_next(acting, now, scene, &record)) {
                int r = acting_commit(acting, ledger, &record);

                if (r < 0)
                        return r;
                n++;
        }
        return n;
}

int acting_begin(struct acting *acting, const struct ledger *ledger, int64_t now, const struct scene *scene,
                 const struct policy *policy)
{
        struct record record;
        int r = acting_epoch(acting) < scene->epoch ? acting_decide(acting, ledger, now, scene, 1) : 0;

        if (r >= 0 && scene_leads(acting, scene, now) && acting_configure(acting, now, policy, &record))
                r = acting_commit(acting, ledger, &record);
        return r < 0 ? r : 0;
}
