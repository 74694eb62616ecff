#include "agent/checkpoint.h"

#include "proto/note.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME "audit-checkpoint"

static int parse(const char *note, size_t size, struct checkpoint *ret)
{
        size_t text_size;
        int r = note_text(note, size, &text_size);

        return r < 0 ? r : checkpoint_parse(note, text_size, ret);
}

int checkpoint_load(const char *state_dir, struct checkpoint_file *ret_file)
{
        struct checkpoint_file file = { 0 };
        struct checkpoint checkpoint = { .size = 0 };
        CLEANUP_FD int fd = -1;
        char path[4096];
        ssize_t n;
        int r;

        if (snprintf(path, sizeof(path), "%s/" NAME, state_dir) >= (int)sizeof(path))
                return -ENAMETOOLONG;
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        if (fd < 0)
                return -errno;
        n = read(fd, file.note, sizeof(file.note));
        if (n < 0)
                return -errno;
        if ((size_t)n >= sizeof(file.note))
                return -EBADMSG;
        file.size = (size_t)n;
        r = parse(file.note, file.size, &checkpoint);
        if (r < 0)
                return r;
        file.log_size = checkpoint.size;
        *ret_file = file;
        return 0;
}

/* Whether the note may take the place of what is there. What continues what is the link's child's to prove. */
static int may_keep(const char *state_dir, const char *note, size_t size, uint64_t log_size)
{
        struct checkpoint fresh = { 0 }, former = { 0 };
        struct checkpoint_file there = { 0 };
        int r;

        if (size == 0 || size >= sizeof(there.note) || parse(note, size, &fresh) < 0 || fresh.size != log_size)
                return -EPROTO;
        r = checkpoint_load(state_dir, &there);
        if (r == 0)
                r = parse(there.note, there.size, &former);
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        if (strcmp(fresh.origin, former.origin) != 0)
                return -EXDEV;
        return fresh.size < former.size ? -ESTALE : 0;
}

int checkpoint_keep(const char *state_dir, const char *note, size_t size, uint64_t log_size)
{
        int r = may_keep(state_dir, note, size, log_size);
        CLEANUP_FD int folder = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd = -1;
        ssize_t n;

        if (r < 0)
                return r;
        if (folder < 0)
                return -errno;
        unlinkat(folder, NAME ".new", 0);
        fd = openat(folder, NAME ".new", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        if (fd < 0)
                return -errno;
        n = write(fd, note, size);
        if (n != (ssize_t)size)
                return n < 0 ? -errno : -ENOSPC;
        if (fsync(fd) < 0 || renameat(folder, NAME ".new", folder, NAME) < 0 || fsync(folder) < 0)
                return -errno;
        return 0;
}
