/* Where the audit log speaks of each incident: the entries by index, for who explains it. Made by reading the log once and
 * then what is new. Bounded: of an incident the first entries and the latest are known, and of all incidents those that it
 * spoke of last. */
#pragma once

#include "proto/base.h"

#define LOG_INDEX_FIRST 8
#define LOG_INDEX_LAST 56
#define LOG_INDEX_INCIDENTS 1024

struct log_entry {
        uint64_t index;
        int64_t at;
        const char *kind; /* as `audit list` shows it */
        uint64_t action;  /* 0: of none */
};

struct audit_entry;
struct log_index;

MUST_CHECK int log_index_new(struct log_index **ret_index);
void log_index_free(struct log_index **index);
/* Entries that are of no incident are passed over. */
void log_index_add(struct log_index *index, const struct audit_entry *entry);
/* The `n`-th that is known of the incident, oldest first; NULL: there are no more. */
const struct log_entry *log_index_get(const struct log_index *index, uint64_t incident, size_t n);
/* How many there were, those that are not known any more included. */
uint64_t log_index_count(const struct log_index *index, uint64_t incident);
