/* Busy, idle, held and left in CLOSE_WAIT, as the sweep tells them apart, with real sockets. */
#include "tests/bpf/rig.h"
#include "tests/bpf/sockets.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct found {
        uint32_t tgid;
        uint32_t edge;
        struct event_pool sum;
        size_t pools;
};

static int add(void *data, const struct event_pool_key *key, const struct event_pool *pool)
{
        struct found *f = data;

        if (key->edge != f->edge || (f->tgid && key->tgid != f->tgid))
                return 0;
        f->pools++;
        f->sum.busy += pool->busy;
        f->sum.idle += pool->idle;
        f->sum.held += pool->held;
        f->sum.close_wait += pool->close_wait;
        f->sum.held_ever += pool->held_ever;
        f->sum.reused += pool->reused;
        f->sum.skipped += pool->skipped;
        f->sum.overdue += pool->overdue;
        return 0;
}

/* All pools on the one edge of this port in this role; tgid 0 is any process. */
static struct found find(struct rig *rig, int role, uint16_t port, pid_t tgid)
{
        struct found f = { .tgid = (uint32_t)tgid, .edge = UINT32_MAX };
        struct event_edge edge;

        if (rig_edge(rig, EVENT_TRANSPORT_TCP, role, port, &edge, &f.edge) != 1)
                fail_msg("there is not one edge of port %u", port);
        assert_int_equal(probe_pools(rig->probe, add, &f), 0);
        return f;
}

static void expect(struct rig *rig, int role, uint16_t port, uint32_t busy, uint32_t idle, uint32_t held, uint32_t close_wait)
{
        struct found f;

        rig_sweep(rig);
        rig_drain(rig);
        f = find(rig, role, port, 0);
        if (f.sum.busy != busy || f.sum.idle != idle || f.sum.held != held || f.sum.close_wait != close_wait)
                fail_msg("port %u: busy %u idle %u held %u close_wait %u, expected %u %u %u %u", port, f.sum.busy, f.sum.idle,
                         f.sum.held, f.sum.close_wait, busy, idle, held, close_wait);
}

#define CLIENT EVENT_ROLE_CLIENT
#define SERVER EVENT_ROLE_SERVER

/* Request, long silence, reply; and a second request on one of them. */
static void busy_until_the_reply(void **state)
{
        int listener = tcp_listen("127.0.0.1", 7301, 16);
        struct pair p[3];

        for (int i = 0; i < 3; i++)
                p[i] = tcp_pair(listener, "127.0.0.1", 7301);
        expect(*state, CLIENT, 7301, 0, 3, 0, 0);
        tcp_pass(p[0].client, p[0].server, 100);
        tcp_pass(p[1].client, p[1].server, 100000);
        expect(*state, CLIENT, 7301, 2, 1, 0, 0);
        expect(*state, CLIENT, 7301, 2, 1, 0, 0); /* however long it takes */
        tcp_pass(p[0].server, p[0].client, 50000);
        expect(*state, CLIENT, 7301, 1, 2, 0, 0);
        tcp_pass(p[1].server, p[1].client, 1);
        expect(*state, CLIENT, 7301, 0, 3, 0, 0);
        for (int i = 0; i < 3; i++)
                pair_close(&p[i]);
        assert_int_equal(find(*state, CLIENT, 7301, 0).pools, 1);
        rig_sweep(*state);
        assert_int_equal(find(*state, CLIENT, 7301, 0).pools, 0);
        close(listener);
}

/* A greeting of the server's, as of MySQL and SMTP, is no request. */
static void a_greeting_is_idle(void **state)
{
        int listener = tcp_listen("::1", 7302, 16);
        struct pair p = tcp_pair(listener, "::1", 7302);

        tcp_pass(p.server, p.client, 80);
        expect(*state, CLIENT, 7302, 0, 1, 0, 0);
        pair_close(&p);
        close(listener);
}

/* The answers that a keep-alive brings move the window, and tell nothing. */
static void a_keepalive_is_no_work(void **state)
{
        int listener = tcp_listen("127.0.0.1", 7303, 16), on = 1, one = 1;
        struct pair p = tcp_pair(listener, "127.0.0.1", 7303);
        int64_t end = clock_monotonic() + 5 * NSEC_PER_SEC;
        uint32_t probes = 0;

        tcp_pass(p.client, p.server, 10);
        tcp_pass(p.server, p.client, 10);
        expect(*state, CLIENT, 7303, 0, 1, 0, 0);
        assert_int_equal(setsockopt(p.client, IPPROTO_TCP, 4 /* TCP_KEEPIDLE */, &one, sizeof(one)), 0);
        assert_int_equal(setsockopt(p.client, IPPROTO_TCP, 5 /* TCP_KEEPINTVL */, &one, sizeof(one)), 0);
        assert_int_equal(setsockopt(p.client, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on)), 0);
        /* tcpi_segs_out counts them; it is the 36th word of struct tcp_info */
        for (uint32_t before = 0; probes < 2 && clock_monotonic() < end; usleep(50000)) {
                uint32_t info[64] = { 0 };
                socklen_t size = sizeof(info);

                assert_int_equal(getsockopt(p.client, IPPROTO_TCP, 11 /* TCP_INFO */, info, &size), 0);
                if (!before)
                        before = info[34];
                probes = info[34] - before;
        }
        assert_true(probes >= 2);
        expect(*state, CLIENT, 7303, 0, 1, 0, 0);
        pair_close(&p);
        close(listener);
}

