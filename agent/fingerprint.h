/* What a process runs, read once for each incarnation: see struct summary_build. Costs a handful of
 * system calls and at most FINGERPRINT_READ bytes of files. Waits for nobody (inside.h), and looks for
 * what the process names only within the root that the process has. */
#pragma once

#include "agent/build_id.h"
#include "agent/settings.h"

#define FINGERPRINT_READ (8u << 20)
#define FINGERPRINT_FILES 8 /* configuration files of one process */

struct fingerprint {
        char program[96];
        char build[BUILD_ID_SIZE];
        char release[256];
        char image[256];
        char version[64];
        uint64_t code;
        struct settings settings;
};

struct fingerprint_facts {
        const char *proc;
        uint32_t pid;
        int64_t started;                     /* wall clock; 0: unknown */
        const struct executable *executable; /* may be NULL */
        const char *cgroup;                  /* path, for the container's image */
        const struct hash_key *key;
};

/* *ret_read: bytes of files. -ENOENT, -ESRCH: the process is gone. */
MUST_CHECK int fingerprint_read(const struct fingerprint_facts *facts, struct fingerprint *ret_fingerprint, uint64_t *ret_read);
