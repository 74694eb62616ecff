#include "agent/diag.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TIMEOUT_MS 5000

struct search {
        const uint64_t *cookies;
        size_t count;
        struct diag_connection *found;
};

struct message {
        struct nlmsghdr header;
        struct inet_diag_req_v2 request;
};

static int open_diag(int *ret_fd)
{
        struct timeval limit = { .tv_sec = TIMEOUT_MS / 1000 };
        int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);

        if (fd < 0)
                return -errno;
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
        *ret_fd = fd;
        return 0;
}

static int ask(int fd, uint16_t type, uint16_t flags, const struct inet_diag_req_v2 *request)
{
        struct message message = {
                .header = { .nlmsg_len = sizeof(message), .nlmsg_type = type, .nlmsg_flags = NLM_F_REQUEST | flags },
                .request = *request
        };

        return send(fd, &message, sizeof(message), 0) == sizeof(message) ? 0 : -errno;
}

static void take(struct search *search, const struct nlmsghdr *header)
{
        const struct inet_diag_msg *m = NLMSG_DATA(header);
        size_t left = header->nlmsg_len - NLMSG_LENGTH(sizeof(*m));
        uint64_t cookie = (uint64_t)m->id.idiag_cookie[1] << 32 | m->id.idiag_cookie[0];
        const struct tcp_info *info = NULL;

        for (const struct rtattr *a = (const void *)(m + 1); RTA_OK(a, left); a = RTA_NEXT(a, left))
                if (a->rta_type == INET_DIAG_INFO && RTA_PAYLOAD(a) >= offsetof(struct tcp_info, tcpi_pmtu))
                        info = RTA_DATA(a);
        for (size_t i = 0; i < search->count && info; i++) {
                if (search->cookies[i] != cookie)
                        continue;
                search->found[i] = (struct diag_connection){
                        .cookie = cookie,
                        .inode = m->idiag_inode,
                        .state = m->idiag_state,
                        .unread = m->idiag_rqueue,
                        .unacknowledged = m->idiag_wqueue,
                        .silent_sent_ms = info->tcpi_last_data_sent,
                        .silent_received_ms = info->tcpi_last_data_recv,
                        .request = { .sdiag_family = m->idiag_family, .sdiag_protocol = IPPROTO_TCP, .id = m->id },
                };
        }
}

/* 0 at the end of the answer. */
static int collect(int fd, struct search *search)
{
        static uint8_t buffer[32768] __attribute__((aligned(NLMSG_ALIGNTO)));

        for (;;) {
                ssize_t n = recv(fd, buffer, sizeof(buffer), 0);
                size_t left = (size_t)MAX(n, (ssize_t)0);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return errno == EAGAIN ? -ETIMEDOUT : -errno;
                for (const struct nlmsghdr *h = (const void *)buffer; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
                        if (h->nlmsg_type == NLMSG_DONE)
                                return 0;
                        if (h->nlmsg_type == NLMSG_ERROR)
                                return ((const struct nlmsgerr *)NLMSG_DATA(h))->error;
                        if (h->nlmsg_type == SOCK_DIAG_BY_FAMILY && h->nlmsg_len >= NLMSG_LENGTH(sizeof(struct inet_diag_msg)) &&
                            search)
                                take(search, h);
                }
        }
}

int diag_find(const uint64_t *cookies, size_t count, struct diag_connection *ret_connections)
{
        static const uint8_t families[] = { AF_INET, AF_INET6 };
        struct search search = { cookies, count, ret_connections };

        memset(ret_connections, 0, count * sizeof(*ret_connections));
        for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
                struct inet_diag_req_v2 request = { .sdiag_family = families[i],
                                                    .sdiag_protocol = IPPROTO_TCP,
                                                    .idiag_ext = 1 << (INET_DIAG_INFO - 1),
                                                    .idiag_states = 1u << TCP_ESTABLISHED | 1u << TCP_CLOSE_WAIT };
                CLEANUP_FD int fd = -1;
                int r = open_diag(&fd);

                if (r == 0)
                        r = ask(fd, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &request);
                if (r == 0)
                        r = collect(fd, &search);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int destroy(const struct inet_diag_req_v2 *request)
{
        CLEANUP_FD int fd = -1;
        int r = open_diag(&fd);

        if (r == 0)
                r = ask(fd, SOCK_DESTROY, NLM_F_ACK, request);
        return r == 0 ? collect(fd, NULL) : r;
}

int diag_destroy(const struct diag_connection *connection)
{
        return destroy(&connection->request);
}

/* From port 0 to port 0 nothing is connected. */
int diag_can_destroy(void)
{
        static const struct inet_diag_req_v2 none = { .sdiag_family = AF_INET, .sdiag_protocol = IPPROTO_TCP };
        int r = destroy(&none);

        return r == -ENOENT ? 0 : r == 0 ? -EIO : r;
}
