#include "agent/folder.h"

#include <string.h>
#include <sys/stat.h>

void folder_make_for(const char *path)
{
        char part[4000];

        for (const char *p = path; (p = strchr(p + 1, '/'));) {
                if ((size_t)(p - path) >= sizeof(part))
                        return;
                memcpy(part, path, (size_t)(p - path));
                part[p - path] = '\0';
                mkdir(part, strchr(p + 1, '/') ? 0755 : 0700);
        }
}
