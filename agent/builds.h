/* The builds that run on this host: fingerprints by content, each held once however many processes have
 * it. Reading is bounded for each interval in number and in bytes; a fingerprint is read once for an
 * incarnation, so that processes that stay cost nothing.
 *
 * Bounded: past BUILDS_MAX distinct ones, or BUILDS_SETTINGS_MAX settings of all, new ones are kept
 * without their settings, and past twice as many processes go without. */
#pragma once

#include "agent/fingerprint.h"

#define BUILDS_MAX 2048
#define BUILDS_SETTINGS_MAX 32768
#define BUILDS_READS 64             /* fingerprints an interval, each some 200 us */
#define BUILDS_READ_BYTES (8 << 20) /* of files, an interval */

struct build;
struct builds;
struct summary;

MUST_CHECK int builds_new(const char *proc, const struct hash_key *key, struct builds **ret_builds);
void builds_free(struct builds **builds);

/* An interval begins. */
void builds_interval(struct builds *builds);
/* The build of a process, to be given back; NULL if it has none to tell. -EAGAIN: not in this interval. */
MUST_CHECK int builds_read(struct builds *builds, const struct fingerprint_facts *facts, struct build **ret_build);
void builds_put(struct builds *builds, struct build **build);

/* The rows: builds_begin(), builds_add() for each process, builds_end(). Times since boot, to which
 * `offset` is added. *ret_hash tells whether anything differs from another time. */
void builds_begin(struct builds *builds);
/* build NULL: it has not been read yet. */
MUST_CHECK int builds_add(struct builds *builds, uint32_t identity, const struct build *build, uint64_t start_ns);
MUST_CHECK int builds_end(struct builds *builds, int64_t offset, uint64_t *ret_hash);
/* Until the next builds_begin(). */
void builds_rows(const struct builds *builds, struct summary *summary);
