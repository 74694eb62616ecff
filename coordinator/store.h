/* Durable state: the core's records in one SQLite table, (kind, key) → value, with a write-ahead log.
 * A save is one transaction of bounded size; call it about once a second from the loop.
 *
 * A full disk or any other failure to write is logged once when it begins and once when it ends; the
 * coordinator goes on, nothing is lost from memory, and everything is written again when it works.
 * A database that is damaged is moved aside, with a line that says where, and a new one begun. */
#pragma once

#include "proto/base.h"

struct core;
struct store;

/* Opens or makes DIRECTORY/graph.db. On failure *ret_why (static storage) says what could not be. */
MUST_CHECK int store_open(const char *directory, struct store **ret_store, const char **ret_why);
void store_close(struct store **store);

/* Gives a fresh core what was saved, core_loaded() included. Records that do not parse are skipped
 * and counted in one line of the log. */
MUST_CHECK int store_load(struct store *store, struct core *core, int64_t now);

/* Saves what changed. Returns 1 if there is more to save soon, 0 if not, -errno if it failed; that
 * has been logged then, and needs nothing of the caller but to go on. */
int store_save(struct store *store, struct core *core, int64_t now);
/* Saves all that changed, for a clean stop. */
int store_flush(struct store *store, struct core *core, int64_t now);

/* Bounds the database to so many pages, as a full disk would; for tests. */
MUST_CHECK int store_limit_pages(struct store *store, uint32_t pages);
