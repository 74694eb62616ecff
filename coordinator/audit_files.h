/* The files of the audit log: whole ones that appear at once or not at all, and the one that grows.
 * Everything that changes a disk goes through a table of functions, so that tests can fail or stop at
 * each of them. Names are relative to the log's folder, which is opened once. */
#pragma once

#include "proto/base.h"

#include <sys/types.h>

/* Each returns 0 or -errno, `open` a descriptor. */
struct audit_io {
        int (*open)(void *data, int folder, const char *name, int flags, mode_t mode);
        int (*write)(void *data, int fd, const void *bytes, size_t size, off_t at); /* all of it */
        int (*sync)(void *data, int fd);
        int (*rename)(void *data, int folder, const char *from, const char *to);
        int (*remove)(void *data, int folder, const char *name, int flags); /* AT_REMOVEDIR */
        int (*mkdir)(void *data, int folder, const char *name, mode_t mode);
        void *data;
};
extern const struct audit_io audit_io_real;

#define AUDIT_PATH_MAX 128
#define AUDIT_FILE_NEW "new" /* what is being written; it means nothing */

struct audit_files {
        int folder; /* -1: none */
        const struct audit_io *io;
};

/* Whole contents, at most `max` bytes, with a NUL behind them that does not count. -ENOENT, -EFBIG. The caller frees. */
MUST_CHECK int audit_file_read(const struct audit_files *files, const char *name, size_t max, uint8_t **ret_data, size_t *ret_size);
/* Puts the file into place, and the folders above it. With `durable` file and name are on disk on return. */
MUST_CHECK int audit_file_put(const struct audit_files *files, const char *name, mode_t mode, const void *data, size_t size,
                              bool durable);
/* What is not there is fine. */
MUST_CHECK int audit_file_remove(const struct audit_files *files, const char *name, bool is_folder);
/* Makes the name of a file durable. */
MUST_CHECK int audit_file_sync_name(const struct audit_files *files, const char *name);
bool audit_file_exists(const struct audit_files *files, const char *name);
