/* A witness of a log keeps the last checkpoint that it saw and accepts no other log than a continuation of
 * it. Pure: whoever is the witness keeps the note, durably, and gives it back. */
#pragma once

#include "proto/note.h"

/* `last`: the note that was kept, or NULL at the first sight; `keys`: of the log, as this host was told; none: then
 * signatures are not checked, and the log is whose the link says it is.
 * 0: `note` is to be kept from now on, before anything is done on its word. Else it is refused:
 * -EBADMSG, -ENOKEY, -EKEYREJECTED: it is no checkpoint that one of the keys has signed;
 * -EXDEV: of another log;
 * -ESTALE: it has fewer entries than the last one: the log was rolled back;
 * -EUCLEAN: it does not continue the last one, or nothing here shows that it does: the log was forked;
 * -EIO: what was kept is no checkpoint any more. `ret_sentence` (static) says so for people. */
MUST_CHECK int witness_check(const char *last, size_t last_size, const char *note, size_t note_size, const struct note_key *keys,
                             size_t keys_count, const struct tlog_hash *proof, size_t proof_count,
                             struct checkpoint *ret_checkpoint, const char **ret_sentence);
