#include "tests/bench/world.h"

#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

int world_loopback_up(void)
{
        struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), r = 0;

        if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) < 0)
                r = -errno;
        if (fd >= 0)
                close(fd);
        return r;
}

static void set(const char *path, const char *value)
{
        FILE *f = fopen(path, "w");

        if (f) {
                fputs(value, f);
                fclose(f);
        }
}

int world_enter(const char **ret_why)
{
        struct rlimit files = { 20000, 20000 };

        *ret_why = "needs root: it attaches probes and makes namespaces";
        if (geteuid() != 0)
                return -EPERM;
        *ret_why = "cannot make namespaces";
        if (unshare(CLONE_NEWNET | CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
                return -errno;
        if (access("/sys/kernel/tracing/events", F_OK) < 0)
                (void)mount("nodev", "/sys/kernel/tracing", "tracefs", 0, NULL);
        (void)setrlimit(RLIMIT_NOFILE, &files);
        /* Ended connections go at once instead of after a minute: they are not what is measured. */
        set("/proc/sys/net/ipv4/tcp_max_tw_buckets", "256");
        *ret_why = "loopback does not come up";
        return world_loopback_up();
}
