/* Notices on the disk, one file each in a folder of the state, so that a restart loses none. A file appears whole or not at
 * all. Where the disk takes nothing a notice is delivered all the same, from memory. */
#pragma once

#include "coordinator/audit_files.h"
#include "coordinator/notices.h"

#define NOTICES_FOLDER "notices"

/* Takes up what lies there; a file that is none is removed. -errno: the folder cannot be made or read. */
MUST_CHECK int notices_files_open(const char *state_dir, const struct audit_io *io, struct notices *notices,
                                  struct audit_files *ret_files);
void notices_files_close(struct audit_files *files);
/* Durable on return. */
MUST_CHECK int notices_files_put(const struct audit_files *files, const struct notice *notice);
void notices_files_remove(const struct audit_files *files, uint64_t id);
