/* Connections by the state hook: what was opened, sent, received and how it ended, at both ends, is
 * exactly what was done. Each test has a port of its own, which names its edges. */
#include "tests/bpf/rig.h"
#include "tests/bpf/sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <unistd.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

#define CLIENT EVENT_ROLE_CLIENT
#define SERVER EVENT_ROLE_SERVER

/* n connections with 1,000 bytes there and 500 back. */
static void exchange(struct rig *rig, const char *bound, const char *address, uint16_t port)
{
        int listener = tcp_listen(bound, port, 16);

        for (int i = 0; i < 3; i++) {
                struct pair pair = tcp_pair(listener, address, port);

                tcp_pass(pair.client, pair.server, 1000);
                tcp_pass(pair.server, pair.client, 500);
                pair_close(&pair);
        }
        RIG_TCP(rig, CLIENT, port, .attempted = 3, .opened = 3, .closed = 3, .sent = 3000, .received = 1500);
        RIG_TCP(rig, SERVER, port, .attempted = 3, .opened = 3, .closed = 3, .sent = 1500, .received = 3000);
        rig_expect_keys(rig, port, 3);
        close(listener);
}

static void both_ends(void **state)
{
        exchange(*state, "127.0.0.1", "127.0.0.1", 7001);
}

static void both_ends_v6(void **state)
{
        exchange(*state, "::1", "::1", 7002);
}

/* A dual-stack listener reached over IPv4, and an IPv6 socket that connects to a mapped address. */
static void both_ends_mapped(void **state)
{
        exchange(*state, "::", "127.0.0.1", 7003);
        exchange(*state, "127.0.0.1", "::ffff:127.0.0.1", 7004);
}

static void server_ends_first(void **state)
{
        int listener = tcp_listen("127.0.0.1", 7005, 16);
        struct pair pair = tcp_pair(listener, "127.0.0.1", 7005);

        tcp_pass(pair.client, pair.server, 70000);
        tcp_pass(pair.server, pair.client, 90000);
        close(pair.server);
        tcp_receive_end(pair.client);
        close(pair.client);
        RIG_TCP(*state, CLIENT, 7005, .attempted = 1, .opened = 1, .closed = 1, .sent = 70000, .received = 90000);
        RIG_TCP(*state, SERVER, 7005, .attempted = 1, .opened = 1, .closed = 1, .sent = 90000, .received = 70000);
        close(listener);
}

/* One end says that it is done, and still receives. */
static void half_closed(void **state)
{
        int listener = tcp_listen("127.0.0.1", 7006, 16);
        struct pair pair = tcp_pair(listener, "127.0.0.1", 7006);

        tcp_pass(pair.client, pair.server, 10);
        shutdown(pair.client, SHUT_WR);
        tcp_receive_end(pair.server);
        tcp_pass(pair.server, pair.client, 40000);
        close(pair.server);
        tcp_receive_end(pair.client);
        close(pair.client);
        RIG_TCP(*state, CLIENT, 7006, .attempted = 1, .opened = 1, .closed = 1, .sent = 10, .received = 40000);
        RIG_TCP(*state, SERVER, 7006, .attempted = 1, .opened = 1, .closed = 1, .sent = 40000, .received = 10);
        close(listener);
}

static void refused(void **state)
{
        int error, fd = tcp_begin(AF_INET, "127.0.0.1", 7010, 0, &error);

        if (error == EINPROGRESS)
                error = tcp_outcome(fd);
        assert_int_equal(error, ECONNREFUSED);
        close(fd);
        fd = tcp_begin(AF_INET6, "::1", 7010, 0, &error);
        if (error == EINPROGRESS)
                error = tcp_outcome(fd);
        assert_int_equal(error, ECONNREFUSED);
        close(fd);
        RIG_TCP(*state, CLIENT, 7010, .attempted = 2, .refused = 2);
}

/* The two take a second each, so they go side by side: one SYN is dropped, the other rejected. */
static void timed_out_and_unreachable(void **state)
{
        int lost, lost_error, rejected, rejected_error;

        lost = tcp_begin(AF_INET, "127.0.0.1", 7666, 50, &lost_error);
        rejected = tcp_begin(AF_INET, "127.0.0.1", 7667, 0, &rejected_error);
        assert_int_equal(lost_error, EINPROGRESS);
        assert_int_equal(tcp_outcome(lost), ETIMEDOUT);
        if (rejected_error == EINPROGRESS)
                rejected_error = tcp_outcome(rejected);
        assert_int_equal(rejected_error, EHOSTUNREACH);
        RIG_TCP(*state, CLIENT, 7666, .attempted = 1, .timed_out = 1);
        RIG_TCP(*state, CLIENT, 7667, .attempted = 1, .unreachable = 1);
        close(lost);
        close(rejected);
}