/* Quiet and openings are told apart by a clock of 67 ms. */
static void let_the_clock_move(void)
{
        usleep(150000);
}

/* What a leak looks like: a pool that opens while others lie idle cannot use those. */
static void held_across_an_opening(void **state)
{
        int listener = tcp_listen("127.0.0.1", 7304, 16);
        struct pair p[4];

        for (int i = 0; i < 2; i++) {
                p[i] = tcp_pair(listener, "127.0.0.1", 7304);
                tcp_pass(p[i].client, p[i].server, 10);
                tcp_pass(p[i].server, p[i].client, 10);
        }
        expect(*state, CLIENT, 7304, 0, 2, 0, 0);
        let_the_clock_move();
        p[2] = tcp_pair(listener, "127.0.0.1", 7304);
        expect(*state, CLIENT, 7304, 0, 3, 0, 0); /* the opening is known from here on */
        expect(*state, CLIENT, 7304, 0, 3, 2, 0);
        tcp_pass(p[0].client, p[0].server, 10); /* it was merely resting */
        expect(*state, CLIENT, 7304, 1, 2, 1, 0);
        tcp_pass(p[0].server, p[0].client, 10);
        expect(*state, CLIENT, 7304, 0, 3, 1, 0);
        let_the_clock_move();
        p[3] = tcp_pair(listener, "127.0.0.1", 7304);
        rig_sweep(*state);
        expect(*state, CLIENT, 7304, 0, 4, 3, 0);
        assert_int_equal(find(*state, CLIENT, 7304, 0).sum.held_ever, 4); /* the first one twice */
        assert_int_equal(find(*state, CLIENT, 7304, 0).sum.reused, 1);
        for (int i = 0; i < 4; i++)
                pair_close(&p[i]);
        close(listener);
}

/* What two sweeps found to be quiet is told apart by half a second. */
static void let_a_moment_pass(void)
{
        usleep(700000);
}

static void use(struct pair *p)
{
        tcp_pass(p->client, p->server, 10);
        tcp_pass(p->server, p->client, 10);
}

static uint32_t skipped(struct rig *rig, uint16_t port)
{
        rig_sweep(rig);
        return find(rig, CLIENT, port, 0).sum.skipped;
}

/* Three of four used once each sweep; how many sweeps until the fourth counts as skipped, or `most`. */
static int until_skipped(struct rig *rig, struct pair *p, uint16_t port, int but, int most)
{
        for (int n = 0; n < most; n++) {
                for (int i = 0; i < 4; i++)
                        if (i != but)
                                use(&p[i]);
                if (skipped(rig, port))
                        return n;
        }
        return most;
}

/* A connection that its pool passes over, though it opens no other: it used one that had been idle for longer. */
static void passed_over(void **state)
{
        int listener = tcp_listen("127.0.0.1", 7308, 16), after;
        struct pair p[4];

        for (int i = 0; i < 4; i++)
                p[i] = tcp_pair(listener, "127.0.0.1", 7308);
        rig_sweep(*state);
        rig_drain(*state);
        for (int i = 0; i < 4; i++) { /* fewer and fewer are needed */
                let_a_moment_pass();
                for (int k = i; k < 4; k++)
                        use(&p[k]);
                assert_int_equal(skipped(*state, 7308), 0);
        }
        for (int n = 0; n < 40; n++) { /* the latest first, and a reserve of three: nobody is passed over */
                use(&p[3]);
                assert_int_equal(skipped(*state, 7308), 0);
        }
        use(&p[0]); /* though 1 and 2 were used later; 2 comes back, 1 does not */
        assert_int_equal(skipped(*state, 7308), 0);
        after = until_skipped(*state, p, 7308, 1, 12);
        assert_true(after >= 3 && after < 8); /* three turns of four uses, of which each sweep sees three */
        assert_int_equal(find(*state, CLIENT, 7308, 0).sum.skipped, 1);
        assert_int_equal(find(*state, CLIENT, 7308, 0).sum.held, 0);
        use(&p[1]); /* its pool does so: from now on it takes longer to be sure */
        assert_int_equal(skipped(*state, 7308), 0);
        let_a_moment_pass();
        use(&p[1]);
        assert_int_equal(skipped(*state, 7308), 0);
        let_a_moment_pass();
        use(&p[0]);
        assert_int_equal(skipped(*state, 7308), 0);
        after = until_skipped(*state, p, 7308, 1, 24);
        assert_true(after >= 9 && after < 24);
        for (int i = 0; i < 4; i++)
                pair_close(&p[i]);
        close(listener);
}

