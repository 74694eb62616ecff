/* What is older than the probe, and what is still open: both come from the sweep over all file tables. */
#include "tests/bpf/rig.h"
#include "tests/bpf/sockets.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CLIENT EVENT_ROLE_CLIENT
#define SERVER EVENT_ROLE_SERVER

/* Made before the probe starts. */
static struct older {
        int listener, listener_v6;
        struct pair usual[3], orphaned, v6;
        int close_wait, stranger_go, stranger_ready;
        int waiting_listener, waiting_client, flying_unix[2];
        struct pair flying;
        pid_t stranger;
} older;

static void stranger_wait(void)
{
        char byte;

        assert_int_equal(read(older.stranger_ready, &byte, 1), 1);
}

/* A process in our namespace, and outside the scope, with a connection from before and one from after.
 * It is forked before there are other sockets, which it would hold too. */
static void stranger_start(struct rig *rig)
{
        int go[2], ready[2];
        char byte = 0;

        assert_int_equal(pipe(go), 0);
        assert_int_equal(pipe(ready), 0);
        older.stranger = fork();
        if (older.stranger == 0) {
                char root[300];
                int listener;

                close(go[1]);
                strcpy(root, rig->cgroup_path);
                *strrchr(root, '/') = 0;
                rig_enter(root);
                listener = tcp_listen("127.0.0.1", 7190, 16);
                tcp_pair(listener, "127.0.0.1", 7190);
                if (write(ready[1], &byte, 1) != 1 || read(go[0], &byte, 1) != 1)
                        _exit(1);
                tcp_pair(listener, "127.0.0.1", 7190);
                if (write(ready[1], &byte, 1) != 1 || read(go[0], &byte, 1) != 0)
                        _exit(1);
                _exit(0);
        }
        close(go[0]);
        close(ready[1]);
        older.stranger_go = go[1];
        older.stranger_ready = ready[0];
        stranger_wait();
}

static void adopted_once(void **state)
{
        struct event_listener listener;

        RIG_TCP(*state, CLIENT, 7101, .adopted = 3);
        RIG_TCP(*state, SERVER, 7101, .adopted = 3);
        RIG_TCP(*state, CLIENT, 7106, .adopted = 1);
        RIG_TCP(*state, SERVER, 7106, .adopted = 1);
        rig_expect_keys(*state, 7101, 3);
        rig_expect_keys(*state, 7106, 1);
        for (int i = 0; i < 3; i++)
                rig_sweep(*state);
        RIG_TCP(*state, CLIENT, 7101, .adopted = 3);
        RIG_TCP(*state, SERVER, 7101, .adopted = 3);
        rig_expect_keys(*state, 7101, 3);
        assert_int_equal(rig_listener(*state, EVENT_TRANSPORT_TCP, 7101, &listener), 1);
        assert_true(listener.flags & EVENT_LISTENER_SWEPT);
        assert_false(listener.flags & EVENT_LISTENER_UNSURE);
        assert_int_equal(listener.owner.cgroup, ((struct rig *)*state)->cgroup);
}

/* Who sent the SYN is known without the handshake and without the listener, which is gone. */
static void roles_without_listener(void **state)
{
        struct event_listener listener;

        assert_int_equal(rig_listener(*state, EVENT_TRANSPORT_TCP, 7102, &listener), 0);
        RIG_TCP(*state, CLIENT, 7102, .adopted = 1);
        RIG_TCP(*state, SERVER, 7102, .adopted = 1);
        RIG_TCP(*state, EVENT_ROLE_UNKNOWN, 0);
        rig_expect_keys(*state, 7102, 1);
}

/* What passed before adoption is not counted; what passes afterwards is, at the sweep and at the end. */
static void bytes_after_adoption(void **state)
{
        tcp_pass(older.usual[0].client, older.usual[0].server, 500);
        tcp_pass(older.usual[1].server, older.usual[1].client, 200);
        rig_sweep(*state);
        RIG_TCP(*state, CLIENT, 7101, .adopted = 3, .sent = 500, .received = 200);
        RIG_TCP(*state, SERVER, 7101, .adopted = 3, .sent = 200, .received = 500);
        tcp_pass(older.usual[0].client, older.usual[0].server, 11);
        for (int i = 0; i < 3; i++)
                pair_close(&older.usual[i]);
        pair_close(&older.orphaned);
        pair_close(&older.v6);
        RIG_TCP(*state, CLIENT, 7101, .adopted = 3, .closed = 3, .sent = 511, .received = 200);
        RIG_TCP(*state, SERVER, 7101, .adopted = 3, .closed = 3, .sent = 200, .received = 511);
        RIG_TCP(*state, CLIENT, 7102, .adopted = 1, .closed = 1);
        RIG_TCP(*state, SERVER, 7102, .adopted = 1, .closed = 1);
        RIG_TCP(*state, SERVER, 7106, .adopted = 1, .closed = 1);
        rig_sweep(*state);
        RIG_TCP(*state, CLIENT, 7101, .adopted = 3, .closed = 3, .sent = 511, .received = 200);
}

