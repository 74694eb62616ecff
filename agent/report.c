#include "agent/report.h"

#include "agent/addresses.h"
#include "agent/host.h"
#include "agent/owners.h"
#include "agent/probe.h"
#include "agent/report_build.h"
#include "proto/wire.h"

#include <stdlib.h>
#include <string.h>

#define YOUNG_MAX 4096
#define YOUNG_NS (2 * NSEC_PER_SEC)

int report_new(const struct report_sources *sources, struct report **ret_report)
{
        struct report *report = calloc(1, sizeof(*report));

        if (!report)
                return -ENOMEM;
        report->sources = *sources;
        report->key_threshold = UINT32_MAX;
        report->interval = 10 * NSEC_PER_SEC;
        report->listeners_said = report->processes_said = REPORT_HASH_EMPTY;
        report->edges = malloc(REPORT_ROWS_MAX * sizeof(*report->edges));
        report->said = malloc(REPORT_ROWS_MAX * sizeof(*report->said));
        report->young = malloc(YOUNG_MAX * sizeof(*report->young));
        if (!report->edges || !report->said || !report->young) {
                report_free(&report);
                return -ENOMEM;
        }
        *ret_report = report;
        return 0;
}

void report_free(struct report **report)
{
        if (!*report)
                return;
        free((*report)->edges);
        free((*report)->said);
        free((*report)->young);
        free((*report)->keys);
        free((*report)->full_keys);
        free((*report)->identities);
        free((*report)->ids);
        free((*report)->listeners);
        free(*report);
        *report = NULL;
}

void report_set_labels(struct report *report, const struct summary_label *labels, size_t count)
{
        report->labels = labels;
        report->labels_count = count;
}

void report_set_interval(struct report *report, int64_t interval)
{
        report->interval = interval;
}

void report_set_key_threshold(struct report *report, uint32_t threshold)
{
        report->key_threshold = threshold;
}

void report_young(struct report *report, uint32_t index)
{
        struct row *row = rows_get(report->sources.rows, index, 0);

        /* Past the bound a row waits for the interval. */
        if (row && report->young_count < YOUNG_MAX)
                report->young[report->young_count++] = (struct report_young){ .id = row->id, .index = index };
}

/* The row, unless its index has another life by now. */
static struct row *young_row(const struct report *report, size_t i)
{
        struct row *row = rows_get(report->sources.rows, report->young[i].index, 0);

        return row && row->id == report->young[i].id ? row : NULL;
}

bool report_has_young(struct report *report, int64_t now)
{
        size_t kept = 0;

        for (size_t i = 0; i < report->young_count; i++) {
                const struct row *row = young_row(report, i);

                /* Once it was said with a connection's key it is in the graph, on both ends. */
                if (row && now - row->first_ns < YOUNG_NS && !(row->accepted && row->has_key))
                        report->young[kept++] = report->young[i];
        }
        report->young_count = kept;
        return kept > 0;
}

void report_listeners_changed(struct report *report)
{
        report->listeners_changed = true;
}

/* Packs the summary and gives it to the link; the rows in it then count as said. */
static int send(struct report *report, struct summary *summary)
{
        struct wire_request request = { .kind = WIRE_SUMMARY, .summary = summary };
        CLEANUP_FREE uint8_t *message = NULL;
        size_t size;
        int r;

        summary->sequence = report->sequence + 1;
        r = wire_pack_request(&request, &message, &size);
        if (r < 0)
                return r;
        r = report->sources.send(report->sources.data, summary->sequence, message, size);
        if (r < 0)
                return r;
        report->sequence++;
        for (size_t i = 0; i < report->said_count; i++) {
                struct row *row = rows_get(report->sources.rows, report->said[i].index, report->said[i].generation);

                if (row)
                        row->accepted = report->said[i].hash;
        }
        report_build_said(report, summary);
        return 0;
}

/* Sends what the builder holds, with as many keys as fit. */
static int send_rows(struct report *report, int64_t now, struct summary *summary)
{
        size_t keys = MIN(report->keys_count, (size_t)REPORT_KEYS_MAX);
        int r;

        summary->keys = report->keys;
        summary->keys_count = keys;
        report_build_finish(report, now, summary);
        r = send(report, summary);
        if (r == 0)
                report_keys_sent(report, keys);
        return r;
}

