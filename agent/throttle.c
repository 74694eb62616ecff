#include "agent/throttle.h"

#include "agent/cgroup_text.h"
#include "agent/text.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int path_of(const char *mounts, const char *hierarchy, const char *group, char *ret_path, size_t size)
{
        int n = snprintf(ret_path, size, "%s%s%s%s/cpu.stat", mounts, *hierarchy ? "/" : "", hierarchy,
                         strcmp(group, "/") ? group : "");

        if (n < 0 || (size_t)n >= size)
                return -ENAMETOOLONG;
        return access(ret_path, R_OK) < 0 ? -errno : 0;
}

int throttle_path(const char *mounts, char *proc_text, char *ret_path, size_t size)
{
        struct cgroup_text groups;

        cgroup_text_find(proc_text, "cpu", &groups);
        if (groups.own && (path_of(mounts, groups.controllers, groups.own, ret_path, size) == 0 ||
                           path_of(mounts, "cpu", groups.own, ret_path, size) == 0))
                return 0;
        if (!groups.own && groups.unified && path_of(mounts, "", groups.unified, ret_path, size) == 0)
                return 0;
        return -ENOENT;
}

int throttle_read(const char *path, uint64_t *ret_ns)
{
        char text[2048], *at;
        unsigned long long value;

        if (text_read_file(path, text, sizeof(text)) <= 0)
                return -ENOENT;
        at = strstr(text, "throttled_usec ");
        if (at && sscanf(at, "throttled_usec %llu", &value) == 1) {
                *ret_ns = value * (uint64_t)NSEC_PER_USEC;
                return 0;
        }
        at = strstr(text, "throttled_time ");
        if (at && sscanf(at, "throttled_time %llu", &value) == 1) {
                *ret_ns = value;
                return 0;
        }
        return -ENOENT;
}