static void send_file(int to, int fd)
{
        union {
                struct cmsghdr header;
                char space[CMSG_SPACE(sizeof(int))];
        } control = { .header = { .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS } };
        struct iovec data = { "x", 1 };
        struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };

        memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
        assert_int_equal(sendmsg(to, &message, 0), 1);
        assert_int_equal(close(fd), 0);
}

static int receive_file(int from)
{
        char byte, space[CMSG_SPACE(sizeof(int))];
        struct iovec data = { &byte, 1 };
        struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof(space) };
        int fd;

        assert_int_equal(recvmsg(from, &message, 0), 1);
        memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
        return fd;
}

/* In no file table: one that waits to be accepted, and one that is on its way to another process. */
static void in_no_file_table(void **state)
{
        struct pair waiting = { .client = older.waiting_client };

        RIG_TCP(*state, CLIENT, 7107, .adopted = 1);
        RIG_TCP(*state, SERVER, 7107, .adopted = 1);
        RIG_TCP(*state, CLIENT, 7108, .adopted = 1);
        RIG_TCP(*state, SERVER, 7108, .adopted = 1);
        rig_expect_keys(*state, 7107, 1);
        rig_expect_keys(*state, 7108, 1);
        tcp_send(waiting.client, 100);
        rig_sweep(*state);
        RIG_TCP(*state, SERVER, 7107, .adopted = 1, .received = 100);
        waiting.server = tcp_accept(older.waiting_listener);
        tcp_receive(waiting.server, 100);
        older.flying.client = receive_file(older.flying_unix[1]);
        for (int i = 0; i < 3; i++)
                rig_sweep(*state);
        tcp_pass(waiting.server, waiting.client, 10);
        tcp_pass(older.flying.client, older.flying.server, 20);
        pair_close(&waiting);
        pair_close(&older.flying);
        RIG_TCP(*state, CLIENT, 7107, .adopted = 1, .closed = 1, .sent = 100, .received = 10);
        RIG_TCP(*state, SERVER, 7107, .adopted = 1, .closed = 1, .sent = 10, .received = 100);
        RIG_TCP(*state, CLIENT, 7108, .adopted = 1, .closed = 1, .sent = 20);
        RIG_TCP(*state, SERVER, 7108, .adopted = 1, .closed = 1, .received = 20);
        rig_expect_keys(*state, 7107, 1);
        close(older.waiting_listener);
}

/* What waits is no guess either: it is the listener's from the beginning, and stays so. */
static void waits_to_be_accepted(void **state)
{
        int listener = tcp_listen("127.0.0.1", 7109, 16), client = tcp_connect("127.0.0.1", 7109);
        struct pair pair = { .client = client };

        for (int i = 0; i < 3; i++)
                rig_sweep(*state);
        RIG_TCP(*state, SERVER, 7109, .attempted = 1, .opened = 1);
        pair.server = tcp_accept(listener);
        pair_close(&pair);
        RIG_TCP(*state, SERVER, 7109, .attempted = 1, .opened = 1, .closed = 1);
        close(listener);
}

static void open_connections(void **state)
{
        int listener = tcp_listen("127.0.0.1", 7103, 16);
        struct pair pair = tcp_pair(listener, "127.0.0.1", 7103);

        tcp_pass(pair.client, pair.server, 100000);
        RIG_TCP(*state, CLIENT, 7103, .attempted = 1, .opened = 1);
        rig_sweep(*state);
        RIG_TCP(*state, CLIENT, 7103, .attempted = 1, .opened = 1, .sent = 100000);
        RIG_TCP(*state, SERVER, 7103, .attempted = 1, .opened = 1, .received = 100000);
        tcp_pass(pair.server, pair.client, 7);
        rig_sweep(*state);
        rig_sweep(*state);
        RIG_TCP(*state, CLIENT, 7103, .attempted = 1, .opened = 1, .sent = 100000, .received = 7);
        tcp_pass(pair.client, pair.server, 1);
        pair_close(&pair);
        RIG_TCP(*state, CLIENT, 7103, .attempted = 1, .opened = 1, .closed = 1, .sent = 100001, .received = 7);
        RIG_TCP(*state, SERVER, 7103, .attempted = 1, .opened = 1, .closed = 1, .sent = 7, .received = 100001);
        close(listener);
}

