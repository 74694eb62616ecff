/* Nested events. The kernel drops the run of a program inside itself, and a batch of time-outs fires in
 * the timer's interrupt, often amid the run for another connection; other programs stand in. Thousands
 * of connects to a black hole time out together while other connections go on, and each is counted. */
#include "agent/probe_private.h"
#include "tests/bpf/rig.h"
#include "tests/bpf/sockets.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#define HOLES_MAX 8192

/* Runs of a program that the kernel dropped. */
static uint64_t misses(const struct bpf_program *program)
{
        struct bpf_prog_info info = {};
        __u32 size = sizeof(info);

        assert_int_equal(bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size), 0);
        return info.recursion_misses;
}

/* Refused connects and short listens, without a pause: a good part of this is in the program. */
struct noise {
        _Atomic uint64_t refused;
        _Atomic bool stop;
};

static void noise_make(struct noise *noise)
{
        while (!noise->stop) {
                int error, fd = tcp_begin(AF_INET, "127.0.0.1", 7501, 0, &error);

                if (error == EINPROGRESS)
                        error = tcp_outcome(fd);
                if (error != ECONNREFUSED)
                        _exit(1);
                close(fd);
                noise->refused++;
                for (int i = 0; i < 32; i++)
                        close(tcp_listen("127.0.0.1", 7502, 1));
        }
}

static pid_t noise_start(struct noise *noise)
{
        pid_t pid = fork();

        if (pid)
                return pid;
        noise_make(noise);
        _exit(0);
}

/* Timers fire where they were started: there the noise belongs. */
static void stay_on_one_processor(void)
{
        cpu_set_t set;
        int here = sched_getcpu();

        CPU_ZERO(&set);
        CPU_SET(here < 0 ? 0 : here, &set);
        assert_int_equal(sched_setaffinity(0, sizeof(set), &set), 0);
}

/* Sweeps until every attempt is accounted for; how many of them only as a loss. */
static int await_all_ended(struct rig *rig, int n)
{
        int64_t end = clock_monotonic() + 10 * NSEC_PER_SEC;
        struct event_counts counts;

        do {
                rig_drain(rig);
                rig_sweep(rig);
                counts = rig_counts(rig, EVENT_TRANSPORT_TCP, EVENT_ROLE_CLIENT, 7666, NULL);
        } while (counts.timed_out + counts.unseen < (uint64_t)n && clock_monotonic() < end);
        return (int)counts.unseen;
}

static void time_outs_amid_connections(void **state)
{
        int n = rig_fast() ? 2000 : HOLES_MAX, listener = tcp_listen("127.0.0.1", 7500, 64), others = 0, timed_out = 0, unseen,
            error;
        int64_t end = clock_monotonic() + 15 * NSEC_PER_SEC;
        struct noise *noise = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        static struct pollfd holes[HOLES_MAX];
        struct connections_bpf *object = ((struct rig *)*state)->probe->connections;
        typeof(object->progs) *programs = &object->progs;
        struct event_listener left;
        pid_t pid;

        assert_true(noise != MAP_FAILED);
        stay_on_one_processor();
        pid = noise_start(noise);

        for (int i = 0; i < n; i++) {
                holes[i].fd = tcp_begin(AF_INET, "127.0.0.1", 7666, 50, &error);
                holes[i].events = POLLOUT;
                assert_int_equal(error, EINPROGRESS);
        }
        while (timed_out < n) {
                assert_true(clock_monotonic() < end);
                for (int i = 0; i < 20; i++, others++) {
                        struct pair pair = tcp_pair(listener, "127.0.0.1", 7500);

                        tcp_pass(pair.client, pair.server, 3);
                        pair_close(&pair);
                }
                rig_drain(*state);
                if (poll(holes, (nfds_t)n, 0) <= 0)
                        continue;
                for (int i = 0; i < n; i++) {
                        if (holes[i].fd < 0 || !holes[i].revents)
                                continue;
                        assert_int_equal(tcp_outcome(holes[i].fd), ETIMEDOUT);
                        close(holes[i].fd);
                        holes[i].fd = -1;
                        timed_out++;
                }
        }
        noise->stop = true;
        rig_wait(pid);
        print_message("# %d time-outs amid %d connections and %llu refusals; %llu runs dropped, %llu found by others\n", n, others,
                      (unsigned long long)noise->refused, (unsigned long long)misses(programs->state_first),
                      (unsigned long long)((struct rig *)*state)->probe->control->taken_over);
        /* Some machines leave programs out of whole interrupts, and no counter of the kernel says so. What
         * was not seen must then be found by the sweep and be a loss, one for each. */
        unseen = await_all_ended(*state, n);
        RIG_TCP(*state, EVENT_ROLE_CLIENT, 7666, .attempted = n, .timed_out = n - unseen, .unseen = unseen);
        if (unseen || rig_loss(*state, EVENT_LOSS_CLOSE_UNSEEN)) {
                print_message("# %d ends that no program saw, all of them flagged\n", unseen);
                assert_true(rig_loss(*state, EVENT_LOSS_CLOSE_UNSEEN) >= (uint64_t)unseen);
                close(listener);
                return;
        }
        RIG_TCP(*state, EVENT_ROLE_CLIENT, 7501, .attempted = noise->refused, .refused = noise->refused);
        RIG_TCP(*state, EVENT_ROLE_CLIENT, 7500, .attempted = others, .opened = others, .closed = others, .sent = 3 * others);
        RIG_TCP(*state, EVENT_ROLE_SERVER, 7500, .attempted = others, .opened = others, .closed = others, .received = 3 * others);
        assert_int_equal(rig_listener(*state, EVENT_TRANSPORT_TCP, 7502, &left), 0);
        assert_int_equal(rig_loss(*state, EVENT_LOSS_CLOSE_UNSEEN), 0);
        assert_int_equal(rig_loss(*state, EVENT_LOSS_SOCKS_FULL), 0);
        close(listener);
}

static int setup(void **state)
{
        struct rlimit files = { 20000, 20000 };

        setrlimit(RLIMIT_NOFILE, &files);
        rig_setup(state);
        rig_run("nft 'table inet rig { chain in { type filter hook input priority 0; tcp dport 7666 drop; }; }'");
        return 0;
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(time_outs_amid_connections) };

        return cmocka_run_group_tests(tests, setup, rig_teardown);
}
