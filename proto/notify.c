#include "proto/notify.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void notify_send(const char *lines)
{
        const char *path = getenv("NOTIFY_SOCKET");
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        CLEANUP_FD int fd = -1;
        size_t length;

        if (!path || (*path != '/' && *path != '@'))
                return;
        length = strlen(path);
        if (length >= sizeof(address.sun_path))
                return;
        memcpy(address.sun_path, path, length);
        if (*path == '@')
                address.sun_path[0] = '\0';
        fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return;
        length += offsetof(struct sockaddr_un, sun_path) + (*path == '/');
        sendto(fd, lines, strlen(lines), MSG_NOSIGNAL, (struct sockaddr *)&address, (socklen_t)length);
}

int64_t notify_watchdog_ns(void)
{
        const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");

        if (!usec || (pid && strtoll(pid, NULL, 10) != getpid()))
                return 0;
        return MAX(strtoll(usec, NULL, 10), 0) * NSEC_PER_USEC / 2;
}
