/* Listeners: who has them, how full their queues are, and that they go when the last holder goes. */
#include "tests/bpf/rig.h"
#include "tests/bpf/sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define TCP EVENT_TRANSPORT_TCP
#define SERVER EVENT_ROLE_SERVER

static void comes_and_goes(void **state)
{
        static const uint8_t loopback[16] = { [10] = 0xff, 0xff, 127, 0, 0, 1 }, any[16];
        struct event_listener l = {};
        struct rig *rig = *state;
        int fd, v6;

        assert_int_equal(rig_listener(rig, TCP, 7601, &l), 0);
        fd = tcp_listen("127.0.0.1", 7601, 33);
        assert_int_equal(rig_listener(rig, TCP, 7601, &l), 1);
        assert_memory_equal(l.address, loopback, 16);
        assert_int_equal(l.backlog_max, 33);
        assert_int_equal(l.owner.cgroup, rig->cgroup);
        assert_int_equal(l.owner.listen_port, 7601); /* our first */
        assert_int_equal(listen(fd, 44), 0);
        rig_sweep(rig);
        assert_int_equal(rig_listener(rig, TCP, 7601, &l), 1);
        assert_int_equal(l.backlog_max, 44);
        assert_true(l.flags & EVENT_LISTENER_SWEPT);
        v6 = tcp_listen("::", 7602, 5);
        assert_int_equal(rig_listener(rig, TCP, 7602, &l), 1);
        assert_memory_equal(l.address, any, 16);
        assert_int_equal(l.owner.listen_port, 7601);
        close(fd);
        assert_int_equal(rig_listener(rig, TCP, 7601, &l), 0);
        close(v6);
        assert_int_equal(rig_listener(rig, TCP, 7602, &l), 0);
}

/* The kernel's own sum over all listeners of the namespace. */
static uint64_t listen_drops(void)
{
        char names[4096], values[4096], *name, *value, *n = NULL, *v = NULL;
        FILE *file = fopen("/proc/self/net/netstat", "re");
        uint64_t drops = UINT64_MAX;

        assert_non_null(file);
        assert_non_null(fgets(names, sizeof(names), file));
        assert_non_null(fgets(values, sizeof(values), file));
        fclose(file);
        name = strtok_r(names, " \n", &n);
        value = strtok_r(values, " \n", &v);
        for (; name && value; name = strtok_r(NULL, " \n", &n), value = strtok_r(NULL, " \n", &v))
                if (!strcmp(name, "ListenDrops"))
                        drops = strtoull(value, NULL, 10);
        assert_true(drops != UINT64_MAX);
        return drops;
}

static void backlog_and_drops(void **state)
{
        int fd = tcp_listen("127.0.0.1", 7603, 2), clients[3], late[4], error;
        struct event_listener l = {};
        struct rig *rig = *state;
        uint64_t before;

        for (int i = 0; i < 3; i++) /* a backlog of 2 takes 3 */
                clients[i] = tcp_connect("127.0.0.1", 7603);
        rig_sweep(rig);
        assert_int_equal(rig_listener(rig, TCP, 7603, &l), 1);
        assert_int_equal(l.backlog, 3);
        assert_int_equal(l.backlog_max, 2);
        assert_int_equal(l.drops, 0);
        assert_int_equal(listen_drops(), 0);
        for (int i = 0; i < 4; i++) {
                late[i] = tcp_begin(AF_INET, "127.0.0.1", 7603, 0, &error);
                assert_int_equal(error, EINPROGRESS);
        }
        before = listen_drops();
        rig_sweep(rig);
        assert_int_equal(rig_listener(rig, TCP, 7603, &l), 1);
        assert_true(before >= 4 && l.drops >= before && l.drops <= listen_drops());
        close(tcp_accept(fd));
        close(tcp_accept(fd));
        rig_sweep(rig);
        assert_int_equal(rig_listener(rig, TCP, 7603, &l), 1);
        assert_int_equal(l.backlog, 1);
        for (int i = 0; i < 4; i++)
                close(late[i]);
        for (int i = 0; i < 3; i++)
                close(clients[i]);
        close(fd);
        assert_int_equal(rig_listener(rig, TCP, 7603, &l), 0);
}

static int listen_shared(uint16_t port)
{
        struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)), 0);
        assert_int_equal(bind(fd, (void *)&to, sizeof(to)), 0);
        assert_int_equal(listen(fd, 64), 0);
        return fd;
}

