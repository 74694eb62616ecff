/* The actions that there are, for whoever names one in a file, plans one, or is asked to allow one. */
#pragma once

#include "coordinator/policy.h"

/* Which instances of a service an action is for. */
enum action_reach {
        REACH_CONDEMNED, /* those that run the build which is the cause */
        REACH_SICK,      /* the processes that show it */
        REACH_HOSTS,     /* each host that shows it, once */
};

struct action {
        const char *name, *help;
        /* Of the action by itself. One that restarts what it is for is one-way unless the agent's file declares the
         * service restart_safe. */
        enum action_class class;
        bool restarts;
        bool unavailable; /* while it is being done the instance does not serve */
        enum action_reach reach;
        enum action_lapse lapse;
        uint32_t version; /* rises with what its code does: what was earned by other code counts no more */
};

/* NULL if there is none such; static. */
MUST_CHECK const struct action *action_get(const char *name);
/* The name itself, static; NULL if there is none such. */
MUST_CHECK const char *action_find(const char *name);
/* Names with commas between them; returns `buffer`. */
const char *actions_list(char *buffer, size_t size);
/* Writes each with what it does to standard output, as the body of a manual page (mdoc). */
void actions_manual(void);
