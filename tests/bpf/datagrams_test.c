/* Flows of UDP: one edge at each end, whoever speaks, and none where nothing was sent. */
#include "tests/bpf/rig.h"

#include <arpa/inet.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define UDP EVENT_TRANSPORT_UDP
#define CLIENT EVENT_ROLE_CLIENT
#define SERVER EVENT_ROLE_SERVER

struct place {
        struct sockaddr_storage at;
        socklen_t size;
};

static struct place loopback(int family, uint16_t port)
{
        struct place place = {};
        struct sockaddr_in *v4 = (void *)&place.at;
        struct sockaddr_in6 *v6 = (void *)&place.at;

        place.at.ss_family = (sa_family_t)family;
        if (family == AF_INET6) {
                v6->sin6_port = htons(port);
                v6->sin6_addr = in6addr_loopback;
                place.size = sizeof(*v6);
        } else {
                v4->sin_port = htons(port);
                v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
                place.size = sizeof(*v4);
        }
        return place;
}

static int udp_socket(int family)
{
        int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        assert_true(fd >= 0);
        return fd;
}

static int udp_bound(int family, uint16_t port)
{
        struct place place = loopback(family, port);
        int fd = udp_socket(family);

        assert_int_equal(bind(fd, (void *)&place.at, place.size), 0);
        return fd;
}

static void take(int fd, struct place *ret_from)
{
        struct pollfd p = { .fd = fd, .events = POLLIN };
        char data[64];

        assert_int_equal(poll(&p, 1, 5000), 1);
        ret_from->size = sizeof(ret_from->at);
        assert_int_equal(recvfrom(fd, data, sizeof(data), 0, (void *)&ret_from->at, &ret_from->size), 10);
}

static void give(int fd, const struct place *to)
{
        assert_int_equal(sendto(fd, "0123456789", 10, 0, to ? (const void *)&to->at : NULL, to ? to->size : 0), 10);
}

/* One edge in each role: the reply is no edge of its own. */
static void expect_one_pair(struct rig *rig, uint16_t port, uint64_t clients, uint64_t servers)
{
        size_t n_clients, n_servers;

        rig_counts(rig, UDP, CLIENT, 0, &n_clients);
        rig_counts(rig, UDP, SERVER, 0, &n_servers);
        RIG_UDP(rig, CLIENT, port, .attempted = clients, .opened = clients);
        RIG_UDP(rig, SERVER, port, .attempted = servers, .opened = servers);
        rig_counts(rig, UDP, CLIENT, port, &n_clients);
        rig_counts(rig, UDP, SERVER, port, &n_servers);
        assert_int_equal(n_clients, 1);
        assert_int_equal(n_servers, 1);
}

static void exchange(int client, int server, const struct place *to)
{
        struct place from;

        give(client, to);
        take(server, &from);
        give(server, &from);
        take(client, &from);
}

static void unconnected_in(struct rig *rig, int family, uint16_t port)
{
        size_t before_clients, before_servers, clients, servers;
        int server = udp_bound(family, port), client = udp_socket(family);
        struct place to = loopback(family, port);
        struct event_listener listener;

        rig_counts(rig, UDP, CLIENT, 0, &before_clients);
        rig_counts(rig, UDP, SERVER, 0, &before_servers);
        for (int i = 0; i < 10; i++)
                exchange(client, server, &to);
        expect_one_pair(rig, port, 1, 1);
        rig_counts(rig, UDP, CLIENT, 0, &clients);
        rig_counts(rig, UDP, SERVER, 0, &servers);
        assert_int_equal(clients, before_clients + 1); /* none back to the client's port */
        assert_int_equal(servers, before_servers + 1);
        assert_int_equal(rig_listener(rig, UDP, port, &listener), 1);
        close(client);
        close(server);
        rig_sweep(rig);
        rig_sweep(rig);
        assert_int_equal(rig_listener(rig, UDP, port, &listener), 0);
}

static void unconnected(void **state)
{
        unconnected_in(*state, AF_INET, 7901);
}

static void unconnected_v6(void **state)
{
        unconnected_in(*state, AF_INET6, 7902);
}

static void connected(void **state)
{
        int server = udp_bound(AF_INET, 7903), client = udp_socket(AF_INET);
        struct place to = loopback(AF_INET, 7903);
        struct event_edge edge;
        uint32_t index;

        assert_int_equal(connect(client, (void *)&to.at, to.size), 0);
        RIG_UDP(*state, CLIENT, 7903);
        for (int i = 0; i < 10; i++)
                exchange(client, server, NULL);
        expect_one_pair(*state, 7903, 1, 1);
        assert_int_equal(rig_edge(*state, UDP, CLIENT, 7903, &edge, &index), 1);
        close(client);
        close(server);
}

