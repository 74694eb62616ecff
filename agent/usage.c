#include "agent/usage.h"

#include "agent/text.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static uint64_t resident(const char *path)
{
        char text[128];
        unsigned long pages;

        if (text_read_file(path, text, sizeof(text)) <= 0 || sscanf(text, "%*u %lu", &pages) != 1)
                return 0;
        return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t nanoseconds(const struct timeval *t)
{
        return (uint64_t)t->tv_sec * NSEC_PER_SEC + (uint64_t)t->tv_usec * NSEC_PER_USEC;
}

/* The child has threads: clock ticks of the whole process, since schedstat is of one thread. */
static uint64_t child_time(int child)
{
        char path[64], text[512], *rest;
        unsigned long user, system;

        snprintf(path, sizeof(path), "/proc/%d/stat", child);
        if (text_read_file(path, text, sizeof(text)) <= 0)
                return 0;
        rest = strrchr(text, ')');
        if (!rest || sscanf(rest + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2)
                return 0;
        return (uint64_t)(user + system) * (NSEC_PER_SEC / (uint64_t)sysconf(_SC_CLK_TCK));
}

void usage_read(int child, uint64_t *ret_rss_bytes, uint64_t *ret_cpu_ns)
{
        struct rusage own, ended;
        char path[64];

        getrusage(RUSAGE_SELF, &own);
        getrusage(RUSAGE_CHILDREN, &ended);
        *ret_rss_bytes = resident("/proc/self/statm");
        *ret_cpu_ns = nanoseconds(&own.ru_utime) + nanoseconds(&own.ru_stime) + nanoseconds(&ended.ru_utime) +
                      nanoseconds(&ended.ru_stime);
        if (child > 0) {
                snprintf(path, sizeof(path), "/proc/%d/statm", child);
                *ret_rss_bytes += resident(path);
                *ret_cpu_ns += child_time(child);
        }
}
