/* What no program saw. Kernels leave programs out of single events; here they are blinded for a moment.
 * An opening is then counted later, exactly; an end is a loss, and of no kind. */
#include "agent/probe_private.h"
#include "tests/bpf/rig.h"
#include "tests/bpf/sockets.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#define CLIENT EVENT_ROLE_CLIENT
#define SERVER EVENT_ROLE_SERVER

static void blind(struct rig *rig, bool yes)
{
        rig->probe->control->counting = !yes;
}

static void hole(uint16_t port, const char *verb)
{
        rig_run("nft '%s element inet rig dead { %u }'", verb, port);
}

/* A connection whose SYN was seen, and whose opening was not. */
static struct pair opened_unseen(struct rig *rig, int listener, uint16_t port)
{
        struct pollfd wait = { .events = POLLOUT };
        struct pair pair;
        int error;

        hole(port, "add");
        pair.client = tcp_begin(AF_INET, "127.0.0.1", port, 0, &error);
        assert_int_equal(error, EINPROGRESS);
        RIG_TCP(rig, CLIENT, port, .attempted = 1);
        blind(rig, true);
        hole(port, "delete");
        wait.fd = pair.client;
        assert_int_equal(poll(&wait, 1, 5000), 1);
        assert_int_equal(tcp_outcome(pair.client), 0);
        pair.server = tcp_accept(listener);
        blind(rig, false);
        return pair;
}

static void opening_is_counted_at_the_end(void **state)
{
        int listener = tcp_listen("127.0.0.1", 7700, 4);
        struct pair pair = opened_unseen(*state, listener, 7700);

        tcp_pass(pair.client, pair.server, 11);
        tcp_pass(pair.server, pair.client, 7);
        tcp_reset(pair.server);
        close(pair.client);
        RIG_TCP(*state, CLIENT, 7700, .attempted = 1, .opened = 1, .closed = 1, .reset_by_peer = 1, .sent = 11, .received = 7);
        rig_expect_no_loss(*state);
        close(listener);
}

static void opening_is_counted_by_the_sweep(void **state)
{
        int listener = tcp_listen("127.0.0.1", 7701, 4);
        struct pair pair = opened_unseen(*state, listener, 7701);
        size_t keys = ((struct rig *)*state)->n_keys;

        tcp_pass(pair.client, pair.server, 11);
        rig_sweep(*state);
        rig_sweep(*state);
        RIG_TCP(*state, CLIENT, 7701, .attempted = 1, .opened = 1, .sent = 11);
        assert_int_equal(((struct rig *)*state)->n_keys, keys + 2); /* and the server's end, adopted */
        tcp_pass(pair.client, pair.server, 2);
        pair_close(&pair);
        RIG_TCP(*state, CLIENT, 7701, .attempted = 1, .opened = 1, .closed = 1, .sent = 13);
        rig_expect_no_loss(*state);
        close(listener);
}

/* Sweeps until this many ends are known to be lost. */
static void await_losses(struct rig *rig, uint64_t n)
{
        int64_t end = clock_monotonic() + 10 * NSEC_PER_SEC;

        while (rig_loss(rig, EVENT_LOSS_CLOSE_UNSEEN) < n && clock_monotonic() < end) {
                usleep(200000);
                rig_sweep(rig);
        }
        assert_int_equal(rig_loss(rig, EVENT_LOSS_CLOSE_UNSEEN), n);
}

static void end_of_an_attempt_has_no_kind(void **state)
{
        int fd, error;

        hole(7702, "add");
        fd = tcp_begin(AF_INET, "127.0.0.1", 7702, 0, &error);
        RIG_TCP(*state, CLIENT, 7702, .attempted = 1);
        blind(*state, true);
        close(fd);
        blind(*state, false);
        await_losses(*state, 1);
        RIG_TCP(*state, CLIENT, 7702, .attempted = 1, .unseen = 1);
}

static void end_of_a_connection_closes_it(void **state)
{
        int listener = tcp_listen("127.0.0.1", 7703, 4);
        struct pair pair = tcp_pair(listener, "127.0.0.1", 7703);
        uint64_t before = rig_loss(*state, EVENT_LOSS_CLOSE_UNSEEN);

        tcp_pass(pair.client, pair.server, 5);
        rig_sweep(*state);
        blind(*state, true);
        tcp_reset(pair.client);
        blind(*state, false);
        await_losses(*state, before + 2);
        RIG_TCP(*state, CLIENT, 7703, .attempted = 1, .opened = 1, .closed = 1, .sent = 5);
        RIG_TCP(*state, SERVER, 7703, .attempted = 1, .opened = 1, .closed = 1, .received = 5);
        close(pair.server);
        close(listener);
}

static int setup(void **state)
{
        rig_setup(state);
        rig_run("nft 'table inet rig { set dead { type inet_service; }; "
                "chain in { type filter hook input priority 0; tcp dport @dead drop; }; }'");
        return 0;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(opening_is_counted_at_the_end),
                cmocka_unit_test(opening_is_counted_by_the_sweep),
                cmocka_unit_test(end_of_an_attempt_has_no_kind),
                cmocka_unit_test(end_of_a_connection_closes_it),
        };

        return cmocka_run_group_tests(tests, setup, rig_teardown);
}
