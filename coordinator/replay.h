/* A recording through a core of its own, offline: nothing is dispatched, nothing is stored, and the only
 * time is that of the recording.
 *
 * Owns reader and core. The core is there once the first START was taken; each START after a gap makes
 * a new one, as a coordinator that starts again would. */
#pragma once

#include "coordinator/recording.h"

struct core;
struct core_options;
struct signature_set;

struct replay_facts {
        int64_t from, to;   /* of the recording */
        int64_t now;        /* how far it was replayed */
        uint64_t summaries; /* taken */
        uint64_t ticks;
        uint64_t refused; /* summaries for which the memory budget had no room, as when it was recorded */
        uint64_t skipped; /* records of the beginning that this version does not read */
        uint64_t gaps;
        int64_t gap_from, gap_to; /* the latest */
        char gap_why[RECORDING_GAP_MAX + 1];
        bool cut; /* it was not ended by whoever recorded, or does not reach its end */
        uint64_t cut_at, size;
        char version[32]; /* of the program that recorded */
};

struct replay;

/* Takes the reader over, also on failure. `options` replaces what was recorded of memory and times, a
 * field of zero does not; NULL for none. The signatures stay the caller's; NULL: nothing is looked for. */
MUST_CHECK int replay_new(struct recording_reader **reader, const struct core_options *options,
                          const struct signature_set *signatures, struct replay **ret_replay);
/* Up to and with what happened at `until`. It may be called again with a later time. -EBADMSG and others
 * with the place and a sentence. */
MUST_CHECK int replay_run(struct replay *replay, int64_t until, struct recording_failure *ret_failure);
/* NULL if nothing was begun by then. */
struct core *replay_core(struct replay *replay);
void replay_facts(const struct replay *replay, struct replay_facts *ret_facts);
void replay_free(struct replay **replay);