/* Resolvers connect to learn their own address: that is no flow, once the socket is gone. */
static void connected_and_silent(void **state)
{
        struct place v4 = loopback(AF_INET, 7904), v6 = loopback(AF_INET6, 7904);
        int fd = udp_socket(AF_INET);

        assert_int_equal(connect(fd, (void *)&v4.at, v4.size), 0);
        close(fd);
        fd = udp_socket(AF_INET6);
        assert_int_equal(connect(fd, (void *)&v6.at, v6.size), 0);
        close(fd);
        rig_sweep(*state);
        rig_sweep(*state);
        RIG_UDP(*state, CLIENT, 7904);
        RIG_UDP(*state, SERVER, 0, .attempted = 3, .opened = 3, .closed = 3); /* those of the tests before */
}

/* Connected, only sending: nothing is read, so that the sweep tells that the socket stays. */
static void connected_without_reply(void **state)
{
        int server = udp_bound(AF_INET, 7905), client = udp_socket(AF_INET);
        struct place to = loopback(AF_INET, 7905);

        assert_int_equal(connect(client, (void *)&to.at, to.size), 0);
        give(client, NULL);
        rig_sweep(*state);
        rig_sweep(*state);
        RIG_UDP(*state, CLIENT, 7905, .attempted = 1, .opened = 1);
        close(client);
        close(server);
}

/* A flow ends with its socket, at the next sweep; that of one that is merely silent does not. */
static void ends_with_its_socket(void **state)
{
        int server = udp_bound(AF_INET, 7950), gone = udp_socket(AF_INET), silent = udp_socket(AF_INET);
        struct place to = loopback(AF_INET, 7950);

        exchange(gone, server, &to);
        exchange(silent, server, &to);
        rig_sweep(*state);
        RIG_UDP(*state, CLIENT, 7950, .attempted = 2, .opened = 2);
        close(gone);
        rig_sweep(*state);
        rig_sweep(*state);
        RIG_UDP(*state, CLIENT, 7950, .attempted = 2, .opened = 2, .closed = 1);
        close(silent);
        close(server);
        rig_sweep(*state);
        rig_sweep(*state);
        RIG_UDP(*state, CLIENT, 7950, .attempted = 2, .opened = 2, .closed = 2);
        RIG_UDP(*state, SERVER, 7950, .attempted = 1, .opened = 1, .closed = 1);
}

/* Each client's socket is a flow; at the server's socket all of one sender are one. */
static void many_clients(void **state)
{
        int server = udp_bound(AF_INET, 7906), clients[20];
        struct place to = loopback(AF_INET, 7906);

        for (size_t i = 0; i < ARRAY_SIZE(clients); i++) {
                clients[i] = udp_socket(AF_INET);
                exchange(clients[i], server, &to);
        }
        expect_one_pair(*state, 7906, 20, 1);
        for (size_t i = 0; i < ARRAY_SIZE(clients); i++)
                close(clients[i]);
        close(server);
}

/* A connected socket is a client's, whatever its far port: some end in a zero byte. */
static void connected_to_low_port(void **state)
{
        int server = udp_bound(AF_INET, 200), client = udp_bound(AF_INET, 7907);
        struct place to = loopback(AF_INET, 200);
        size_t n;

        assert_int_equal(connect(client, (void *)&to.at, to.size), 0);
        exchange(client, server, NULL);
        expect_one_pair(*state, 200, 1, 1);
        rig_counts(*state, UDP, SERVER, 7907, &n);
        assert_int_equal(n, 0);
        close(client);
        close(server);
}

static bool count_bytes(struct rig *rig)
{
        const struct probe_hook *hook;
        int r = probe_turnarounds(rig->probe, true);

        for (size_t i = 0; (hook = probe_hook(rig->probe, i)); i++)
                if (!strcmp(hook->name, "udp_bytes") && strcmp(hook->state, "attached") != 0) {
                        print_message("# bytes of UDP: %s\n", hook->detail);
                        return false;
                }
        assert_int_equal(r, 0);
        probe_count_datagrams(rig->probe, true);
        return true;
}

static void count_no_bytes(struct rig *rig)
{
        assert_int_equal(probe_turnarounds(rig->probe, false), 0);
}

/* n datagrams of 10 bytes each way, as both ends must have them. */
static void expect_bytes(struct rig *rig, uint16_t port, uint64_t flows, uint64_t n)
{
        RIG_UDP(rig, CLIENT, port, .attempted = flows, .opened = flows, .sent = 10 * n, .received = 10 * n, .datagrams_sent = n,
                .datagrams_received = n);
        RIG_UDP(rig, SERVER, port, .attempted = 1, .opened = 1, .sent = 10 * n, .received = 10 * n, .datagrams_sent = n,
                .datagrams_received = n);
}

