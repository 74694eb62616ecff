/* Makes summaries of what was counted and hands them to the link.
 *
 * Three ways: a push holds rows that are new, within a fraction of a second; the interval's report
 * holds every row that changed; a full report holds all rows, in parts where they are many. A row
 * counts as said once the link took the summary; until then it stays changed and is said again.
 * -EAGAIN from the link therefore ends a report without harm.
 *
 * Keys are said once, by whichever report comes first, and kept (up to a bound, beyond which they
 * count as lost) while the link takes nothing. A full report repeats the newest key of every row, so
 * that both ends of an edge meet again at a coordinator that forgot. */
#pragma once

#include "agent/rows.h"

struct probe;
struct owners;
struct addresses;
struct host;
struct actions;
struct pools;
struct processes;
struct report;

typedef int (*report_send_function)(void *data, uint64_t sequence, const uint8_t *message, size_t size);

/* Everything stays the caller's. */
struct report_sources {
        struct probe *probe;
        struct rows *rows;
        struct owners *owners;
        struct addresses *addresses;
        struct processes *processes; /* may be NULL */
        struct pools *pools;         /* likewise */
        struct actions *actions;     /* likewise */
        const struct host *host;
        report_send_function send;
        void *data;
        int (*link_pid)(void *data);
};

MUST_CHECK int report_new(const struct report_sources *sources, struct report **ret_report);
void report_free(struct report **report);

void report_set_labels(struct report *report, const struct summary_label *labels, size_t count);
void report_set_interval(struct report *report, int64_t interval);
void report_set_key_threshold(struct report *report, uint32_t threshold);

/* A row that was made just now: it is on the list of pushes while it is young. */
void report_young(struct report *report, uint32_t index);
/* True while there are young rows; those older than two seconds leave the list here. */
bool report_has_young(struct report *report, int64_t now);
/* A connection's key; *row is its edge's. */
void report_key(struct report *report, struct row *row, uint64_t key, enum summary_role role);
/* So many keys wait that a push should take them, before the interval. */
bool report_has_many_keys(const struct report *report);
/* A key of a row that is not there (any more). */
void report_key_lost(struct report *report);
/* Listeners came or went: the next report says them. */
void report_listeners_changed(struct report *report);

/* 0 or -EAGAIN (the link is behind: come again), -ENOMEM. Nothing new to say is 0. */
MUST_CHECK int report_push(struct report *report, int64_t now);
MUST_CHECK int report_interval(struct report *report, int64_t now, bool final);

/* Begins a full report, or begins it anew; report_continue() sends its parts until it returns 0. */
void report_full(struct report *report);
bool report_is_full_pending(const struct report *report);
MUST_CHECK int report_continue(struct report *report, int64_t now);
/* Last sequence of the last full report that was sent whole, 0 if none was. */
uint64_t report_full_sequence(const struct report *report);
