/* From request to reply: as many as there were exchanges while the tier is on, at both ends, and none
 * otherwise. */
#include "tests/bpf/rig.h"
#include "tests/bpf/sockets.h"

#include <errno.h>
#include <unistd.h>

static uint64_t total(const uint32_t *histogram)
{
        uint64_t n = 0;

        for (size_t i = 0; i < EVENT_HISTOGRAM_BUCKETS; i++)
                n += histogram[i];
        return n;
}

static void expect(struct rig *rig, uint16_t port, uint64_t n)
{
        struct event_counts client = rig_counts(rig, EVENT_TRANSPORT_TCP, EVENT_ROLE_CLIENT, port, NULL);
        struct event_counts server = rig_counts(rig, EVENT_TRANSPORT_TCP, EVENT_ROLE_SERVER, port, NULL);

        assert_int_equal(total(client.turnaround), n);
        assert_int_equal(total(server.turnaround), n);
}

static void exchange(const struct pair *pair)
{
        tcp_pass(pair->client, pair->server, 100);
        tcp_pass(pair->server, pair->client, 50);
}

static void only_while_on(void **state)
{
        int listener = tcp_listen("127.0.0.1", 7201, 16), r = probe_turnarounds(((struct rig *)*state)->probe, true);
        struct rig *rig = *state;
        struct pair pair, other;

        if (r == -ENOTSUP) {
                print_message("# this kernel has no hook for turnarounds\n");
                skip();
        }
        assert_int_equal(r, 0);
        assert_int_equal(probe_turnarounds(rig->probe, false), 0);
        pair = tcp_pair(listener, "127.0.0.1", 7201);
        other = tcp_pair(listener, "127.0.0.1", 7201);
        for (int i = 0; i < 20; i++)
                exchange(&pair);
        expect(rig, 7201, 0);
        assert_int_equal(probe_turnarounds(rig->probe, true), 0);
        for (int i = 0; i < 50; i++) {
                exchange(&pair);
                exchange(&other);
        }
        expect(rig, 7201, 100);
        assert_int_equal(probe_turnarounds(rig->probe, false), 0);
        for (int i = 0; i < 20; i++)
                exchange(&pair);
        expect(rig, 7201, 100);
        pair_close(&pair);
        pair_close(&other);
        close(listener);
}

/* A request in pieces and a reply in pieces are one turn. */
static void pieces(void **state)
{
        int listener = tcp_listen("127.0.0.1", 7202, 16);
        struct rig *rig = *state;
        struct pair pair;

        if (probe_turnarounds(rig->probe, true) == -ENOTSUP)
                skip();
        pair = tcp_pair(listener, "127.0.0.1", 7202);
        for (int i = 0; i < 10; i++) {
                for (int j = 0; j < 3; j++)
                        tcp_pass(pair.client, pair.server, 10);
                for (int j = 0; j < 4; j++)
                        tcp_pass(pair.server, pair.client, 10);
        }
        expect(rig, 7202, 10);
        assert_int_equal(probe_turnarounds(rig->probe, false), 0);
        pair_close(&pair);
        close(listener);
}

/* What is open when the tier goes off is never measured, not even by the next round. */
static void none_across_rounds(void **state)
{
        int listener = tcp_listen("127.0.0.1", 7203, 16);
        struct rig *rig = *state;
        struct pair pair;

        if (probe_turnarounds(rig->probe, true) == -ENOTSUP)
                skip();
        pair = tcp_pair(listener, "127.0.0.1", 7203);
        tcp_pass(pair.client, pair.server, 100);
        assert_int_equal(probe_turnarounds(rig->probe, false), 0);
        assert_int_equal(probe_turnarounds(rig->probe, true), 0);
        tcp_pass(pair.server, pair.client, 100);
        expect(rig, 7203, 0);
        exchange(&pair);
        expect(rig, 7203, 1);
        assert_int_equal(probe_turnarounds(rig->probe, false), 0);
        pair_close(&pair);
        close(listener);
}

/* The time is the server's: 30 ms fall into the buckets above 24 ms. */
static void long_turn(void **state)
{
        int listener = tcp_listen("127.0.0.1", 7204, 16);
        struct event_counts client;
        struct rig *rig = *state;
        struct pair pair;

        if (probe_turnarounds(rig->probe, true) == -ENOTSUP)
                skip();
        pair = tcp_pair(listener, "127.0.0.1", 7204);
        tcp_pass(pair.client, pair.server, 100);
        usleep(30000); /* the work that is measured */
        tcp_pass(pair.server, pair.client, 100);
        assert_int_equal(probe_turnarounds(rig->probe, false), 0);
        expect(rig, 7204, 1);
        client = rig_counts(rig, EVENT_TRANSPORT_TCP, EVENT_ROLE_CLIENT, 7204, NULL);
        for (size_t i = 0; i < 2 * 14 + 1; i++) /* 2^14 · 1.5 µs is 24.6 ms */
                assert_int_equal(client.turnaround[i], 0);
        pair_close(&pair);
        close(listener);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(only_while_on),
                cmocka_unit_test(pieces),
                cmocka_unit_test(none_across_rounds),
                cmocka_unit_test(long_turn),
        };

        return cmocka_run_group_tests(tests, rig_setup, rig_teardown);
}
