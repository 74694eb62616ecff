#include "coordinator/action_names.h"

#include <stdio.h>
#include <string.h>

#define REVERSIBLE CLASS_REVERSIBLE, false, false
#define COMPENSABLE CLASS_COMPENSABLE, false, false
#define ONE_WAY CLASS_ONE_WAY, false, true
#define RESTARTING CLASS_REVERSIBLE, true, true
#define STARTING CLASS_REVERSIBLE, true, false
#define STOPPING CLASS_REVERSIBLE, false, true

static const struct action actions[] = {
        { "service.rollback", "Back to the build before.", RESTARTING, REACH_CONDEMNED, LAPSE_HOLD, 1 },
        { "service.scale", "One instance more.", STARTING, REACH_HOSTS, LAPSE_HOLD, 1 },
        { "service.suspend", "No instance runs.", RESTARTING, REACH_HOSTS, LAPSE_REVERT, 1 },
        { "service.restart", "One-way: started anew, what it held is lost.", ONE_WAY, REACH_SICK, LAPSE_HOLD, 1 },
        { "process.freeze", "Stopped where it is.", STOPPING, REACH_SICK, LAPSE_REVERT, 1 },
        { "cgroup.limit", "Held to a share of processor or memory.", REVERSIBLE, REACH_SICK, LAPSE_REVERT, 1 },
        { "connect.shed", "A part of new connections is refused.", REVERSIBLE, REACH_HOSTS, LAPSE_REVERT, 1 },
        { "connection.close", "One-way: a connection is ended.", ONE_WAY, REACH_SICK, LAPSE_HOLD, 1 },
        { "kafka.quarantine", "A message is set aside.", COMPENSABLE, REACH_SICK, LAPSE_HOLD, 1 },
        { "gpu.release", "An idle GPU is given back.", REVERSIBLE, REACH_SICK, LAPSE_HOLD, 1 },
        { "observe.raise", "More is looked at, for a while.", REVERSIBLE, REACH_HOSTS, LAPSE_REVERT, 1 },
};

const struct action *action_get(const char *name)
{
        for (size_t i = 0; i < ARRAY_SIZE(actions); i++)
                if (strcmp(actions[i].name, name) == 0)
                        return &actions[i];
        return NULL;
}

const char *action_find(const char *name)
{
        const struct action *action = action_get(name);

        return action ? action->name : NULL;
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
