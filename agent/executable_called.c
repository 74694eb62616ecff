#include "agent/executable_called.h"

#include "agent/process_root.h"
#include "agent/text.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static int status(const char *proc, uint32_t pid, const char *path, struct stat *ret_status)
{
        CLEANUP_FD int fd = process_root_open(proc, pid, path, O_PATH);

        if (fd < 0)
                return fd;
        return fstat(fd, ret_status) < 0 ? -errno : 0;
}

static bool same_file(const char *proc, uint32_t pid, const char *a, const char *b)
{
        struct stat first, second;

        return status(proc, pid, a, &first) == 0 && status(proc, pid, b, &second) == 0 && S_ISREG(first.st_mode) &&
               first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

void executable_called(const char *proc, uint32_t pid, const char *path, const char *comm, char *ret_path, size_t size)
{
        const char *slash = strrchr(path, '/');
        char beside[512];
        int n;

        if (path[0] == '/' && pid && comm[0] && strcmp(comm, ".") != 0 && strcmp(comm, "..") != 0 && !strchr(comm, '/') &&
            strcmp(comm, slash + 1) != 0) {
                n = snprintf(beside, sizeof(beside), "%.*s/%s", (int)(slash - path), path, comm);
                if (n > 0 && (size_t)n < MIN(sizeof(beside), size) && same_file(proc, pid, path, beside))
                        path = beside;
        }
        text_copy(ret_path, size, path);
}
