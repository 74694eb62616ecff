/* What all that runs on a host share: memory, and local ports towards each far end. Three small files of /proc, read
 * once a summary. */
#pragma once

#include "proto/summary.h"

/* What cannot be read stays 0, which says that it is not known. `proc` is where the proc file system is. */
void resources_read(const char *proc, struct summary_resources *ret_resources);