/* Closed by its own process while the kernel still tried. */
static void aborted(void **state)
{
        int error;

        for (int i = 0; i < 4; i++)
                close(tcp_begin(AF_INET, "127.0.0.1", 7668, 0, &error));
        RIG_TCP(*state, CLIENT, 7668, .attempted = 4, .aborted = 4);
}

static void no_port(void **state)
{
        int listener = tcp_listen("127.0.0.1", 7012, 16), error, fd;
        struct pair pair;

        rig_write("/proc/sys/net/ipv4/ip_local_port_range", "50001 50001");
        pair = tcp_pair(listener, "127.0.0.1", 7012);
        fd = tcp_begin(AF_INET, "127.0.0.1", 7012, 0, &error);
        assert_int_equal(error, EADDRNOTAVAIL);
        close(fd);
        rig_write("/proc/sys/net/ipv4/ip_local_port_range", "32768 60999");
        pair_close(&pair);
        RIG_TCP(*state, CLIENT, 7012, .attempted = 2, .opened = 1, .closed = 1, .no_port = 1);
        RIG_TCP(*state, SERVER, 7012, .attempted = 1, .opened = 1, .closed = 1);
        close(listener);
}

static void reset_by_linger(void **state)
{
        int listener = tcp_listen("127.0.0.1", 7013, 16);
        struct pair pair = tcp_pair(listener, "127.0.0.1", 7013);

        tcp_pass(pair.client, pair.server, 100);
        tcp_reset(pair.client);
        RIG_TCP(*state, CLIENT, 7013, .attempted = 1, .opened = 1, .closed = 1, .reset_by_self = 1, .sent = 100);
        RIG_TCP(*state, SERVER, 7013, .attempted = 1, .opened = 1, .closed = 1, .reset_by_peer = 1, .received = 100);
        close(pair.server);
        close(listener);
}

/* A close while data lies unread resets too, and the data never reached the process. */
static void reset_by_unread(void **state)
{
        int listener = tcp_listen("127.0.0.1", 7014, 16);
        struct pair pair = tcp_pair(listener, "127.0.0.1", 7014);

        tcp_pass(pair.client, pair.server, 100);
        tcp_send(pair.client, 70);
        RIG_TCP(*state, CLIENT, 7014, .attempted = 1, .opened = 1);
        close(pair.server);
        RIG_TCP(*state, SERVER, 7014, .attempted = 1, .opened = 1, .closed = 1, .reset_by_self = 1, .received = 170, .unread = 70);
        RIG_TCP(*state, CLIENT, 7014, .attempted = 1, .opened = 1, .closed = 1, .reset_by_peer = 1, .sent = 170);
        close(pair.client);
        close(listener);
}

/* Never accepted: the listener goes, and the kernel resets what waits in its queue. */
static void reset_unaccepted(void **state)
{
        int listener = tcp_listen("127.0.0.1", 7015, 16), client = tcp_connect("127.0.0.1", 7015);

        tcp_send(client, 30);
        RIG_TCP(*state, SERVER, 7015, .attempted = 1, .opened = 1);
        close(listener);
        RIG_TCP(*state, SERVER, 7015, .attempted = 1, .opened = 1, .closed = 1, .reset_by_self = 1, .received = 30, .unread = 30);
        RIG_TCP(*state, CLIENT, 7015, .attempted = 1, .opened = 1, .closed = 1, .reset_by_peer = 1, .sent = 30);
        close(client);
}

static void timed_out_open(void **state)
{
        int listener = tcp_listen("127.0.0.1", 7016, 16), ms = 100;
        struct pair pair = tcp_pair(listener, "127.0.0.1", 7016);

        tcp_pass(pair.client, pair.server, 10);
        setsockopt(pair.client, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof(ms));
        rig_run("nft add element inet rig dead { 7016 }");
        tcp_send(pair.client, 20);
        RIG_TCP(*state, CLIENT, 7016, .attempted = 1, .opened = 1, .closed = 1, .timed_out_open = 1, .sent = 30);
        tcp_reset(pair.server);
        RIG_TCP(*state, SERVER, 7016, .attempted = 1, .opened = 1, .closed = 1, .reset_by_self = 1, .received = 10);
        close(pair.client);
        close(listener);
}