/* While they are counted, all of them are, and none otherwise: a duty cycle would tell a twentieth of the sum. */
static void bytes_in(struct rig *rig, int family, uint16_t port, bool connected)
{
        int server = udp_bound(family, port), client = udp_socket(family);
        struct place to = loopback(family, port), *at = connected ? NULL : &to;

        if (connected)
                assert_int_equal(connect(client, (void *)&to.at, to.size), 0);
        exchange(client, server, at);
        if (!count_bytes(rig)) {
                close(client);
                close(server);
                skip();
        }
        probe_count_datagrams(rig->probe, false);
        exchange(client, server, at);
        expect_bytes(rig, port, 1, 0);
        probe_count_datagrams(rig->probe, true);
        for (int i = 0; i < 50; i++)
                exchange(client, server, at);
        expect_bytes(rig, port, 1, 50);
        count_no_bytes(rig);
        exchange(client, server, at);
        expect_bytes(rig, port, 1, 50);
        close(client);
        close(server);
}

static void bytes_unconnected(void **state)
{
        bytes_in(*state, AF_INET, 7911, false);
}

static void bytes_unconnected_v6(void **state)
{
        bytes_in(*state, AF_INET6, 7912, false);
}

static void bytes_connected(void **state)
{
        bytes_in(*state, AF_INET, 7913, true);
}

static void bytes_connected_v6(void **state)
{
        bytes_in(*state, AF_INET6, 7914, true);
}

/* An IPv6 socket that speaks IPv4: the same edge. */
static void bytes_mapped(void **state)
{
        int server = udp_bound(AF_INET, 7915), client = udp_socket(AF_INET6);
        struct place to = loopback(AF_INET6, 7915);

        assert_int_equal(inet_pton(AF_INET6, "::ffff:127.0.0.1", &((struct sockaddr_in6 *)&to.at)->sin6_addr), 1);
        if (!count_bytes(*state))
                skip();
        for (int i = 0; i < 5; i++)
                exchange(client, server, &to);
        expect_bytes(*state, 7915, 1, 5);
        count_no_bytes(*state);
        close(client);
        close(server);
}

/* Neither end ever asks for an address but the server, and the client is met by its messages alone. */
static void bytes_without_address(void **state)
{
        int server = udp_bound(AF_INET, 7916), client = udp_socket(AF_INET), other = udp_socket(AF_INET);
        struct place to = loopback(AF_INET, 7916), from;
        char data[64];

        if (!count_bytes(*state))
                skip();
        assert_int_equal(connect(client, (void *)&to.at, to.size), 0);
        assert_int_equal(write(client, "0123456789", 10), 10);
        take(server, &from);
        give(server, &from);
        assert_int_equal(recv(client, data, sizeof(data), MSG_PEEK), 10);
        assert_int_equal(read(client, data, sizeof(data)), 10);
        give(other, &to);
        take(server, &from);
        give(server, &from);
        assert_int_equal(recv(other, data, sizeof(data), 0), 10);
        expect_bytes(*state, 7916, 2, 2);
        count_no_bytes(*state);
        close(client);
        close(other);
        close(server);
}

/* Written in two pieces, the second without an address; and one of no bytes. */
static void bytes_in_pieces(void **state)
{
        int server = udp_bound(AF_INET, 7917), client = udp_socket(AF_INET);
        struct place to = loopback(AF_INET, 7917);
        char data[64];

        if (!count_bytes(*state))
                skip();
        assert_int_equal(sendto(client, "01234", 5, MSG_MORE, (void *)&to.at, to.size), 5);
        assert_int_equal(send(client, "56789", 5, 0), 5);
        assert_int_equal(recvfrom(server, data, sizeof(data), MSG_PEEK, (void *)&to.at, &to.size), 10);
        assert_int_equal(recvfrom(server, data, sizeof(data), 0, (void *)&to.at, &to.size), 10);
        to = loopback(AF_INET, 7917);
        assert_int_equal(sendto(client, "", 0, 0, (void *)&to.at, to.size), 0);
        assert_int_equal(recvfrom(server, data, sizeof(data), 0, (void *)&to.at, &to.size), 0);
        RIG_UDP(*state, CLIENT, 7917, .attempted = 1, .opened = 1, .sent = 10, .datagrams_sent = 3);
        RIG_UDP(*state, SERVER, 7917, .attempted = 1, .opened = 1, .received = 10, .datagrams_received = 2);
        count_no_bytes(*state);
        close(client);
        close(server);
}

static void nothing_lost(void **state)
{
        rig_expect_no_loss(*state);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(unconnected),
                cmocka_unit_test(unconnected_v6),
                cmocka_unit_test(connected),
                cmocka_unit_test(connected_and_silent),
                cmocka_unit_test(connected_without_reply),
                cmocka_unit_test(ends_with_its_socket),
                cmocka_unit_test(many_clients),
                cmocka_unit_test(connected_to_low_port),
                cmocka_unit_test(bytes_unconnected),
                cmocka_unit_test(bytes_unconnected_v6),
                cmocka_unit_test(bytes_connected),
                cmocka_unit_test(bytes_connected_v6),
                cmocka_unit_test(bytes_mapped),
                cmocka_unit_test(bytes_without_address),
                cmocka_unit_test(bytes_in_pieces),
                cmocka_unit_test(nothing_lost),
        };

        return cmocka_run_group_tests(tests, rig_setup, rig_teardown);
}