/* Held, and left out while the others have turn after turn. */
static void overdue(void **state)
{
        int listener = tcp_listen("127.0.0.1", 7309, 16), sweeps = 0;
        struct found f = { 0 };
        struct pair p[3];

        for (int i = 0; i < 2; i++)
                p[i] = tcp_pair(listener, "127.0.0.1", 7309);
        rig_sweep(*state);
        rig_drain(*state);
        let_the_clock_move();
        p[2] = tcp_pair(listener, "127.0.0.1", 7309);
        rig_sweep(*state);
        expect(*state, CLIENT, 7309, 0, 3, 2, 0);
        for (; sweeps < 12 && !f.sum.overdue; sweeps++) {
                use(&p[1]);
                use(&p[2]);
                rig_sweep(*state);
                f = find(*state, CLIENT, 7309, 0);
                assert_int_equal(f.sum.held, 1);
        }
        assert_true(sweeps >= 4 && sweeps < 10); /* three turns of three uses, of which each sweep sees two */
        assert_int_equal(f.sum.overdue, 1);
        assert_int_equal(f.sum.skipped, 0);
        use(&p[0]);
        rig_sweep(*state);
        assert_int_equal(find(*state, CLIENT, 7309, 0).sum.overdue, 0);
        for (int i = 0; i < 3; i++)
                pair_close(&p[i]);
        close(listener);
}

/* The peer has closed, and our process has not: at either end, and for as long as it lasts. */
static void left_in_close_wait(void **state)
{
        int listener = tcp_listen("127.0.0.1", 7305, 16);
        struct pair p[3];

        for (int i = 0; i < 3; i++)
                p[i] = tcp_pair(listener, "127.0.0.1", 7305);
        close(p[0].server);
        close(p[1].client);
        expect(*state, CLIENT, 7305, 0, 1, 0, 1);
        expect(*state, CLIENT, 7305, 0, 1, 0, 1);
        assert_int_equal(find(*state, SERVER, 7305, 0).sum.close_wait, 1);
        assert_int_equal(find(*state, SERVER, 7305, 0).sum.idle, 0);
        close(p[0].client);
        close(p[1].server);
        pair_close(&p[2]);
        close(listener);
}

/* One pool a process: the child's connections are its own, and those it inherits stay the parent's
 * for as long as that holds them. */
static void a_pool_for_each_process(void **state)
{
        int listener = tcp_listen("127.0.0.1", 7306, 16), go[2], ready[2];
        struct pair p = tcp_pair(listener, "127.0.0.1", 7306);
        char byte = 0;
        pid_t child;

        assert_int_equal(pipe(go), 0);
        assert_int_equal(pipe(ready), 0);
        child = fork();
        if (child == 0) {
                struct pair q[2];

                close(go[1]);
                for (int i = 0; i < 2; i++)
                        q[i] = tcp_pair(listener, "127.0.0.1", 7306);
                if (write(ready[1], &byte, 1) != 1 || read(go[0], &byte, 1) != 0)
                        _exit(1);
                for (int i = 0; i < 2; i++)
                        pair_close(&q[i]);
                _exit(0);
        }
        close(go[0]);
        assert_int_equal(read(ready[0], &byte, 1), 1);
        rig_sweep(*state);
        rig_drain(*state);
        assert_int_equal(find(*state, CLIENT, 7306, 0).pools, 2);
        assert_int_equal(find(*state, CLIENT, 7306, getpid()).sum.idle, 1);
        assert_int_equal(find(*state, CLIENT, 7306, child).sum.idle, 2);
        close(go[1]);
        rig_wait(child);
        pair_close(&p);
        close(listener);
        close(ready[0]);
        close(ready[1]);
}

/* No room for a pool is said, and the connection is counted all the same. */
static void a_full_map_is_said(void **state)
{
        int listener = tcp_listen("127.0.0.1", 7310, 64), other[24];
        struct pair p[24];

        rig_probe(*state, &(struct probe_options){ .pools_max = 16 });
        for (int i = 0; i < 24; i++) {
                other[i] = tcp_listen("127.0.0.1", (uint16_t)(7311 + i), 4);
                p[i] = tcp_pair(other[i], "127.0.0.1", (uint16_t)(7311 + i));
        }
        rig_sweep(*state);
        assert_true(rig_loss(*state, EVENT_LOSS_POOLS) > 0);
        for (int i = 0; i < 24; i++) {
                RIG_TCP(*state, CLIENT, (uint16_t)(7311 + i), .attempted = 1, .opened = 1);
                pair_close(&p[i]);
                close(other[i]);
        }
        close(listener);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(busy_until_the_reply),
                cmocka_unit_test(a_greeting_is_idle),
                cmocka_unit_test(a_keepalive_is_no_work),
                cmocka_unit_test(held_across_an_opening),
                cmocka_unit_test(passed_over),
                cmocka_unit_test(overdue),
                cmocka_unit_test(left_in_close_wait),
                cmocka_unit_test(a_pool_for_each_process),
                cmocka_unit_test(a_full_map_is_said),
        };

        return cmocka_run_group_tests(tests, rig_setup, rig_teardown);
}