/* Bytes that no message call has seen. */
static void sendfile_and_splice(void **state)
{
        int listener = tcp_listen("127.0.0.1", 7020, 16), file = memfd_create("rig", MFD_CLOEXEC), pipes[2], null;
        struct pair pair = tcp_pair(listener, "127.0.0.1", 7020);
        off_t at = 0;

        null = open("/dev/null", O_WRONLY | O_CLOEXEC);
        assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
        assert_int_equal(ftruncate(file, 320000), 0);
        for (int i = 0; i < 20; i++) {
                assert_int_equal(sendfile(pair.client, file, &at, 16000), 16000);
                for (ssize_t left = 16000, n; left > 0; left -= n) {
                        n = splice(pair.server, NULL, pipes[1], NULL, (size_t)left, 0);
                        assert_true(n > 0);
                        assert_int_equal(splice(pipes[0], NULL, null, NULL, (size_t)n, 0), n);
                }
        }
        pair_close(&pair);
        RIG_TCP(*state, CLIENT, 7020, .attempted = 1, .opened = 1, .closed = 1, .sent = 320000);
        RIG_TCP(*state, SERVER, 7020, .attempted = 1, .opened = 1, .closed = 1, .received = 320000);
        close(file);
        close(null);
        close(pipes[0]);
        close(pipes[1]);
        close(listener);
}

static void fast_open(void **state)
{
        struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(7021), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        int listener, queue = 16, client, server;
        char data[100] = {};

        rig_write("/proc/sys/net/ipv4/tcp_fastopen", "519"); /* both ends, without cookies */
        listener = tcp_listen("127.0.0.1", 7021, 16);
        assert_int_equal(setsockopt(listener, IPPROTO_TCP, TCP_FASTOPEN, &queue, sizeof(queue)), 0);
        client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(sendto(client, data, sizeof(data), MSG_FASTOPEN, (void *)&to, sizeof(to)), sizeof(data));
        server = tcp_accept(listener);
        tcp_receive(server, 100);
        tcp_pass(server, client, 60);
        pair_close(&(struct pair){ client, server });
        RIG_TCP(*state, CLIENT, 7021, .attempted = 1, .opened = 1, .closed = 1, .sent = 100, .received = 60);
        RIG_TCP(*state, SERVER, 7021, .attempted = 1, .opened = 1, .closed = 1, .sent = 60, .received = 100);
        rig_expect_keys(*state, 7021, 1);
        close(listener);
}

/* An MPTCP connection is its subflow, counted once. */
static void mptcp(void **state)
{
        struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(7022), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_MPTCP), client, server;

        if (listener < 0) {
                print_message("# this kernel has no MPTCP\n");
                skip();
        }
        assert_int_equal(bind(listener, (void *)&to, sizeof(to)), 0);
        assert_int_equal(listen(listener, 16), 0);
        client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_MPTCP);
        assert_int_equal(connect(client, (void *)&to, sizeof(to)), 0);
        server = tcp_accept(listener);
        tcp_pass(client, server, 3000);
        tcp_pass(server, client, 2000);
        pair_close(&(struct pair){ client, server });
        RIG_TCP(*state, CLIENT, 7022, .attempted = 1, .opened = 1, .closed = 1, .sent = 3000, .received = 2000);
        RIG_TCP(*state, SERVER, 7022, .attempted = 1, .opened = 1, .closed = 1, .sent = 2000, .received = 3000);
        rig_expect_keys(*state, 7022, 1);
        close(listener);
}

static void mptcp_clean(void)
{
        rig_run("ip mptcp endpoint flush; ip mptcp limits set subflows 0; ip address flush dev lo label lo:rig");
}

