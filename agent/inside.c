#include "agent/inside.h"

#include "agent/text.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MOUNTS_MAX 262144u
#define PIECE 65536u
#ifndef RESOLVE_CACHED
#define RESOLVE_CACHED 0x20
#endif

/* The type stands behind " - " in a line of mountinfo. */
static bool may_hang(const char *line, size_t length)
{
        static const char *const types[] = { "nfs",      "cifs",   "smb",  "fuse",  "9p",        "ceph",   "afs",  "autofs",
                                             "virtiofs", "lustre", "gfs2", "ocfs2", "glusterfs", "beegfs", "gpfs", "orangefs" };
        const char *type = memmem(line, length, " - ", 3);

        for (size_t i = 0; type && i < ARRAY_SIZE(types); i++)
                if (strncmp(type + 3, types[i], strlen(types[i])) == 0)
                        return true;
        return !type;
}

static bool any_may_hang(const char *mounts)
{
        while (*mounts) {
                size_t length = strcspn(mounts, "\n");

                if (may_hang(mounts, length))
                        return true;
                mounts += length + (mounts[length] == '\n');
        }
        return false;
}

void inside_open(const char *proc, uint32_t pid, struct inside *ret_inside)
{
        struct inside in = { .root = -1 };
        char path[64];
        ssize_t n;

        snprintf(path, sizeof(path), "%s/%u/root", proc, pid);
        in.root = open(path, O_PATH | O_CLOEXEC | O_DIRECTORY);
        snprintf(path, sizeof(path), "/proc/self/fd/%d", in.root);
        if (in.root < 0 || text_read_link(path, in.root_path, sizeof(in.root_path)) < 0 || in.root_path[1] == '\0')
                in.root_path[0] = '\0';
        in.mounts = malloc(MOUNTS_MAX);
        snprintf(path, sizeof(path), "%s/%u/mountinfo", proc, pid);
        n = in.mounts ? text_read_file(path, in.mounts, MOUNTS_MAX) : -ENOMEM;
        in.refuse = n <= 0 || n == (ssize_t)MOUNTS_MAX - 1;
        if (in.refuse || !any_may_hang(in.mounts)) {
                free(in.mounts);
                in.mounts = NULL;
        }
        *ret_inside = in;
}

void inside_close(struct inside *inside)
{
        fd_close(&inside->root);
        free(inside->mounts);
        inside->mounts = NULL;
}

void inside_path(const struct inside *in, char *path)
{
        size_t n = strlen(in->root_path);

        if (n > 0 && strncmp(path, in->root_path, n) == 0 && (path[n] == '/' || path[n] == '\0'))
                memmove(path, path[n] ? path + n : "/", strlen(path[n] ? path + n : "/") + 1);
}

/* Where an open file lies, without asking its file system. */
static bool lies_where_it_may_hang(const char *mounts, int fd)
{
        char path[64], text[512], *at;
        unsigned mount, id;

        snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
        if (text_read_file(path, text, sizeof(text)) <= 0)
                return true;
        at = strstr(text, "mnt_id:");
        if (!at || sscanf(at, "mnt_id: %u", &mount) != 1)
                return true;
        for (const char *line = mounts; *line;) {
                size_t length = strcspn(line, "\n");

                if (sscanf(line, "%u", &id) == 1 && id == mount)
                        return may_hang(line, length);
                line += length + (line[length] == '\n');
        }
        return true;
}

static int open_within(const struct inside *in, const char *path, uint64_t flags, int *ret_fd)
{
        struct open_how how = { .flags = flags | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
        CLEANUP_FD int fd = -1;

        /* With such a mount about, only what the kernel knows by heart: then no server is asked. */
        if (in->mounts)
                how.resolve |= RESOLVE_CACHED;
        fd = (int)syscall(SYS_openat2, in->root, path, &how, sizeof(how));
        if (fd < 0)
                return errno == EAGAIN || errno == EINVAL ? -EREMOTE : -errno;
        if (in->mounts && lies_where_it_may_hang(in->mounts, fd))
                return -EREMOTE;
        *ret_fd = TAKE_FD(fd);
        return 0;
}

/* A path as the process means it. */
static int whole_path(const struct inside *in, const char *folder, const char *path, char *ret_whole, size_t size)
{
        int n;

        if (in->root < 0 || in->refuse)
                return in->refuse ? -EREMOTE : -ENOENT;
        n = path[0] == '/' ? snprintf(ret_whole, size, "%s", path) : snprintf(ret_whole, size, "%s/%s", folder, path);
        return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}

int inside_folder(const struct inside *in, const char *folder, const char *path, char *ret_path, size_t path_size, int *ret_fd)
{
        CLEANUP_FD int fd = -1;
        char whole[4096], link[64];
        int r = whole_path(in, folder, path, whole, sizeof(whole));

        if (r == 0)
                r = open_within(in, whole, O_RDONLY | O_DIRECTORY | O_NONBLOCK, &fd);
        if (r < 0)
                return r;
        snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        r = text_read_link(link, ret_path, path_size);
        if (r < 0)
                return r;
        inside_path(in, ret_path);
        *ret_fd = TAKE_FD(fd);
        return 0;
}

int inside_file(const struct inside *in, const char *folder, const char *path, char *ret_path, size_t path_size,
                struct inside_file *ret_file, int *ret_fd)
{
        CLEANUP_FD int place = -1, fd = -1;
        char whole[4096], link[64];
        struct stat st;
        int r = whole_path(in, folder, path, whole, sizeof(whole));

        if (r == 0)
                r = open_within(in, whole, O_PATH, &place);
        if (r < 0)
                return r;
        if (fstat(place, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return -EINVAL;
        /* It is opened by its place, so that it cannot be another file by now. */
        snprintf(link, sizeof(link), "/proc/self/fd/%d", place);
        if (ret_path) {
                r = text_read_link(link, ret_path, path_size);
                if (r < 0)
                        return r;
                inside_path(in, ret_path);
        }
        fd = open(link, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        if (fd < 0)
                return -errno;
        *ret_file = (struct inside_file){ .device = st.st_dev,
                                          .inode = st.st_ino,
                                          .size = (uint64_t)st.st_size,
                                          .changed = st.st_ctim.tv_sec * NSEC_PER_SEC + st.st_ctim.tv_nsec };
        *ret_fd = TAKE_FD(fd);
        return 0;
}

struct piece {
        uint64_t before;
        char data[PIECE];
};

static int add(int fd, uint64_t from, uint64_t to, const struct hash_key *key, struct piece *piece, uint64_t *used)
{
        while (from < to) {
                ssize_t n = pread(fd, piece->data, (size_t)MIN(to - from, (uint64_t)PIECE), (off_t)from);

                if (n < 0)
                        return -errno;
                if (n == 0)
                        return 0;
                piece->before = hash_bytes(key, piece, offsetof(struct piece, data) + (size_t)n);
                from += (uint64_t)n;
                *used += (uint64_t)n;
        }
        return 0;
}

int inside_digest(int fd, uint64_t size, uint64_t most, const struct hash_key *key, uint64_t *ret_digest, uint64_t *used)
{
        CLEANUP_FREE struct piece *piece = malloc(sizeof(*piece));
        int r;

        if (!piece)
                return -ENOMEM;
        piece->before = size;
        r = add(fd, 0, size <= most ? size : most / 2, key, piece, used);
        if (r == 0 && size > most)
                r = add(fd, size - most / 2, size, key, piece, used);
        if (r < 0)
                return r;
        *ret_digest = piece->before;
        return 0;
}
