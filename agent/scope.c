#include "agent/scope.h"

#include "agent/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#define CGROUP2_MAGIC 0x63677270
/* Inode numbers of the first namespaces, fixed by the kernel (include/uapi/linux/nsfs.h since 6.18,
 * the same since 3.8 and 4.6). */
#define INIT_PID_NAMESPACE 0xEFFFFFFCu
#define INIT_CGROUP_NAMESPACE 0xEFFFFFFBu

/* The mount point of the default hierarchy. */
static int mount_point(char *ret_path, size_t size)
{
        CLEANUP_FREE char *text = malloc(262144);
        char *save = NULL;

        if (!text)
                return -ENOMEM;
        if (text_read_file("/proc/self/mounts", text, 262144) <= 0)
                return -ENOENT;
        for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
                char where[512], type[64];

                if (sscanf(line, "%*s %511s %63s", where, type) == 2 && strcmp(type, "cgroup2") == 0) {
                        snprintf(ret_path, size, "%s", where);
                        return 0;
                }
        }
        return -ENOENT;
}

int scope_resolve(const char *path, uint64_t *ret_id, uint32_t *ret_level, const char **ret_why)
{
        static char why[640];
        char root[512], full[1536];
        uint32_t level = 0;
        struct statfs fs;
        struct stat st;

        if (mount_point(root, sizeof(root)) < 0) {
                *ret_why = "--scope: the default hierarchy of cgroups (cgroup2) is not mounted";
                return -EINVAL;
        }
        if (text_starts(path, root))
                snprintf(full, sizeof(full), "%.1000s", path);
        else
                snprintf(full, sizeof(full), "%s/%.1000s", root, path);
        if (stat(full, &st) < 0 || !S_ISDIR(st.st_mode) || statfs(full, &fs) < 0 || fs.f_type != CGROUP2_MAGIC) {
                snprintf(why, sizeof(why), "--scope: there is no cgroup %.200s below %.200s", path, root);
                *ret_why = why;
                return -EINVAL;
        }
        for (const char *p = full + strlen(root); *p;) {
                p += strspn(p, "/");
                level += *p != '\0';
                p += strcspn(p, "/");
        }
        *ret_id = st.st_ino; /* the inode number of a cgroup is its id on 64-bit machines */
        *ret_level = level;
        return 0;
}

static bool is_other_namespace(const char *path, ino_t first)
{
        struct stat st;

        return stat(path, &st) == 0 && st.st_ino != first;
}

bool scope_is_confined(void)
{
        return is_other_namespace("/proc/self/ns/pid", INIT_PID_NAMESPACE) &&
               is_other_namespace("/proc/self/ns/cgroup", INIT_CGROUP_NAMESPACE);
}