/* A subflow that the kernel's worker adds later counts as a connection of the same process, at both ends. */
static void mptcp_second_subflow(void **state)
{
        struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(7026), .sin_addr.s_addr = htonl(0x0a080001) };
        int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_MPTCP), client, server;
        int64_t end = clock_monotonic() + 10 * NSEC_PER_SEC;
        struct event_counts c, s;
        struct event_edge edge;
        uint32_t index;

        if (listener < 0) {
                print_message("# this kernel has no MPTCP\n");
                skip();
        }
        rig_run("ip address add 10.8.0.1/32 dev lo label lo:rig && ip address add 10.8.0.2/32 dev lo label lo:rig && "
                "ip mptcp limits set subflows 2 && ip mptcp endpoint add 10.8.0.2 subflow");
        assert_int_equal(bind(listener, (void *)&to, sizeof(to)), 0);
        assert_int_equal(listen(listener, 16), 0);
        client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_MPTCP);
        assert_int_equal(connect(client, (void *)&to, sizeof(to)), 0);
        server = tcp_accept(listener);
        tcp_pass(client, server, 3000);
        tcp_pass(server, client, 2000);
        while (rig_counts(*state, EVENT_TRANSPORT_TCP, SERVER, 7026, NULL).opened < 2 && clock_monotonic() < end)
                usleep(1000);
        tcp_pass(client, server, 100000);
        pair_close(&(struct pair){ client, server });
        do {
                s = rig_counts(*state, EVENT_TRANSPORT_TCP, SERVER, 7026, NULL);
                c = rig_counts(*state, EVENT_TRANSPORT_TCP, CLIENT, 7026, NULL);
        } while ((s.closed < 2 || c.closed < 2) && clock_monotonic() < end);
        assert_true(c.attempted == 2 && c.opened == 2 && c.closed == 2);
        assert_true(s.attempted == 2 && s.opened == 2 && s.closed == 2);
        /* What MPTCP sends again on another subflow was sent twice. */
        assert_true(c.sent >= 103000 && c.sent == s.received);
        assert_true(s.sent >= 2000 && s.sent == c.received);
        assert_int_equal(rig_edge(*state, EVENT_TRANSPORT_TCP, CLIENT, 7026, &edge, &index), 1);
        assert_true(edge.owner.exe_inode != 0 && edge.owner.cgroup == ((struct rig *)*state)->cgroup);
        rig_expect_keys(*state, 7026, 2);
        close(listener);
        mptcp_clean();
}

/* A socket that connects to itself: a simultaneous open with one end. */
static void simultaneous(void **state)
{
        struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(7023), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        assert_int_equal(bind(fd, (void *)&to, sizeof(to)), 0);
        assert_int_equal(connect(fd, (void *)&to, sizeof(to)), 0);
        tcp_pass(fd, fd, 77);
        close(fd);
        RIG_TCP(*state, CLIENT, 7023, .attempted = 1, .opened = 1, .closed = 1, .sent = 77, .received = 77);
}

/* The kernel uses a socket's memory again at once: each connection is told from the one before. */
static void pointer_reuse(void **state)
{
        int listener = tcp_listen("127.0.0.1", 7030, 16), n = rig_fast() ? 2000 : 10000;

        for (int i = 0; i < n; i++) {
                struct pair pair = tcp_pair(listener, "127.0.0.1", 7030);

                tcp_pass(pair.client, pair.server, 1 + i % 7);
                pair_close(&pair);
                if (i % 256 == 0)
                        rig_drain(*state);
        }
        uint64_t bytes = 0;
        for (int i = 0; i < n; i++)
                bytes += 1 + i % 7;
        RIG_TCP(*state, CLIENT, 7030, .attempted = n, .opened = n, .closed = n, .sent = bytes);
        RIG_TCP(*state, SERVER, 7030, .attempted = n, .opened = n, .closed = n, .received = bytes);
        rig_expect_keys(*state, 7030, n);
        close(listener);
}

/* Until here nothing was lost, or the figures above would not bind. */
static void nothing_lost(void **state)
{
        rig_expect_no_loss(*state);
}

static int setup(void **state)
{
        rig_setup(state);
        rig_run("nft 'table inet rig { set dead { type inet_service; elements = { 7666, 7668 }; }; "
                "chain in { type filter hook input priority 0; tcp dport @dead drop; tcp sport @dead drop; "
                "tcp dport 7667 reject with icmp host-unreachable; }; }'");
        return 0;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(both_ends),
                cmocka_unit_test(both_ends_v6),
                cmocka_unit_test(both_ends_mapped),
                cmocka_unit_test(server_ends_first),
                cmocka_unit_test(half_closed),
                cmocka_unit_test(refused),
                cmocka_unit_test(timed_out_and_unreachable),
                cmocka_unit_test(aborted),
                cmocka_unit_test(no_port),
                cmocka_unit_test(reset_by_linger),
                cmocka_unit_test(reset_by_unread),
                cmocka_unit_test(reset_unaccepted),
                cmocka_unit_test(timed_out_open),
                cmocka_unit_test(sendfile_and_splice),
                cmocka_unit_test(fast_open),
                cmocka_unit_test(mptcp),
                cmocka_unit_test(mptcp_second_subflow),
                cmocka_unit_test(simultaneous),
                cmocka_unit_test(pointer_reuse),
                cmocka_unit_test(nothing_lost),
        };

        return cmocka_run_group_tests(tests, setup, rig_teardown);
}
