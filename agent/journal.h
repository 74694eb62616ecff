/* The executor's journal: one file for each remedy in STATE/actions, replaced as a whole and synced with its
 * folder, so that a crash leaves the entry before or the entry after and nothing between. An entry has all that is
 * needed to undo without anything else: the order, the inverse, the state, and the boot in which it was written.
 * `epoch` is the highest epoch that was heard.
 *
 * Two executors never share a journal: it is locked while it is open, and the lock dies with its holder.
 *
 * An entry (version 1) is struct journal_record as it is, in the byte order of the host, ending with a hash of all
 * before it. What is damaged or of an unknown version is counted and left: somebody must look. */
#pragma once

#include "agent/action.h"

struct journal;

struct journal_entry {
        struct remedy remedy; /* `this_boot` by comparison of boot ids */
        struct executor_order order;
        uint32_t inverse_size;
        uint8_t inverse[ACTION_INVERSE_MAX];
};

/* Makes the folder. -EBUSY: another executor has it. */
MUST_CHECK int journal_open(const char *state_dir, struct journal **ret_journal);
void journal_close(struct journal **journal);
/* True if there is anything in the journal of this folder. */
bool journal_exists(const char *state_dir);

/* 0 once it is on disk. */
MUST_CHECK int journal_write(struct journal *journal, const struct journal_entry *entry);
void journal_forget(struct journal *journal, struct action_key key);
MUST_CHECK int journal_write_epoch(struct journal *journal, uint64_t epoch);
/* Calls `function` for each entry. *ret_damaged is the number of those that cannot be read. */
MUST_CHECK int journal_read(struct journal *journal, void (*function)(void *data, const struct journal_entry *entry), void *data,
                            uint64_t *ret_epoch, size_t *ret_damaged);
