#include "agent/retire.h"

#include "agent/owners.h"
#include "agent/probe.h"
#include "agent/processes.h"
#include "agent/rows.h"
#include "proto/log.h"

#include <string.h>

#define STEPS_MAX 4096 /* system calls of one step: bounded time */
#define LEAVE_NS (2 * NSEC_PER_SEC)

int64_t retire_age(uint32_t used, uint32_t max)
{
        uint64_t percent = max ? (uint64_t)used * 100 / max : 100;

        if (percent < 25)
                return 6 * 3600 * NSEC_PER_SEC;
        if (percent < 50)
                return 600 * NSEC_PER_SEC;
        if (percent < 75)
                return 60 * NSEC_PER_SEC;
        return 5 * NSEC_PER_SEC;
}

/* Its last counters were taken, nothing is open and nothing moved since. */
static bool still(const struct rows *rows, const struct row *row, uint32_t index, int64_t now, int64_t age)
{
        struct event_counts counts;
        uint64_t hash;

        if (now - row->moved_ns < age)
                return false;
        rows_read(rows, index, &counts, &hash);
        return hash == row->accepted && row_open(&counts) == 0 &&
               counts.attempted == counts.opened + counts.refused + counts.timed_out + counts.unreachable + counts.aborted +
                                           counts.no_port + counts.unseen;
}

static void finish(struct retire *retire, struct row *row, uint32_t index, int64_t now)
{
        int r;

        if (now - row->leaving_ns < LEAVE_NS)
                return;
        if (still(retire->rows, row, index, now, 0)) {
                r = probe_retire_end(retire->probe, &row->edge, index);
                if (r == 0) {
                        rows_remove(retire->rows, index);
                        retire->retired++;
                        return;
                }
                if (r != -EBUSY)
                        log_warning("agent", "cannot give an edge's place back: %s", strerror(-r));
                row->state = ROW_ACTIVE;
                row->moved_ns = now;
                retire->refused++;
        }
        /* Else it moved, and the report has to say so first; the probe then refuses and puts it back. */
}

/* Owners of nothing that is left go as well. */
static void collect_owners(struct retire *retire)
{
        if (!owners_crowded(retire->owners) || owners_mark_begin(retire->owners) < 0)
                return;
        for (uint32_t i = 0; i < rows_end(retire->rows); i++) {
                const struct row *row = rows_get(retire->rows, i, 0);

                if (row)
                        owners_mark(retire->owners, row->identity);
        }
        if (retire->processes)
                processes_mark(retire->processes, owners_mark, retire->owners);
        owners_collect(retire->owners);
}

void retire_step(struct retire *retire, int64_t now)
{
        int64_t age = retire_age(rows_count(retire->rows), probe_edges_max(retire->probe));
        unsigned steps = 0;

        for (uint32_t i = 0; i < rows_end(retire->rows) && steps < STEPS_MAX; i++) {
                struct row *row = rows_get(retire->rows, i, 0);

                if (!row)
                        continue;
                if (row->state == ROW_LEAVING) {
                        finish(retire, row, i, now);
                        steps++;
                } else if (still(retire->rows, row, i, now, age)) {
                        if (probe_retire_begin(retire->probe, &row->edge, i) == 0) {
                                row->state = ROW_LEAVING;
                                row->leaving_ns = now;
                        }
                        steps++;
                }
        }
        collect_owners(retire);
}
