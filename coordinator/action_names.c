#include "coordinator/action_names.h"

#include <stdio.h>
#include <string.h>

static const struct {
        const char *name, *help;
} actions[] = {
        { "service.rollback", "Back to the build before." },
        { "service.scale", "One instance more." },
        { "service.suspend", "No instance runs." },
        { "service.restart", "One-way: started anew, what it held is lost." },
        { "process.freeze", "Stopped where it is." },
        { "cgroup.limit", "Held to a share of processor or memory." },
        { "connect.shed", "A part of new connections is refused." },
        { "connection.close", "One-way: a connection is ended." },
        { "kafka.quarantine", "A message is set aside." },
        { "gpu.release", "An idle GPU is given back." },
        { "observe.raise", "More is looked at, for a while." },
};

const char *action_find(const char *name)
{
        for (size_t i = 0; i < ARRAY_SIZE(actions); i++)
                if (strcmp(actions[i].name, name) == 0)
                        return actions[i].name;
        return NULL;
}

const char *actions_list(char *buffer, size_t size)
{
        size_t used = 0;

        *buffer = '\0';
        for (size_t i = 0; i < ARRAY_SIZE(actions) && used < size; i++)
                used += (size_t)snprintf(buffer + used, size - used, "%s%s", used ? ", " : "", actions[i].name);
        return buffer;
}

void actions_manual(void)
{
        puts(".Bl -tag -width Ds");
        for (size_t i = 0; i < ARRAY_SIZE(actions); i++)
                printf(".It Cm %s\n%s\n", actions[i].name, actions[i].help);
        puts(".El");
}
