#include "coordinator/audit_files.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int real_open(void *data, int folder, const char *name, int flags, mode_t mode)
{
        int fd = openat(folder, name, flags | O_CLOEXEC | O_NOFOLLOW, mode);

        (void)data;
        return fd < 0 ? -errno : fd;
}

static int real_write(void *data, int fd, const void *bytes, size_t size, off_t at)
{
        const uint8_t *b = bytes;

        (void)data;
        while (size > 0) {
                ssize_t n = pwrite(fd, b, size, at);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return n < 0 ? -errno : -EIO;
                b += n;
                at += n;
                size -= (size_t)n;
        }
        return 0;
}

static int real_sync(void *data, int fd)
{
        (void)data;
        return fsync(fd) < 0 ? -errno : 0;
}

static int real_rename(void *data, int folder, const char *from, const char *to)
{
        (void)data;
        return renameat(folder, from, folder, to) < 0 ? -errno : 0;
}

static int real_remove(void *data, int folder, const char *name, int flags)
{
        (void)data;
        return unlinkat(folder, name, flags) < 0 ? -errno : 0;
}

static int real_mkdir(void *data, int folder, const char *name, mode_t mode)
{
        (void)data;
        return mkdirat(folder, name, mode) < 0 ? -errno : 0;
}

const struct audit_io audit_io_real = {
        .open = real_open,
        .write = real_write,
        .sync = real_sync,
        .rename = real_rename,
        .remove = real_remove,
        .mkdir = real_mkdir,
};

int audit_file_read(const struct audit_files *files, const char *name, size_t max, uint8_t **ret_data, size_t *ret_size)
{
        CLEANUP_FD int fd = openat(files->folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        CLEANUP_FREE uint8_t *data = NULL;
        size_t size = 0, room;
        struct stat st;

        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return -EINVAL;
        if (st.st_size < 0 || (uint64_t)st.st_size > max)
                return -EFBIG;
        room = (size_t)st.st_size;
        data = malloc(room + 1);
        if (!data)
                return -ENOMEM;
        while (size < room) {
                ssize_t n = pread(fd, data + size, room - size, (off_t)size);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        break;
                size += (size_t)n;
        }
        data[size] = '\0';
        *ret_data = TAKE_PTR(data);
        *ret_size = size;
        return 0;
}

bool audit_file_exists(const struct audit_files *files, const char *name)
{
        return faccessat(files->folder, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* The folder that `name` lies in. */
static void parent_of(const char *name, char ret_parent[AUDIT_PATH_MAX])
{
        const char *slash = strrchr(name, '/');

        snprintf(ret_parent, AUDIT_PATH_MAX, "%.*s", slash ? (int)(slash - name) : 1, slash ? name : ".");
}

int audit_file_sync_name(const struct audit_files *files, const char *name)
{
        char parent[AUDIT_PATH_MAX];
        int fd, r;

        parent_of(name, parent);
        fd = files->io->open(files->io->data, files->folder, parent, O_RDONLY | O_DIRECTORY, 0);
        if (fd < 0)
                return fd;
        r = files->io->sync(files->io->data, fd);
        fd_close(&fd);
        return r;
}

/* From the top, each that is missing; durable, as they are few and made once. */
static int make_folders(const struct audit_files *files, const char *name)
{
        char path[AUDIT_PATH_MAX];
        int r;

        parent_of(name, path);
        if (audit_file_exists(files, path))
                return 0;
        r = make_folders(files, path);
        if (r == 0)
                r = files->io->mkdir(files->io->data, files->folder, path, 0700);
        return r < 0 && r != -EEXIST ? r : audit_file_sync_name(files, path);
}

int audit_file_put(const struct audit_files *files, const char *name, mode_t mode, const void *data, size_t size, bool durable)
{
        const struct audit_io *io = files->io;
        int fd, r = make_folders(files, name);

        if (r < 0)
                return r;
        fd = io->open(io->data, files->folder, AUDIT_FILE_NEW, O_WRONLY | O_CREAT | O_TRUNC, mode);
        if (fd < 0)
                return fd;
        r = io->write(io->data, fd, data, size, 0);
        if (r == 0 && durable)
                r = io->sync(io->data, fd);
        fd_close(&fd);
        if (r == 0)
                r = io->rename(io->data, files->folder, AUDIT_FILE_NEW, name);
        if (r == 0 && durable)
                r = audit_file_sync_name(files, name);
        return r;
}

int audit_file_remove(const struct audit_files *files, const char *name, bool is_folder)
{
        int r = files->io->remove(files->io->data, files->folder, name, is_folder ? AT_REMOVEDIR : 0);

        return r == -ENOENT ? 0 : r;
}