/* Two listeners share a port; each connection is counted once, whichever got it. */
static void reuseport(void **state)
{
        struct pollfd fds[2] = { { listen_shared(7604), POLLIN, 0 }, { listen_shared(7604), POLLIN, 0 } };
        struct event_listener l;
        struct rig *rig = *state;

        assert_int_equal(rig_listener(rig, TCP, 7604, &l), 2);
        for (int i = 0; i < 30; i++) {
                struct pair pair = { .client = tcp_connect("127.0.0.1", 7604) };

                assert_true(poll(fds, 2, 5000) > 0);
                pair.server = tcp_accept(fds[fds[0].revents & POLLIN ? 0 : 1].fd);
                pair_close(&pair);
        }
        close(fds[0].fd);
        assert_int_equal(rig_listener(rig, TCP, 7604, &l), 1);
        close(fds[1].fd);
        assert_int_equal(rig_listener(rig, TCP, 7604, &l), 0);
        RIG_TCP(rig, SERVER, 7604, .attempted = 30, .opened = 30, .closed = 30);
}

/* A child that serves on a listener its parent made and closed. */
static void inherited(void **state)
{
        int fd = tcp_listen("127.0.0.1", 7605, 16), client;
        struct event_listener l;
        struct rig *rig = *state;
        pid_t pid = fork();

        if (pid == 0) {
                int server = tcp_accept(fd);

                tcp_receive(server, 10);
                tcp_send(server, 20);
                tcp_receive_end(server);
                _exit(0);
        }
        close(fd);
        assert_int_equal(rig_listener(rig, TCP, 7605, &l), 1);
        client = tcp_connect("127.0.0.1", 7605);
        tcp_send(client, 10);
        tcp_receive(client, 20);
        rig_sweep(rig);
        assert_int_equal(rig_listener(rig, TCP, 7605, &l), 1);
        RIG_TCP(rig, SERVER, 7605, .attempted = 1, .opened = 1, .sent = 20, .received = 10);
        close(client);
        rig_wait(pid);
        assert_int_equal(rig_listener(rig, TCP, 7605, &l), 0);
        RIG_TCP(rig, SERVER, 7605, .attempted = 1, .opened = 1, .closed = 1, .sent = 20, .received = 10);
}

static void pass_listener(int over, int fd)
{
        union {
                char bytes[CMSG_SPACE(sizeof(int))];
                struct cmsghdr header;
        } control = {};
        struct iovec data = { "", 1 };
        struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };

        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
        assert_int_equal(sendmsg(over, &message, 0), 1);
}

static int take_listener(int over)
{
        char bytes[CMSG_SPACE(sizeof(int))], byte;
        struct iovec data = { &byte, 1 };
        struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = bytes, .msg_controllen = sizeof(bytes) };
        int fd;

        if (recvmsg(over, &message, MSG_CMSG_CLOEXEC) != 1)
                _exit(1);
        memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
        return fd;
}

/* Serves two connections of a listener that it is handed, in a cgroup of its own; holds them to the end. */
static void serve_handed(const char *cgroup, int over)
{
        int fd;

        rig_enter(cgroup);
        fd = take_listener(over);
        for (int i = 0; i < 2; i++) {
                tcp_receive(tcp_accept(fd), 5);
                tcp_send(over, 1);
        }
        tcp_receive_end(over);
        _exit(0);
}

struct holder {
        struct rig *rig;
        uint64_t cgroup, opened;
};

static int holder_find(void *data, const struct event_edge *edge, uint32_t index)
{
        struct holder *holder = data;

        if (edge->owner.cgroup == holder->cgroup && edge->role == SERVER && edge->local_port == 7606)
                holder->opened += probe_counts(holder->rig->probe, index)->opened;
        return 0;
}

/* Made in one cgroup, handed to a process of another: the owner is who holds it, once the sweep has seen
 * that the first one does not. The connection from before moves along. */
static void handed_over(void **state)
{
        struct event_listener l = {};
        struct rig *rig = *state;
        struct holder holder = { .rig = rig };
        int over[2], fd, clients[2];
        char cgroup[320];
        struct stat st;
        pid_t pid;

        snprintf(cgroup, sizeof(cgroup), "%s/handed", rig->cgroup_path);
        assert_int_equal(mkdir(cgroup, 0755), 0);
        assert_int_equal(stat(cgroup, &st), 0);
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, over), 0);
        pid = fork();
        if (pid == 0) {
                close(over[0]);
                serve_handed(cgroup, over[1]);
        }
        close(over[1]);
        fd = tcp_listen("127.0.0.1", 7606, 16);
        pass_listener(over[0], fd);
        close(fd);
        clients[0] = tcp_connect("127.0.0.1", 7606);
        tcp_send(clients[0], 5);
        tcp_receive(over[0], 1);
        RIG_TCP(rig, SERVER, 7606, .attempted = 1, .opened = 1);
        for (int i = 0; i < 8 && l.owner.cgroup != st.st_ino; i++) {
                rig_sweep(rig);
                assert_int_equal(rig_listener(rig, TCP, 7606, &l), 1);
        }
        assert_int_equal(l.owner.cgroup, st.st_ino);
        clients[1] = tcp_connect("127.0.0.1", 7606);
        tcp_send(clients[1], 5);
        tcp_receive(over[0], 1);
        rig_sweep(rig);
        rig_sweep(rig);
        /* both are the holder's now, and the sum is what it was */
        holder.cgroup = st.st_ino;
        RIG_TCP(rig, SERVER, 7606, .attempted = 2, .opened = 2, .received = 10);
        assert_int_equal(probe_edges(rig->probe, holder_find, &holder), 0);
        assert_int_equal(holder.opened, 2);
        close(clients[0]);
        close(clients[1]);
        close(over[0]);
        rig_wait(pid);
        assert_int_equal(rig_listener(rig, TCP, 7606, &l), 0);
        RIG_TCP(rig, SERVER, 7606, .attempted = 2, .opened = 2, .closed = 2, .received = 10);
        for (int i = 0; i < 1000 && rmdir(cgroup) < 0 && errno == EBUSY; i++)
                usleep(1000);
}

