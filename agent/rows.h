/* The rows of a summary: which edge stands behind each index of the kernel's counters, what was last
 * said about it, and when it may be retired. One row a use of an index: a generation that differs is
 * another edge with another id.
 *
 * State of an index:
 *   free      nothing known.               -> active when an edge is announced or found in the map
 *   active    counted and reported.        -> leaving when it has no open connection and stood still
 *   leaving   taken out of the kernel's map, counters still read. -> free when nothing moved and its
 *             last values were accepted; -> active when something moved
 * A row that is said once more before it goes keeps the coordinator's totals exact.
 *
 * Whether a row changed is told by a hash of its counters, so that no second copy of them is kept.
 * Times are monotonic. Does no I/O but probe_counts(). */
#pragma once

#include "bpf/event.h"
#include "proto/summary.h"

struct probe;
struct rows;

enum row_state { ROW_FREE = 0, ROW_ACTIVE, ROW_LEAVING };

struct row {
        struct event_edge edge;
        uint64_t id; /* unique in the session, from 1 */
        uint64_t generation;
        uint64_t accepted; /* hash of the counters that the link last took; 0: none yet */
        uint64_t last_key; /* the newest connection that both ends may meet by */
        int64_t first_ns;
        int64_t moved_ns; /* when the counters were last seen to differ */
        int64_t leaving_ns;
        uint32_t identity;
        uint8_t state;
        uint8_t last_key_role; /* of last_key, valid if has_key */
        bool has_key;
};

MUST_CHECK int rows_new(const struct probe *probe, struct rows **ret_rows);
void rows_free(struct rows **rows);

/* Makes (or renews) the row of an index. -ERANGE: an index past the table. */
MUST_CHECK int rows_add(struct rows *rows, const struct event_edge *edge, uint32_t index, uint64_t generation, uint32_t identity,
                        int64_t now, struct row **ret_row);
/* The row of an index in the given generation, or NULL; generation 0 is any. */
struct row *rows_get(struct rows *rows, uint32_t index, uint64_t generation);
void rows_remove(struct rows *rows, uint32_t index);
/* One past the highest index in use; and how many are in use. */
uint32_t rows_end(const struct rows *rows);
uint32_t rows_count(const struct rows *rows);

/* Copies the counters of a row, so that closed <= adopted + opened and opened <= attempted hold even
 * while the kernel counts; *ret_hash is never 0. */
void rows_read(const struct rows *rows, uint32_t index, struct event_counts *ret_counts, uint64_t *ret_hash);

static inline uint64_t row_open(const struct event_counts *counts)
{
        return counts->adopted + counts->opened - counts->closed;
}
