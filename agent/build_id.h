/* The build of an executable: the id that its linker wrote into it (or Go's own), in hexadecimal. One
 * look a file, whichever process it is met by; a replaced file is another inode.
 *
 * The file is of somebody else's making: it is read, not mapped, and what is read is bounded. */
#pragma once

#include "proto/base.h"

#define BUILD_ID_SIZE 96

struct executable {
        char *path;                /* clean */
        char build[BUILD_ID_SIZE]; /* "" if it has none */
        uint64_t device, inode;
        int64_t changed; /* time of the inode's last change */
        uint32_t users;
        struct executable *next;
};

struct executables;

MUST_CHECK int executables_new(struct executables **ret_executables);
void executables_free(struct executables **executables);
/* The executable of a process, to be given back. -ENOENT: the process is gone, or has none. */
MUST_CHECK int executables_get(struct executables *executables, const char *proc, uint32_t pid, struct executable **ret_executable);
void executables_put(struct executables *executables, struct executable **executable);

/* Reads the id from an open file. -ENODATA: it has none. */
MUST_CHECK int build_id_read(int fd, char ret_id[BUILD_ID_SIZE]);
