/* Full maps and a full ring: what is missing is exactly what the losses say. And an edge's index on its
 * way back into use. Loading a probe takes a second, so the tests share two, in this order. */
#include "tests/bpf/rig.h"
#include "tests/bpf/sockets.h"

#include <errno.h>
#include <unistd.h>

#define CLIENT EVENT_ROLE_CLIENT
#define SERVER EVENT_ROLE_SERVER

static struct event_counts both(struct rig *rig, uint16_t port)
{
        struct event_counts client = rig_counts(rig, EVENT_TRANSPORT_TCP, CLIENT, port, NULL);
        struct event_counts server = rig_counts(rig, EVENT_TRANSPORT_TCP, SERVER, port, NULL);

        client.attempted += server.attempted;
        client.opened += server.opened;
        client.closed += server.closed;
        return client;
}

/* Waits until so many ends are counted as closed, and none more. */
static void expect_closed(struct rig *rig, uint16_t port, uint64_t closed)
{
        int64_t end = clock_monotonic() + 5 * NSEC_PER_SEC;

        while (both(rig, port).closed != closed && clock_monotonic() < end)
                usleep(2000);
        assert_int_equal(both(rig, port).closed, closed);
}

static void socks_full(void **state)
{
        struct rig *rig = *state;
        struct event_counts sum;
        struct pair pairs[100];
        uint64_t lost;
        int listener;

        rig_probe(rig, &(struct probe_options){ .socks_max = 64, .edges_max = 256, .listeners_max = 4, .ring_bytes = 4096 });
        listener = tcp_listen("127.0.0.1", 7401, 16);
        for (int i = 0; i < 100; i++)
                pairs[i] = tcp_pair(listener, "127.0.0.1", 7401);
        sum = both(rig, 7401);
        lost = rig_loss(rig, EVENT_LOSS_SOCKS_FULL);
        print_message("# of 200 ends %llu found room, and %llu did not\n", (unsigned long long)sum.opened,
                      (unsigned long long)lost);
        assert_true(lost > 0 && sum.opened >= 64);
        assert_int_equal(sum.opened + lost, 200);
        for (int i = 0; i < 100; i++)
                pair_close(&pairs[i]);
        expect_closed(rig, 7401, sum.opened);
        /* there is room again */
        pairs[0] = tcp_pair(listener, "127.0.0.1", 7401);
        pair_close(&pairs[0]);
        expect_closed(rig, 7401, sum.opened + 2);
        assert_int_equal(rig_loss(rig, EVENT_LOSS_SOCKS_FULL), lost);
        assert_int_equal(rig_loss(rig, EVENT_LOSS_CLOSE_UNSEEN), 0);
        close(listener);
}

/* Nobody drains the ring: what it still holds, and what was lost, is all there was. */
static void ring_full(void **state)
{
        int listener = tcp_listen("127.0.0.1", 7402, 16);
        uint64_t before, lost;
        struct rig *rig = *state;

        rig_drain(rig);
        rig->n_keys = 0;
        before = rig_loss(rig, EVENT_LOSS_KEYS);
        for (int i = 0; i < 200; i++) {
                struct pair pair = tcp_pair(listener, "127.0.0.1", 7402);

                pair_close(&pair);
        }
        assert_int_equal(rig->n_keys, 0);
        lost = rig_loss(rig, EVENT_LOSS_KEYS) - before;
        rig_drain(rig);
        print_message("# of 400 keys %zu found room, and %llu did not\n", rig->n_keys, (unsigned long long)lost);
        assert_true(lost > 0);
        assert_int_equal(rig->n_keys + lost, 400);
        RIG_TCP(rig, CLIENT, 7402, .attempted = 200, .opened = 200, .closed = 200);
        RIG_TCP(rig, SERVER, 7402, .attempted = 200, .opened = 200, .closed = 200);
        close(listener);
}

static void refused(uint16_t port)
{
        int error, fd = tcp_begin(AF_INET, "127.0.0.1", port, 0, &error);

        assert_int_equal(error == EINPROGRESS ? tcp_outcome(fd) : error, ECONNREFUSED);
        close(fd);
}

/* New edges that found no room in the ring are known by their number. */
static void ring_full_of_edges(void **state)
{
        struct rig *rig = *state;
        uint64_t before;

        rig_drain(rig);
        rig->n_edges = 0;
        before = rig_loss(rig, EVENT_LOSS_EVENTS);
        for (uint16_t i = 0; i < 100; i++)
                refused(7700 + i);
        rig_drain(rig);
        assert_true(rig->n_edges < 100);
        assert_int_equal(rig->n_edges + rig_loss(rig, EVENT_LOSS_EVENTS) - before, 100);
        for (uint16_t i = 0; i < 100; i++)
                RIG_TCP(rig, CLIENT, 7700 + i, .attempted = 1, .refused = 1);
}

static void listeners_full(void **state)
{
        struct event_listener listener;
        struct rig *rig = *state;
        size_t found = 0;
        int fds[10];

        for (uint16_t i = 0; i < 10; i++)
                fds[i] = tcp_listen("127.0.0.1", 7440 + i, 16);
        for (uint16_t i = 0; i < 10; i++)
                found += rig_listener(rig, EVENT_TRANSPORT_TCP, 7440 + i, &listener);
        assert_int_equal(found, 4);
        assert_int_equal(found + rig_loss(rig, EVENT_LOSS_LISTENERS_FULL), 10);
        for (int i = 0; i < 10; i++)
                close(fds[i]);
}