int report_push(struct report *report, int64_t now)
{
        struct summary summary;
        int r = 0;

        if (report->full_pending)
                return 0;
        report_build_begin(report, now, &summary);
        for (size_t i = 0; i < report->young_count && report->said_count < REPORT_ROWS; i++) {
                struct row *row = young_row(report, i);

                /* The name of an owner may be on its way; a row keeps the name it had first. */
                if (row && row->identity != owners_unknown(report->sources.owners))
                        report_build_row(report, row, report->young[i].index, now, true, &summary);
        }
        if (report->listeners_changed) {
                r = report_build_listeners(report, &summary, false);
                if (r < 0)
                        return r;
        }
        report_build_actions(report, &summary, false);
        if (report->full_pending ||
            (report->said_count == 0 && summary.listeners_count == 0 && summary.actions_count == 0 && !summary.permits_told &&
             !report_build_log_news(report) && report->keys_count < REPORT_KEYS_MANY))
                return 0;
        r = send_rows(report, now, &summary);
        return r;
}

int report_interval(struct report *report, int64_t now, bool final)
{
        uint32_t index = 0;
        bool first = true;
        int r;

        if (report->full_pending && !final)
                return 0;
        do {
                struct summary summary;

                report_build_begin(report, now, &summary);
                for (; index < rows_end(report->sources.rows) && report->said_count < REPORT_ROWS; index++) {
                        struct row *row = rows_get(report->sources.rows, index, 0);

                        if (row)
                                report_build_row(report, row, index, now, true, &summary);
                }
                if (first) {
                        r = report_build_listeners(report, &summary, false);
                        if (r < 0)
                                return r;
                        if (report->full_pending && !final)
                                return 0;
                        r = report_build_processes(report, now, &summary, false);
                        if (r < 0)
                                return r;
                        if (report->full_pending && !final)
                                return 0;
                        r = report_build_builds(report, &summary, false);
                        if (r < 0)
                                return r;
                        report_build_pools(report, now, &summary, false);
                        report_build_actions(report, &summary, false);
                }
                summary.final = final && index >= rows_end(report->sources.rows) && report->keys_count <= REPORT_KEYS_MAX;
                r = send_rows(report, now, &summary);
                if (r < 0)
                        return r;
                first = false;
        } while (index < rows_end(report->sources.rows) || report->keys_count > 0);
        return 0;
}

void report_full(struct report *report)
{
        report->full_pending = true;
        report->full_index = 0;
        report->full_part = 0;
        report->full_parts = rows_count(report->sources.rows) / REPORT_ROWS + 1;
}

bool report_is_full_pending(const struct report *report)
{
        return report->full_pending;
}

uint64_t report_full_sequence(const struct report *report)
{
        return report->full_sequence;
}

static int full_part(struct report *report, int64_t now)
{
        bool last = report->full_part + 1 == report->full_parts;
        uint32_t index = report->full_index;
        struct summary summary;
        int r;

        report_build_begin(report, now, &summary);
        summary.full = true;
        summary.part = report->full_part;
        summary.parts = report->full_parts;
        /* The last part has room to spare for rows that came meanwhile. */
        for (; index < rows_end(report->sources.rows) && report->said_count < (last ? REPORT_ROWS_MAX : REPORT_ROWS); index++) {
                struct row *row = rows_get(report->sources.rows, index, 0);

                if (row)
                        report_build_row(report, row, index, now, false, &summary);
        }
        if (last && index < rows_end(report->sources.rows)) {
                report_full(report);
                return 0;
        }
        if (report->full_part == 0) {
                r = report_build_listeners(report, &summary, true);
                if (r < 0)
                        return r;
                r = report_build_processes(report, now, &summary, true);
                if (r < 0)
                        return r;
                r = report_build_builds(report, &summary, true);
                if (r < 0)
                        return r;
                report_build_pools(report, now, &summary, true);
                report_build_actions(report, &summary, true);
        }
        r = report_build_full_keys(report, &summary);
        if (r < 0)
                return r;
        report_build_finish(report, now, &summary);
        r = send(report, &summary);
        if (r < 0)
                return r;
        report->full_index = index;
        report->full_part++;
        if (last) {
                report->full_pending = false;
                report->full_sequence = report->sequence;
        }
        return 0;
}

int report_continue(struct report *report, int64_t now)
{
        /* A full report that is begun anew all the time must not hold the loop. */
        for (unsigned i = 0; report->full_pending && i < 64; i++) {
                int r = full_part(report, now);

                if (r < 0)
                        return r;
        }
        return report->full_pending ? -EAGAIN : 0;
}
