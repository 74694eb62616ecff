/* The last checkpoint of the coordinator's audit log that this host saw: STATE/audit-checkpoint, a signed note, which
 * `nightshift audit verify --checkpoint` takes as it is. What keeps it is the agent; what reads it is the link's child
 * (uplink_witness.c), which has no rights. It is replaced as a whole, and synced with its folder before anything is done
 * on its word; and read again before that, as the agent has to start from it. Who restores the coordinator's log from a copy has to
 * remove it on purpose. */
#pragma once

#include "proto/action.h"

struct checkpoint_file {
        char note[ACTION_CHECKPOINT_MAX + 1];
        size_t size;       /* bytes of it; 0: none was seen */
        uint64_t log_size; /* entries of the log, as it says */
};

/* -ENOENT: none was seen; -EBADMSG: what is there is no checkpoint. */
MUST_CHECK int checkpoint_load(const char *state_dir, struct checkpoint_file *ret_file);
/* Keeps a note that is said to be of a log of `log_size` entries, whoever says so; 0 once it is on disk. -EPROTO: it is no
 * checkpoint, or of another size; -EXDEV: it is of another log than the one that is there; -ESTALE: that has more entries;
 * -EBADMSG: what is there is no checkpoint. Then what is there stays. */
MUST_CHECK int checkpoint_keep(const char *state_dir, const char *note, size_t size, uint64_t log_size);
