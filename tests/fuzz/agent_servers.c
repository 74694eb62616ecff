/* Configuration files and arguments of servers, which workloads write. The input is a kind of server, its
 * arguments and, behind two NULs, what all its files hold. */
#include "agent/server_limits.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char top[64];

static void file(const char *path, const void *data, size_t size)
{
        char whole[256];
        int fd;

        snprintf(whole, sizeof(whole), "%s/%s", top, path);
        fd = open(whole, O_CREAT | O_WRONLY | O_TRUNC, 0600);
        if (fd < 0 || write(fd, data, size) != (ssize_t)size)
                abort();
        close(fd);
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *at)
{
        (void)st;
        (void)flag;
        (void)at;
        return remove(path);
}

static void fell(void)
{
        nftw(top, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void tree(void)
{
        static const char *const folders[] = { "7", "root", "root/etc", "root/etc/mysql", "root/d" };
        char path[256], target[256];

        strcpy(top, access("/dev/shm", W_OK) == 0 ? "/dev/shm/fuzz-servers-XXXXXX" : "/tmp/fuzz-servers-XXXXXX");
        if (!mkdtemp(top) || atexit(fell) != 0)
                abort();
        for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
                snprintf(path, sizeof(path), "%s/%s", top, folders[i]);
                if (mkdir(path, 0700) < 0)
                        abort();
        }
        file("7/mountinfo", "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n", 35);
        for (int i = 0; i < 2; i++) {
                snprintf(target, sizeof(target), i ? "%s/root/d" : "%s/root", top);
                snprintf(path, sizeof(path), i ? "%s/7/cwd" : "%s/7/root", top);
                if (symlink(target, path) < 0)
                        abort();
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const char *const kinds[] = { "postgres", "mysqld", "pgbouncer", "haproxy" };
        static const char *const files[] = { "root/d/postgresql.conf", "root/d/a.conf", "root/etc/my.cnf", "root/d/a.cnf",
                                             "root/d/f" };
        const uint8_t *behind = size > 1 ? memmem(data, size, "\0\0", 2) : NULL;
        struct server_limits_facts facts = { .proc = top, .pid = 7, .started = INT64_MAX };
        struct server_limits limits;

        if (!behind)
                return 0;
        if (!top[0])
                tree();
        facts.executable = kinds[data[0] % ARRAY_SIZE(kinds)];
        file("7/cmdline", data + 1, (size_t)(behind - data) > 0 ? (size_t)(behind - data) : 1);
        for (size_t i = 0; i < ARRAY_SIZE(files); i++)
                file(files[i], behind + 2, size - (size_t)(behind + 2 - data));
        server_limits_read(&facts, &limits);
        if (limits.count > SERVER_LIMITS_MAX)
                abort();
        (void)server_limits_find(&limits, 5432);
        return 0;
}
