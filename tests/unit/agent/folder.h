/* A folder that stands for /proc or for where cgroups are mounted: for tests of what reads them. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static char folder[64];

static inline int folder_make(void **state)
{
        (void)state;
        strcpy(folder, "/tmp/nightshift-test-XXXXXX");
        return mkdtemp(folder) ? 0 : -1;
}

static inline int folder_remove(void **state)
{
        char command[96];

        (void)state;
        snprintf(command, sizeof(command), "rm -r %s", folder);
        return system(command);
}

/* `path` begins with a slash; folders on the way are made. */
static inline void folder_file(const char *path, const char *text)
{
        char whole[256];
        FILE *f;

        snprintf(whole, sizeof(whole), "%s%s", folder, path);
        for (char *p = whole + strlen(folder) + 1; (p = strchr(p, '/')); p++) {
                *p = '\0';
                mkdir(whole, 0755);
                *p = '/';
        }
        f = fopen(whole, "w");
        if (!f)
                abort();
        fputs(text, f);
        fclose(f);
}
