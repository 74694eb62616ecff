/* Files as a process sees them, opened without ever waiting for anybody: regular files only, resolved
 * within the root of the process and nowhere else, and none that lies on a file system of the network
 * or of user space, whose server may be gone. */
#pragma once

#include "proto/base.h"
#include "proto/hash.h"

#include <sys/types.h>

struct inside {
        char root_path[256]; /* where the root lies, as we see it; "" if it is ours or another mount namespace's */
        int root;            /* O_PATH of the root; -1: it cannot be entered */
        char *mounts;        /* of its mount namespace, if something is mounted there that may hang */
        bool refuse;         /* too many mounts to tell */
};

/* A process that is gone, or of which nothing may be read, is one without files. */
void inside_open(const char *proc, uint32_t pid, struct inside *ret_inside);
void inside_close(struct inside *inside);

/* A path as the kernel shows it to us becomes one as the process sees it. */
void inside_path(const struct inside *inside, char *path);

struct inside_file {
        uint64_t device, inode, size;
        int64_t changed;
};

/* Opens `path`, relative to `folder` (of the process) if it does not begin with '/'. ret_path, if not
 * NULL, gets the path without symbolic links. -ENOENT, -EINVAL: no regular file, -EREMOTE: it may hang. */
MUST_CHECK int inside_file(const struct inside *inside, const char *folder, const char *path, char *ret_path, size_t path_size,
                           struct inside_file *ret_file, int *ret_fd);

/* The same for a folder, to be listed. */
MUST_CHECK int inside_folder(const struct inside *inside, const char *folder, const char *path, char *ret_path, size_t path_size,
                             int *ret_fd);

/* A digest of a file's contents. Of one larger than `most` bytes, its size, its first and its last part:
 * an archive keeps the checks of all it holds at its end. *used grows by what was read. */
MUST_CHECK int inside_digest(int fd, uint64_t size, uint64_t most, const struct hash_key *key, uint64_t *ret_digest,
                             uint64_t *used);
