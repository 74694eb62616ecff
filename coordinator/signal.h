/* What can be known about each thing that a signature speaks of: one table of subjects and signals. It
 * checks signature files and writes nightshift-signature(5); what evaluates a signature computes the
 * values. A value is a double in the base unit of its signal, NaN where nothing is known. */
#pragma once

#include "proto/base.h"

enum subject {
        SUBJECT_POOL,     /* connections of one process incarnation to one server */
        SUBJECT_EDGE,     /* one service talking to another */
        SUBJECT_SERVICE,  /* all instances of it; sums, unless the signal says otherwise */
        SUBJECT_PROCESS,  /* one incarnation */
        SUBJECT_LISTENER, /* one listening socket */
        SUBJECT_HOST,
        SUBJECTS,
};

enum signal_unit {
        UNIT_COUNT,     /* how many there are: "4" */
        UNIT_EVENTS,    /* how many came within the window: "5" */
        UNIT_RATE,      /* a second: "5/s", "300/m" */
        UNIT_BYTE_RATE, /* bytes a second: "10MiB/s" */
        UNIT_RATIO,     /* 0.05: "5%" */
        UNIT_TIME,      /* seconds: "200ms" */
        UNIT_BYTES,     /* "512MiB" */
        UNIT_LOAD,      /* in no unit of its own: only percentages of another time */
        UNITS,
};

enum signal {
        SIGNAL_LOAD,
        SIGNAL_OPEN,
        SIGNAL_BUSY,
        SIGNAL_IDLE,
        SIGNAL_HELD,
        SIGNAL_OVERDUE,
        SIGNAL_SKIPPED,
        SIGNAL_FORGOTTEN,
        SIGNAL_LOST,
        SIGNAL_NEWLY_HELD,
        SIGNAL_REUSED,
        SIGNAL_RELEASED,
        SIGNAL_CLOSE_WAIT,
        SIGNAL_LIMIT,
        SIGNAL_FILES_LIMIT,
        SIGNAL_OPENINGS,
        SIGNAL_ATTEMPTS,
        SIGNAL_OPENED,
        SIGNAL_FAILED,
        SIGNAL_REFUSED,
        SIGNAL_TIMED_OUT,
        SIGNAL_UNREACHABLE,
        SIGNAL_ABORTED,
        SIGNAL_NO_PORT,
        SIGNAL_RESETS,
        SIGNAL_RETRANSMITS,
        SIGNAL_RTT_P50,
        SIGNAL_RTT_P99,
        SIGNAL_TURNAROUND_P50,
        SIGNAL_TURNAROUND_P99,
        SIGNAL_REQUESTS,
        SIGNAL_SENT,
        SIGNAL_RECEIVED,
        SIGNAL_CPU,
        SIGNAL_THROTTLED,
        SIGNAL_RSS,
        SIGNAL_MEMORY_LIMIT,
        SIGNAL_THREADS,
        SIGNAL_OPEN_FILES,
        SIGNAL_OPEN_FILES_LIMIT,
        SIGNAL_RESTARTS,
        SIGNAL_EXITS_FAILED,
        SIGNAL_OOM_KILLS,
        SIGNAL_BACKLOG,
        SIGNAL_BACKLOG_MAX,
        SIGNAL_DROPS,
        SIGNAL_PORTS_USED,
        SIGNAL_PORTS_LIMIT,
        SIGNAL_MEMORY,
        SIGNALS,
        SIGNAL_NONE = SIGNALS,
};

/* False if there is none of this name. */
MUST_CHECK bool subject_find(const char *name, enum subject *ret_subject);
const char *subject_name(enum subject subject);

/* False if the subject has no signal of this name. */
MUST_CHECK bool signal_find(enum subject subject, const char *name, enum signal *ret_signal);
bool signal_has(enum subject subject, enum signal signal);
const char *signal_name(enum signal signal); /* "" for SIGNAL_NONE */
enum signal_unit signal_unit(enum signal signal);
/* What to write: "a count such as 4". */
const char *unit_expectation(enum signal_unit unit);
/* The names of the subjects, or of a subject's signals, with commas between them; returns `buffer`. */
const char *subjects_list(char *buffer, size_t size);
const char *signals_list(enum subject subject, char *buffer, size_t size);
/* Writes each subject with its signals to standard output, as the body of a manual page (mdoc). */
void signals_manual(void);