static void edges_full(void **state)
{
        struct rig *rig = *state;
        uint64_t opened = 0, lost;
        struct pair pairs[20];
        int listeners[20];

        rig_probe(rig, &(struct probe_options){ .edges_max = 8 });
        for (uint16_t i = 0; i < 20; i++) {
                listeners[i] = tcp_listen("127.0.0.1", 7420 + i, 16);
                pairs[i] = tcp_pair(listeners[i], "127.0.0.1", 7420 + i);
        }
        opened = both(rig, 0).opened;
        lost = rig_loss(rig, EVENT_LOSS_EDGES_FULL);
        print_message("# of 40 ends %llu have an edge, and %llu have none\n", (unsigned long long)opened, (unsigned long long)lost);
        assert_int_equal(opened, 8);
        assert_int_equal(opened + lost, 40);
        for (int i = 0; i < 20; i++) {
                pair_close(&pairs[i]);
                close(listeners[i]);
        }
        expect_closed(rig, 0, 8);
        assert_int_equal(rig_loss(rig, EVENT_LOSS_EDGES_FULL), lost);
}

struct all {
        struct rig *rig;
        struct event_edge edges[8];
        uint32_t indices[8];
        uint64_t generations[8]; /* by index */
        size_t n;
};

static int all_take(void *data, const struct event_edge *edge, uint32_t index)
{
        struct all *all = data;

        assert_true(all->n < 8 && index < 8);
        all->edges[all->n] = *edge;
        all->indices[all->n++] = index;
        all->generations[index] = probe_counts(all->rig->probe, index)->generation;
        return 0;
}

/* An index that went back has another generation in its next use, and begins at zero. */
static void retire(void **state)
{
        struct all all = { .rig = *state };
        struct rig *rig = *state;
        struct event_edge edge;
        uint32_t index;

        assert_int_equal(probe_edges(rig->probe, all_take, &all), 0);
        assert_int_equal(all.n, 8);
        for (size_t i = 0; i < all.n; i++)
                assert_int_equal(probe_retire_begin(rig->probe, &all.edges[i], all.indices[i]), 0);
        for (size_t i = 0; i < all.n; i++)
                assert_int_equal(probe_retire_end(rig->probe, &all.edges[i], all.indices[i]), 0);
        for (uint16_t i = 0; i < 8; i++) {
                refused(7450 + i);
                RIG_TCP(rig, CLIENT, 7450 + i, .attempted = 1, .refused = 1);
                assert_int_equal(rig_edge(rig, EVENT_TRANSPORT_TCP, CLIENT, 7450 + i, &edge, &index), 1);
                assert_true(probe_counts(rig->probe, index)->generation > all.generations[index]);
                assert_int_equal(rig->last_edge.index, index);
                assert_int_equal(rig->last_edge.generation, probe_counts(rig->probe, index)->generation);
        }
        for (uint16_t i = 0; i < 8; i++) {
                assert_int_equal(rig_edge(rig, EVENT_TRANSPORT_TCP, CLIENT, 7450 + i, &edge, &index), 1);
                assert_int_equal(probe_retire_begin(rig->probe, &edge, index), 0);
                assert_int_equal(probe_retire_end(rig->probe, &edge, index), 0);
        }
}

/* A connection that ends between the two steps keeps its edge, also if that was made anew meanwhile;
 * then a later attempt frees the first index. */
static void retire_too_early(void **state)
{
        int listener = tcp_listen("127.0.0.1", 7460, 16);
        uint32_t index, anew;
        struct rig *rig = *state;
        struct event_edge edge;
        struct pair pair;

        pair = tcp_pair(listener, "127.0.0.1", 7460);
        assert_int_equal(rig_edge(rig, EVENT_TRANSPORT_TCP, CLIENT, 7460, &edge, &index), 1);
        assert_int_equal(probe_retire_begin(rig->probe, &edge, index), 0);
        tcp_pass(pair.client, pair.server, 9);
        pair_close(&pair);
        assert_int_equal(probe_retire_end(rig->probe, &edge, index), -EBUSY);
        RIG_TCP(rig, CLIENT, 7460, .attempted = 1, .opened = 1, .closed = 1, .sent = 9);
        pair = tcp_pair(listener, "127.0.0.1", 7460);
        assert_int_equal(probe_retire_begin(rig->probe, &edge, index), 0);
        pair_close(&pair);
        pair = tcp_pair(listener, "127.0.0.1", 7460);
        pair_close(&pair);
        assert_int_equal(probe_retire_end(rig->probe, &edge, index), -EBUSY);
        assert_int_equal(rig_edge(rig, EVENT_TRANSPORT_TCP, CLIENT, 7460, &edge, &anew), 1);
        assert_true(anew != index);
        assert_int_equal(probe_counts(rig->probe, index)->closed, 2);
        assert_int_equal(probe_counts(rig->probe, anew)->closed, 1);
        assert_int_equal(probe_retire_begin(rig->probe, &edge, index), 0);
        assert_int_equal(probe_retire_end(rig->probe, &edge, index), 0);
        assert_int_equal(probe_counts(rig->probe, index)->closed, 0);
        RIG_TCP(rig, CLIENT, 7460, .attempted = 1, .opened = 1, .closed = 1);
        close(listener);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(socks_full),       cmocka_unit_test(ring_full),  cmocka_unit_test(ring_full_of_edges),
                cmocka_unit_test(listeners_full),   cmocka_unit_test(edges_full), cmocka_unit_test(retire),
                cmocka_unit_test(retire_too_early),
        };

        return cmocka_run_group_tests(tests, rig_setup_bare, rig_teardown);
}
