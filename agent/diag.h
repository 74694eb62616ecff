/* TCP connections of this network namespace by sock_diag(7), which names them by a cookie that none other has while the
 * machine is up. Blocks; for steps of actions. */
#pragma once

#include "proto/base.h"

#include <linux/inet_diag.h>

struct diag_connection {
        uint64_t cookie;
        uint32_t inode;
        uint8_t state; /* TCP_ESTABLISHED, TCP_CLOSE_WAIT */
        uint32_t unread, unacknowledged;
        uint32_t silent_sent_ms, silent_received_ms; /* since data went that way last, or it was opened */
        struct inet_diag_req_v2 request;             /* that names it */
};

/* The open connections with these cookies, in their order; inode 0: there is none. */
MUST_CHECK int diag_find(const uint64_t *cookies, size_t count, struct diag_connection *ret_connections);
/* -EOPNOTSUPP: the kernel cannot (INET_DIAG_DESTROY); -EPERM: CAP_NET_ADMIN is missing; -ENOENT: it is gone. Its process sees
 * ECONNABORTED, and the far end a reset. */
MUST_CHECK int diag_destroy(const struct diag_connection *connection);
/* Whether the kernel can, without doing it: 0 or -errno. */
MUST_CHECK int diag_can_destroy(void);