/* A server that never closes after its client did: still open, however often one looks. */
static void close_wait_stays(void **state)
{
        int listener = tcp_listen("127.0.0.1", 7104, 16);
        struct pair pair = tcp_pair(listener, "127.0.0.1", 7104);

        tcp_pass(pair.client, pair.server, 10);
        close(pair.client);
        tcp_receive_end(pair.server);
        for (int i = 0; i < 4; i++)
                rig_sweep(*state);
        RIG_TCP(*state, CLIENT, 7104, .attempted = 1, .opened = 1, .closed = 1, .sent = 10);
        RIG_TCP(*state, SERVER, 7104, .attempted = 1, .opened = 1, .received = 10);
        RIG_TCP(*state, SERVER, 7105, .adopted = 1); /* one from before the probe */
        close(pair.server);
        close(older.close_wait);
        RIG_TCP(*state, SERVER, 7104, .attempted = 1, .opened = 1, .closed = 1, .received = 10);
        RIG_TCP(*state, SERVER, 7105, .adopted = 1, .closed = 1);
        close(listener);
}

static void scope(void **state)
{
        struct event_listener listener;

        rig_sweep(*state);
        assert_int_equal(rig_listener(*state, EVENT_TRANSPORT_TCP, 7190, &listener), 0);
        RIG_TCP(*state, CLIENT, 7190);
        RIG_TCP(*state, SERVER, 7190);
        close(older.stranger_go);
        rig_wait(older.stranger);
        RIG_TCP(*state, CLIENT, 7190);
        RIG_TCP(*state, SERVER, 7190);
}

static void nothing_lost(void **state)
{
        rig_expect_no_loss(*state);
}

static int setup(void **state)
{
        struct pair pair;
        int listener;

        rig_setup_bare(state);
        stranger_start(*state);
        older.listener = tcp_listen("127.0.0.1", 7101, 16);
        for (int i = 0; i < 3; i++) {
                older.usual[i] = tcp_pair(older.listener, "127.0.0.1", 7101);
                tcp_pass(older.usual[i].client, older.usual[i].server, (size_t)i * 1000);
        }
        listener = tcp_listen("127.0.0.1", 7102, 16);
        older.orphaned = tcp_pair(listener, "127.0.0.1", 7102);
        tcp_pass(older.orphaned.client, older.orphaned.server, 123);
        tcp_pass(older.orphaned.server, older.orphaned.client, 321);
        close(listener);
        listener = tcp_listen("127.0.0.1", 7105, 16);
        pair = tcp_pair(listener, "127.0.0.1", 7105);
        older.close_wait = pair.server;
        close(pair.client);
        tcp_receive_end(pair.server);
        close(listener);
        older.listener_v6 = tcp_listen("::", 7106, 16);
        older.v6 = tcp_pair(older.listener_v6, "::1", 7106);
        older.waiting_listener = tcp_listen("127.0.0.1", 7107, 16);
        older.waiting_client = tcp_connect("127.0.0.1", 7107);
        listener = tcp_listen("127.0.0.1", 7108, 16);
        older.flying = tcp_pair(listener, "127.0.0.1", 7108);
        close(listener);
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, older.flying_unix), 0);
        send_file(older.flying_unix[0], older.flying.client);
        rig_probe(*state, NULL);
        assert_int_equal(write(older.stranger_go, "", 1), 1);
        stranger_wait();
        return 0;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(adopted_once),         cmocka_unit_test(roles_without_listener),
                cmocka_unit_test(in_no_file_table),     cmocka_unit_test(waits_to_be_accepted),
                cmocka_unit_test(bytes_after_adoption), cmocka_unit_test(open_connections),
                cmocka_unit_test(close_wait_stays),     cmocka_unit_test(scope),
                cmocka_unit_test(nothing_lost),
        };

        return cmocka_run_group_tests(tests, setup, rig_teardown);
}
