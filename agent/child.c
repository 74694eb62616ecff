#include "agent/child.h"

#include "proto/base.h"

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#define CHILD_FD 3

int child_leave_agent(int fd, const char *name)
{
        static const int ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGUSR1, SIGUSR2 };
        sigset_t none;

        for (size_t i = 0; i < ARRAY_SIZE(ignored); i++)
                signal(ignored[i], SIG_IGN);
        signal(SIGCHLD, SIG_DFL);
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        if (fd != CHILD_FD)
                dup2(fd, CHILD_FD);
        close_range(CHILD_FD + 1, ~0u, 0);
        prctl(PR_SET_NAME, name, 0, 0, 0);
        return CHILD_FD;
}
