#include "agent/throttle.h"

#include "agent/text.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* "cpu,cpuacct" names the cpu controller. */
static bool has_cpu(const char *controllers)
{
        for (const char *c = controllers; *c; c += strcspn(c, ","), c += *c == ',')
                if (strcspn(c, ",") == 3 && strncmp(c, "cpu", 3) == 0)
                        return true;
        return false;
}

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
        const char *unified = NULL, *own = NULL, *controllers = NULL;
        char *save = NULL;

        for (char *line = strtok_r(proc_text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
                char *names = strchr(line, ':'), *path = names ? strchr(names + 1, ':') : NULL;

                if (!path)
                        continue;
                *names++ = *path++ = '\0';
                /* A path with ".." lies outside of what we see. */
                if (path[0] != '/' || strstr(path, "/.."))
                        continue;
                if (!*names) {
                        unified = path;
                } else if (has_cpu(names)) {
                        own = path;
                        controllers = names;
                }
        }
        if (own && (path_of(mounts, controllers, own, ret_path, size) == 0 || path_of(mounts, "cpu", own, ret_path, size) == 0))
                return 0;
        if (!own && unified && path_of(mounts, "", unified, ret_path, size) == 0)
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
