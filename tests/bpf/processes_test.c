/* Processes: how they end, and what a child inherits of its parent's listening. */
#include "tests/bpf/rig.h"
#include "tests/bpf/sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
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

/* More than one system call gives: each edge is met, and only once. */
static void walk(void **state)
{
        struct event_counts before, after;
        size_t edges_before, edges_after;
        struct rig *rig = *state;
        int n = 600;

        before = rig_counts(rig, EVENT_TRANSPORT_TCP, EVENT_ROLE_CLIENT, 0, &edges_before);
        for (int i = 0; i < n; i++)
                refused((uint16_t)(20000 + i));
        RIG_TCP(rig, EVENT_ROLE_CLIENT, 20000, .attempted = 1, .refused = 1);
        RIG_TCP(rig, EVENT_ROLE_CLIENT, (uint16_t)(20000 + n - 1), .attempted = 1, .refused = 1);
        after = rig_counts(rig, EVENT_TRANSPORT_TCP, EVENT_ROLE_CLIENT, 0, &edges_after);
        assert_int_equal(after.attempted - before.attempted, n);
        assert_int_equal(after.refused - before.refused, n);
        assert_int_equal(edges_after - edges_before, n);
}

struct ran {
        uint32_t tgid;
        uint64_t ns;
        unsigned threads;
};

static void ran_add(void *data, uint32_t tgid, uint64_t ns)
{
        struct ran *ran = data;

        if (tgid != ran->tgid)
                return;
        ran->ns += ns;
        ran->threads++;
}

static struct ran ran_of(struct rig *rig, pid_t pid)
{
        struct ran ran = { .tgid = (uint32_t)pid };

        assert_int_equal(probe_ran(rig->probe, ran_add, &ran), 0);
        return ran;
}

static void burn(int64_t ns)
{
        struct timespec t;

        do
                clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
        while (t.tv_sec * NSEC_PER_SEC + t.tv_nsec < ns);
}

static void *burning_thread(void *data)
{
        char byte;

        if (read(*(int *)data, &byte, 1) == 1)
                burn(30 * NSEC_PER_MSEC);
        pause();
        return NULL;
}

/* Waits until the clock of a process stands still, which is when it sleeps. */
static struct ran ran_asleep(struct rig *rig, pid_t pid, uint64_t more_than)
{
        int64_t end = clock_monotonic() + 5 * NSEC_PER_SEC;
        struct ran now = ran_of(rig, pid), before;

        do {
                before = now;
                usleep(20000);
                now = ran_of(rig, pid);
        } while ((now.ns != before.ns || now.ns <= more_than) && clock_monotonic() < end);
        return now;
}

/* Who ran is told of the processes that are known, over all their threads; one that sleeps has not. */
static void who_ran(void **state)
{
        struct ran first, then, same;
        struct rig *rig = *state;
        int go[2], ready[2];
        pid_t pid, unknown;
        char byte = 'x';

        assert_int_equal(pipe2(go, O_CLOEXEC), 0);
        assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
        unknown = fork();
        if (unknown == 0) {
                pause();
                _exit(0);
        }
        pid = fork();
        if (pid == 0) {
                pthread_t thread;

                refused(7807);
                if (pthread_create(&thread, NULL, burning_thread, &go[0]) || write(ready[1], &byte, 1) != 1)
                        _exit(1);
                pause();
                _exit(0);
        }
        assert_int_equal(read(ready[0], &byte, 1), 1);
        first = ran_asleep(rig, pid, 0);
        assert_int_equal(first.threads, 2);
        assert_true(first.ns > 0);
        same = ran_of(rig, pid);
        assert_true(same.ns == first.ns);
        assert_int_equal(write(go[1], &byte, 1), 1);
        then = ran_asleep(rig, pid, first.ns + 29 * NSEC_PER_MSEC);
        assert_true(then.ns - first.ns >= 29 * NSEC_PER_MSEC);
        assert_int_equal(ran_of(rig, unknown).threads, 0);
        for (size_t i = 0; i < 2; i++) {
                close(go[i]);
                close(ready[i]);
        }
        kill(pid, SIGKILL);
        kill(unknown, SIGKILL);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        assert_int_equal(waitpid(unknown, NULL, 0), unknown);
}

int main(int argc, char **argv)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(ends), cmocka_unit_test(listen_port), cmocka_unit_test(storm),
                                            cmocka_unit_test(walk), cmocka_unit_test(who_ran) };

        if (argc == 3 && !strcmp(argv[1], "connect")) {
                refused((uint16_t)atoi(argv[2]));
                return 0;
        }
        return cmocka_run_group_tests(tests, rig_setup, rig_teardown);
}
