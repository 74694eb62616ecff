#include "agent/settings_key.h"

#include "agent/folder.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

static int read_key(const char *path, struct hash_key *ret_key)
{
        CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
        struct hash_key key;
        struct stat st;

        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode) || st.st_size != sizeof(key) || st.st_mode & 077)
                return -EBADMSG;
        if (read(fd, &key, sizeof(key)) != sizeof(key))
                return -EIO;
        *ret_key = key;
        return 0;
}

/* Under another name first: a key that was half written must not be found. */
static int write_key(const char *path, const struct hash_key *key)
{
        CLEANUP_FD int fd = -1;
        char new[4096];
        int r = snprintf(new, sizeof(new), "%s.new", path);

        if (r < 0 || (size_t)r >= sizeof(new))
                return -ENAMETOOLONG;
        unlink(new);
        fd = open(new, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd < 0)
                return -errno;
        if (write(fd, key, sizeof(*key)) != sizeof(*key) || fsync(fd) < 0 || rename(new, path) < 0) {
                r = errno ? -errno : -EIO;
                unlink(new);
                return r;
        }
        return 0;
}

int settings_key_load(const char *state_dir, struct hash_key *ret_key)
{
        struct hash_key key = { 0 };
        char path[4000];
        int r = snprintf(path, sizeof(path), "%s/settings.key", state_dir);

        if (r < 0 || (size_t)r >= sizeof(path))
                r = -ENAMETOOLONG;
        else
                r = read_key(path, ret_key);
        if (r == 0)
                return 0;
        while (key.k0 == 0)
                if (getrandom(&key, sizeof(key), 0) != sizeof(key))
                        return -EIO;
        *ret_key = key;
        if (r == -ENAMETOOLONG)
                return r;
        folder_make_for(path);
        return write_key(path, &key);
}

uint64_t settings_key_name(const struct hash_key *key)
{
        uint64_t name = hash_bytes(key, "settings key", 12);

        return name ? name : 1;
}
