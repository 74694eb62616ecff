/* Processes: how they end, and what a child inherits of its parent's listening. */
#include "tests/bpf/rig.h"
#include "tests/bpf/sockets.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void refused(uint16_t port)
{
        int error, fd = tcp_begin(AF_INET, "127.0.0.1", port, 0, &error);

        if ((error == EINPROGRESS ? tcp_outcome(fd) : error) != ECONNREFUSED)
                _exit(99);
        close(fd);
}

static void await_exits(struct rig *rig, size_t n)
{
        int64_t end = clock_monotonic() + 5 * NSEC_PER_SEC;

        while (rig->n_exits < n && clock_monotonic() < end) {
                rig_drain(rig);
                usleep(1000);
        }
        assert_int_equal(rig->n_exits, n);
}

static int process_count(void *data, const struct event_process *process)
{
        const struct event_exit *ended = data;

        return process->tgid == ended->tgid && process->start_ns == ended->start_ns;
}

/* A process that never had a connection ends unseen; the others end with what they ended with. */
static void ends(void **state)
{
        static const struct {
                int code, signal;
        } ways[] = { { 0, 0 }, { 7, 0 }, { 255, 0 }, { 0, SIGTERM }, { 0, SIGKILL } };
        struct rig *rig = *state;

        rig->n_exits = 0;
        for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
                pid_t silent = fork(), pid;

                if (silent == 0)
                        _exit(3);
                assert_int_equal(waitpid(silent, NULL, 0), silent);
                pid = fork();
                if (pid == 0) {
                        refused(7801);
                        if (ways[i].signal)
                                kill(getpid(), ways[i].signal);
                        _exit(ways[i].code);
                }
                assert_int_equal(waitpid(pid, NULL, 0), pid);
                await_exits(rig, i + 1);
                assert_int_equal(rig->exits[i].code, ways[i].code);
                assert_int_equal(rig->exits[i].signal, ways[i].signal);
                assert_int_equal(rig->exits[i].oom, 0);
                assert_int_equal(rig->exits[i].owner.cgroup, rig->cgroup);
                assert_int_equal(probe_processes(rig->probe, process_count, &rig->exits[i]), 0);
        }
        RIG_TCP(rig, EVENT_ROLE_CLIENT, 7801, .attempted = 5, .refused = 5);
}

/* Owner of the one client's edge to this port. */
static struct event_owner owner_of(struct rig *rig, uint16_t port)
{
        struct event_edge edge = {};
        uint32_t index;

        RIG_TCP(rig, EVENT_ROLE_CLIENT, port, .attempted = 1, .refused = 1);
        assert_int_equal(rig_edge(rig, EVENT_TRANSPORT_TCP, EVENT_ROLE_CLIENT, port, &edge, &index), 1);
        return edge.owner;
}

/* Listens, and has a child that connects, and one that connects after exec. */
static void parent_run(const char *self)
{
        int listener = tcp_listen("127.0.0.1", 7802, 16), status;
        pid_t pid = fork();

        if (pid == 0) {
                refused(7803);
                _exit(0);
        }
        if (waitpid(pid, &status, 0) != pid || status)
                _exit(1);
        pid = fork();
        if (pid == 0) {
                execl(self, self, "connect", "7804", NULL);
                _exit(98);
        }
        if (waitpid(pid, &status, 0) != pid || status)
                _exit(2);
        refused(7805);
        close(listener);
        _exit(0);
}

static void listen_port(void **state)
{
        char self[512] = {};
        pid_t pid;

        assert_true(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
        pid = fork();
        if (pid == 0)
                parent_run(self);
        rig_wait(pid);
        assert_int_equal(owner_of(*state, 7803).listen_port, 7802);
        assert_int_equal(owner_of(*state, 7804).listen_port, 0);
        assert_int_equal(owner_of(*state, 7805).listen_port, 7802);
        assert_true(owner_of(*state, 7803).exe_inode == owner_of(*state, 7804).exe_inode);
}

/* Many processes of a few milliseconds: each is seen, with its end. */
static void storm(void **state)
{
        struct rig *rig = *state;
        int n = 60;

        rig->n_exits = 0;
        for (int i = 0; i < n; i++) {
                pid_t pid = fork();

                if (pid == 0) {
                        refused(7806);
                        _exit(i);
                }
        }
        for (int i = 0; i < n; i++)
                assert_true(wait(NULL) > 0);
        await_exits(rig, (size_t)n);
        for (int i = 0, seen = 0; i < n; i++, seen = 0) {
                for (int j = 0; j < n; j++)
                        seen += rig->exits[j].code == i && rig->exits[j].signal == 0;
                assert_int_equal(seen, 1);
        }
        RIG_TCP(rig, EVENT_ROLE_CLIENT, 7806, .attempted = (uint64_t)n, .refused = (uint64_t)n);
        rig_expect_no_loss(rig);
}

int main(int argc, char **argv)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(ends), cmocka_unit_test(listen_port), cmocka_unit_test(storm) };

        if (argc == 3 && !strcmp(argv[1], "connect")) {
                refused((uint16_t)atoi(argv[2]));
                return 0;
        }
        return cmocka_run_group_tests(tests, rig_setup, rig_teardown);
}
