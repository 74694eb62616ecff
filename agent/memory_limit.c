#include "agent/memory_limit.h"

#include "agent/cgroup_text.h"
#include "agent/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* "max" is no limit, and neither is what is larger than the host. */
static uint64_t smaller(uint64_t limit, const char *text)
{
        unsigned long long value;
        char *end;

        if (*text < '0' || *text > '9')
                return limit;
        value = strtoull(text, &end, 10);
        return *end == '\n' || *end == '\0' ? MIN(limit, (uint64_t)value) : limit;
}

static uint64_t unified_limit(const char *mounts, const char *group, uint64_t limit)
{
        char at[1024], path[1600], text[64];

        if (snprintf(at, sizeof(at), "%s", group) >= (int)sizeof(at))
                return limit;
        for (char *slash; (slash = strrchr(at, '/')) && slash[1]; *slash = '\0') {
                snprintf(path, sizeof(path), "%.500s%s/memory.max", mounts, at);
                if (text_read_file(path, text, sizeof(text)) > 0)
                        limit = smaller(limit, text);
        }
        return limit;
}

/* There the kernel itself tells the smallest of all that are above, where they count. */
static uint64_t own_limit(const char *mounts, const struct cgroup_text *groups, uint64_t limit)
{
        const char *const hierarchies[] = { groups->controllers, "memory" };
        char path[1600], text[8192], *line;

        for (size_t i = 0; i < ARRAY_SIZE(hierarchies); i++) {
                snprintf(path, sizeof(path), "%.500s/%.200s%.800s/memory.stat", mounts, hierarchies[i], groups->own);
                if (text_read_file(path, text, sizeof(text)) <= 0)
                        continue;
                line = strstr(text, "hierarchical_memory_limit ");
                return line ? smaller(limit, line + strlen("hierarchical_memory_limit ")) : limit;
        }
        return limit;
}

uint64_t memory_limit_read(const char *mounts, char *proc_text, uint64_t host)
{
        struct cgroup_text groups;

        cgroup_text_find(proc_text, "memory", &groups);
        if (groups.own)
                return own_limit(mounts, &groups, host);
        return groups.unified ? unified_limit(mounts, groups.unified, host) : host;
}

uint64_t memory_limit_host(void)
{
        long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);

        return pages > 0 && size > 0 ? (uint64_t)pages * (uint64_t)size : 0;
}
