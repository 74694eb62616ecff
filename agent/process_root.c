#include "agent/process_root.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

int process_root_open(const char *proc, uint32_t pid, const char *path, int flags)
{
        struct open_how how = { .flags = (uint64_t)(flags | O_CLOEXEC), .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
        char root_path[64];
        CLEANUP_FD int root = -1;
        int fd;

        if (!(flags & O_PATH))
                how.flags |= O_NONBLOCK | O_NOCTTY;
        snprintf(root_path, sizeof(root_path), "%s/%u/root", proc, pid);
        root = open(root_path, O_PATH | O_CLOEXEC | O_DIRECTORY);
        if (root < 0)
                return -errno;
        fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
        return fd < 0 ? -errno : fd;
}