/* systemd listens and holds on; the service that holds the same socket is the owner. */
static void kept(void **state)
{
        struct rig *rig = *state;
        struct event_listener l = {};
        char name[16], cgroup[320];
        struct stat st;
        int fd, end[2];
        pid_t pid;

        snprintf(cgroup, sizeof(cgroup), "%s/kept", rig->cgroup_path);
        assert_int_equal(mkdir(cgroup, 0755), 0);
        assert_int_equal(stat(cgroup, &st), 0);
        assert_int_equal(pipe2(end, O_CLOEXEC), 0);
        assert_int_equal(prctl(PR_GET_NAME, name), 0);
        assert_int_equal(prctl(PR_SET_NAME, "systemd"), 0);
        fd = tcp_listen("127.0.0.1", 7607, 16);
        rig_sweep(rig);
        assert_int_equal(rig_listener(rig, TCP, 7607, &l), 1);
        assert_int_equal(l.tgid, getpid());
        assert_true(l.flags & EVENT_LISTENER_KEPT);
        pid = fork();
        if (pid == 0) {
                char byte;

                close(end[1]);
                rig_enter(cgroup);
                _exit(prctl(PR_SET_NAME, "served") < 0 || read(end[0], &byte, 1) != 0);
        }
        for (int i = 0; i < 500 && l.owner.cgroup != st.st_ino; i++) { /* until it has its name */
                rig_sweep(rig);
                assert_int_equal(rig_listener(rig, TCP, 7607, &l), 1);
        }
        for (int i = 0; i < 3; i++)
                rig_sweep(rig);
        assert_int_equal(rig_listener(rig, TCP, 7607, &l), 1);
        assert_int_equal(l.tgid, pid);
        assert_false(l.flags & EVENT_LISTENER_KEPT);
        assert_int_equal(prctl(PR_SET_NAME, name), 0);
        close(end[0]);
        close(end[1]);
        close(fd);
        rig_wait(pid);
        for (int i = 0; i < 1000 && rmdir(cgroup) < 0 && errno == EBUSY; i++)
                usleep(1000);
}

/* The first process of a container is an owner like others. */
static void first_process(void **state)
{
        struct rig *rig = *state;
        struct event_listener l = {};
        int end[2], ready[2];
        pid_t pid, first;
        char byte = 0;

        assert_int_equal(pipe2(end, O_CLOEXEC), 0);
        assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
        pid = fork();
        if (pid == 0) {
                int status;

                close(end[1]);
                if (unshare(CLONE_NEWPID) < 0)
                        _exit(1);
                first = fork();
                if (first == 0) {
                        tcp_listen("127.0.0.1", 7608, 16);
                        _exit(getpid() != 1 || write(ready[1], &byte, 1) != 1 || read(end[0], &byte, 1) != 0);
                }
                _exit(waitpid(first, &status, 0) != first || status != 0);
        }
        assert_int_equal(read(ready[0], &byte, 1), 1);
        for (int i = 0; i < 3; i++)
                rig_sweep(rig);
        assert_int_equal(rig_listener(rig, TCP, 7608, &l), 1);
        assert_true(l.owner.listen_port && l.tgid != (uint32_t)pid);
        assert_false(l.flags & EVENT_LISTENER_KEPT);
        close(end[0]);
        close(end[1]);
        rig_wait(pid);
        close(ready[0]);
        close(ready[1]);
}

static void nothing_lost(void **state)
{
        rig_expect_no_loss(*state);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(comes_and_goes), cmocka_unit_test(backlog_and_drops), cmocka_unit_test(reuseport),
                cmocka_unit_test(inherited),      cmocka_unit_test(handed_over),       cmocka_unit_test(kept),
                cmocka_unit_test(first_process),  cmocka_unit_test(nothing_lost),
        };

        return cmocka_run_group_tests(tests, rig_setup, rig_teardown);
}
