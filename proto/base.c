#include "proto/base.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

void fd_close(int *fd)
{
        if (*fd >= 0) {
                int saved = errno;
                close(*fd);
                errno = saved;
        }
        *fd = -1;
}

void free_ptr(void *address_of_pointer)
{
        void **p = address_of_pointer;
        free(*p);
        *p = NULL;
}

static int64_t clock_read(clockid_t id)
{
        struct timespec ts;

        clock_gettime(id, &ts);
        return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

int64_t clock_wall(void)
{
        return clock_read(CLOCK_REALTIME);
}

int64_t clock_monotonic(void)
{
        return clock_read(CLOCK_MONOTONIC);
}
