#include "agent/cgroup_text.h"

#include <stdbool.h>
#include <string.h>

/* "cpu,cpuacct" names the cpu controller. */
static bool names(const char *controllers, const char *controller)
{
        for (const char *c = controllers; *c; c += strcspn(c, ","), c += *c == ',')
                if (strcspn(c, ",") == strlen(controller) && strncmp(c, controller, strlen(controller)) == 0)
                        return true;
        return false;
}

void cgroup_text_find(char *text, const char *controller, struct cgroup_text *ret)
{
        char *save = NULL;

        *ret = (struct cgroup_text){ 0 };
        for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
                char *controllers = strchr(line, ':'), *path = controllers ? strchr(controllers + 1, ':') : NULL;

                if (!path)
                        continue;
                *controllers++ = *path++ = '\0';
                if (path[0] != '/' || strstr(path, "/.."))
                        continue;
                if (!*controllers) {
                        ret->unified = path;
                } else if (names(controllers, controller)) {
                        ret->own = path;
                        ret->controllers = controllers;
                }
        }
}
