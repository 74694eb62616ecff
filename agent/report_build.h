/* The inside of a report: its buffers, and how a summary is filled from its sources. Used by
 * report.c only. A summary points into these buffers and is sent before they are used again. */
#pragma once

#include "agent/report.h"

#define REPORT_ROWS 1536u      /* rows of a summary, as planned: some 200 bytes each when packed */
#define REPORT_ROWS_MAX 2048u  /* with what came meanwhile */
#define REPORT_KEYS_MAX 32768u /* keys of a summary */
#define REPORT_KEYS_MANY 16384u
#define REPORT_KEYS_KEPT 65536u /* keys kept while the link takes nothing */
#define REPORT_LISTENERS_MAX 4096u
#define REPORT_HASH_EMPTY UINT64_C(0xcbf29ce484222325) /* FNV-1a of nothing */

struct report_said {
        uint64_t generation, hash;
        uint32_t index;
};

struct report_young {
        uint64_t id; /* of the row */
        uint32_t index;
};

struct report {
        struct report_sources sources;
        uint64_t sequence; /* of the last summary that the link took */
        int64_t interval;
        uint32_t key_threshold;
        const struct summary_label *labels;
        size_t labels_count;

        struct summary_edge *edges;
        struct report_said *said; /* parallel to edges */
        size_t said_count;
        uint32_t *ids; /* of identities that this summary refers to, repeated */
        size_t ids_count, ids_size;
        struct summary_identity *identities;
        size_t identities_size;

        struct summary_key *keys;
        size_t keys_count, keys_size;
        uint64_t keys_lost;
        struct summary_key *full_keys;
        size_t full_keys_size;

        struct report_young *young;
        size_t young_count;

        struct summary_listener *listeners;
        size_t listeners_count, listeners_size;
        uint64_t listeners_hash, listeners_said; /* hash of those built, of those last said */
        bool listeners_changed;
        uint64_t processes_hash, processes_said;
        uint64_t builds_hash, builds_said;
        int64_t pools_built, pools_said; /* when those built, those last said were looked at, monotonic */
        size_t pools_said_count;

        struct summary_hook hooks[64];

        bool full_pending;
        uint32_t full_index, full_part, full_parts;
        uint64_t full_sequence;
};

/* Empties the buffers and fills what every summary says. */
void report_build_begin(struct report *report, int64_t now, struct summary *ret_summary);
/* The summary will hold the identity of this id. */
void report_build_refer(struct report *report, uint32_t id);
/* Adds the row; with `only_changed` only if its counters differ from what was said. */
void report_build_row(struct report *report, struct row *row, uint32_t index, int64_t now, bool only_changed,
                      struct summary *summary);
/* Adds the listeners if they differ from what was said, or `always`. */
MUST_CHECK int report_build_listeners(struct report *report, struct summary *summary, bool always);
/* The same for processes. */
MUST_CHECK int report_build_processes(struct report *report, int64_t now, struct summary *summary, bool always);
/* The same for builds. */
MUST_CHECK int report_build_builds(struct report *report, struct summary *summary, bool always);
/* Adds the pools of the last sweep if they were not said yet, or `always`. */
void report_build_pools(struct report *report, int64_t now, struct summary *summary, bool always);
/* Adds what became of orders, and what is permitted, where it changed, or `always`. */
bool report_build_log_news(const struct report *report);
void report_build_actions(struct report *report, struct summary *summary, bool always);
/* The link took the summary: its listeners, processes and pools count as said. */
void report_build_said(struct report *report, const struct summary *summary);
/* The newest key of each row in the summary. */
MUST_CHECK int report_build_full_keys(struct report *report, struct summary *summary);
/* The first `count` of the waiting keys were said. */
void report_keys_sent(struct report *report, size_t count);
/* Identities, addresses, losses and costs. */
void report_build_finish(struct report *report, int64_t now, struct summary *summary);
