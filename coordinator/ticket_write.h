/* Tickets on the disk: NAME.md and NAME.json in a folder, each there whole or as it was before. Each waits for the disk, which
 * has to be a local one: the daemon's loop waits with it. */
#pragma once

#include "coordinator/audit_files.h"

#include <jansson.h>

/* `directory` NULL: tickets in the state folder. Made where it is missing. -errno. */
MUST_CHECK int ticket_folder_open(const char *state_dir, const char *directory, const struct audit_io *io,
                                  struct audit_files *ret_files);
/* 0: there is no such ticket, or it cannot be read. */
uint64_t ticket_revision_there(const struct audit_files *files, const char *name);
/* Both files; the JSON, which says the revision, last. */
MUST_CHECK int ticket_write(const struct audit_files *files, const char *name, json_t *ticket, const char *markdown, size_t size);
/* Removes all but the latest `most`. */
void ticket_prune(const struct audit_files *files, uint32_t most);
