#include "agent/uplink_child.h"
#include "proto/log.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

/* nng shows neither its sockets nor the options that matter here. But every TCP socket of this
 * process is the link's, and there are only ever a few descriptors. */
#define DESCRIPTORS 128

/* Unacknowledged for so long, a connection is dead. */
#define SILENT_MS 20000

static bool is_tcp(int fd)
{
        int protocol = 0;
        socklen_t length = sizeof(protocol);

        return getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &length) == 0 && protocol == IPPROTO_TCP;
}

bool link_is_connecting(void)
{
        for (int fd = 0; fd < DESCRIPTORS; fd++) {
                struct tcp_info info = { 0 };
                socklen_t length = sizeof(info);

                if (is_tcp(fd) && getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) == 0 && info.tcpi_state == TCP_SYN_SENT)
                        return true;
        }
        return false;
}

void link_watch_for_silence(void)
{
        int silent = SILENT_MS;

        for (int fd = 0; fd < DESCRIPTORS; fd++)
                if (is_tcp(fd) && setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &silent, sizeof(silent)) < 0)
                        log_notice("uplink", "a silent connection is noticed late: TCP_USER_TIMEOUT cannot be set");
}
